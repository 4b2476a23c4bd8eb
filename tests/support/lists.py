"""Brokers' lists for tests: written, built, and read back."""

from pathlib import Path

from barmill.market.tables import read_rows
from barmill.stages import instruments

Rows = list[dict[str, str]]


def build_list(folder: Path, content: str | bytes, name: str = "list.csv", **own: dict[str, str]) -> tuple[Rows, Rows]:
    """Accepted and rejected rows of a list with this content; `own` are the project's `venue_names` and `headings`."""
    source = folder / name
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    accepted, rejected = folder / f"{name}.accepted.csv", folder / f"{name}.rejected.csv"
    instruments.build(
        source=source, accepted=accepted, rejected=rejected, source_file=name, **{"venue_names": {}, "headings": {}, **own}
    )
    return read_rows(accepted), read_rows(rejected)


def accepted_bytes(folder: Path, content: str | bytes, name: str = "list.csv") -> bytes:
    """The accepted table of a list with this content, as it is on disk."""
    build_list(folder, content, name)
    return (folder / f"{name}.accepted.csv").read_bytes()
