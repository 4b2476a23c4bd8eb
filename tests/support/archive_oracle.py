"""What a series holds in text and packs, read in plain Python from what lies on disk."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import xxhash

from barmill.market.datasets import Dataset

Row = tuple[float | None, ...]


def text_rows(path: Path) -> dict[str, Row]:
    """Stamp → the six numbers, of a Stooq text; no stamp may be there twice."""
    found: dict[str, Row] = {}
    for line in path.read_text().splitlines()[1:]:
        _, _, date, time, *numbers = line.split(",")
        stamp = f"{date[:4]}-{date[4:6]}-{date[6:]} {time[:2]}:{time[2:4]}:{time[4:]}"
        assert stamp not in found
        found[stamp] = tuple(float(number) if number else None for number in numbers)
    return found


def pack_rows(root: Path, dataset: Dataset) -> dict[str, Row]:
    """The same of the packs that the index names; none may be damaged, and no stamp in two."""
    index = root / ".archive" / f"{dataset.name}.json"
    found: dict[str, Row] = {}
    if not index.exists():
        return found
    told = json.loads(index.read_text())
    if told["pending"] and xxhash.xxh3_128_hexdigest(dataset.raw.read_bytes()) == told["pending"]["new"]:
        return found
    for pack in told["packs"]:
        path = index.parent / pack["file"]
        assert path.stem == pack["digest"] == xxhash.xxh3_128_hexdigest(path.read_bytes())
        for row in pq.ParquetFile(path).read().to_pylist():
            _, _, date, time, *numbers = row.values()
            assert f"{date} {time}" not in found
            found[f"{date} {time}"] = tuple(numbers)
    return found


def whole(root: Path, dataset: Dataset) -> dict[str, Row]:
    """The series: its packs, and its text, which counts where both have a bar."""
    return dict(sorted({**pack_rows(root, dataset), **text_rows(dataset.raw)}.items()))
