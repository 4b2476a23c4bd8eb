"""What the setting `providers` makes of the built-in kinds, and how its faults are told."""

import sys

import pytest

from barmill.config import load_settings
from barmill.errors import ConfigError, SourceError
from barmill.sources.catalogue import open_provider, open_tree, spec_of
from barmill.sources.provider import Request

CHOSEN = {
    "quotes": {"kind": "http", "url": "https://example.org/{lower}.csv", "rate": 2, "headers": {"Key": "x"}},
    "stooq": {"source": ["a.zip", "b.zip"]},
    "mine": {"kind": "csv", "source": "folder", "pattern": "{symbol}_M1.csv", "zone": "Europe/Warsaw"},
}


def test_specs():
    """A name is its own kind unless another is given; the command line's source goes before the setting's."""
    assert spec_of("stooq", CHOSEN).source == ("a.zip", "b.zip")
    assert spec_of("stooq", CHOSEN, ["c.zip"]).source == ("c.zip",)
    assert (spec_of("quotes", CHOSEN).kind, spec_of("quotes", CHOSEN).headers) == ("http", {"Key": "x"})
    assert spec_of("quotes", CHOSEN, ["http://h/{symbol}"]).url == "http://h/{symbol}"
    assert spec_of("csv", {}, ["here"]).source == ("here",)


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("yaho", {}, ["'yaho'", "yahoo"]),
        ("quote", CHOSEN, ["'quote'", "quotes"]),
        ("x", {"x": {"kind": "ftp"}}, ["'ftp'", "there are stooq"]),
        ("x", {"x": {}}, ["no kind 'x'"]),
        ("csv", {"csv": {"folder": "a"}}, ["no key 'folder'", "source"]),
        ("csv", {"csv": {"zone": "Warsaw"}}, ["'Warsaw'", "zone", "Europe/Warsaw"]),
        ("http", {"http": {"rate": -1}}, ["-1", "rate"]),
        ("http", {"http": {"attempts": 0}}, ["0", "attempts"]),
        ("http", {"http": {"timeout": True}}, ["True", "timeout"]),
        ("stooq", {"stooq": {"source": 3}}, ["3", "source"]),
    ],
)
def test_faults(name, table, words):
    """What is wrong is named with its value, and what would do."""
    with pytest.raises(ConfigError) as caught:
        spec_of(name, table)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("name", "word"), [("csv", "source"), ("http", "url"), ("stooq", "source"), ("stooq-folder", "source")]
)
def test_what_a_provider_needs(name, word):
    """A provider without its place says what is missing, and where to give it."""
    with pytest.raises(ConfigError, match=rf"provider {name} has no {word}\nhint: give it with --source"):
        (open_tree if name.startswith("stooq") else open_provider)(name, spec_of(name, {}))


def test_only_web_addresses():
    """A file is not a web address."""
    with pytest.raises(ConfigError, match="not an http or https address"):
        open_provider("http", spec_of("http", {}, ["file:///etc/passwd"]))


def test_folder_that_is_not_there(tmp_path):
    """A folder that is not there is named in full."""
    with pytest.raises(SourceError, match=str(tmp_path / "no")):
        open_provider("csv", spec_of("csv", {}, [str(tmp_path / "no")]))


def test_the_pattern_of_a_folder(tmp_path):
    """A pattern tells symbols from other files; without one `.csv` goes before `.txt`."""
    for name in ("EURUSD_M1.csv", "eurusd.txt", "notes.md", ".hidden_M1.csv", "gbpusd.csv", "GBPUSD.txt"):
        (tmp_path / name).write_text("2024-01-31 10:00,1,3,0.5,2,10\n")
    source = [str(tmp_path)]
    chosen = {"csv": {"pattern": "{symbol}_M1.csv", "zone": "Europe/Warsaw"}}
    provider = open_provider("csv", spec_of("csv", chosen, source))
    assert list(provider.symbols()) == ["EURUSD"]
    assert provider.fetch(Request("EURUSD", "1min")).bars.table.column("time").to_pylist() == ["09:00:00"]
    assert list(open_provider("csv", spec_of("csv", {}, source)).symbols()) == ["EURUSD", "EURUSD_M1", "GBPUSD"]


def test_settings(tmp_path):
    """The table is read from pyproject.toml, or as inline TOML from the environment; other things are refused."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.barmill]\nlock_timeout = 5\n[tool.barmill.providers]\nstooq = {source = "a.zip"}\n'
    )
    settings = load_settings(tmp_path, {})
    assert (settings.providers, settings.lock_timeout) == ({"stooq": {"source": "a.zip"}}, 5.0)
    environ = {"BARMILL_PROVIDERS": '{csv = {source = "b"}}'}
    assert load_settings(tmp_path, environ).providers == {"csv": {"source": "b"}}
    for text in ("stooq", "{stooq = 3}", "{"):
        with pytest.raises(ConfigError, match="tables"):
            load_settings(tmp_path, {"BARMILL_PROVIDERS": text})


def test_yahoo_needs_its_library(monkeypatch):
    """Without the library the extra is named."""
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(ConfigError, match=r"barmill\[yahoo\]"):
        open_provider("yahoo", spec_of("yahoo", {}))
