"""Figures of a store."""

import os
from pathlib import Path

from barmill.store import pins
from barmill.store.figures import Stage, figures
from tests.store import builds
from tests.store.builds import Place


def test_figures(tmp_path: Path) -> None:
    """Records, objects and bytes are counted once and by stage; what is shared, pinned, set aside and used is told."""
    place = Place(tmp_path / "place", tmp_path / "store")
    key = place.cache.ensure(place.target(), task="big:one").key
    place.cache.ensure(place.target(params={"times": 2}), task="big:one")
    place.cache.ensure(place.target(builds.joined, inputs={"texts": [place.text]}), task="small:all")
    other = place.root / "other"
    other.write_text("oNe")  # gives the object of the first
    place.cache.ensure(place.target(inputs={"text": other}), task="small:all")
    pins.pin(place.store, "p", {"big:one": key})
    os.utime(place.cache.actions.path(key), (1000, 1000))
    (place.store / "quarantine").mkdir()
    (place.store / "quarantine/x").write_text("12345")
    records = [path.stat().st_size for path in (place.store / "actions").rglob("*.json")]
    found = figures(place.store)
    assert (found.records, found.record_bytes) == (4, sum(records))
    assert (found.objects, found.object_bytes) == (3, 3 + 6 + len("text=one;"))
    assert found.shared_bytes == 3
    assert {name: (stage.records, stage.bytes) for name, stage in found.stages.items()} == {"big": (2, 9), "small": (2, 12)}
    assert found.oldest == 1000
    assert found.newest is not None
    assert found.newest > 1e9
    assert (found.quarantine, found.quarantine_bytes, found.unknown) == (1, 5, 0)
    assert found.pins == {"p": 1}
    assert found.projects == {str(place.cache.state.path): True}
    place.cache.state.path.unlink()
    assert figures(place.store).projects == {str(place.cache.state.path): False}


def test_seconds_are_those_of_the_builds(tmp_path: Path) -> None:
    """A stage's seconds are the sum over its records, which is what the store saves."""
    place = Place(tmp_path / "place")
    saved = 0.0
    for times in (1, 2, 3):
        place.cache.ensure(place.target(params={"times": times}), task="s:one")
    for path in (place.store / "actions").rglob("*.json"):
        record = place.cache.actions.get(f"{path.parent.name}{path.stem}")
        assert record is not None
        saved += record.seconds
    assert figures(place.store).stages["s"].seconds == round(saved, 3)


def test_records_that_cannot_be_believed_are_counted(tmp_path: Path) -> None:
    """Damaged records, and those of another format, are counted and left where they are."""
    place = Place(tmp_path / "place")
    place.ensure()
    folder = place.store / "actions/00"
    folder.mkdir()
    (folder / f"{'0' * 30}.json").write_text("{")
    (folder / f"{'1' * 30}.json").write_text('{"format": 2}')
    assert (figures(place.store).records, figures(place.store).unknown) == (1, 2)
    assert len(list(folder.iterdir())) == 2


def test_no_store(tmp_path: Path) -> None:
    """Where no store is, all figures are nothing."""
    found = figures(tmp_path / "store")
    assert (found.records, found.objects, found.oldest, found.stages) == (0, 0, None, dict[str, Stage]())
    assert not (tmp_path / "store").exists()
