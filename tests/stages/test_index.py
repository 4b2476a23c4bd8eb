"""The index of the tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from barmill.config import Settings
from barmill.market.tables import read_parquet
from barmill.plan import Plan
from barmill.stages import index
from tests.stages.contract import StageContract
from tests.support.real import real_data
from tests.support.steps import steps
from tests.support.trees import build_index, plant

US = "d_us_txt/data/daily/us"
PL = "d_pl_txt/data/daily/pl"
WORLD = "d_world_txt/data/daily/world"


def _tickers(built):
    return [row["ticker"] for row in built.files]


def test_columns(tmp_path):
    """A row says all that the path says."""
    built = build_index(plant(tmp_path / "tree", [f"{US}/nasdaq stocks/1/aapl.us.txt"]), tmp_path)
    assert built.files == [
        {
            "ticker": "AAPL.US", "stem": "aapl.us", "relative_path": f"{US}/nasdaq stocks/1/aapl.us.txt", "region": "us",
            "category": "nasdaq stocks", "shard": "1", "frequency": "daily", "suffix": ".US",
        }
    ]  # fmt: skip


def test_strange_names_survive(tmp_path):
    """Backslash directories, carets, NA, blanks, digits and .TXT are indexed, in the CSV and in Parquet alike."""
    paths = [
        f"{PL}/nc stocks/na.txt", f"{PL}/wse stocks/06n.txt", f"{WORLD}/currencies\\major/eurusd.txt",
        f"{WORLD}/indices/^spx.txt",
        f"{US}/nasdaq stocks/2/NULL.US.TXT", f"{US}/nasdaq stocks/2/a b,c.us.txt", f'{US}/nyse stocks/1/quo"te.us.txt',
        f"{US}/nyse stocks/1/zażółć.us.txt",
    ]  # fmt: skip
    built = build_index(plant(tmp_path / "tree", paths), tmp_path)
    assert [row["relative_path"] for row in built.files] == sorted(paths)
    assert {"NA", "06N", "EURUSD", "^SPX", "NULL.US", "A B,C.US"} <= set(_tickers(built))
    assert {row["category"] for row in built.files if row["region"] == "world"} == {"currencies\\major", "indices"}
    assert read_parquet(built.parquet).to_pylist() == built.files


def test_strays_are_named(tmp_path):
    """What is no price file is not indexed, and listed with the reason."""
    paths = [
        "readme.txt",
        f"{US}/nasdaq stocks/readme.txt",
        f"{US}/nasdaq stocks/1/aapl.us.csv",
        f"{US}/.DS_Store",
        ".git/config",
    ]
    built = build_index(plant(tmp_path / "tree", [*paths, "csv/^ux_d.csv", f"{US}/ibm.us.txt"]), tmp_path)
    assert _tickers(built) == ["IBM.US"]
    assert {row["relative_path"]: row["reason"] for row in built.rejected} == {
        ".git": "hidden",
        "csv/^ux_d.csv": "not_txt",
        f"{US}/.DS_Store": "hidden",
        f"{US}/nasdaq stocks/1/aapl.us.csv": "not_txt",
        f"{US}/nasdaq stocks/readme.txt": "not_a_ticker",
        "readme.txt": "not_in_layout",
    }


def test_names_that_are_no_utf8(tmp_path):
    """A file or a folder whose name is no UTF-8 is rejected, and its bytes shown."""
    tree = plant(
        tmp_path / "tree", [f"{US}/x/a".encode() + b"\xff.us.txt", b"d_us_txt/data/daily/us/\xfe/b.us.txt", f"{US}/x/c.us.txt"]
    )
    built = build_index(tree, tmp_path)
    assert _tickers(built) == ["C.US"]
    assert [(row["relative_path"], row["reason"]) for row in built.rejected] == [
        (f"{US}/\\xfe/b.us.txt", "not_utf8"),
        (f"{US}/x/a\\xff.us.txt", "not_utf8"),
    ]


def test_control_characters(tmp_path):
    """A name with a line end in it would break tables that programs read by line: it is rejected, readably."""
    built = build_index(plant(tmp_path / "tree", [f"{US}/x/a\rb.us.txt", f"{US}/x/c\nd.us.txt"]), tmp_path)
    assert [(row["relative_path"], row["reason"]) for row in built.rejected] == [
        (f"{US}/x/a\\x0db.us.txt", "control_character"),
        (f"{US}/x/c\\x0ad.us.txt", "control_character"),
    ]


def test_duplicates_are_listed(tmp_path):
    """Of one ticker's copies the bundle's own place is kept, then path order; another region or frequency is no copy."""
    paths = [
        "a_copy/daily/us/nyse stocks/aapl.us.txt",
        f"{US}/nyse stocks/1/aapl.us.txt",
        f"{US}/nasdaq stocks/1/aapl.us.txt",
        "h_us_txt/data/hourly/us/nyse stocks/1/aapl.us.txt",
        "d_uk_txt/data/daily/uk/lse stocks/aapl.us.txt",
    ]
    built = build_index(plant(tmp_path / "tree", paths), tmp_path)
    assert len(built.files) == len(paths)
    assert built.duplicates == [
        {"ticker": "AAPL.US", "frequency": "daily", "kept": paths[2], "other": paths[1]},
        {"ticker": "AAPL.US", "frequency": "daily", "kept": paths[2], "other": paths[0]},
    ]


@pytest.mark.parametrize("root", ["", "us", "d_us_txt/data/daily"])
def test_trees_that_start_lower(tmp_path, root):
    """An empty tree, or one without a file in the layout, is an index without rows, with the same columns."""
    built = build_index(plant(tmp_path / "tree", [f"{root}/note.md"] if root else []), tmp_path)
    assert built.files == []
    assert read_parquet(built.parquet).column_names == list(index.INDEX)


def test_files_are_never_opened(tmp_path):
    """Content does not matter: a file with any bytes in it gives the same index."""
    tree = plant(tmp_path / "tree", [f"{US}/nyse stocks/1/ibm.us.txt"])
    first = build_index(tree, tmp_path / "one").parquet.read_bytes()
    (tree / US / "nyse stocks/1/ibm.us.txt").write_bytes(b"\xff" * 100)
    assert build_index(tree, tmp_path / "two").parquet.read_bytes() == first


def test_links(tmp_path):
    """A linked folder is read, and a link to a folder above ends there."""
    tree = plant(tmp_path / "tree", [f"{US}/nyse stocks/1/ibm.us.txt"])
    (tree / US / "nyse stocks/2").symlink_to(plant(tmp_path / "other", ["ge.us.txt"]), target_is_directory=True)
    (tree / US / "nyse stocks/loop").symlink_to(tree, target_is_directory=True)
    built = build_index(tree, tmp_path)
    assert _tickers(built) == ["IBM.US", "GE.US"]
    assert [row["reason"] for row in built.rejected] == ["not_txt"]


def test_target_without_a_tree(tmp_path):
    """The target is there before the tree is: what is missing is for the engine to say."""
    (target,) = index.targets(Plan(Settings(stooq=tmp_path / "none", artifacts=tmp_path / "out")))
    assert target.name == "stooq"
    assert target.inputs == {"tree": tmp_path / "none"}


def test_import_is_cheap():
    """Importing the market's stages imports neither pyarrow nor pandas."""
    code = "import sys, barmill.stages.index, barmill.stages.match, barmill.stages.instruments; print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'pyarrow'" not in modules
    assert "'pandas'" not in modules


