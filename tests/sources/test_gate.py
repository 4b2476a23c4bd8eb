"""What may be stored of what was fetched."""

import pytest

from barmill.config import Settings
from barmill.market.bars import read_bars
from barmill.sources.csvfolder import CsvFolder
from barmill.sources.update import Order, bring
from tests.support.prices import history, series, weekdays

DAYS = weekdays("2024-01-01", 6)
GOOD = "1,2,0.5,1.5,10"
BAD = {
    "high_below_low": "1,0.5,2,1.5,10",
    "negative_prices": "1,2,-0.5,1.5,10",
    "zero_prices": "0,0,0,0,10",
    "negative_volume": "1,2,0.5,1.5,-10",
    "ohlc_violations": "1,2,0.5,2.5,10",
    "spikes": "100,100,100,100,10",
}


def load(root, lines, asset_class="equities", sessions=None, **settings):
    """A load of a file with these lines; the outcome, and the days that are stored then."""
    (root / "folder").mkdir(exist_ok=True)
    (root / "folder/ACME.csv").write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines]))
    dataset = series(root / "series", asset_class=asset_class)
    order = Order(dataset, "csv", lambda: CsvFolder("csv", [root / "folder"]), "load", sessions=sessions)
    outcome = bring(order, Settings(series=root / "series", **settings))
    return outcome, read_bars(dataset.raw.read_bytes()).table.column("date").to_pylist() if dataset.raw.exists() else []


def lines(bad):
    """Good bars, and a bad one on the third day."""
    return [f"{day},{BAD[bad] if day == DAYS[2] else GOOD}" for day in DAYS]


@pytest.mark.parametrize("rule", ["high_below_low", "negative_prices", "zero_prices", "negative_volume"])
def test_what_is_quarantined_is_not_stored(tmp_path, rule):
    """A bar that breaks a rule whose action is to quarantine is left out, counted, and told; the others are stored."""
    outcome, stored = load(tmp_path, lines(rule))
    assert stored == [day for day in DAYS if day != DAYS[2]]
    assert any(note.startswith(f"{rule} (quarantine): 1, such as {DAYS[2]}") for note in outcome.notes)
    assert outcome.entry.findings >= 1


@pytest.mark.parametrize("rule", ["ohlc_violations", "spikes"])
def test_what_is_warned_of_is_stored(tmp_path, rule):
    """A bar that breaks a rule whose action is to warn is stored, and told."""
    outcome, stored = load(tmp_path, lines(rule))
    assert stored == DAYS
    assert any(note.startswith(f"{rule} (warn)") for note in outcome.notes)


def test_what_is_rejected_stores_nothing(tmp_path):
    """A rule that rejects stores nothing of the batch, names itself and the bar, and is in the history; what is there stays."""
    load(tmp_path, [f"{day},{GOOD}" for day in DAYS[:2]])
    outcome, stored = load(tmp_path, lines("spikes"), rules={"spikes": "reject"})
    assert stored == DAYS[:2]
    assert f"rejected by the rule spikes: {DAYS[2]}" in outcome.entry.errors[0]
    assert [each.status for each in history(tmp_path / "series").updates] == ["ok", "failed"]


def test_asset_classes(tmp_path):
    """Yields may be negative: what is right depends on the asset class."""
    assert load(tmp_path, lines("negative_prices"), "bonds")[1] == DAYS


def test_off_session(tmp_path):
    """A bar on a day without a session is told; days that the calendar does not know yet, or no more, are not."""
    outcome, stored = load(tmp_path, [f"{day},{GOOD}" for day in DAYS], sessions=[DAYS[1], DAYS[2], DAYS[4]])
    assert stored == DAYS
    assert [note for note in outcome.notes if "off_session" in note] == [
        f"off_session (warn): 1, such as {DAYS[3]}: no session on {DAYS[3]}"
    ]


def test_nothing_is_left(tmp_path):
    """A batch of which nothing may be stored is a failure."""
    outcome, stored = load(tmp_path, [f"{day},{BAD['high_below_low']}" for day in DAYS])
    assert (stored, outcome.entry.status) == ([], "failed")
    assert "none of 6 fetched bars may be stored" in outcome.entry.errors[0]
