"""The faults of batch caches that look at names and sizes, done right: real `doit` on small research projects."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from barmill.market.strategies.strategy import strategies
from barmill.market.tables import read_parquet, read_rows
from tests.support.made_bars import made
from tests.support.market import REPOSITORY
from tests.support.project import Result, children, gone, until
from tests.support.research import LINES, NAME, ResearchProject

JPY = "forex/1min/USDJPY"


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> ResearchProject:
    project = ResearchProject.of(tmp_path_factory.mktemp("research") / "template")
    project.good()
    return project


@pytest.fixture
def project(_template: ResearchProject, tmp_path: Path) -> ResearchProject:
    """A copy of a built project: 66 strategies in four batches."""
    shutil.copytree(_template.root, tmp_path / "p", symlinks=True)
    return ResearchProject(tmp_path / "p")


def built(result: Result, stage: str) -> list[list[str]]:
    """The lines of a run on targets of a stage that were built, each as its words."""
    lines = (line.replace(",", "").split() for line in result.out.splitlines())
    return [words for words in lines if words[:1] == ["built"] and words[1].startswith(f"{stage}:")]


def traded(project: ResearchProject, result: Result) -> int:
    """How many strategies were traded in a run: those of the batches that were built, less those that were known."""
    count = 0
    for words in built(result, "batches"):
        path = project.root / f"artifacts/batches/{NAME}/results_batch_{words[1].rpartition('/')[2]}.parquet"
        count += len(read_parquet(path)) - (int(words[2]) if "known" in words else 0)
    return count


@pytest.fixture(scope="module")
def _sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    src = tmp_path_factory.mktemp("sources") / "src"
    shutil.copytree(REPOSITORY / "src", src, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    return src


class Edited:
    """A copy of the package with another rule of the family `band_reversion`."""

    def __init__(self, src: Path) -> None:
        self.environ = {"PYTHONPATH": str(src)}
        self._path = src / "barmill/market/strategies/reversion.py"
        self.text = self._path.read_text()

    def becomes(self, old: str, new: str) -> None:
        """Replace text in it as it was at first."""
        assert old in self.text
        self._path.write_text(self.text.replace(old, new))

    def fails(self, statement: str, width: float = 2) -> None:
        """Have the rule run a statement where the width is this."""
        start = "    mean, reach = chart.mean(n)"
        self.becomes(start, f"    if width == {width}:\n        {statement}\n{start}")


@pytest.fixture
def edited(_sources: Path) -> Iterator[Edited]:
    """The copy; after the test it is as it was."""
    copy = Edited(_sources)
    yield copy
    copy.becomes("", "")


def test_everything_is_there(project: ResearchProject) -> None:
    """Four batches of which the last is smaller, one table, a ranking, a page; a second run does nothing."""
    assert list(project.batches()) == [f"results_batch_{k}.parquet" for k in range(4)]
    assert sorted(project.results()) == sorted(strategies(LINES))
    folder = project.root / f"artifacts/results/{NAME}"
    assert sorted(path.name for path in folder.iterdir()) == [
        "backtest_results_merged.parquet", "failed.csv", "ranking.csv", "report.html", "silent.csv", "summary.json",
    ]  # fmt: skip
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.parents[3].rglob("*.parquet"))}
    project.assert_fresh()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_another_pair_in_the_same_place(project: ResearchProject) -> None:
    """Prices of another pair under the same name give that pair's results; going back restores the former ones."""
    before = project.results()
    path = project.root / f"data/series/{NAME}.txt"
    text = path.read_text()
    project.prices(NAME, made(700, 99, step=0.0004))
    assert len(built(project.good(), "batches")) == 4
    assert project.results() != before
    path.write_text(text)
    assert project.good().counts["built"] == 0
    assert project.results() == before


def test_two_pairs_side_by_side(project: ResearchProject) -> None:
    """A second pair has batches and results of its own, and those of the first are not touched."""
    before = project.batches()
    project.prices(JPY, made(700, 5, price=143.0, decimals=3))
    result = project.good()
    assert len(built(result, "batches")) == 4
    assert all(JPY in words[1] for words in (*built(result, "batches"), *built(result, "results")))
    assert project.batches() == before
    assert project.results(JPY) != project.results()


