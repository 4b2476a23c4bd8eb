"""Heat maps of labels: every cell says what the summary of the labels says."""

import re

import pytest

from barmill.market.page import labels
from barmill.market.page.labelgrid import LabelGrid
from barmill.market.tables import read_rows
from barmill.page.document import Page
from tests.support.made_bars import made
from tests.support.pages import maps, parsed
from tests.support.research import GRID, sorted_files, write_chunk


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The rows of a summary, by label and direction, and the page of them."""
    folder = tmp_path_factory.mktemp("labels")
    rows = read_rows(sorted_files(folder, write_chunk(folder / "2023-11.parquet", made(700, step=0.0004)))["labels"])
    page = Page("labels")
    labels.show(page, LabelGrid.of(rows, 0.0001))
    return {(row["label"], row["direction"]): row for row in rows}, page.html()


def pictures(text):
    """Name → picture."""
    found = re.findall(r"<svg viewBox.*?</svg>", text)
    return {parsed(each).get("aria-label"): parsed(each) for each in found}


def names(horizon):
    """The labels of a horizon in the order of the cells: from the greatest target down, from the smallest stop on."""
    return [f"T{target}_S{stop}_H{horizon}" for target in sorted(GRID["targets"], reverse=True) for stop in GRID["stops"]]


@pytest.mark.parametrize("horizon", GRID["horizons"])
@pytest.mark.parametrize(("side", "name"), labels.SIDES.items())
def test_every_cell_is_the_summary(read, side, name, horizon):
    """Win rate, expectancy, share that a level ended, share censored: of each label the figures of its row."""
    rows, text = read
    found = maps(pictures(text)[f"labels, {name}, {horizon} minutes"])
    wanted = [rows[each, side] for each in names(horizon)]
    counts = [{key: int(row[key]) for key in ("rows", "target", "stop", "censored")} for row in wanted]
    assert [int(each["target"]) + int(each["stop"]) for each in counts] != [0] * 6
    decided = [each["target"] + each["stop"] for each in counts]
    assert found["win rate"][1] == [f"{float(row['target_share']):.1%}" for row in wanted if row["target_share"]]
    assert found["expectancy, R"][1] == [f"{float(row['mean_r']):+.3f}" for row in wanted]
    assert found["ended by target or stop"][1] == [f"{d / 700:.1%}" for d in decided]
    assert found["censored"][1] == [f"{each['censored'] / 700:.1%}" for each in counts]
    for k, (row, each) in enumerate(zip(wanted, counts, strict=True)):
        target, stop = re.findall(r"\d+", row["label"])[:2]
        where = f"target {target}, stop {stop}: "
        assert (
            found["expectancy, R"][0][k].title
            == f"{where}{float(row['mean_r']):+.6f} R, {float(row['mean_magnitude']):+.6f} pips"
        )
        assert found["censored"][0][k].title == f"{where}{each['censored']} of 700"
        told = found["ended by target or stop"][0][k].title
        assert told == f"{where}{each['target']} at the target, {each['stop']} at the stop, of 700"
        told = found["win rate"][0][k]
        if decided[k]:
            even = int(stop) / (int(target) + int(stop))
            assert told.title == f"{where}{each['target'] / decided[k]:.2%} of {decided[k]}, break-even {even:.2%}"
        if decided[k] < labels.FEWEST:
            assert told.color == "#ffffff"


def test_the_overview_has_every_label(read):
    """A small map per direction and horizon, a cell per label, with its expectancy."""
    rows, text = read
    found = maps(pictures(text)["expectancy of every label"])
    assert len(found) == 6
    for side, name in labels.SIDES.items():
        for horizon in GRID["horizons"]:
            told = [box.title for box in found[f"{name}, {horizon} min"][0]]
            values = [float(rows[each, side]["mean_r"]) for each in names(horizon)]
            assert [re.search(r": (\S+) R", title).group(1) for title in told] == [f"{value:+.6f}" for value in values]


def test_one_panel_is_shown(read):
    """One direction and one horizon are chosen, a rule shows each panel for its choice, and none needs a script."""
    _, text = read
    assert re.findall(r'id="(labels-\d-\w+)" checked', text)[0] == "labels-0-up"
    assert len(re.findall(r'id="labels-1-\d+" checked', text)) == 1
    for side in labels.SIDES:
        for horizon in GRID["horizons"]:
            assert f"#labels-0-{side}:checked~#labels-1-{horizon}:checked~.labels-{side}-{horizon}" in text
            assert text.count(f'class="panel labels-{side}-{horizon}"') == 1
    assert "<script" not in text
    assert 'src="' not in text
    assert "url(" not in text


def test_what_is_not_known():
    """A label that no level ended and none of whose positions is known to its end has cells without figures."""
    row = {"label": "T5_S5_H60", "rows": "3", "target": "0", "stop": "0", "none": "0", "ambiguous": "0", "censored": "3",
           "target_share": "", "break_even": "0.5", "mean_r": "", "mean_magnitude": ""}  # fmt: skip
    page = Page("labels")
    labels.show(page, LabelGrid.of([row | {"direction": side} for side in labels.SIDES], 0.01))
    found = maps(pictures(page.html())["labels, long, 60 minutes"])
    assert [found[name][1] for name in ("win rate", "expectancy, R", "censored")] == [[], [], ["100.0%"]]
    assert found["win rate"][0][0].title == "target 5, stop 5: none decided"
    assert "nan" not in page.html()
