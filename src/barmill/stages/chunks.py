"""Bars of each dataset in one Parquet file per period, and a manifest that vouches for each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from barmill.market.chunkset import SUFFIX, columns_of, read_export, split, write_chunk
from barmill.market.compression import compression_of
from barmill.market.manifest import Identity, Manifest
from barmill.plan import Plan
from barmill.target import Target


def build(
    export: Sequence[Path], chunks: Path, manifest: Path, *, identity: Mapping[str, str], clock: str, compression: str
) -> None:
    """Cut an export where its periods begin.

    Args:
        export: the clean CSV of the dataset; none if it has no bar.
        chunks: folder of `<period>.parquet`, columns as `chunkset.read_export` gives them; not written if there is no bar.
        manifest: JSON of `Manifest`.
        identity: what the chunks have in common; see `Identity`.
        clock: IANA time zone of the export's stamps; "" where they are dates.
        compression: see `parse_compression`.
    """
    whose = Identity(**identity)
    written = []
    for path in export:
        for period, bars in split(read_export(path, whose, clock), whose):
            chunks.mkdir(exist_ok=True)
            file = chunks / f"{period.name}{SUFFIX}"
            written.append(write_chunk(file, bars, whose, compression))
    manifest.write_bytes(Manifest(whose, columns_of(whose), written).encode())


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset."""
    compression = compression_of("chunks", plan.settings.compression)
    for dataset in plan.datasets():
        export, diagnosis = (plan.path("export", f"{dataset.name}{suffix}") for suffix in (".csv", ".json"))
        has_no_bar = diagnosis.exists() and not export.exists()
        yield Target(
            name=dataset.name,
            build=build,
            inputs={"export": [] if has_no_bar else [export]},
            outputs={"chunks": plan.path("chunks", dataset.name), "manifest": plan.manifest_path(dataset.name)},
            params={"identity": asdict(plan.identity(dataset)), "clock": dataset.zone, "compression": compression},
            optional=frozenset({"chunks"}),
        )
