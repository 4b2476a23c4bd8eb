"""The table of indicators, and the page that shows it."""

import inspect
from pathlib import Path

import barmill.market.indicators
from barmill.market.indicators.catalog import CALENDAR, CATALOG, VALUES

PAGE = Path(barmill.market.indicators.__file__).with_name("INDICATORS.md")
KEYS = """SMA_3 SMA_5 SMA_20 SMA_50 EMA_3 EMA_20 EMA_50 RSI_14 MACD_line_12_26_9 MACD_signal_12_26_9 MACD_hist_12_26_9 OBV
    BOLLINGER_upper_20_2 BOLLINGER_middle_20_2 BOLLINGER_lower_20_2 BOLLINGER_bandwidth_20_2 ATR_14 volume_ratio_20
    volume_SMA_10 volume_SMA_20 MFI_14 AD_line CMF_20 log_return high_low_range close_open_diff"""


def page():
    """INDICATORS.md as the table in the code has it."""
    head = "| columns | is | unit | first value at bar | starts from | depends on | source | version |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for each in CATALOG:
        names = ", ".join(f"`{column}`" for column in each.columns)
        first = ", ".join(map(str, dict.fromkeys(each.warm_up)))
        cells = (names, each.formula, each.unit, first, each.seed or "-", each.memory, each.source, str(each.version))
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"| `{name}` | {meaning} | | 1 | - | the date | | 1 |" for name, meaning in CALENDAR.items()]
    return "\n".join(lines)


def test_page_shows_the_table():
    """INDICATORS.md says what the code does, row by row."""
    assert page() in PAGE.read_text(encoding="utf-8")


def test_names():
    """The 26 values keep the names that readers of such tables know, in their order; no two columns share one."""
    assert list(VALUES) == KEYS.split()
    assert len({name.lower() for name in (*VALUES, *CALENDAR)}) == 31


def test_rows_are_whole():
    """Each row has a warm-up per column, parameters that its function takes, and words for people."""
    for each in CATALOG:
        assert len(each.columns) == len(each.warm_up)
        assert each.parameters.keys() <= inspect.signature(each.compute).parameters.keys()
        assert all((each.formula, each.unit, each.source, each.memory, each.missing))
        assert (each.script is None) or "window" in inspect.signature(each.script).parameters
        assert bool(each.seed) <= (each.memory == "all bars")
