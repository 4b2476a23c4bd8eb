"""The answer to a question about bars in order of time: from panels where they are up to date, else from the chunks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from barmill.errors import ChunkCorrupt, ChunkMissing
from barmill.hashing import digest_bytes
from barmill.market.chunkset import read_span
from barmill.market.manifest import Chunk, Manifest
from barmill.market.panels import Panel
from barmill.market.schema import NAME
from barmill.market.tables import ascends, text_array
from barmill.reader.query import Query, steadily

if TYPE_CHECKING:
    import pyarrow as pa

_WORTH = 16
"""Series from which on a panel is read faster than their chunks."""

Members = Mapping[str, tuple[Manifest, Chunk]]


def read(query: Query) -> "pa.Table":
    """All bars that are asked for, ascending and unique in (stamp, name).

    Raises:
        ChunkMissing: a chunk or a manifest is not there.
        ChunkCorrupt: a chunk, a panel or a manifest is not what was built.
    """
    return steadily(lambda: _read(query))


def _read(query: Query) -> "pa.Table":
    import pyarrow as pa

    periods: dict[str, dict[str, tuple[Manifest, Chunk]]] = {}
    spans = set()
    for dataset in query.datasets:
        manifest = query.catalogue.manifest(dataset)
        spans.add(query.span(manifest))
        for chunk in query.hits(manifest):
            periods.setdefault(chunk.period, {})[dataset.name] = (manifest, chunk)
    tables = [query.nothing()]
    for period, members in sorted(periods.items()):
        panel = _panel(query, period, members) if len(spans) == 1 and len(members) >= _WORTH else None
        tables.append(_together(query, members) if panel is None else panel)
    return sort(pa.concat_tables(tables), query)


def sort(table: "pa.Table", query: Query) -> "pa.Table":
    """A table of bars in order of time, then of name."""
    key = [query.stamp, NAME]
    return table if ascends(table.select(key)) else table.sort_by([(name, "ascending") for name in key])


def _together(query: Query, members: Members) -> "pa.Table":
    """The bars of a period from its chunks."""
    import pyarrow as pa

    # the sort is stable: bars of one time stay in order of name
    return pa.concat_tables([query.piece(*each) for _, each in sorted(members.items())]).sort_by(query.stamp)


def _panel(query: Query, period: str, members: Members) -> "pa.Table | None":
    """The bars of a period from its panel; None if there is none that was made of these chunks."""
    stem = f"{query.datasets[0].frequency}/{period}"
    try:
        panel = Panel.read(query.catalogue.plan.path("panel", f"{stem}.json"))
    except ChunkMissing:
        return None
    if any(panel.chunks.get(name) != chunk.digest for name, (_, chunk) in members.items()):
        return None
    path = query.catalogue.plan.path("panel", f"{stem}.parquet")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if digest_bytes(data) != panel.digest:
        raise ChunkCorrupt(f"panel {path} is not what its manifest vouches for", f'run "doit panel:{stem}"')
    manifest, _ = next(iter(members.values()))
    table = read_span(data, *query.span(manifest), query.columns)
    return (table if len(members) == len(panel.chunks) else _only(table, members)).select(query.columns)


def _only(table: "pa.Table", members: Members) -> "pa.Table":
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table.column(NAME), text_array(sorted(members))))
