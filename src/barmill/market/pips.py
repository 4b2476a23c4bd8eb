"""The pip, or tick: the unit in which a dataset's distances are told, from the instrument and never a constant."""

from collections.abc import Mapping

from barmill.errors import ConfigError
from barmill.market import datasets
from barmill.market.datasets import Dataset
from barmill.market.yahoo import pair_of

_PAIR = 6  # letters of a currency pair: EURUSD
_FOREX = 0.0001
_HUNDREDTHS = frozenset({"JPY", "HUF", "INR", "ISK", "KRW", "PHP", "RUB", "THB", "TWD"})  # quoted in hundredths
_METALS = {"XAU": 0.1, "XAG": 0.01, "XPT": 0.1, "XPD": 0.1}
_WHOLE = frozenset({"CLP", "COP", "IDR", "VND"})  # quoted in whole units


def pip_of(dataset: Dataset, chosen: Mapping[str, str]) -> float:
    """The pip of a dataset, in its quote unit; 0 where only its prices can tell.

    In this order: the first glob of `chosen` that its name matches; for a currency pair the custom of its quote currency
    (0.0001; 0.01 of JPY and others with two digits; for whole currencies: theirs); for a metal, also among commodities, its
    own. Of any other dataset it follows from its first price: `market.series.Series.pip` finds it where prices are read.

    Args:
        dataset: what it is asked of.
        chosen: glob of dataset names → size as text.

    Raises:
        ConfigError: a chosen size is not a positive number.
    """
    if text := datasets.chosen(chosen, dataset.name):
        return _positive(dataset.name, text)
    pair = pair_of(dataset.symbol)
    base, quote = pair[:3], pair[3:6]
    if is_metal(dataset):
        return _METALS[base]
    if dataset.asset_class == "forex" and len(pair) == _PAIR:
        return 0.01 if quote in _HUNDREDTHS else 1.0 if quote in _WHOLE else _FOREX
    return 0.0


def is_metal(dataset: Dataset) -> bool:
    """Whether it is a precious metal by the ounce, as XAUUSD, kept with the currencies or with the commodities."""
    pair = pair_of(dataset.symbol)
    return dataset.asset_class in {"forex", "commodities"} and len(pair) == _PAIR and pair[:3] in _METALS


def _positive(name: str, text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < float("inf"):
        raise ConfigError(f"setting pips: {text!r}, chosen for {name}, is no size", "write a positive number: 0.0001")
    return size
