"""Indicators of each dataset of daily bars, as one wide table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.market.compression import compression_of
from barmill.plan import Plan
from barmill.target import Target

_BARS = ("date", "open", "high", "low", "close", "volume")


def build(chunks: Sequence[Path], out: Path, *, symbol: str, window: int, compression: str) -> None:
    """Compute the indicators of the bars in all chunks together.

    Args:
        chunks: the dataset's chunks, in order of time.
        out: Parquet, a row a bar; see `frame.indicators` and INDICATORS.md.
        symbol: what its rows are named after.
        window: see `frame.indicators`.
        compression: see `parse_compression`.
    """
    import pyarrow as pa

    from barmill.market.indicators.frame import KEY, indicators
    from barmill.market.tables import read_parquet, write_parquet

    bars = pa.concat_tables([read_parquet(chunk, _BARS) for chunk in chunks]).combine_chunks()
    write_parquet(out, indicators(bars, symbol, window), KEY, compression=compression)


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset of daily bars that has any."""
    compression = compression_of("indicators", plan.settings.compression)
    for dataset in plan.datasets():
        chunks = plan.chunk_files(dataset.name) if dataset.frequency == "daily" else []
        if chunks:
            yield Target(
                name=dataset.name,
                build=build,
                inputs={"chunks": chunks},
                outputs={"out": plan.path("indicators", f"{dataset.name}.parquet")},
                params={"symbol": dataset.name, "window": plan.settings.indicator_window, "compression": compression},
            )
