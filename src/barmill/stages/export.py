"""Clean prices of each dataset, with a diagnosis of what is odd about them."""

import json
from collections.abc import Iterator
from pathlib import Path

from barmill.market.bars import read_bars, write_bars
from barmill.market.quality import diagnose
from barmill.plan import Plan
from barmill.target import Target


def build(raw: Path, out: Path, diagnosis: Path, *, symbol: str, include_empty: bool, spike: float) -> None:
    """Read a raw Stooq file once; write its good bars, and say what was odd.

    Args:
        raw: Stooq text of any quality.
        out: CSV with the columns of `schema.BAR`: date YYYY-MM-DD, time HH:MM:SS, prices in the listing's quote unit;
            ascending and unique in (date, time), of lines with the same stamp the last. Not written if there is no bar,
            unless `include_empty`.
        diagnosis: JSON of `quality.diagnose`.
        symbol: the ticker that the file should hold.
        include_empty: write the header even if there is no bar.
        spike: see `quality.diagnose`.
    """
    bars = read_bars(raw.read_bytes())
    if bars.table.num_rows or include_empty:
        out.write_bytes(write_bars(bars.table))
    found = diagnose(symbol, bars, spike)
    diagnosis.write_text(json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset."""
    params = {"include_empty": plan.settings.include_empty_prices, "spike": plan.settings.spike}
    for dataset in plan.datasets():
        yield Target(
            name=dataset.name,
            build=build,
            inputs={"raw": dataset.raw},
            outputs={
                "out": plan.path("export", f"{dataset.name}.csv"),
                "diagnosis": plan.path("export", f"{dataset.name}.json"),
            },
            params={"symbol": dataset.symbol, **params},
            optional=frozenset({"out"}),
        )
