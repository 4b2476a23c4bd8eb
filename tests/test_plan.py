"""Paths of a project, and what it knows from small files."""

import re
from pathlib import Path

import pytest

from barmill.config import Settings
from barmill.errors import InputError
from barmill.plan import Plan


def test_paths_lie_in_the_stage_folder() -> None:
    """An output lies in artifacts/<stage>/, the store and the state in artifacts, unless the store lies elsewhere."""
    plan = Plan(Settings(artifacts=Path("built")))
    assert plan.path("export", "AAPL.US.csv") == Path("built/export/AAPL.US.csv")
    assert (plan.store, plan.state) == (Path("built/store"), Path("built/state.sqlite"))
    assert Plan(Settings(store=Path("/shared"))).store == Path("/shared")


def test_stage_of_a_path() -> None:
    """Only what lies in a folder of the artifacts has a stage."""
    plan = Plan(Settings())
    assert plan.stage_of("artifacts/export/a.csv") == "export"
    assert plan.stage_of("data/export/a.csv") is None
    assert plan.stage_of("artifacts") is None


def test_what_lies_deeper_than_a_stage_s_folder() -> None:
    """A file directly in a stage's folder is flat, and so is what is no output; the folder itself and what is below are not."""
    plan = Plan(Settings())
    assert plan.is_flat("artifacts/export/a.csv")
    assert plan.is_flat("data/stooq/us/a.txt")
    assert not plan.is_flat("artifacts/export")
    assert not plan.is_flat("artifacts/chunks/A.US/2020.parquet")


def test_outputs_of_a_stage_match_its_paths_only() -> None:
    """The regular expression for doit matches a stage's paths, not those of a stage whose name begins alike."""
    plan = Plan(Settings(artifacts=Path("a.b")))
    pattern = re.compile(plan.outputs_of("export"))
    assert pattern.match(str(plan.path("export", "x")))
    assert not pattern.match(str(plan.path("exports", "x")))
    assert not pattern.match("aXb/export/x")


def test_instrument_lists(tmp_path: Path) -> None:
    """Every .csv and .txt of the folder itself is a list, in name order; hidden files and folders' files are none."""
    for name in ("b.csv", "a.TXT", "c.xlsx", ".hidden.csv", "sub/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path.name for path in Plan(Settings(instruments=tmp_path)).instrument_lists()] == ["a.TXT", "b.csv"]


@pytest.mark.parametrize(("folder", "words"), [("none", "does not exist"), (".", "has no .csv or .txt file")])
def test_no_instrument_list(tmp_path: Path, folder: str, words: str) -> None:
    """A missing or empty folder is named, with the setting that points to it."""
    with pytest.raises(InputError, match=rf"{re.escape(words)}\nhint: .*BARMILL_INSTRUMENTS"):
        Plan(Settings(instruments=tmp_path / folder)).instrument_lists()


def test_no_symbols_before_the_first_match(tmp_path: Path) -> None:
    """There are no symbols until a match has been written."""
    assert Plan(Settings(artifacts=tmp_path)).symbols() == []


def test_symbols_of_the_last_match(tmp_path: Path) -> None:
    """Symbols and their raw files are those of the last match; a ticker NA is a ticker."""
    (tmp_path / "match").mkdir()
    (tmp_path / "match/symbols.csv").write_text("symbol,relative_path\nNA,d/na.us.txt\nAAPL.US,d/aapl.us.txt\n")
    found = [(each.name, each.relative_path) for each in Plan(Settings(artifacts=tmp_path)).symbols()]
    assert found == [("NA", "d/na.us.txt"), ("AAPL.US", "d/aapl.us.txt")]
