"""Folders and single files of prices, plain and compressed."""

import gzip
import os
import zipfile

import pytest

from barmill.errors import InputError, SourceError, UnknownSymbol
from barmill.market.dialects import Said
from barmill.sources.csvfolder import CsvFolder
from barmill.sources.provider import Request
from tests.support.prices import csv_of

JANUARY, FEBRUARY = {"2024-01-30": 10.0, "2024-01-31": 11.0}, {"2024-01-31": 12.0, "2024-02-01": 13.0}


def dates(provider, symbol, **request):
    """date → close of a symbol, and the notes."""
    reading = provider.fetch(Request(symbol, "daily", **request))
    table = reading.bars.table
    return dict(zip(table.column("date").to_pylist(), table.column("close").to_pylist(), strict=True)), reading.notes


def packed(path, members):
    """A zip file of texts."""
    with zipfile.ZipFile(path, "w") as file:
        for name, closes in members.items():
            file.writestr(name, csv_of(closes))
    return path


def test_files_may_be_compressed(tmp_path):
    """A symbol's file may be plain, gzip or zip."""
    (tmp_path / "a.csv").write_text(csv_of(JANUARY))
    (tmp_path / "B.csv.gz").write_bytes(gzip.compress(csv_of(JANUARY).encode()))
    packed(tmp_path / "C.zip", {"whatever.csv": JANUARY})
    provider = CsvFolder("csv", [tmp_path])
    assert provider.symbols() == ["A", "B", "C"]
    assert [dates(provider, symbol) for symbol in "ABC"] == [(JANUARY, [])] * 3


@pytest.mark.parametrize("shape", ["zips", "one zip", "plain"])
def test_months_make_one_series(tmp_path, shape):
    """All files of a symbol that a pattern with * names, or all months of a zip, are one series; a difference is noted."""
    months = {"A-1d-2024-01.csv": JANUARY, "A-1d-2024-02.csv": FEBRUARY}
    if shape == "one zip":
        packed(tmp_path / "A.zip", months)
        provider = CsvFolder("csv", [tmp_path])
    else:
        for name, closes in months.items():
            if shape == "zips":
                packed(tmp_path / name.replace(".csv", ".zip"), {name: closes})
            else:
                (tmp_path / name).write_text(csv_of(closes))
        provider = CsvFolder("csv", [tmp_path], "{symbol}-1d-*")
    assert provider.symbols() == ["A"]
    found, notes = dates(provider, "A")
    assert found == JANUARY | FEBRUARY
    (note,) = notes
    assert "1 bars of" in note
    assert (
        "2024-02.csv are other than in the files before it, such as 2024-01-31 00:00:00; those that break no rule are taken"
        in note
    )


def test_rejected_lines_of_months_name_their_file(tmp_path):
    """A rejected line of one of several files is shown with the file."""
    for month in ("01", "02"):
        (tmp_path / f"A-{month}.csv").write_text(f"Date,Open,High,Low,Close\n2024-{month}-01,1,2,1,2\nnonsense\n")
    reading = CsvFolder("csv", [tmp_path], "{symbol}-*.csv").fetch(Request("A", "daily"))
    assert [(each["line"], each["text"].rpartition("/")[2]) for each in reading.bars.rejected] == [
        (3, "A-01.csv: nonsense"),
        (3, "A-02.csv: nonsense"),
    ]
    assert reading.bars.raw_rows == 4


def test_an_ambiguous_month_is_named(tmp_path):
    """One file that can't be decided is refused with its name."""
    (tmp_path / "A-1.csv").write_text("Date,Open,High,Low,Close\n31/01/2024,1,2,1,2\n")
    (tmp_path / "A-2.csv").write_text("Date,Open,High,Low,Close\n01/02/2024,1,2,1,2\n")
    with pytest.raises(InputError, match=r"A-2\.csv: the dates of the file are ambiguous"):
        CsvFolder("csv", [tmp_path], "{symbol}-*.csv").fetch(Request("A", "daily"))
    found, _ = dates(CsvFolder("csv", [tmp_path], "{symbol}-*.csv", Said(dates="dmy")), "A")
    assert list(found) == ["2024-01-31", "2024-02-01"]


def test_a_single_file_is_of_any_symbol(tmp_path):
    """A file as the place is read for the symbol that is asked for, whatever its name and ending."""
    path = tmp_path / "quotes.data"
    path.write_text(csv_of(JANUARY))
    provider = CsvFolder("csv", [path])
    assert provider.symbols() == ["QUOTES"]
    assert dates(provider, "ACME") == (JANUARY, [])


def test_unknown_symbols_and_places(tmp_path):
    """A missing symbol names the nearest, a missing place itself."""
    (tmp_path / "ACME.csv").write_text(csv_of(JANUARY))
    with pytest.raises(UnknownSymbol, match="nearest are ACME"):
        CsvFolder("csv", [tmp_path]).fetch(Request("ACNE", "daily"))
    with pytest.raises(SourceError, match=r"nowhere does not exist"):
        CsvFolder("csv", [tmp_path / "nowhere"])


def test_the_zone_of_the_days(tmp_path):
    """The request says where the series' days begin."""
    (tmp_path / "T.csv").write_text("Date,Open,High,Low,Close\n2024-01-04T15:00:00Z,1,2,1,2\n")
    found, notes = dates(CsvFolder("csv", [tmp_path]), "T", home="Asia/Tokyo")
    assert (list(found), notes) == (["2024-01-05"], [])


def test_pipe_in_place_of_a_source_is_named(tmp_path):
    """A pipe that is named as the source is not read, and is not said to be missing."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SourceError, match=r"pipe\.csv is neither a file nor a folder"):
        CsvFolder("csv", [tmp_path / "pipe.csv"])
    with pytest.raises(SourceError, match=r"none\.csv does not exist"):
        CsvFolder("csv", [tmp_path / "none.csv"])
