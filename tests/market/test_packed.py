"""Texts in plain, gzip and zip files."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from barmill.errors import InputError
from barmill.market.packed import name_of, texts


def zipped(**members):
    """A zip file of these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("eurusd.csv", "EURUSD"),
        ("AAPL.US.TXT", "AAPL.US"),
        ("brk-b.csv.gz", "BRK-B"),
        ("x.csv.zip", "X"),
        ("x.zip", "X"),
        ("x.pdf", ""),
        (".csv", ""),
    ],
)
def test_names(name, symbol):
    """The symbol is the name without all of its ending."""
    assert name_of(Path(name)) == symbol


def test_contents():
    """The content is that of the file, or of what is packed in it, by name."""
    assert texts(b"a", "x") == texts(gzip.compress(b"a"), "x") == [("x", b"a")]
    months = zipped(**{"M-2024-02.csv": "b", "M-2024-01.csv": "a", "__MACOSX/M-2024-01.csv": "?"})
    assert texts(months, "x") == [("x/M-2024-01.csv", b"a"), ("x/M-2024-02.csv", b"b")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(b"abc")[:-5], "can't be unpacked"),
        (zipped(a="x")[:-9], "can't be unpacked"),
        (zipped(), "can't be unpacked|holds no file"),
        (zipped(**{"AAPL.csv": "a", "MSFT.csv": "b"}), "several names, such as AAPL.csv and MSFT.csv"),
    ],
    ids=["torn gzip", "torn zip", "empty zip", "two symbols"],
)
def test_what_is_not_one_series_is_refused(data, words):
    """A damaged file, an empty one, and one that may hold several series are refused by name."""
    with pytest.raises(InputError, match=f"here.zip.*({words})"):
        texts(data, "here.zip")
