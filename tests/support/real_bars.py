"""Real minute bars, and those of the sample, as series, read without the code under test."""

import csv
import datetime as dt
from pathlib import Path

import numpy as np

from barmill.market.series import Series
from tests.support.real import real_data


def eurusd() -> Series:
    """50,000 minutes of EURUSD."""
    rows = csv.reader(real_data("eurusd-mt5", "EURUSD_M1.csv").read_text().splitlines())
    return _series((dt.datetime.fromisoformat(row[0]), row[1:6]) for row in rows)


def ada() -> Series:
    """43,200 minutes of ADAUSDT."""
    rows = list(csv.reader(real_data("crypto-1m-5m", "ADAUSDT_1m.csv").read_text().splitlines()))[1:]
    return _series((dt.datetime.fromisoformat(row[0]).replace(tzinfo=None), row[1:6]) for row in rows)


def sample() -> Series:
    """The 14,400 made minutes that are committed; they have no volume."""
    rows = csv.reader((Path(__file__).parents[2] / "data/series/forex/1min/EURUSD.txt").read_text().splitlines()[1:])
    return _series((dt.datetime.fromisoformat(f"{row[2]}T{row[3]}"), row[4:9]) for row in rows)


def _series(rows) -> Series:
    epoch = dt.datetime(1970, 1, 1)
    found = sorted({(stamp - epoch) // dt.timedelta(microseconds=1): values for stamp, values in rows}.items())
    columns = np.array([[float(value) for value in values] for _, values in found])
    return Series(np.array([stamp for stamp, _ in found]), *(np.ascontiguousarray(column) for column in columns.T))
