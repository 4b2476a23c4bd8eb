"""The sample generator: equal to the byte wherever it runs, and with the layout and the oddities of real data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from barmill.market import stooq
from barmill.sample import large, prices, small
from barmill.sample.__main__ import main
from barmill.sample.lists import isin
from tests.support.market import REPOSITORY

DATA = REPOSITORY / "data"
US, UK, PL, WORLD = (f"stooq/d_{region}_txt/data/daily/{region}" for region in ("us", "uk", "pl", "world"))


def contents(root: Path) -> dict[str, bytes]:
    """Relative path → bytes of every file below `root`."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def generated(out: Path, hash_seed: str, *arguments: str) -> dict[str, bytes]:
    """What the command writes in a process with this hash seed."""
    subprocess.run(
        [sys.executable, "-m", "barmill.sample", "--out", str(out), *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    )
    return contents(out)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The sample, made by the command."""
    return generated(tmp_path_factory.mktemp("sample"), "1")


def test_committed_data_is_what_the_generator_makes(sample):
    """`data/` holds what the command writes, to the byte, and nothing else."""
    committed = contents(DATA)
    assert sorted(committed) == sorted(sample)
    assert [path for path in sample if committed[path] != sample[path]] == []


def test_same_bytes_in_every_process(sample, tmp_path):
    """Another hash seed changes nothing, neither in the sample nor in a large tree."""
    assert generated(tmp_path / "small", "2") == sample
    arguments = ("--files", "300", "--instruments", "40", "--rows", "5")
    assert generated(tmp_path / "one", "3", *arguments) == generated(tmp_path / "other", "4", *arguments)


def test_seed_decides_prices_not_names(sample):
    """Another seed gives other prices in files of the same names."""
    other = dict(small.files(1))
    assert sorted(other) == sorted(sample)
    path = f"{US}/nasdaq stocks/1/aapl.us.txt"
    assert other[path] != sample[path]


def test_small_enough_to_commit(sample):
    """At most 150 files and 4 MB, the minute series below 1 MB."""
    assert len(sample) <= 150
    assert sum(map(len, sample.values())) <= 4_000_000
    assert len(sample["series/forex/1min/EURUSD.txt"]) < 1_000_000


def test_every_raw_file_is_in_stooqs_layout(sample):
    """But for the note at the top, the grammar of the tree reads every path."""
    paths = [Path(path).relative_to("stooq") for path in sample if path.startswith("stooq/")]
    strays = [p for p in paths if not isinstance(stooq.parse_name(p.name, stooq.parse_folder(p.parent.as_posix())), stooq.Name)]
    assert [path.as_posix() for path in strays] == ["readme.txt"]


@pytest.mark.parametrize(
    "path",
    [
        f"{US}/nyse stocks/1/brk-b.us.txt",
        f"{US}/nyse stocks/1/abr_d.us.txt",
        f"{US}/nyse stocks/1/aact-u.us.txt",
        f"{UK}/lse stocks intl/0r2v.uk.txt",
        f"{PL}/nc stocks/na.txt",
        f"{PL}/wse etfs/etfbtbsp.pl.txt",
        f"{WORLD}/indices/^spx.txt",
        f"{WORLD}/currencies\\major/eurusd.txt",
        f"{WORLD}/currencies/major/usdpln.txt",
        "stooq/d_us_txt/data/5 min/us/nasdaq stocks/1/aapl.us.txt",
        "stooq/backup/us/nasdaq stocks/1/aapl.us.txt",
    ],
)
def test_strange_names_are_in_it(sample, path):
    """Classes, preferreds, units, bare tickers, carets, backslashes, other frequencies and copies are there."""
    assert sample[path].startswith(prices.HEADER.encode())


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (f"{US}/nyse stocks/1/ge.us.txt", b"\xe9"),
        (f"{US}/nyse stocks/2/pfe.us.txt", b'"'),
        (f"{US}/nasdaq stocks/1/cost.us.txt", b",n/a,"),
        (f"{US}/nyse stocks/1/dis.us.txt", b",20250231,"),
        (f"{US}/nysemkt stocks/ng.us.txt", b",-1,"),
        (f"{US}/nyse stocks/2/hrb.us.txt", b",0,0\r\n"),
    ],
)
def test_defects_are_in_it(sample, path, holds):
    """A Latin-1 byte, a stray quote, text for a price, an impossible date, a negative price, a field too many are there."""
    assert holds in sample[path]


def test_shapes_of_files_are_in_it(sample):
    """Empty, header-only, one-row and headerless files, a repeated date, unordered dates and both line ends are there."""
    assert sample[f"{UK}/lse stocks/smds.uk.txt"] == b""
    assert sample[f"{UK}/lse stocks/dlg.uk.txt"] == prices.HEADER.encode() + b"\r\n"
    assert sample[f"{PL}/nc stocks/brg.txt"].count(b"\n") == 2
    assert sample[f"{US}/nyse stocks/1/cat.us.txt"].startswith(b"CAT.US,")
    assert b"\r" not in sample[f"{WORLD}/indices/^spx.txt"]
    twice, mixed = (
        [line.split(b",")[2] for line in sample[f"{US}/nasdaq stocks/1/{name}.us.txt"].splitlines()[1:]]
        for name in ("amgn", "csco")
    )
    assert len(twice) == len(set(twice)) + 1
    assert mixed != sorted(mixed)


def test_bars_are_plausible():
    """High and low enclose open and close as they are written, below zero too, and every day is a weekday."""
    for price in (250.0, -0.41, 68000.0):
        shape = prices.Shape(price=price, digits="%.4f")
        lines = prices.bars("x", "D", prices.daily(500), shape, prices.generator(1, "x"))[1:]
        for line in lines:
            first, high, low, last = map(float, line.split(",")[4:8])
            assert low <= min(first, last) <= max(first, last) <= high
    assert all(day.weekday() < 5 for day in prices.weekdays(500))
    assert prices.weekdays(500)[-1] == prices.LAST_DAY


def stamped(data):
    """The dates of a file's bars."""
    return [line.split(b",")[2].decode() for line in data.splitlines()[1:]]


@pytest.mark.parametrize(
    ("path", "holidays", "more"),
    [
        (f"{US}/nasdaq stocks/1/msft.us.txt", {"20250704", "20250109", "20241225"}, set()),
        (f"{UK}/lse stocks/azn.uk.txt", {"20250505", "20241226"}, {"20250704"}),
        (f"{PL}/wse stocks/mbk.txt", {"20250501", "20241111"}, {"20250704"}),
        (f"{WORLD}/currencies/major/gbpusd.txt", {"20241225", "20250101"}, {"20250704", "20241226"}),
        (f"{WORLD}/cryptocurrencies/btc.v.txt", set(), {"20241225", "20250101", "20250705", "20250706"}),
    ],
)
def test_days_are_those_of_the_exchange(sample, path, holidays, more):
    """A series has a bar on every session of its calendar, one after the other, and none on a holiday."""
    days = stamped(sample[path])
    assert days[-1] == f"{prices.LAST_DAY:%Y%m%d}"
    assert days[0] < "20241111"
    assert not holidays & set(days)
    assert more <= set(days)


def test_minutes_are_those_of_the_week(sample):
    """The minute series trades from Sunday to Friday at 17:00 in New York, without a gap, for ten sessions."""
    lines = sample["series/forex/1min/EURUSD.txt"].splitlines()[1:]
    stamps = [line.split(b",")[2] + line.split(b",")[3] for line in lines]
    assert stamps[0] == b"20251019210000"
    assert stamps[-1] == b"20251031205900"
    assert len(stamps) == len(set(stamps)) == 10 * 24 * 60
    assert b"20251024210000" not in stamps


def test_isins_have_their_check_digit():
    """The digits of an ISIN, letters as two, doubled from the right but one, add up to a multiple of ten."""
    for country, name in (("US", "Apple Inc"), ("PL", "Orlen"), ("IE", "iShares S&P 500"), ("KY", "Tencent")):
        digits = "".join(str(int(char, 36)) for char in isin(country, name))
        total = sum(sum(map(int, str(int(d) * (1 + place % 2)))) for place, d in enumerate(reversed(digits)))
        assert total % 10 == 0


def test_lists_are_in_three_dialects(sample):
    """A comma list in UTF-8, a semicolon list in code page 1250 with decimal commas, a tab list with a byte order mark."""
    assert sample["instruments/broker_comma.csv"].startswith(b"market,isin,symbol,name\n")
    polish = sample["instruments/broker_semicolon.csv"].decode("cp1250")
    assert "Jastrzębska Spółka Węglowa" in polish
    assert '"0,07"' in polish
    assert sample["instruments/broker_tabs.txt"].startswith(b"\xef\xbb\xbfTicker\t")


@pytest.mark.parametrize("count", [1, 24, 1000, 7001])
def test_large_tree_has_the_numbers_asked_for(count):
    """A tree of any size has that many files of different names, and that many instruments."""
    names = [name for name, _ in large.files(1, count, 1, 1)]
    assert len(names) == len(set(names)) == count + 3
    lists = [data for name, data in large.files(1, count, 60, 1) if name.startswith("instruments/")]
    assert sum(len(data.splitlines()) - 1 for data in lists) == 60


def test_large_tree_has_all_bundles_and_some_defects():
    """Seven regions in two dozen folders, and about one file in a hundred with a defect."""
    made = {name: data for name, data in large.files(1, 7000, 1, 8) if name.startswith("stooq/")}
    assert {name.split("/")[1] for name in made} == {f"d_{r}_txt" for r in ("us", "uk", "pl", "jp", "hk", "hu", "world")}
    assert len({Path(name).parent for name in made}) == 24
    assert 1 <= sum(not data for data in made.values()) <= 30


def test_wrong_numbers_are_refused(capsys):
    """A size outside its range ends with the range, and writes nothing."""
    with pytest.raises(SystemExit):
        main(["--files", "0"])
    assert "between 1 and 1000000" in capsys.readouterr().err


@pytest.mark.parametrize("own", ["series/equities/daily/ACME.txt", "instruments/mine.csv", "series/.history/ACME.json"])
def test_a_folder_with_own_data_is_left_alone(tmp_path, capsys, own):
    """A file of another name: exit code 3, one line with the path and one with a cure, and nothing is written."""
    path = tmp_path / "data" / own
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert main(["--out", str(tmp_path / "data")]) == 3
    assert contents(tmp_path) == {f"data/{own}": b"mine"}
    told = capsys.readouterr().err
    assert told.startswith(f"error: 1 files of {tmp_path / 'data'} are not this sample's, such as {path}\n")
    assert told.endswith("python -m barmill.sample --out FOLDER\n")
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize("options", [[], ["--seed", "7"], ["--files", "20", "--rows", "3"]])
def test_own_data_under_a_name_of_the_sample_are_left_alone(tmp_path, sample, options):
    """A file that has the name of one of the sample's, and other bytes, stays; so does a sample of other options."""
    path = tmp_path / f"{US}/nasdaq stocks/1/aapl.us.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine" if not options else sample[path.relative_to(tmp_path).as_posix()])
    before = contents(tmp_path)
    assert main(["--out", str(tmp_path), *options]) == 3
    assert contents(tmp_path) == before


def test_an_empty_folder_and_a_part_of_the_sample_are_filled(tmp_path, sample):
    """The sample is written where there is nothing, where a part of it is, and where all of it is."""
    assert main(["--out", str(tmp_path)]) == 0
    assert contents(tmp_path) == sample
    (tmp_path / f"{US}/nasdaq stocks/1/aapl.us.txt").unlink()
    for _ in range(2):
        assert main(["--out", str(tmp_path)]) == 0
        assert contents(tmp_path) == sample


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, capsys):
    """A file, or a link to nothing, is not a folder: exit code 3, and it stays."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        assert main(["--out", str(tmp_path / name)]) == 3
        assert f"{tmp_path / name} is not a folder" in capsys.readouterr().err
    assert contents(tmp_path) == {"file": b"mine"}


def test_without_options_the_folder_data_is_not_touched(tmp_path, monkeypatch):
    """In a project with data the command writes to `sample`."""
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "sample"]
    assert not list((tmp_path / "data").iterdir())
