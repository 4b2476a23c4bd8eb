"""Pips: of the instrument, whatever it is."""

from pathlib import Path

import pytest

from barmill.errors import ConfigError, InputError
from barmill.market.datasets import Dataset
from barmill.market.pips import pip_of
from barmill.market.series import Series
from tests.support.series import bars, walk


def dataset(symbol, asset_class="forex"):
    """A series of minutes."""
    return Dataset(f"{asset_class}/1min/{symbol}", symbol, Path("x"), asset_class, "1min", "UTC", "")


@pytest.mark.parametrize(
    ("symbol", "size"),
    [
        ("EURUSD", 1e-4),
        ("USDJPY", 0.01),
        ("EURHUF", 0.01),
        ("JPYUSD", 1e-4),
        ("XAUUSD", 0.1),
        ("XAGEUR", 0.01),
        ("USDIDR", 1.0),
    ],
)
def test_a_pair_has_the_pip_of_its_quote_currency(symbol, size):
    """0.0001, but for yen, forint, metals and currencies without hundredths."""
    assert pip_of(dataset(symbol), {}) == size


@pytest.mark.parametrize(("symbol", "size"), [("XAUUSD", 0.1), ("XAGUSD", 0.01)])
def test_a_metal_is_a_metal_in_every_folder(symbol, size):
    """Kept with the commodities it has the pip that it has among the currencies; a share of such a name has none."""
    assert pip_of(dataset(symbol, "commodities"), {}) == pip_of(dataset(symbol), {}) == size
    assert pip_of(dataset(symbol, "equities"), {}) == 0


def test_other_datasets_ask_their_prices():
    """Of a coin or a share nothing but its prices can tell: 0 says so."""
    assert pip_of(dataset("ADAUSDT", "crypto"), {}) == 0
    assert pip_of(dataset("GBPUSD", "equities"), {}) == 0


def test_a_choice_wins():
    """The first glob that matches decides, also over custom."""
    chosen = {"forex/1min/EUR*": "0.00001", "*": "0.5"}
    assert pip_of(dataset("EURUSD"), chosen) == 1e-5
    assert pip_of(dataset("USDJPY"), chosen) == 0.5


@pytest.mark.parametrize("text", ["pip", "0", "-1", "inf", "nan"])
def test_no_size(text):
    """What is no positive number is an error that names the dataset and the value."""
    with pytest.raises(ConfigError, match=f"'{text}'.*forex/1min/EURUSD"):
        pip_of(dataset("EURUSD"), {"*": text})


@pytest.mark.parametrize(
    ("price", "pip"),
    [(1.16, 1e-4), (150.0, 0.01), (61_000.0, 1.0), (1.23e-5, 1e-9), (1.0, 1e-4), (1000.0, 0.1), (999.9, 0.01), (-0.696, 1e-5)],
)
def test_the_pip_follows_from_the_first_price(price, pip):
    """The greatest power of ten that is at most a ten-thousandth of it, whatever its sign."""
    assert bars((price,) * 4, (1 / 3,) * 4).pip() == pip


def test_the_pip_is_there_without_a_price():
    """Of no bars, and of closes of 0, it is 1; a first close of 0 is passed over."""
    assert walk(1)[:0].pip() == bars((0,) * 4).pip() == 1.0
    assert bars((0,) * 4, (20.11,) * 4).pip() == 0.001


@pytest.mark.parametrize("later", [101.123456789, 4.16825000000001, 0.0, -37.63, 1e6])
def test_no_later_price_changes_the_pip(later):
    """Not one with nine decimals or more, of another size, or without a sign."""
    assert bars((150.25,) * 4, (later,) * 4).pip() == bars((150.25,) * 4).pip() == 0.01


def test_prices_must_be_there():
    """A missing price, and two bars of one stamp, are errors that name the file."""
    series = walk(5)
    with pytest.raises(InputError, match=r"x\.parquet"):
        Series.of(table(Series(**{**vars(series), "time": series.time * 0})), "x.parquet")
    with pytest.raises(InputError, match=r"x\.parquet"):
        Series.of(table(Series(**{**vars(series), "low": series.low * float("nan")})), "x.parquet")


def table(series):
    """A series as the table that a chunk file holds."""
    import pyarrow as pa

    from barmill.market import arrays

    values = {name: arrays.or_null(getattr(series, name)) for name in ("open", "high", "low", "close", "volume")}
    return pa.table({"time": arrays.utc(series.time), **values})