@pytest.mark.parametrize("size", ["7", "33", "1000"])
def test_another_batch_size(project: ResearchProject, size: str) -> None:
    """Every strategy is once in the table, with the result that it had, and none is traded."""
    before = project.results()
    result = project.good(BARMILL_BATCH_SIZE=size)
    assert traded(project, result) == 0
    assert project.results() == before
    assert project.good("prune", BARMILL_BATCH_SIZE=size).code == 0
    assert len(project.batches()) == -(-66 // int(size))


def test_one_strategy_more_is_one(project: ResearchProject) -> None:
    """With one strategy more that one is traded, and with one less none is."""
    lines = [*LINES, "ma_cross fast=5 ratio=5 stop=2 target=3"]
    result = project.good(BARMILL_STRATEGIES=",".join(lines))
    assert traded(project, result) == 1
    assert len(project.results()) == 67
    result = project.good(BARMILL_STRATEGIES="ma_cross fast=5|8 ratio=2,band_reversion n=10 width=1|2")
    assert traded(project, result) == 0
    assert len(project.results()) == 44


def test_a_changed_rule_is_that_family_only(project: ResearchProject, edited: Edited) -> None:
    """An edit of one family's rule trades the strategies of that family again; a comment trades none."""
    edited.becomes('"""Families', '# a remark\n"""Families')
    project.assert_fresh(**edited.environ)
    before = project.results()
    edited.becomes("width * chart.deviation(n)", "1.5 * width * chart.deviation(n)")
    assert traded(project, project.good(**edited.environ)) == 22
    after = project.results()
    assert {name.split()[0] for name in before if before[name] != after[name]} == {"band_reversion"}


@pytest.mark.parametrize("damage", ["truncate", "delete", "other", "empty"])
def test_a_damaged_batch_is_healed(project: ResearchProject, damage: str) -> None:
    """A batch that is cut, gone, empty or another one's is restored before anything reads it."""
    paths = sorted((project.root / f"artifacts/batches/{NAME}").iterdir())
    before = project.batches()
    if damage == "delete":
        paths[0].unlink()
    else:
        data = {"truncate": paths[0].read_bytes()[:1000], "empty": b"", "other": paths[1].read_bytes()}[damage]
        paths[0].write_bytes(data)
    counts = project.good().counts
    assert (counts["built"], counts["restored"]) == (0, 1)
    assert project.batches() == before


def test_failing_strategies_fail_the_run(project: ResearchProject, edited: Edited) -> None:
    """Their rows have the error, the others are ranked, the run fails each time, until the rule is mended."""
    edited.fails("raise ValueError('no width')")
    for _ in range(2):
        said = project.bad(**edited.environ)
        assert f"failed   batches:{NAME}/2" in said
        assert f"failed   batches:{NAME}/3" in said
        assert "5 pieces failed, the first band_reversion n=10 width=2 stop=2 target=12 hold=240: ValueError" in said
        assert "ValueError in band_reversion: no width" in said
    failed = read_rows(project.root / f"artifacts/results/{NAME}/failed.csv")
    assert {row["strategy"].split(" stop")[0] for row in failed} == {"band_reversion n=10 width=2"}
    assert sum(not row["error"] for row in project.results().values()) == 55
    assert "Partial: 11 strategies failed" in (project.root / f"artifacts/results/{NAME}/report.html").read_text()
    assert project.good().counts["failed"] == 0  # the rule as it was


SWITCH = "if __import__('os').path.exists('switch'): raise ValueError('switched off')"
ONE = "band_reversion n=15 width=1.5 stop=2 target=3 hold=240"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_only_what_failed_is_tried_again(project: ResearchProject, edited: Edited, workers: tuple[str, ...]) -> None:
    """A strategy that fails for a reason outside is tried again by the next plain run: that one, and no other."""
    environ = edited.environ | {"BARMILL_STRATEGIES": ",".join([*LINES, ONE])}
    edited.fails(SWITCH, 1.5)
    (project.root / "switch").touch()
    first = project.doit(*workers, **environ)
    assert (first.code, first.counts["failed"]) == (1, 1)
    assert f"1 piece failed, {ONE}: ValueError in band_reversion: switched off" in first.out
    assert [name for name, row in project.results().items() if row["error"]] == [ONE]
    before = project.results()

    again = project.doit(*workers, **environ)  # it fails as before: nothing else is done
    assert again.code == 1
    assert {key: again.counts[key] for key in ("built", "restored", "failed")} == {"built": 0, "restored": 0, "failed": 1}
    assert "6 of 7 pieces were known" in again.out
    status = project.doit("status", **environ)
    assert status.code == 1
    assert ["batches", "3", "1", "0", "0"] in [line.split() for line in status.out.splitlines()]
    said = project.doit("explain", f"batches:{NAME}/3", **environ).out
    assert f"because  1 piece failed, {ONE}: ValueError in band_reversion: switched off; tried again at each run" in said
    assert project.doit("verify", **environ).code == 0

    (project.root / "switch").unlink()
    mended = project.good(*workers, **environ)
    assert [words[1] for words in built(mended, "batches")] == [f"batches:{NAME}/3"]
    assert traded(project, mended) == 1
    after = project.results()
    assert after[ONE]["error"] == ""
    assert after[ONE]["n_trades"] > 0
    assert {name: row for name, row in after.items() if name != ONE} == {n: row for n, row in before.items() if n != ONE}
    project.assert_fresh(**environ)


def test_a_failure_ruins_no_good_result(project: ResearchProject, edited: Edited) -> None:
    """Where every strategy has a result and a forced run fails, that run says so, and the next one has the result again."""
    environ = edited.environ
    edited.fails(SWITCH)
    project.good(**environ)
    before = project.results()
    (project.root / "switch").touch()
    assert project.doit("--fresh", "-s", f"batches:{NAME}/3", **environ).code == 1
    assert project.good(**environ).counts["built"] == 0
    assert project.results() == before


def test_workers_that_crash(project: ResearchProject, edited: Edited) -> None:
    """A rule that kills its process fails its batch with a code, and nothing old passes for its result."""
    edited.fails("__import__('os').abort()")
    result = project.doit("-n", "2", **edited.environ)
    assert result.code != 0
    assert "killed by SIGABRT" in result.out
    assert built(result, "results") == []


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """After kill -9 in the middle of the batches, the next run builds what is lacking, to the same bytes as a whole run."""
    project = ResearchProject.of(tmp_path / "p", size=2)
    run = project.start()
    until(lambda: len(list((project.root / "artifacts/batches").rglob("*.parquet"))) > 8, 60)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    there = len(list((project.root / "artifacts/batches").rglob("*.parquet")))
    assert there < 33
    assert 33 - there - 1 <= len(built(project.good(), "batches")) <= 33 - there
    whole = ResearchProject.of(tmp_path / "q", size=2)
    whole.good()
    assert project.batches() == whole.batches()
    assert project.results() == whole.results()


def test_a_killed_worker(project: ResearchProject) -> None:
    """A worker that is killed while batches run is replaced; the run ends well and is whole."""
    before = project.results()
    shutil.rmtree(project.root / "artifacts")
    run = project.start("-n", "2")
    until(lambda: list((project.root / "artifacts/batches").rglob("*.parquet")), 60)
    workers = children(run.pid)
    os.kill(workers[0], signal.SIGKILL)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, out + err
    gone(workers)
    assert project.results() == before


def test_a_fresh_run_takes_nothing_from_the_last(project: ResearchProject) -> None:
    """With --fresh every batch is built, and every strategy in it, whatever is known; the results are the same."""
    before = project.results()
    result = project.good("--fresh", f"batches:{NAME}/0", f"batches:{NAME}/1")
    assert [words[1] for words in built(result, "batches")] == [f"batches:{NAME}/0", f"batches:{NAME}/1"]
    assert "known" not in result.out
    project.good()
    assert project.results() == before


@pytest.mark.parametrize("flag", ["--fresh", "--force-rerun", "--no-skip-existing", "-a"])
def test_flags_that_build_what_is_there(project: ResearchProject, flag: str) -> None:
    """They build a target that is fresh."""
    assert project.good("instruments").counts["built"] == 0
    assert project.good(flag, "instruments").counts["built"] == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("stage", ["labels", "batches"])
def test_one_cache_is_switched_off(project: ResearchProject, stage: str, workers: tuple[str, ...]) -> None:
    """`--rebuild` builds all targets of its stage, each piece of them, and no other target; everything is as it was."""
    stages = [
        path for path in (project.root / "artifacts").iterdir() if path.is_dir() and path.name not in {"store", ".staging"}
    ]
    before = {path: path.read_bytes() for folder in stages for path in folder.rglob("*") if path.is_file()}
    result = project.good(*workers, "--rebuild", stage)
    every = {"labels": ["", "/barriers", "/summary"], "batches": [f"/{number}" for number in range(4)]}[stage]
    assert project.ran(result) == [f"{stage}:{NAME}{end}" for end in every]
    assert result.counts["restored"] == 0
    assert "known" not in result.out
    assert {path: path.read_bytes() for path in before} == before
    project.assert_fresh()


def test_several_caches_are_switched_off(project: ResearchProject) -> None:
    """It may be repeated, and goes with a selection: then what is selected, and needed for it, is all that is built."""
    result = project.good("--rebuild", "labels", "--rebuild", "batches")
    assert {name.partition(":")[0] for name in project.ran(result)} == {"labels", "batches"}
    result = project.good("--rebuild", "labels", "--rebuild", "batches", f"batches:{NAME}/1")
    assert project.ran(result) == [f"batches:{NAME}/1"]


def test_a_cache_that_there_is_not(project: ResearchProject) -> None:
    """A misspelt stage is told with the nearest, and nothing runs."""
    result = project.doit("--rebuild", "batchs")
    assert result.code == 3
    assert "--rebuild batchs: there is no such stage" in result.err
    assert "batches" in result.err


REGIMES = {"universe_intervals": [5], "universe_lookbacks": [5, 10], "regime_universes": ["5m_5lb"]}


def test_the_page_depends_on_what_it_shows(tmp_path: Path) -> None:
    """Other labels make the labels and the page again, another universe its regimes and the page, and neither anything else."""
    project = ResearchProject.of(tmp_path / "p", LINES[:1], more=["universes", "regimes"], **REGIMES)
    project.good("-n", "2")
    page = project.root / f"artifacts/results/{NAME}/report.html"
    assert "k-means of 5m_5lb" in page.read_text()
    assert "HDBSCAN of 5m_5lb" in page.read_text()
    assert "long, 60 minutes:" in page.read_text()
    project.assert_fresh()
    ran = project.ran(project.good(BARMILL_LABEL_HORIZONS="15,30"))
    assert ran == [f"labels:{NAME}", f"labels:{NAME}/summary", f"results:{NAME}/page"]
    assert "long, 60 minutes:" not in page.read_text()
    ran = project.ran(project.good("-n", "2", BARMILL_REGIME_UNIVERSES="5m_10lb"))
    assert ran == [f"regimes:{NAME}/5m_10lb_hdbscan", f"regimes:{NAME}/5m_10lb_kmeans", f"results:{NAME}/page"]
    assert "k-means of 5m_10lb" in page.read_text()


@pytest.mark.parametrize("bars", [0, 60])
def test_a_short_series_has_its_page(tmp_path: Path, bars: int) -> None:
    """A series of hardly any bars is researched without an error, and its page says why pictures are missing."""
    project = ResearchProject.of(tmp_path / "p", LINES[:1], more=["universes", "regimes"], bars=bars, **REGIMES)
    project.good()
    said = (project.root / f"artifacts/results/{NAME}/report.html").read_text()
    rows = {0: 0, 60: 4}[bars]
    assert f"There is no picture of k-means of 5m_5lb: {rows} rows are in sample: regimes need 50" in said
    assert ("There is no picture: the series has no bars" in said) == (not bars)


def test_a_setting_that_is_wrong(project: ResearchProject) -> None:
    """A misspelt family, a batch size of nothing, costs that are no numbers: told, with exit code 3, and nothing runs."""
    assert "there is no family 'ma_cros'" in project.bad(code=3, BARMILL_STRATEGIES="ma_cros")
    assert "batch_size: 0 is not positive" in project.bad(code=3, BARMILL_BATCH_SIZE="0")
    assert "is not three numbers" in project.bad(code=3, BARMILL_COSTS="forex/*=1 2")
    project.series("forex/daily/EURUSD", ["20240102", "20240103"])
    assert "whose bars are daily" in project.bad(code=3)
