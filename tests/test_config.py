"""Settings: defaults, pyproject.toml, environment; every fault names the key, the place and the cure."""

import datetime as dt
import errno
from pathlib import Path
from unittest import mock

import pytest

from barmill.config import Settings, load_settings
from barmill.errors import ConfigError
from tests.support.project import Project


def load(root: Path, toml: str = "", **environ: str) -> Settings:
    """Settings of a project with this table."""
    (root / "pyproject.toml").write_text(f"[tool.barmill]\n{toml}\n")
    return load_settings(root, environ)


def test_defaults_without_any_file(tmp_path: Path) -> None:
    """A project without pyproject.toml has the defaults."""
    assert load_settings(tmp_path, {}) == Settings()


def test_a_file_without_our_table(tmp_path: Path) -> None:
    """A pyproject.toml of other tools gives the defaults."""
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nstooq = 1\n")
    assert load_settings(tmp_path, {}) == Settings()


def test_values_of_the_table(tmp_path: Path) -> None:
    """Each kind of value is read from the table."""
    toml = 'stooq = "raw"\nstore = "~/s"\nfsync = true\nspike = 2\nstale_days = 7\nlink = "copy"\n'
    settings = load(tmp_path, toml + '[tool.barmill.aliases]\n"fb.us" = "meta.us"')
    assert (settings.stooq, settings.store) == (Path("raw"), Path("~/s").expanduser())
    assert (settings.fsync, settings.spike, settings.stale_days, settings.link) == (True, 2.0, 7, "copy")
    assert settings.aliases == {"FB.US": "META.US"}


def test_environment_wins(tmp_path: Path) -> None:
    """A variable overrides the table; other variables are not ours."""
    settings = load(tmp_path, 'stooq = "raw"\nspike = 2.0', BARMILL_STOOQ="other", STOOQ="no", BARMILL_REAL_DATA="x")
    assert (settings.stooq, settings.spike) == (Path("other"), 2.0)


def test_other_tables_keep_their_letter_case(tmp_path: Path) -> None:
    """Globs and what they mean are taken as written, from the table and from a variable."""
    assert load(tmp_path, 'chunk_schemes = {"forex/*" = "week"}').chunk_schemes == {"forex/*": "week"}
    assert load(tmp_path, BARMILL_CHUNK_SCHEMES="forex/*=week").chunk_schemes == {"forex/*": "week"}


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on"])
def test_true_in_the_environment(tmp_path: Path, text: str) -> None:
    """These texts mean true."""
    assert load(tmp_path, BARMILL_FSYNC=text).fsync is True


@pytest.mark.parametrize("text", ["0", "false", "False", "no", "off"])
def test_false_in_the_environment(tmp_path: Path, text: str) -> None:
    """These texts mean false, also over a true in the table."""
    assert load(tmp_path, "fsync = true", BARMILL_FSYNC=text).fsync is False


def test_a_table_may_be_nested(tmp_path: Path) -> None:
    """A dotted key without quotes, which TOML nests, is the same as one with them; letters keep their case."""
    toml = '[tool.barmill.rules]\nspikes = "warn"\nforex.spikes = "allow"\n"crypto.spikes" = "reject"'
    assert load(tmp_path, toml).rules == {"spikes": "warn", "forex.spikes": "allow", "crypto.spikes": "reject"}
    assert load(tmp_path, BARMILL_RULES="forex.spikes=allow").rules == {"forex.spikes": "allow"}


def test_aliases_in_the_environment(tmp_path: Path) -> None:
    """The alias table is written as a=b,c=d in a variable, or as TOML writes it."""
    expected = {"FB.US": "META.US", "A.US": "B.US"}
    assert load(tmp_path, BARMILL_ALIASES="fb.us=meta.us, a.us = b.us").aliases == expected
    assert load(tmp_path, BARMILL_ALIASES='{"fb.us" = "meta.us", "a.us" = "b.us"}').aliases == expected
    with pytest.raises(ConfigError):
        load(tmp_path, BARMILL_ALIASES='{"fb.us" = "meta.us"')


