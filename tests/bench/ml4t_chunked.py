"""ml4t-data's chunked store, timed on the same bars: run by the Python of its own venv, prints seconds as JSON.

python ml4t_chunked.py FOLDER DAYS FIRST END: FOLDER holds `<symbol>.csv` per series, with the columns of an export; DAYS is the
length of a chunk, which it takes as a choice of week, month, quarter or year; FIRST and END bound the range that is read.
Importing, reading CSV, and its messages on the standard output are not timed.
"""

import datetime as dt
import json
import logging
import shutil
import sys
import time
from pathlib import Path


def main(folder: Path, days: int, first: str, end: str) -> dict[str, float]:
    """Seconds of the first load, of writing the last week again, of a bar more, and of reading the range."""
    import polars as pl
    import structlog
    from ml4t.data.core.models import DataObject, Metadata
    from ml4t.data.storage.chunked import ChunkedStorage

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    frames = {path.stem: _frame(path, pl) for path in sorted(folder.glob("*.csv"))}
    frequency = "minute" if days < 60 else "daily"
    shutil.rmtree(folder / "ml4t", ignore_errors=True)
    store = ChunkedStorage(folder / "ml4t", chunk_size_days=days)

    def write(pick) -> float:
        parts = {symbol: pick(frame) for symbol, frame in frames.items()}
        about = {"provider": "bench", "asset_class": "equities", "bar_params": {"frequency": frequency}}
        objects = [DataObject(data=part, metadata=Metadata(symbol=symbol, **about)) for symbol, part in parts.items()]
        start = time.perf_counter()
        for each in objects:
            store.write(each)
        return time.perf_counter() - start

    step = dt.timedelta(minutes=1) if frequency == "minute" else dt.timedelta(days=1)
    load = write(lambda frame: frame)
    again = write(lambda frame: frame.tail(6))
    more = write(lambda frame: pl.concat([frame.tail(6), frame.tail(1).with_columns(pl.col("timestamp") + step)]))
    keys = store.list_keys()
    bounds = [dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (first, end)]
    start = time.perf_counter()
    rows = sum(len(store.read(key, *bounds).data) for key in keys)
    return {"load": load, "again": again, "more": more, "range": time.perf_counter() - start, "rows": rows}


def _frame(path: Path, pl) -> object:
    frame = pl.read_csv(path)
    stamp = pl.concat_str("date", pl.lit("T"), "time").str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC")
    return frame.select(
        stamp.alias("timestamp"), *(pl.col(name).cast(pl.Float64) for name in ("open", "high", "low", "close", "volume"))
    )


if __name__ == "__main__":
    _, where, length, since, until = sys.argv
    sys.stdout.write("\n" + json.dumps(main(Path(where), int(length), since, until)) + "\n")
