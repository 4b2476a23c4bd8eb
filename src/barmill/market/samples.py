"""In sample and out of it: what is fitted on the earlier rows is judged on the later ones."""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from barmill.errors import ConfigError


def split(n: int, out_of_sample: float) -> int:
    """How many of n rows in order of time are in sample: all but that fraction of them, rounded down.

    Raises:
        ConfigError: the fraction is not between 0 and 1.
    """
    if not 0 < out_of_sample < 1:
        raise ConfigError(f"setting out_of_sample: {out_of_sample} is not between 0 and 1", "for example 0.3")
    return int(n * (1 - out_of_sample))


def spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The rows, or `most` of them at even distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def learners() -> tuple[ModuleType, ModuleType]:
    """scikit-learn and threadpoolctl; results are to be computed on one thread, for sums depend on how they are shared out.

    Raises:
        ConfigError: they are not installed.
    """
    try:
        import sklearn
        import threadpoolctl
    except ImportError:
        raise ConfigError(
            "regimes and patterns need scikit-learn, which is not installed", "pip install 'barmill[research]'"
        ) from None
    return sklearn, threadpoolctl
