"""How TA-Lib is imported."""

import subprocess
import sys

PROGRAM = """
import sys
from barmill.market.indicators.ta import TALIB
assert "pandas" not in sys.modules
import numpy as np
assert TALIB.SMA(np.array([1.0, 3.0]), 2)[1] == 2.0
import pandas as pd
import talib
assert list(talib.SMA(pd.Series([1.0, 3.0], index=[7, 8]), 2).index) == [7, 8]
assert TALIB.SMA(np.array([1.0, 3.0]), 2)[1] == 2.0
"""
LATER = "import pandas as pd, talib\nfrom barmill.market.indicators.ta import TALIB\nassert TALIB is talib"


def test_no_pandas_for_us_and_all_of_it_for_others() -> None:
    """Indicators are computed without pandas being imported; who imports TA-Lib after us can give it pandas' series."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_talib_that_is_there_is_taken() -> None:
    """Where somebody imported TA-Lib before us, we take theirs."""
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
