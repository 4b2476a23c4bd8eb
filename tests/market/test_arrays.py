"""Between Arrow and numpy: every kind, nulls, pieces, and no pandas on the way."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from barmill.market import arrays


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "float32", "float64"])
def test_numbers_go_and_come_back(kind):
    """Each kind keeps its values and its kind."""
    values = np.arange(20).astype(kind)
    column = pa.chunked_array([arrays.arrow(values)])
    assert column.to_pylist() == values.tolist()
    back = arrays.numbers(column)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


def test_nulls_are_nan_and_nan_is_null():
    """A null becomes NaN, also in pieces, slices and columns of nothing else."""
    column = pa.chunked_array([[1.0, None, 3.0], [], [None, None], [5.0]])
    np.testing.assert_array_equal(arrays.numbers(column), [1, np.nan, 3, np.nan, np.nan, 5])
    np.testing.assert_array_equal(arrays.numbers(column[1:4]), [np.nan, 3, np.nan])
    assert arrays.or_null(np.array([1.0, np.nan])).to_pylist() == [1.0, None]
    assert len(arrays.numbers(pa.chunked_array([], pa.float64()))) == 0


def test_masks_of_every_length():
    """Validity is packed in bits: lengths around a byte."""
    for n in (1, 7, 8, 9, 17):
        valid = np.arange(n) % 3 > 0
        assert arrays.arrow(np.arange(n), known=valid).to_pylist() == [k if k % 3 else None for k in range(n)]


def test_whole_numbers_without_value():
    """There is no whole NaN."""
    with pytest.raises(ValueError, match="1 nulls"):
        arrays.numbers(pa.chunked_array([[1, None]]))


def test_stamps_and_words():
    """Microseconds become stamps in UTC, codes become text."""
    assert arrays.utc(np.array([0, 60_000_000])).type == pa.timestamp("us", "UTC")
    assert arrays.coded(np.array([1, 0, 1], np.int8), ("a", "é")).to_pylist() == ["é", "a", "é"]


def test_pandas_stays_away():
    """None of it imports pandas."""
    program = (
        "import sys, numpy as np, pyarrow as pa; from barmill.market import arrays as a;"
        "n = np.arange(9.0); c = pa.chunked_array([a.arrow(n, None, n > 3)]); a.numbers(c); a.or_null(n);"
        "a.utc(np.arange(3)); a.coded(np.zeros(3, np.int8), ['x']); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
