"""Indicators against published answers: ChartSchool's worksheets, and the examples that come with Tulip Indicators."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

from barmill.market.indicators import definitions, series
from tests.support.real import real_data

pytestmark = pytest.mark.real


def worksheet(name, *columns):
    """Columns of a worksheet; what is empty is NaN."""
    with open(real_data("golden/stockcharts-worksheets", f"cs-{name}.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[column] or "nan") for row in rows]) for column in columns]


def tulip(name, file="atoz"):
    """Inputs and answers of an example: its lines of braces."""
    blocks = Path(real_data("golden/tulip", f"{file}.txt")).read_text(encoding="utf-8").split("\n\n")
    lines = next(block for block in blocks if block.strip().startswith(f"{name}\n")).strip().splitlines()[1:]
    return [np.array(ast.literal_eval(f"[{line[1:-1]}]"), float) for line in lines if line.startswith("{")]


def agrees(answer, found, tolerance):
    """Our last values are the answers (that are there), to an absolute tolerance; and there are enough of them."""
    answer = np.asarray(answer)
    found = found[len(found) - len(answer) :]
    there = np.isfinite(answer) & np.isfinite(found)
    assert there.sum() > 3
    assert np.abs(found - answer)[there].max() <= tolerance
    return there


def test_rsi():
    """Tulip's RSI(5) to 4 decimals; ChartSchool's averages to 1e-6 and RSI to 2e-4, its seed (0) put in place of ours."""
    close, answer = tulip("rsi 5")
    assert agrees(answer, definitions.rsi(close, n=5), 6e-5).all()
    close, gain, loss, answer = worksheet("rsi", "Close", "Avg Gain", "Avg Loss", "RSI")
    rises, falls = (np.maximum(sign * np.diff(close), 0) for sign in (1, -1))
    fade = (13 / 14) ** np.arange(len(close) - 14)
    ups, downs = (series.wilder(moves, 14)[13:] for moves in (rises, falls))
    as_seeded = [made - (made[0] - told[14]) * fade for made, told in ((ups, gain), (downs, loss))]
    agrees(gain[14:], as_seeded[0], 1e-6)
    agrees(answer[14:], 100 * as_seeded[0] / (as_seeded[0] + as_seeded[1]), 2e-4)


def test_exponential_averages():
    """ChartSchool's EMA 12 and 26 to 1e-7, with its seed (the first close) put in place of the average; MACD follows."""
    close, short, long, line = worksheet("macd", "Close", "short_ema", "long_ema", "MACD_line")
    made = []
    for n, answer in ((12, short), (26, long)):
        ours = series.ema(close, n)[25:]
        as_seeded = ours - (ours[0] - answer[25]) * (1 - 2 / (n + 1)) ** np.arange(len(ours))
        agrees(answer[25:], as_seeded, 1e-7)
        made.append(as_seeded)
    agrees(line[25:], made[0] - made[1], 1e-7)


def test_macd():
    """ChartSchool's line, signal and histogram once the seeds are forgotten: the last 20 of 124 days to 0.005."""
    close, *answers = worksheet("macd", "Close", "MACD_line", "MACD_signal", "MACD_diff")
    for answer, found in zip(answers, definitions.macd(close, fast=12, slow=26, signal=9), strict=True):
        agrees(answer[-20:], found, 5e-3)


def test_sma():
    """Tulip's SMA(5) to 3 decimals."""
    close, answer = tulip("sma 5")
    assert agrees(answer, series.mean(close, 5), 6e-4).all()


def test_bollinger():
    """ChartSchool's bands and width (in percent) to 1e-6; Tulip's bands (5, 2) and deviation to 4 decimals."""
    close, *answers = worksheet("bbands", "Close", "HighBand", "MiddleBand", "LowBand", "WidthBand")
    *bands, width = definitions.bollinger(close, n=20, width=2.0)
    for answer, found in zip(answers, [*bands, 100 * width], strict=True):
        assert agrees(answer, found, 1e-6)[19:].all()
    close, *answers = tulip("bbands 5 2")
    for answer, found in zip(answers, definitions.bollinger(close, n=5, width=2.0)[2::-1], strict=True):
        assert agrees(answer, found, 1.1e-4).all()
    close, answer = tulip("stddev 5")
    assert agrees(answer, series.deviation(close, 5), 6e-5).all()


def test_atr():
    """ChartSchool's ATR(14) and true range to 1e-8, from the first on; Tulip's (4) to 4 decimals."""
    *bars, ranges, answer = worksheet("atr", "High", "Low", "Close", "TR", "ATR")
    assert agrees(ranges, definitions.true_range(*bars), 1e-8).all()
    answer[:13] = np.nan  # zeros before the first
    assert agrees(answer, definitions.atr(*bars, n=14), 1e-8)[13:].all()
    *bars, answer = tulip("atr 4")
    assert agrees(answer, definitions.atr(*bars, n=4), 6e-5).all()


def test_obv():
    """ChartSchool's and Tulip's OBV exactly: it starts at 0."""
    close, volume, answer = worksheet("obv", "Close", "Volume", "OBV")
    assert agrees(answer, definitions.obv(close, np.nan_to_num(volume)), 0)[1:].all()
    close, volume, answer = tulip("obv")
    assert agrees(answer, definitions.obv(close, volume), 0).all()


def test_mfi():
    """ChartSchool's MFI(14) to 1e-4 (its prices have 4 decimals), Tulip's to 1e-6."""
    *bars, answer = worksheet("mfi", "High", "Low", "Close", "Volume", "MFI")
    assert agrees(answer, definitions.mfi(*bars, n=14), 1e-4)[14:].all()
    *bars, answer = tulip("mfi 14")
    assert agrees(answer, definitions.mfi(*bars, n=14), 1e-6).all()


def test_accumulation():
    """ChartSchool's line to 1e-3 in 73,000, Tulip's to 3 decimals."""
    *bars, answer = worksheet("accum", "High", "Low", "Close", "Volume", "ADLine")
    assert agrees(answer, definitions.ad(*bars), 1e-3).all()
    *bars, answer = tulip("ad")
    assert agrees(answer, definitions.ad(*bars), 1e-3).all()


def test_chaikin():
    """Tulip's CMF(21) to 4 decimals."""
    *bars, answer = tulip("cmf 21", "extra")
    agrees(answer, definitions.cmf(*bars, n=21), 6e-5)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sma 5", lambda x: series.mean(x, 5)),
        ("rsi 5", lambda x: definitions.rsi(x, n=5)),
        ("stddev 5", lambda x: series.deviation(x, 5)),
        ("atr 5", lambda *bars: definitions.atr(*bars, n=5)),
        ("mfi 5", lambda *bars: definitions.mfi(*bars, n=5)),
        ("obv", definitions.obv),
        ("ad", definitions.ad),
    ],
)
def test_tulip_checks(name, make):
    """Tulip's own checks, to the 3 decimals they have."""
    *inputs, answer = tulip(name, "untest")
    assert agrees(answer, make(*inputs), 6e-4).all()