def test_lists(tmp_path: Path) -> None:
    """A list is a TOML array, or text with commas in a variable; of numbers, too."""
    settings = load(tmp_path, 'research = ["forex/*", "crypto/1min/*"]\nlabel_stops = [5, 7]')
    assert (settings.research, settings.label_stops) == (("forex/*", "crypto/1min/*"), (5, 7))
    settings = load(
        tmp_path, "label_stops = [5, 7]", BARMILL_RESEARCH="forex/*, a", BARMILL_LABEL_STOPS="1,2", BARMILL_PATTERNS=""
    )
    assert (settings.research, settings.label_stops, settings.patterns) == (("forex/*", "a"), (1, 2), ())
    settings = load(tmp_path, BARMILL_RESEARCH='["forex/*", "a"]', BARMILL_LABEL_STOPS="[1, 2]")
    assert (settings.research, settings.label_stops) == (("forex/*", "a"), (1, 2))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('stoqo = "x"', ["stoqo", "pyproject.toml", "'stooq'"]),
        ("frequency = 5", ["frequency", "5", "not a str"]),
        ('frequency = "dayly"', ["frequency", "'dayly'", "'daily'"]),
        ('link = "hard"', ["link", "'hard'", "'hardlink'"]),
        ('fsync = "maybe"', ["fsync", "'maybe'", "bool"]),
        ("fsync = 1", ["fsync", "1", "bool"]),
        ("out_of_sample = 1.0", ["out_of_sample", "1.0", "share or date", "2024-01-01"]),
        ('out_of_sample = "soon"', ["out_of_sample", "'soon'", "share or date"]),
        ("spike = true", ["spike", "True", "float"]),
        ("spike = nan", ["spike", "nan", "float"]),
        ("spike = inf", ["spike", "inf", "float"]),
        ("spike = -1", ["spike", "-1", "float"]),
        ("stale_days = 1.5", ["stale_days", "1.5", "int"]),
        ('stooq = ""', ["stooq", "path"]),
        ("stooq = 3", ["stooq", "3", "path"]),
        ('aliases = "x"', ["aliases", "table"]),
        ('aliases = {"A.US" = 1}', ["aliases", "table"]),
        ("research = [1]", ["research", "not a list"]),
        ('research = ["a", "a"]', ["research", "not a list"]),
        ("label_stops = [5, 5]", ["label_stops", "list of int"]),
        ("label_stops = [5, 1.5]", ["label_stops", "list of int"]),
        ("label_stops = 5", ["label_stops", "list of int"]),
    ],
)
def test_a_fault_in_the_table_is_named(tmp_path: Path, toml: str, words: list[str]) -> None:
    """An unknown key or a bad value names the key, the file, the value, and what would do."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, toml)
    assert [word for word in [*words, "hint:"] if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("BARMILL_STOOK", "x", ["BARMILL_STOOK", "'stooq'"]),
        ("BARMILL_SPIKE", "high", ["BARMILL_SPIKE", "'high'", "float"]),
        ("BARMILL_STALE_DAYS", "3.5", ["BARMILL_STALE_DAYS", "'3.5'", "int"]),
        ("BARMILL_FSYNC", "perhaps", ["BARMILL_FSYNC", "bool"]),
        ("BARMILL_LINK", "softlink", ["BARMILL_LINK", "'softlink'", "'reflink'"]),
        ("BARMILL_ALIASES", "fb.us", ["BARMILL_ALIASES", "table"]),
    ],
)
def test_a_fault_in_the_environment_is_named(tmp_path: Path, variable: str, text: str, words: list[str]) -> None:
    """An unknown or unfit variable is named with its value and what would do."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{variable: text})
    assert [word for word in [*words, "hint:"] if word not in str(caught.value)] == []


