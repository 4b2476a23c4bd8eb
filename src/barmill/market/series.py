"""A price series as arrays: what the research stages compute on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from barmill.errors import InputError
from barmill.market.arrays import numbers, stamps
from barmill.market.schema import PRICES, TIME
from barmill.market.tables import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

MINUTE = 60_000_000
"""Microseconds of a minute."""

NO_RETURN = (
    "a bar with a price that is not positive has no return and is left out; "
    "the rules zero_prices and negative_prices (setting rules) decide whether such bars are kept at all"
)
"""Why bars are left out of what needs returns, and which settings change that."""

_PIP_BELOW = 4  # powers of ten between the first digit of a price and its pip


@dataclass(frozen=True)
class Series:
    """Bars of one price series, ascending in time.

    Attributes:
        time: int64, microseconds since 1970 UTC, strictly ascending.
        open: float64, in the quote unit; as `high`, `low`, `close` of the same shape and never NaN.
        volume: float64, in units; NaN where unknown.
    """

    time: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.int64]) -> "Series":
        return Series(**{name: values[rows] for name, values in vars(self).items()})

    def has_return(self) -> NDArray[np.bool_]:
        """Where all four prices are positive; between others a ratio says nothing. Shape (n,)."""
        positive: NDArray[np.bool_] = np.all([getattr(self, name) > 0 for name in PRICES], axis=0)
        return positive

    @classmethod
    def read(cls, files: Sequence[Path]) -> Self:
        """The bars of Parquet files of one series, in any order of the files.

        Columns: `time` (timestamp[us, UTC]), open, high, low, close, volume.

        Raises:
            InputError: the files overlap, or prices are missing.
        """
        import pyarrow as pa

        tables = [read_parquet(path) for path in files]
        if not tables:
            return cls(np.empty(0, np.int64), *(np.empty(0) for _ in range(5)))
        names = [TIME, *PRICES, "volume"]
        table = pa.concat_tables([each.select(names) for each in tables]).sort_by(TIME)
        return cls.of(table, ", ".join(map(str, files)))

    @classmethod
    def of(cls, table: "pa.Table", where: str = "the table") -> Self:
        """The bars of an Arrow table in ascending order.

        Raises:
            InputError: stamps are not strictly ascending, or prices are missing.
        """
        series = cls(stamps(table.column(TIME)), *(numbers(table.column(name)) for name in (*PRICES, "volume")))
        if (np.diff(series.time) <= 0).any():
            raise InputError(f"{where}: two bars have the same stamp", "delete artifacts/chunks and run doit")
        if not all(np.isfinite(getattr(series, name)).all() for name in PRICES):
            raise InputError(f"{where}: a price is missing or infinite", "see the diagnosis in artifacts/export")
        return series

    def pip(self) -> float:
        """The unit of distances where neither a setting nor a custom says one, in the quote unit; a power of ten.

        It is the greatest that is at most a ten-thousandth of the first close that is not 0, as the pip of a currency pair
        near 1 is: 0.0001 of 1.16, 0.01 of 150, 1 of 61,000, 1e-9 of 0.0000123. No later bar changes it, whatever decimals that
        has. 1 where no close is other than 0.
        """
        first = self.close[self.close != 0][:1]
        return float(f"1e{math.floor(math.log10(abs(first[0]))) - _PIP_BELOW}") if len(first) else 1.0
