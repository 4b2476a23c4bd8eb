"""Indicators the slow way: a bar at a time in plain Python, from the definitions in words, never from the code under test.

Both oracles take bars as dicts of floats (None: missing) with a `date`, oldest first, and give a dict of values per bar.
"""

import calendar
import datetime as dt
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

Bar = Mapping[str, Any]
Values = dict[str, Any]


def by_definition(bars: Sequence[Bar]) -> list[Values]:
    """Every indicator over the whole history; a bar that lacks an input is left out of what needs that input."""
    out: list[Values] = [{**on_date(bar["date"])} for bar in bars]
    for inputs, make in _DEFINITIONS:
        there = [n for n, bar in enumerate(bars) if all(_finite(bar[name]) for name in inputs)]
        made = make([bars[n] for n in there])
        names = {name for row in made for name in row}
        for row in out:
            row.update(dict.fromkeys(names))
        for n, row in zip(there, made, strict=True):
            out[n].update(row)
    return out


def by_script(bars: Sequence[Bar], window: int = 200) -> list[Values]:
    """Every indicator of each bar from the last `window` bars alone, averages plain, sums starting in the window."""
    return [_last_of_window(bars[max(0, n + 1 - window) : n + 1]) for n in range(len(bars))]


def on_date(date: dt.date) -> Values:
    """What follows from the date."""
    ending = date.day > calendar.monthrange(date.year, date.month)[1] - 3
    return {
        "day_of_week": date.isoweekday(),
        "week_of_month": -(-date.day // 7),
        "month": date.month,
        "is_month_end": ending,
        "is_quarter_end": ending and date.month % 3 == 0,
    }


def _finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _smoothed(values: Sequence[float], n: int, factor: float) -> list[float | None]:
    """Seeded with the average of the first n, then each value draws it by the factor."""
    out: list[float | None] = [None] * len(values)
    for i in range(n - 1, len(values)):
        before = out[i - 1] if i >= n else None
        out[i] = _average(values[:n]) if before is None else before + factor * (values[i] - before)
    return out


def _closes(rows: Sequence[Bar]) -> list[Values]:
    close = [row["close"] for row in rows]
    out: list[Values] = []
    averages = {n: _smoothed(close, n, 2 / (n + 1)) for n in (3, 12, 20, 26, 50)}
    line = [None if b is None else a - b for a, b in zip(averages[12], averages[26], strict=True)]
    signal = [None] * 25 + _smoothed([x for x in line if x is not None], 9, 0.2)
    moves = [b - a for a, b in itertools.pairwise(close)]
    gain, loss = (_smoothed([max(s * m, 0.0) for m in moves], 14, 1 / 14) for s in (1, -1))
    for i in range(len(close)):
        row: Values = {f"SMA_{n}": _average(close[i + 1 - n : i + 1]) if i + 1 >= n else None for n in (3, 5, 20, 50)}
        row |= {f"EMA_{n}": averages[n][i] for n in (3, 20, 50)}
        row["RSI_14"] = _index(gain[i - 1], loss[i - 1], 100.0) if i >= 14 else None
        row["MACD_line_12_26_9"] = line[i]
        row["MACD_signal_12_26_9"] = signal[i]
        row["MACD_hist_12_26_9"] = None if signal[i] is None else line[i] - signal[i]  # type: ignore[operator]
        row["log_return"] = math.log(close[i] / close[i - 1]) if i and close[i] > 0 and close[i - 1] > 0 else None
        out.append(row)
    return out


def _bands(close: Sequence[float]) -> Values:
    names = [f"BOLLINGER_{each}_20_2" for each in ("upper", "middle", "lower", "bandwidth")]
    if len(close) < 20:
        return dict.fromkeys(names)
    exact = [Fraction(x) for x in close[-20:]]
    middle = sum(exact) / 20
    reach = 2 * math.sqrt(sum((x - middle) ** 2 for x in exact) / 20)
    width = 2 * reach / float(middle) if middle > 0 else None
    return dict(zip(names, (float(middle) + reach, float(middle), float(middle) - reach, width), strict=True))


def _all_bands(rows: Sequence[Bar]) -> list[Values]:
    return [_bands([row["close"] for row in rows[max(0, i - 19) : i + 1]]) for i in range(len(rows))]


def _index(up: float | None, down: float | None, nothing: float | None) -> float | None:
    assert up is not None
    assert down is not None
    return 100 * up / (up + down) if up + down else nothing


def _ranges(rows: Sequence[Bar]) -> list[Values]:
    true = []
    for i, row in enumerate(rows):
        spans = [row["high"] - row["low"]]
        if i:
            spans += [abs(row["high"] - rows[i - 1]["close"]), abs(row["low"] - rows[i - 1]["close"])]
        true.append(max(spans))
    atr = _smoothed(true, 14, 1 / 14)
    return [
        {"ATR_14": atr[i], "high_low_range": _quotient(row["high"] - row["low"], row["close"])} for i, row in enumerate(rows)
    ]


def _quotient(a: float, b: float) -> float | None:
    return a / b if b > 0 else None


def _opens(rows: Sequence[Bar]) -> list[Values]:
    return [{"close_open_diff": _quotient(row["close"] - row["open"], row["open"])} for row in rows]


def _volumes(rows: Sequence[Bar]) -> list[Values]:
    volume = [row["volume"] for row in rows]
    return [_volume_row(volume[: i + 1]) for i in range(len(volume))]


def _volume_row(volume: Sequence[float]) -> Values:
    row: Values = {f"volume_SMA_{n}": _average(volume[-n:]) if len(volume) >= n else None for n in (10, 20)}
    row["volume_ratio_20"] = _quotient(volume[-1], row["volume_SMA_20"]) if len(volume) >= 20 else None
    return row


def _balances(rows: Sequence[Bar]) -> list[Values]:
    out, total = [], 0.0
    for i, row in enumerate(rows):
        if i and row["close"] != rows[i - 1]["close"]:
            total += row["volume"] if row["close"] > rows[i - 1]["close"] else -row["volume"]
        out.append({"OBV": total})
    return out


def _flow(row: Bar) -> float:
    reach = row["high"] - row["low"]
    return ((row["close"] - row["low"]) - (row["high"] - row["close"])) / reach * row["volume"] if reach else 0.0


def _flows(rows: Sequence[Bar]) -> list[Values]:
    out = []
    exact = [sum(Decimal(repr(float(row[name]))) for name in ("high", "low", "close")) for row in rows]
    for i in range(len(rows)):
        up = [float(exact[k]) / 3 * rows[k]["volume"] for k in range(max(1, i - 13), i + 1) if exact[k] > exact[k - 1]]
        down = [float(exact[k]) / 3 * rows[k]["volume"] for k in range(max(1, i - 13), i + 1) if exact[k] < exact[k - 1]]
        last = rows[max(0, i - 19) : i + 1]
        volume = math.fsum(row["volume"] for row in last)
        out.append({
            "MFI_14": _index(math.fsum(up), math.fsum(down), None) if i >= 14 and min([*up, *down, 0.0]) >= 0 else None,
            "AD_line": math.fsum(_flow(row) for row in rows[: i + 1]),
            "CMF_20": _quotient(math.fsum(map(_flow, last)), volume) if i >= 19 else None,
        })  # fmt: skip
    return out


_DEFINITIONS: tuple[tuple[tuple[str, ...], Callable[[Sequence[Bar]], list[Values]]], ...] = (
    (("close",), _closes),
    (("close",), _all_bands),
    (("high", "low", "close"), _ranges),
    (("open", "close"), _opens),
    (("volume",), _volumes),
    (("close", "volume"), _balances),
    (("high", "low", "close", "volume"), _flows),
)


def _last_of_window(rows: Sequence[Bar]) -> Values:
    """The values of the newest of these bars, for which nothing before them exists."""
    close, volume = [row["close"] for row in rows], [row["volume"] for row in rows]
    whole = _closes(rows)[-1]
    found = on_date(rows[-1]["date"]) | whole | _bands(close) | _volume_row(volume) | _opens(rows)[-1]
    found["high_low_range"] = _ranges(rows)[-1]["high_low_range"]
    found["AD_line"] = math.fsum(map(_flow, rows))
    found["OBV"] = float(sum(_whole_units(a, b) for a, b in itertools.pairwise(rows)))
    found["CMF_20"] = _flows(rows[-20:])[-1]["CMF_20"]
    if found["MACD_signal_12_26_9"] is None:
        found["MACD_line_12_26_9"] = None
    found |= {"RSI_14": None, "ATR_14": None, "MFI_14": None}
    if len(rows) > 14:
        moves = [b - a for a, b in zip(close[-15:], close[-14:], strict=False)]
        down = -sum(m for m in moves if m < 0)
        found["RSI_14"] = 100 - 100 / (1 + sum(m for m in moves if m > 0) / down) if down else 100.0
        pairs = list(zip(rows[-15:], rows[-14:], strict=False))
        found["ATR_14"] = _average([
            max(b["high"] - b["low"], abs(b["high"] - a["close"]), abs(b["low"] - a["close"])) for a, b in pairs
        ])  # fmt: skip
        typical = [(row["high"] + row["low"] + row["close"]) / 3 for row in rows[-15:]]
        signs = [(t > before) - (t < before) for before, t in itertools.pairwise(typical)]
        flows = [t * row["volume"] for t, row in zip(typical[1:], rows[-14:], strict=True)]
        up, down = (sum(f for s, f in zip(signs, flows, strict=True) if s == sign) for sign in (1, -1))
        found["MFI_14"] = 100 - 100 / (1 + up / down) if down else 100.0
    return found


def _whole_units(before: Bar, bar: Bar) -> int:
    return ((bar["close"] > before["close"]) - (bar["close"] < before["close"])) * int(bar["volume"])
