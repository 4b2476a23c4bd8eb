"""The table of indicators: one row makes one, and nothing else needs to know of it.

Columns keep the names that readers of such tables know. A row says what is computed and by what rules; INDICATORS.md beside
this module shows it to people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from barmill.market.indicators import definitions, series, windowed
from barmill.market.indicators.series import Array

SKIP = "a bar without a finite value of an input has no value, and the others are as if it were not there"


@dataclass(frozen=True)
class Indicator:
    """One indicator, of one or more columns.

    Attributes:
        columns: the column each of its series gets.
        warm_up: per column, the bars it takes, the newest among them, until there is a value.
        inputs: columns of bars, as `compute` takes them.
        compute: series of the inputs, and the parameters → a series, or one per column.
        parameters: keyword arguments of `compute`.
        formula: what it is, to people.
        unit: of its values.
        source: who defined it.
        seed: what a recursive average starts from.
        memory: which bars a value depends on.
        missing: what becomes of bars without a value.
        version: goes up when values change.
        script: as `compute`, with the keyword `window`, for `windowed` values; None where they are the same.
    """

    columns: tuple[str, ...]
    warm_up: tuple[int, ...]
    inputs: tuple[str, ...]
    compute: Callable[..., Array | tuple[Array, ...]]
    parameters: Mapping[str, float] = field(default_factory=dict)
    formula: str = ""
    unit: str = "price"
    source: str = "common"
    seed: str = ""
    memory: str = "the window"
    missing: str = SKIP
    version: int = 1
    script: Callable[..., Array | tuple[Array, ...]] | None = None


_BAR = ("high", "low", "close")
_FLOW = (*_BAR, "volume")
_ALL = "all bars"


def _sma(n: int) -> Indicator:
    return Indicator((f"SMA_{n}",), (n,), ("close",), series.mean, {"n": n}, f"average close of {n} bars")


def _ema(n: int) -> Indicator:
    formula = f"EMA(close, {n}) = EMA before + 2 / {n + 1} · (close - EMA before)"
    seed = f"the average of the first {n} closes"
    columns, source = (f"EMA_{n}",), "ChartSchool"
    return Indicator(
        columns, (n,), ("close",), series.ema, {"n": n}, formula, source=source, seed=seed, memory=_ALL, script=windowed.ema
    )


def _volume_sma(n: int) -> Indicator:
    return Indicator((f"volume_SMA_{n}",), (n,), ("volume",), series.mean, {"n": n}, f"average volume of {n} bars", "volume")


CATALOG: tuple[Indicator, ...] = (
    *map(_sma, (3, 5, 20, 50)),
    *map(_ema, (3, 20, 50)),
    Indicator(
        ("RSI_14",), (15,), ("close",), definitions.rsi, {"n": 14},
        "100 · gain / (gain + loss), Wilder's averages of rises and falls; 100 without a fall",
        "0 to 100", "Wilder 1978", "the averages of the first 14 changes", _ALL, script=windowed.rsi,
    ),
    Indicator(
        ("MACD_line_12_26_9", "MACD_signal_12_26_9", "MACD_hist_12_26_9"), (26, 34, 34), ("close",), definitions.macd,
        {"fast": 12, "slow": 26, "signal": 9}, "EMA(close, 12) - EMA(close, 26); its EMA(9); line - signal",
        "price", "Appel; ChartSchool", "each average's own first values", _ALL, script=windowed.macd,
    ),
    Indicator(
        ("OBV",), (1,), ("close", "volume"), definitions.obv, {}, "volume of rises - volume of falls, summed",
        "volume", "Granville 1963", "0", _ALL, script=windowed.obv,
    ),
    Indicator(
        tuple(f"BOLLINGER_{each}_20_2" for each in ("upper", "middle", "lower", "bandwidth")), (20,) * 4, ("close",),
        definitions.bollinger, {"n": 20, "width": 2.0},
        "average close of 20 bars + 2 population deviations; the average; - 2; (upper - lower) / middle, "
        "none where that is not positive",
        "price; bandwidth a fraction", "Bollinger 2001", version=2,
    ),
    Indicator(
        ("ATR_14",), (14,), _BAR, definitions.atr, {"n": 14},
        "Wilder's average of the true range, which of the first bar is high - low",
        "price", "Wilder 1978", "the average of the first 14 true ranges", _ALL, script=windowed.atr,
    ),
    Indicator(
        ("volume_ratio_20",), (20,), ("volume",), definitions.volume_ratio, {"n": 20},
        "volume / average volume of 20 bars; none where that is not positive", "a ratio",
    ),
    *map(_volume_sma, (10, 20)),
    Indicator(
        ("MFI_14",), (15,), _FLOW, definitions.mfi, {"n": 14},
        "100 · positive / (positive + negative) of (high + low + close) / 3 · volume over 14 changes; none where none "
        "flowed, or a flow is negative", "0 to 100", "Quong and Soudack 1989", version=2, script=windowed.mfi,
    ),
    Indicator(
        ("AD_line",), (1,), _FLOW, definitions.ad, {},
        "volume · ((close - low) - (high - close)) / (high - low), 0 without range, summed",
        "volume", "Chaikin", "0", _ALL, script=windowed.ad,
    ),
    Indicator(
        ("CMF_20",), (20,), _FLOW, definitions.cmf, {"n": 20},
        "the summands of AD_line / volume, both summed over 20 bars; none where no volume", "-1 to 1", "Chaikin",
    ),
    Indicator(
        ("log_return",), (2,), ("close",), definitions.log_return, {},
        "ln(close / close before); none where either is not positive", "natural logarithm",
    ),
    Indicator(
        ("high_low_range",), (1,), _BAR, definitions.high_low_range, {},
        "(high - low) / close; none where the close is not positive", "a fraction", version=2,
    ),
    Indicator(
        ("close_open_diff",), (1,), ("open", "close"), definitions.close_open_diff, {},
        "(close - open) / open; none where the open is not positive", "a fraction", version=2,
    ),
)  # fmt: skip

VALUES: tuple[str, ...] = tuple(column for each in CATALOG for column in each.columns)
"""The columns of all indicators, in their order on disk."""

CALENDAR: Mapping[str, str] = {
    "day_of_week": "1 Monday to 7 Sunday (ISO)",
    "week_of_month": "1 to 5: days 1 to 7 are week 1",
    "month": "1 to 12",
    "is_month_end": "whether it is one of the last three calendar days of the month",
    "is_quarter_end": "whether it is a month end of March, June, September or December",
}
"""The columns that follow from the date alone, and what they say."""