def test_build_does_not_import_pandas(tmp_path):
    """Building the index leaves pandas alone: it would cost more than the scan."""
    plant(tmp_path / "tree", [f"{US}/nyse stocks/1/ibm.us.txt"])
    code = (
        "import sys; from pathlib import Path; from barmill.stages import index; p = Path(sys.argv[1]);"
        "index.build(tree=p/'tree', index=p/'i', table=p/'t', duplicates=p/'d', rejected=p/'r'); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_scan_grows_with_the_names(tmp_path):
    """Each further name costs the same few steps, however many there are; no folder is listed twice."""
    cost = {}
    for count in (200, 400, 800):
        tree = plant(tmp_path / str(count), [f"{US}/nasdaq stocks/{i % 3}/t{i}.us.txt" for i in range(count)])
        cost[count] = steps(lambda tree=tree: index._scan(tree))
    assert cost[800] - cost[400] == pytest.approx(2 * (cost[400] - cost[200]), rel=0.01)
    assert (cost[800] - cost[400]) / 400 < 60


def test_each_folder_is_listed_once(tmp_path, monkeypatch):
    """A scan asks the system for each folder's names once."""
    tree = plant(tmp_path / "tree", [f"{US}/nasdaq stocks/{i % 3}/t{i}.us.txt" for i in range(30)])
    listed = []
    scandir = os.scandir
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
        index._scan(tree)
    assert len(listed) == len(set(listed)) == sum(path.is_dir() for path in [tree, *Path(tree).rglob("*")])


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "files", "strays"), [("stooq-uk-pl-us", 189, 0), ("stooq-us-etf", 46, 0), ("stooq-world", 58, 5)]
)
def test_real_trees(tmp_path, folder, files, strays):
    """Every price file of the real trees is indexed; the per-symbol downloads beside them are named strays."""
    built = build_index(real_data(folder), tmp_path)
    assert (len(built.files), len(built.rejected), built.duplicates) == (files, strays, [])
    assert all(row["region"] in {"us", "uk", "pl", "world"} and row["category"] for row in built.files)


class TestContract(StageContract):
    """What every stage promises."""

    stage = "index"
