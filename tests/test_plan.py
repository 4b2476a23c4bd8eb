"""Paths of a project, and what it knows from small files."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from barmill.config import Settings
from barmill.errors import ConfigError, InputError
from barmill.files import write_atomic
from barmill.market.datasets import Dataset
from barmill.market.manifest import Identity
from barmill.market.periods import parse_scheme
from barmill.plan import Plan
from tests.market.test_manifest import MANIFEST


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
        Plan(Settings(instruments=tmp_path / folder, series=tmp_path / "none")).instrument_lists()


def test_single_series_need_no_list(tmp_path: Path) -> None:
    """A project that has single series only needs no broker's list."""
    (tmp_path / "forex/1min").mkdir(parents=True)
    (tmp_path / "forex/1min/EURUSD.txt").touch()
    assert Plan(Settings(instruments=tmp_path / "none", series=tmp_path)).instrument_lists() == []


def test_no_symbols_before_the_first_match(tmp_path: Path) -> None:
    """There are no symbols until a match has been written."""
    assert Plan(Settings(artifacts=tmp_path)).symbols() == []


def test_symbols_of_the_last_match(tmp_path: Path) -> None:
    """Symbols and their raw files are those of the last match; a ticker NA is a ticker."""
    (tmp_path / "match").mkdir()
    (tmp_path / "match/symbols.csv").write_text("symbol,relative_path\nNA,d/na.us.txt\nAAPL.US,d/aapl.us.txt\n")
    found = [(each.name, each.relative_path) for each in Plan(Settings(artifacts=tmp_path)).symbols()]
    assert found == [("NA", "d/na.us.txt"), ("AAPL.US", "d/aapl.us.txt")]


def test_identity_of_a_dataset() -> None:
    """Daily bars are cut by year, bars within a day by month, in the zone of their exchange; globs say otherwise."""
    share = Dataset("AAPL.US", "AAPL.US", Path("a"), "equities", "5min", "Europe/Warsaw", "XNAS")
    rate = Dataset("forex/daily/EURUSD", "EURUSD", Path("b"), "forex", "daily", "", "")
    plan = Plan(Settings())
    assert plan.identity(share) == Identity("AAPL.US", "AAPL.US", "equities", "5min", "America/New_York", "month")
    assert plan.identity(rate) == Identity("forex/daily/EURUSD", "EURUSD", "forex", "daily", "", "year")
    minutes = replace(rate, frequency="1min", zone="UTC")
    assert plan.identity(minutes).zone == "UTC"
    chosen = Plan(Settings(chunk_schemes={"A*": "30d", "AAPL.US": "week"}, calendars={"forex/*": "XLON"}))
    assert (chosen.identity(share).scheme, chosen.identity(minutes).zone) == ("30 days", "Europe/London")


@pytest.mark.parametrize(
    ("settings", "words"),
    [(Settings(chunk_intraday="fortnight"), "'fortnight'"), (Settings(calendars={"*": "XMRS"}), "'XMRS'")],
)
def test_no_scheme_or_zone(settings: Settings, words: str) -> None:
    """A scheme or a zone that there is not is named."""
    share = Dataset("AAPL.US", "AAPL.US", Path("a"), "equities", "5min", "Europe/Warsaw", "XNAS")
    with pytest.raises(ConfigError, match=words):
        Plan(settings).identity(share)


def test_chunk_files_are_those_of_the_manifest(tmp_path: Path) -> None:
    """Before there is a manifest, and while it is damaged, it is what is waited for; one that was replaced is read again."""
    plan = Plan(Settings(artifacts=tmp_path))
    path = plan.manifest_path("forex/1min/EURUSD")
    assert plan.chunk_files("forex/1min/EURUSD") == [path]
    path.parent.mkdir(parents=True)
    for content, expected in (
        (MANIFEST.encode(), ["2025-01", "2025-02"]),
        (b"{}", None),
        (MANIFEST.encode(), ["2025-01", "2025-02"]),
    ):
        write_atomic(path, content)
        files = plan.chunk_files("forex/1min/EURUSD")
        assert files == [path.parent / f"EURUSD/{period}.parquet" for period in expected] if expected else [path]


def plan_with(tmp_path: Path, names: tuple[str, ...], **settings: Any) -> Plan:
    """The plan of a project of these single series."""
    for name in names:
        (tmp_path / f"series/{name}.txt").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"series/{name}.txt").touch()
    folders = {"series": tmp_path / "series", "stooq": tmp_path / "stooq", "instruments": tmp_path / "lists"}
    return Plan(Settings(**folders, artifacts=tmp_path / "artifacts", **settings))


def test_a_short_name_is_followed_while_one_dataset_has_it(tmp_path: Path) -> None:
    """Every setting by dataset takes the symbol of one dataset; a second dataset of that symbol makes it mean nothing."""
    settings = {
        "costs": {"EURUSD": "1 2 3"},
        "pips": {"EURUSD": "0.5"},
        "calendars": {"EURUSD": "24/7"},
        "research": ("EURUSD",),
    }
    plan = plan_with(tmp_path, ("forex/1min/EURUSD",), **settings, chunk_schemes={"eurusd": "week"})
    (dataset,) = plan.datasets()
    assert plan.by_dataset("costs") == {"forex/1min/EURUSD": "1 2 3"}
    assert plan.by_dataset("pips") == {"forex/1min/EURUSD": "0.5"}
    assert (plan.calendar(dataset), plan.research()) == ("24/7", [dataset])
    assert plan.identity(dataset).scheme == parse_scheme("week")
    assert plan.unmatched() == []
    (tmp_path / "series/forex/5min").mkdir()
    (tmp_path / "series/forex/5min/EURUSD.txt").touch()
    assert plan.research() == []
    assert [line.partition(":")[0] for line in plan.unmatched()] == [
        f"setting {name}" for name in ("calendars", "chunk_schemes", "costs", "pips", "research")
    ]


def test_patterns_that_match_nothing_are_named_once_datasets_are_known(tmp_path: Path) -> None:
    """Nothing is said without datasets, and before the first match of a project that has a tree."""
    settings = {"research": ("forex/1m/*", "forex/1min/*")}
    assert plan_with(tmp_path, (), **settings).unmatched() == []
    plan = plan_with(tmp_path, ("forex/1min/EURUSD",), **settings)
    assert plan.unmatched() == ["setting research: 'forex/1m/*' matches no dataset; the nearest are forex/1min/*"]
    (tmp_path / "stooq").mkdir()
    assert plan.unmatched() == []
    write_atomic(plan.path("match", "symbols.csv"), b"symbol,relative_path\n")
    assert len(plan.unmatched()) == 1
