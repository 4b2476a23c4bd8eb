"""One series out of several texts of prices, such as the months in a zip file."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from barmill.errors import InputError, UnknownSymbol
from barmill.market.arrays import arrow
from barmill.market.dialects import Reading, Said, read_prices
from barmill.sources import merge

if TYPE_CHECKING:
    import pyarrow as pa


def read_texts(texts: Sequence[tuple[str, bytes]], symbol: str, frequency: str, said: Said) -> Reading:
    """The bars of all texts. Where two have other bars of one stamp, `Bars.table` has the later text's, and it is noted.

    Args:
        texts: name and content of each.
        symbol: see `dialects.read_prices`; so are the others.
        frequency: likewise.
        said: likewise.

    Raises:
        UnknownSymbol: all say that there is nothing.
        InputError: one of them is not prices, or ambiguous; it is named.
    """
    if len(texts) == 1:
        return read_prices(texts[0][1], symbol, frequency, said=said)
    readings: list[tuple[str, Reading]] = []
    notes: list[str] = []
    for name, data in texts:
        try:
            readings.append((name, read_prices(data, symbol, frequency, said=said)))
        except UnknownSymbol:
            notes.append(f"{name} is empty")
        except InputError as error:
            raise InputError(f"{name}: {error.fact}", error.hint) from None
    if not readings:
        raise UnknownSymbol(f"{len(texts)} files hold no price of {symbol}, such as {texts[0][0]}", "ask for another spelling")
    first, table = readings[0][1], readings[0][1].bars.table
    differing = False
    for name, reading in readings[1:]:
        overlap = merge.compare(table, reading.bars.table)
        table = merge.union(table, reading.bars.table, overlap)
        if overlap.changed:
            differing = True
            notes.append(
                f"{len(overlap.changed)} bars of {name} are other than in the files before it, such as {overlap.changed[0]}; "
                "those that break no rule are taken"
            )
    differing |= any(reading.bars.lines is not None for _, reading in readings)
    dialects = [reading.dialect for _, reading in readings]
    if any(each != dialects[0] for each in dialects):
        notes.append("the files are not all of one dialect; the report shows that of the first")
    rejected = [{**each, "text": f"{name}: {each['text']}"} for name, reading in readings for each in reading.bars.rejected]
    breaks = [each._replace(text=f"{name}: {each.text}") for name, reading in readings for each in reading.bars.breaks]
    bars = replace(
        first.bars,
        table=table,
        raw_rows=sum(reading.bars.raw_rows for _, reading in readings),
        ordered=all(reading.bars.ordered for _, reading in readings),
        rejected=rejected,
        breaks=breaks,
        lines=_differing(reading.bars.given for _, reading in readings) if differing else None,
    )
    own = dict.fromkeys(note for _, reading in readings for note in reading.notes)
    return Reading(bars, first.form, [*own, *notes], first.dialect)


def _differing(tables: Iterable["pa.Table"]) -> "pa.Table":
    """The bars of all tables, ascending; of one stamp in the order of the tables, and of equal ones the last."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.concat_tables(tables).combine_chunks()
    last = {tuple(row.values()): at for at, row in enumerate(table.to_pylist())}
    table = table.take(arrow(np.array(sorted(last.values()), np.int64)))
    return table.take(pc.sort_indices(table, [("date", "ascending"), ("time", "ascending")]))
