"""The page of `doit stats --html`: what its charts and tables say is what the runs did."""

import html
import json
import re
from pathlib import Path

from barmill.page import colors
from barmill.run.dashboard import dashboard
from barmill.run.sums import hit_rate
from barmill.store.figures import Figures
from tests.support.pages import boxes, parsed
from tests.support.project import Project

EMPTY = Figures(0, 0, 0, 0, 0, {}, None, None, 0, 0, 0, {}, {})


def run(started: str, **stages: dict[str, float]) -> dict[str, object]:
    """A run as it is remembered."""
    nothing = {"built": 0, "restored": 0, "fetched": 0, "fresh": 0, "failed": 0, "seconds": 0.0, "saved": 0.0}
    return {
        "command": "run",
        "started": started,
        "seconds": 1.0,
        "stages": {name: nothing | each for name, each in stages.items()},
    }


RUNS = [  # the newest first
    run("2026-03-04T10:00:00+00:00", a={"restored": 2, "fresh": 1, "failed": 1, "saved": 3.5}),
    run("2026-03-02T09:00:00+00:00", a={"built": 4, "seconds": 5.0}, b={"built": 1, "seconds": 0.25}),
]


def pictures(page: str) -> dict[str, list[str]]:
    """Name of each picture of a page → what its coloured boxes say to those who point at them."""
    found = re.findall(r"<svg viewBox.*?</svg>", page)
    named = ((parsed(each).get("aria-label"), boxes(parsed(each))) for each in found if "aria-label" in each)
    return {name: [box.title for box in made] for name, made in named}


def rows(page: str) -> list[list[str]]:
    """The rows of all tables of a page."""
    return [[html.unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in page.split("<tr>")]


def test_charts():
    """Columns stand for what each run did, the oldest first; the map has a cell for each stage and run."""
    told = pictures(dashboard(RUNS, EMPTY))
    assert told["targets by run"] == ["2026-03-02 09:00: 5 built", "2026-03-04 10:00: 2 restored", "2026-03-04 10:00: 1 failed"]
    assert told["seconds by run"] == ["2026-03-02 09:00: 5.25 spent", "2026-03-04 10:00: 3.5 saved"]
    assert told["misses by stage and run"] == [
        "a, 2026-03-02 09:00: 4 built",
        "a, 2026-03-04 10:00: 2 restored, 1 fresh, 1 failed",
        "b, 2026-03-02 09:00: 1 built",
        "b, 2026-03-04 10:00: not asked for",
    ]


def test_heights_and_colours():
    """A column is as high as its number, and a cell as dark as the share that missed."""
    page = dashboard(RUNS, EMPTY)
    columns, cells = (
        parsed(next(each for each in re.findall(r"<svg viewBox.*?</svg>", page) if f'aria-label="{name}"' in each))
        for name in ("targets by run", "misses by stage and run")
    )
    heights = [float(each.get("height")) for each in columns.iter("rect")]
    assert abs(heights[0] - 5 * heights[2]) < 0.3
    assert abs(heights[1] - 2 * heights[2]) < 0.3
    assert [box.color for box in boxes(cells)] == [
        colors.sequential(1.0), colors.sequential(0.25), colors.sequential(1.0), colors.NOTHING,
    ]  # fmt: skip


def test_tables():
    """Hits are what needed no build, among all targets; the sums are those of all runs."""
    found = rows(dashboard(RUNS, EMPTY))
    assert ["a", "4", "2", "0", "1", "1", "37.5%", "5.0", "3.5"] in found
    assert ["b", "1", "0", "0", "0", "0", "0.0%", "0.2", "0.0"] in found
    assert ["all", "5", "2", "0", "1", "1", "33.3%", "5.2", "3.5"] in found
    assert ["2026-03-04 10:00", "run", "0", "2", "0", "1", "1", "1.0"] in found
    assert hit_rate({"fresh": 0, "restored": 0, "fetched": 0, "built": 0, "failed": 0}) is None


def test_one_run_and_none():
    """A single run, one in which nothing took time, and a project without any are pages, too."""
    assert "nan" not in dashboard([run("2026-03-02T09:00:00+00:00", a={"fresh": 1, "failed": 1})], EMPTY).lower()
    assert "No run is remembered" in dashboard([], EMPTY)


def test_what_is_remembered_is_text():
    """Whatever a state file holds for names is shown as text, never as part of the page."""
    page = dashboard([run("<script>", **{"<b>&": {"built": 1}})], EMPTY)
    assert "<script>" not in page
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;" in page


def test_command(project: Project, tmp_path: Path):
    """The page says what `--json` says and what lies in the store; equal runs give equal bytes; nothing is left beside it."""
    page = tmp_path / "new/stats.html"
    told = json.loads(project.good("stats", "--json", "--html", str(page)).out)
    first = page.read_bytes()
    assert told["stages"]["upper"]["built"] == 3
    assert told["stages"]["upper"]["hit_rate"] == 0.0
    assert ["upper", "3", "0", "0", "0", "0", "0.0%"] in [row[:7] for row in rows(first.decode())]
    store = json.loads(project.good("store", "--json").out)
    sizes = {row[0]: row[1] for row in rows(first.decode()) if len(row) == 4}
    assert sizes.items() >= {name: str(stage["records"]) for name, stage in store["stages"].items()}.items()
    assert "hits" in project.good("stats", "--html", str(page)).out
    assert page.read_bytes() == first
    assert [each.name for each in page.parent.iterdir()] == ["stats.html"]


def test_page_that_cannot_be_written(project: Project):
    """Where the page can't be written the command says where, and ends with 3."""
    (project.root / "taken").write_text("")
    assert "taken" in project.bad("stats", "--html", "taken/stats.html", code=3)