@pytest.mark.parametrize("key", ["retries", "x", "price_folder"])
def test_an_unknown_setting_without_a_near_name_says_where_settings_are_listed(tmp_path: Path, key: str) -> None:
    """No setting is offered that looks quite different."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"{key} = 2")
    assert caught.value.fact.endswith(f"unknown setting {key!r}")
    assert caught.value.hint == 'README.md lists all settings under "Settings"'


@pytest.mark.parametrize(
    ("key", "near"), [("stoqo", "stooq"), ("Research", "research"), ("cost", "costs"), ("strat", "strategies")]
)
def test_an_unknown_setting_with_a_near_name_is_asked_for(tmp_path: Path, key: str, near: str) -> None:
    """A misspelling, another case, or the start of a name offers the setting."""
    with pytest.raises(ConfigError, match=f"did you mean '{near}'"):
        load(tmp_path, f"{key} = 2")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """A file as Windows editors write it gives the same settings."""
    (tmp_path / "pyproject.toml").write_bytes(b'\xef\xbb\xbf[tool.barmill]\r\nresearch = ["a"]\r\n')
    assert load_settings(tmp_path, {}).research == ("a",)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"[tool.barmill]\nresearch = []\nspike = \n", "line 3, column 9: Invalid value"),
        (b"[tool.barmill\n", "line 1, column 14: "),
        (b"[tool.barmill]\nspike = [1,", "end of document: "),
        (b"\xef\xbb\xbf[tool.barmill]\nspike = \n", "line 2, column 9: Invalid value"),
        (b"[tool.barmill]\nspike = 1\nspike = 2\n", "line 3, column 10: "),
        (b"[tool.barmill]\nstooq = '\xff'\n", "line 2, byte 10: 0xff is not UTF-8"),
        ("[tool.barmill]\n".encode("utf-16"), "line 1, byte 1: 0xff is not UTF-8"),
    ],
)
def test_a_broken_file_is_named_with_the_place_in_it(tmp_path: Path, content: bytes, place: str) -> None:
    """A file that is not TOML, or not UTF-8, is named by its full path, the line and the column."""
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {})
    assert caught.value.fact.startswith(f"{tmp_path}/pyproject.toml, {place}")
    assert caught.value.hint


def test_a_table_that_is_no_table_is_named(tmp_path: Path) -> None:
    """A value where the table should be is refused."""
    (tmp_path / "pyproject.toml").write_text("[tool]\nbarmill = 3\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml is not a table"):
        load_settings(tmp_path, {})


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    """A folder called pyproject.toml is an error that names it."""
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(errno.EACCES, "x"), "chmod u"), (OSError(errno.EIO, "I/O error"), "I/O error")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, error: OSError, words: str) -> None:
    """A missing right, or a disk that fails, is an error with the path and a cure."""
    with mock.patch("barmill.files.read", side_effect=error), pytest.raises(ConfigError, match=words) as caught:
        load(tmp_path)
    assert caught.value.fact.startswith(f"{tmp_path}/pyproject.toml can't be read: ")


@pytest.mark.parametrize(
    ("toml", "environ", "word"),
    [('[tool.barmill]\nstorr = "x"\n', {}, "'store'"), ("", {"BARMILL_LINK": "rflink"}, "'reflink'")],
)
def test_doit_says_it_without_a_traceback(tmp_path: Path, toml: str, environ: dict[str, str], word: str) -> None:
    """doit prints the fault, no traceback, and exits with 3."""
    project = Project.make(tmp_path / "p")
    (project.root / "pyproject.toml").write_text(toml)
    result = project.doit(**environ)
    assert result.code == 3
    assert word in result.err
    assert "Traceback" not in result.out + result.err
    assert project.built() == []


def test_doit_names_the_line_of_another_folder_s_file_without_a_traceback(tmp_path: Path) -> None:
    """Where doit itself does not read the file first, a syntax error is one error with its line, and the exit code is 3."""
    project = Project.make(tmp_path / "p")
    (project.root / "pyproject.toml").write_text("[tool.barmill]\nspike = \n")
    (tmp_path / "q").mkdir()
    result = Project(tmp_path / "q").doit("-f", str(project.root / "dodo.py"), "-d", str(project.root))
    assert (result.code, "Traceback" in result.out + result.err) == (3, False)
    assert f"{project.root}/pyproject.toml, line 2, column 9: Invalid value" in result.err


@pytest.mark.parametrize(
    ("toml", "value"),
    [("0.3", 0.3), ("0", 0.0), ("2024-01-01", dt.date(2024, 1, 1)), ('"2024-01-01"', dt.date(2024, 1, 1)), ('"0.2"', 0.2)],
)
def test_out_of_sample_is_a_share_or_a_date(tmp_path, toml, value):
    """As TOML writes them, or as text."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.barmill]\nout_of_sample = {toml}\n")
    assert load_settings(tmp_path, {}).out_of_sample == value
