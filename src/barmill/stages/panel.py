"""All datasets' bars of a period in one Parquet file, time first, for reading across series."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from barmill.market.compression import compression_of
from barmill.market.panels import write_panel
from barmill.plan import Plan
from barmill.target import Target


def build(chunks: Sequence[Path], panel: Path, manifest: Path, *, names: Sequence[str], compression: str) -> None:
    """Put the chunks of one period together.

    Args:
        chunks: the chunk of each dataset that has bars in the period.
        panel: `date` or `time`, `name` of the dataset, prices, volume, open interest; ascending and unique in the first two.
        manifest: JSON of `Panel`: what it was made of.
        names: of the chunks' datasets.
        compression: see `parse_compression`.
    """
    manifest.write_bytes(write_panel(panel, chunks, names, compression).encode())


def targets(plan: Plan) -> Iterator[Target]:
    """One target per frequency and period; none where a frequency has but one dataset: there is nothing to read across.

    A dataset whose chunks are not built may have bars in any period: all of its frequency wait for it.
    """
    compression = compression_of("panel", plan.settings.compression)
    periods: dict[str, list[tuple[str, str]]] = {}
    lacking: dict[str, list[Path]] = {}
    datasets = plan.datasets()
    series = Counter(dataset.frequency for dataset in datasets)
    for dataset in datasets:
        if series[dataset.frequency] == 1:
            continue
        manifest, path = plan.manifest(dataset.name), plan.manifest_path(dataset.name)
        if manifest is None:
            lacking.setdefault(dataset.frequency, []).append(path)
            continue
        for chunk in manifest.chunks:
            periods.setdefault(f"{dataset.frequency}/{chunk.period}", []).append((dataset.name, f"{path.parent}/{chunk.file}"))
    for period, members in sorted(periods.items()):
        names, files = zip(*sorted(members), strict=True)
        files += tuple(lacking.get(period.partition("/")[0], ()))
        yield Target(
            name=period,
            build=build,
            inputs={"chunks": files},
            outputs={"panel": plan.path("panel", f"{period}.parquet"), "manifest": plan.path("panel", f"{period}.json")},
            params={"names": list(names), "compression": compression},
        )
