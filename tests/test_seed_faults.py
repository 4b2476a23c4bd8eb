"""The faults of mtime and existence caches (F1 to F14: stale results, R1 to R5: needless rebuilds), done right."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.market import FIRST_STAGES, LONDON, NASDAQ, NYSE, REPOSITORY, MarketProject
from tests.support.project import Result

ROWS = [
    ("AAPL", "US0378331005", "NASDAQ", "Apple", "USD"),
    ("MSFT", "US5949181045", "NASDAQ", "Microsoft", "USD"),
    ("VOD:LN", "GB00BH4HKS39", "LSE", "Vodafone", "EUR"),
    ("GONE", "US0000000001", "NYSE", "Gone", "USD"),
]


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> MarketProject:
    project = MarketProject.make(tmp_path_factory.mktemp("seed") / "template", FIRST_STAGES)
    project.raw(NASDAQ, "AAPL.US")
    project.raw(NASDAQ, "MSFT.US")
    project.raw(NYSE, "IBM.US")
    project.raw(LONDON, "VOD.UK")
    project.listed("broker.csv", ROWS)
    result = project.doit()
    assert result.code == 0, result.out + result.err
    return project


@pytest.fixture
def project(_template: MarketProject, tmp_path: Path) -> MarketProject:
    """A copy of a project that was built; copying changes every mtime and inode."""
    shutil.copytree(_template.root, tmp_path / "p", symlinks=True)
    return MarketProject(tmp_path / "p")


def good(result: Result) -> Result:
    """The result of a run that must have ended well."""
    assert result.code == 0, result.out + result.err
    return result


def assert_fresh(project: MarketProject, **environ: str) -> None:
    """Nothing is left to do."""
    assert {key: number for key, number in good(project.doit(**environ)).counts.items() if key != "fresh"} == {
        "built": 0,
        "restored": 0,
        "failed": 0,
    }


def append(path: Path, line: str) -> None:
    """Add a line to a raw price file."""
    with open(path, "a", newline="") as file:
        file.write(line + "\r\n")


def test_f1_appended_row_reaches_report_and_export(project: MarketProject) -> None:
    """A row appended to a matched raw file is in the export and in the report after the next run, and only these ran."""
    append(project.root / "data/stooq" / NASDAQ / "aapl.us.txt", "AAPL.US,D,20240105,000000,1,2,1,2,5,0")
    result = good(project.doit())
    assert project.ran(result) == ["export:AAPL.US", "reports:tradeable", "reports:validation"]
    row = next(row for row in project.table("reports/tradeable_matches.csv") if row["symbol"] == "AAPL")
    assert (row["price_end"], row["price_rows"]) == ("2024-01-05", "4")
    assert project.table("export/AAPL.US.csv")[-1]["date"] == "2024-01-05"
    assert_fresh(project)


def test_f2_new_raw_file_matches(project: MarketProject) -> None:
    """A raw file that appears for an unmatched instrument is indexed and matched without any flag."""
    assert "GONE" in project.unmatched()
    project.raw(NYSE, "GONE.US")
    good(project.doit())
    assert project.matches()["GONE"] == "GONE.US"
    assert (project.root / "artifacts/export/GONE.US.csv").exists()


def test_f3_deleted_raw_file_unmatches(project: MarketProject) -> None:
    """A matched raw file that is deleted makes its instrument unmatched; its export is an orphan that prune removes."""
    (project.root / "data/stooq" / NASDAQ / "msft.us.txt").unlink()
    good(project.doit())
    assert "MSFT" not in project.matches()
    assert "MSFT" in project.unmatched()
    good(project.doit("prune"))
    assert not (project.root / "artifacts/export/MSFT.US.csv").exists()
    assert (project.root / "artifacts/export/AAPL.US.csv").exists()


def test_f4_edit_with_restored_mtime_is_seen(project: MarketProject) -> None:
    """An instrument list edited at equal length with its mtime put back is read again."""
    path = project.root / "data/instruments/broker.csv"
    before = path.stat()
    path.write_text(path.read_text().replace("GONE,US0000000001", "IBM,US45920010149"[: len("GONE,US0000000001")]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    good(project.doit())
    assert project.matches()["IBM"] == "IBM.US"


def test_f5_options_count(project: MarketProject) -> None:
    """A changed option changes the result at the next run, and going back restores the former one."""
    before = project.table("reports/tradeable_matches.csv")
    strict = good(project.doit(BARMILL_LSE_CURRENCY_POLICY="strict"))
    assert project.ran(strict) == ["reports:tradeable"]
    status = {row["symbol"]: row["currency_status"] for row in project.table("reports/tradeable_matches.csv")}
    assert status["VOD:LN"] == "error:lse_currency_override"
    assert good(project.doit()).counts["restored"] == 1
    assert project.table("reports/tradeable_matches.csv") == before


def test_f5_include_empty_prices(project: MarketProject) -> None:
    """A file without prices is exported only where empty exports are wanted."""
    path = project.root / "data/stooq" / NASDAQ / "msft.us.txt"
    path.write_bytes(b"")
    good(project.doit())
    export = project.root / "artifacts/export/MSFT.US.csv"
    assert not export.exists()
    good(project.doit(BARMILL_INCLUDE_EMPTY_PRICES="1"))
    assert export.read_text() == "ticker,per,date,time,open,high,low,close,volume,openint\n"
    good(project.doit())
    assert not export.exists()


def test_f6_other_tree(project: MarketProject) -> None:
    """Another tree gives that tree's results, not those of the last one."""
    (project.root / "other").mkdir()
    good(project.doit(BARMILL_STOOQ="other"))
    assert project.matches() == {}
    assert len(project.unmatched()) == len(ROWS)
    good(project.doit())
    assert project.matches()["AAPL"] == "AAPL.US"


