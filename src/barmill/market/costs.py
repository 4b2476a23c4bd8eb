"""What trading costs, by kind of dataset, in hundredths of a per cent (basis points) of the price.

A kind is the asset class, but for two: a metal costs what commodities do, also among the currencies, and a pair of which one
currency is none of the eight majors has a spread and slippage of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from barmill.errors import ConfigError
from barmill.market import datasets
from barmill.market.datasets import Dataset
from barmill.market.pips import is_metal
from barmill.market.yahoo import pair_of

_PARTS = 3


@dataclass(frozen=True)
class Costs:
    """Costs of trading, in basis points of the price.

    Attributes:
        spread: between bid and ask; a fill is half of it away from the price of the bar.
        commission: of each side of a trade.
        slippage: of each fill that is no limit order: everything but the target.
    """

    spread: float
    commission: float
    slippage: float

    def fractions(self) -> tuple[float, float, float]:
        """Half the spread, slippage and commission as fractions of the price, as `kernels.trades.simulate` takes them."""
        return self.spread / 20_000, self.slippage / 10_000, self.commission / 10_000


_BY_CLASS = {
    "forex": Costs(0.2, 0.3, 0.1),
    "crypto": Costs(1.0, 5.0, 1.0),
    "equities": Costs(3.0, 1.0, 1.0),
    "etfs": Costs(2.0, 1.0, 1.0),
    "futures": Costs(1.0, 0.3, 0.5),
    "indices": Costs(1.5, 0.0, 0.5),
    "commodities": Costs(3.0, 0.5, 1.0),
}
_MINOR = Costs(3.0, 0.3, 0.5)
_OTHER = Costs(5.0, 2.0, 2.0)
_MAJORS = frozenset({"USD", "EUR", "JPY", "GBP", "CHF", "AUD", "CAD", "NZD"})


def costs_of(dataset: Dataset, chosen: Mapping[str, str]) -> Costs:
    """The costs of a dataset: of the first glob of `chosen` that its name matches, else those of its kind.

    Args:
        dataset: what it is asked of.
        chosen: glob of dataset names → `spread commission slippage`, with blanks between, in basis points.

    Raises:
        ConfigError: a choice is not three numbers that are not negative.
    """
    text = datasets.chosen(chosen, dataset.name)
    if text:
        return _parse(dataset.name, text)
    if is_metal(dataset):
        return _BY_CLASS["commodities"]
    pair = pair_of(dataset.symbol)
    if dataset.asset_class == "forex" and not {pair[:3], pair[3:6]} <= _MAJORS:
        return _MINOR
    return _BY_CLASS.get(dataset.asset_class, _OTHER)


def _parse(name: str, text: str) -> Costs:
    try:
        parts = [float(part) for part in text.split()]
    except ValueError:
        parts = []
    if len(parts) != _PARTS or not all(0 <= part < float("inf") for part in parts):
        raise ConfigError(
            f"setting costs: {name} has {text!r}, which is not three numbers",
            'write spread, commission, slippage: "0.2 0.3 0.1"',
        )
    return Costs(*parts)