def test_f7_other_artifacts_folder(project: MarketProject) -> None:
    """Other folders for the results are filled."""
    good(project.doit(BARMILL_ARTIFACTS="elsewhere"))
    assert (project.root / "elsewhere/reports/tradeable_matches.csv").exists()
    assert (project.root / "elsewhere/export/AAPL.US.csv").exists()


def test_f8_deleted_exports_come_back(project: MarketProject) -> None:
    """A deleted folder of exports is restored without building."""
    shutil.rmtree(project.root / "artifacts/export")
    result = good(project.doit())
    assert (result.counts["built"], result.counts["restored"]) == (0, 3)
    assert project.table("export/AAPL.US.csv")[0]["date"] == "2024-01-02"


def test_f9_truncated_report_comes_back(project: MarketProject) -> None:
    """A report truncated to nothing is restored."""
    path = project.root / "artifacts/reports/tradeable_matches.csv"
    before = path.read_bytes()
    path.write_bytes(b"")
    assert good(project.doit()).counts["built"] == 0
    assert path.read_bytes() == before


def test_f10_alias_table_in_the_code_counts(project: MarketProject, tmp_path: Path) -> None:
    """An alias added to the code matches at the next run; a comment added to the code runs nothing."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    aliases = tmp_path / "src/barmill/market/aliases.py"
    environ = {"PYTHONPATH": str(tmp_path / "src")}
    aliases.write_text(aliases.read_text() + "\n# a remark\n")
    assert_fresh(project, **environ)
    text = aliases.read_text()
    assert '"FB.US"' in text
    aliases.write_text(text.replace('"FB.US"', '"GONE.US"').replace('"META.US"', '"IBM.US"'))
    good(project.doit(**environ))
    assert project.matches()["GONE"] == "IBM.US"


def test_f10_alias_in_the_settings_counts(project: MarketProject) -> None:
    """An alias added to the settings matches at the next run."""
    (project.root / "pyproject.toml").write_text('[tool.barmill.aliases]\n"GONE.US" = "IBM.US"\n')
    good(project.doit())
    assert project.matches()["GONE"] == "IBM.US"


def test_f11_truncated_export_is_healed(project: MarketProject) -> None:
    """An export cut to 90 bytes is whole again after the next run."""
    path = project.root / "artifacts/export/AAPL.US.csv"
    before = path.read_bytes()
    path.write_bytes(before[:90])
    assert good(project.doit()).counts["restored"] == 1
    assert path.read_bytes() == before


def test_f12_removed_instrument_leaves_no_trace(project: MarketProject) -> None:
    """An instrument that was removed is in no report; its export goes with prune."""
    project.listed("broker.csv", ROWS[1:])
    good(project.doit())
    assert "AAPL" not in project.matches()
    assert "artifacts/export/AAPL.US.csv" in good(project.doit("prune", "-n")).out
    good(project.doit("prune"))
    assert not (project.root / "artifacts/export/AAPL.US.csv").exists()


def test_f13_ticker_na_is_a_ticker(project: MarketProject) -> None:
    """The ticker NA matches on the first run and on every later one."""
    project.raw(NASDAQ, "NA.US")
    project.listed("more.csv", [("NA", "CA0000000001", "NASDAQ", "Nano", "USD")])
    good(project.doit())
    assert project.matches()["NA"] == "NA.US"
    project.listed("most.csv", [("IBM", "", "NYSE", "", "USD")])
    good(project.doit())
    assert project.matches()["NA"] == "NA.US"


def test_f14_a_list_edited_while_it_is_read_is_stale(project: MarketProject, tmp_path: Path) -> None:
    """A list appended to while its target is built fails that run, and the next run reads it whole."""
    dodo = (project.root / "dodo.py").read_text()
    (project.root / "dodo.py").write_text(dodo.replace("PLAN, DOIT_CONFIG", "import instruments\nPLAN, DOIT_CONFIG"))
    (project.root / "instruments.py").write_text(
        '"""Instruments, while another program appends to the list."""\n'
        "import os\n"
        "from barmill.stages import instruments\n"
        "from barmill.target import Target\n"
        "def build(source, **arguments):\n"
        "    instruments.build(source=source, **arguments)\n"
        "    if os.environ.get('APPEND'):\n"
        "        with open(source, 'a') as file:\n"
        "            file.write('IBM,,NYSE,,USD\\n')\n"
        "def targets(plan):\n"
        "    for t in instruments.targets(plan):\n"
        "        yield Target(t.name, build, t.inputs, t.outputs, t.params)\n"
    )
    result = project.doit(APPEND="1")
    assert result.code != 0
    assert "broker.csv changed while it was read" in result.out
    good(project.doit())
    assert project.matches()["IBM"] == "IBM.US"


def test_r1_touch_rebuilds_nothing(project: MarketProject) -> None:
    """Touching every input rebuilds nothing."""
    for path in (project.root / "data").rglob("*"):
        os.utime(path)
    assert_fresh(project)


def test_r2_a_copied_project_rebuilds_nothing(project: MarketProject, tmp_path: Path) -> None:
    """A project copied to another folder is fresh there."""
    shutil.copytree(project.root, tmp_path / "copy")
    assert_fresh(MarketProject(tmp_path / "copy"))


def test_r3_one_deleted_report_costs_one_file(project: MarketProject) -> None:
    """A deleted report is restored alone: no price file is read again."""
    (project.root / "artifacts/reports/tradeable_unmatched.csv").unlink()
    counts = good(project.doit()).counts
    assert (counts["built"], counts["restored"]) == (0, 1)


def test_r4_a_reordered_index_rebuilds_nothing(project: MarketProject) -> None:
    """Rows of the index put in another order by hand are put back, and nothing downstream runs."""
    path = project.root / "artifacts/index/index.csv"
    head, *rows = path.read_text().splitlines(keepends=True)
    path.write_text(head + "".join(reversed(rows)))
    counts = good(project.doit()).counts
    assert (counts["built"], counts["restored"]) == (0, 1)


def test_r5_one_more_instrument_exports_one_file(project: MarketProject) -> None:
    """One instrument more reads one price file more."""
    project.listed("broker.csv", [*ROWS, ("IBM", "US4592001014", "NYSE", "IBM", "USD")])
    result = good(project.doit())
    assert project.ran(result) == [
        "export:IBM.US",
        "instruments:broker.csv",
        "match:tradeable",
        "reports:tradeable",
        "reports:validation",
    ]


def test_whitespace_in_a_list_goes_no_further(project: MarketProject) -> None:
    """Blanks and empty lines added to a list run that list's stage and nothing else."""
    path = project.root / "data/instruments/broker.csv"
    path.write_text(path.read_text().replace("AAPL,", " AAPL ,") + "\n\n")
    assert project.ran(good(project.doit())) == ["instruments:broker.csv"]
