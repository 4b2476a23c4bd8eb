"""Pieces: what an earlier build has worked out of a target is taken from there, only what is lacking is worked out."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from barmill.errors import TargetError
from barmill.run.questions import reasons
from barmill.store.cache import Cache, Outcome
from barmill.store.collect import collect
from barmill.store.limits import Limits
from barmill.target import Target

WORKED: list[str] = []


def double(number: int) -> int:
    """Twice."""
    return 2 * number


def triple(number: int) -> int:
    """Three times."""
    return 3 * number


BROKEN: set[str] = set()


def table(
    base: Path, out: Path, *, plus: int, pieces: Mapping[str, Callable[[int], int]], known: Mapping[str, Path]
) -> dict[str, str]:
    """A line per piece: its name, and what its function makes of base + name + plus; those in `BROKEN` have none, and fail."""
    lines = {}
    for name, function in pieces.items():
        if name in known:
            lines[name] = json.loads((known[name] / "out").read_text())[name]
        else:
            WORKED.append(name)
            lines[name] = None if name in BROKEN else function(int(base.read_text()) + int(name) + plus)
    out.write_text(json.dumps(lines))
    return {name: "broken" for name in lines if lines[name] is None}


class Workshop:
    """A store, and targets of numbered pieces over one input."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root = root
        self.store = root / "store"
        (root / "base").write_text("100")
        self.cache = Cache(self.store, root / "state.sqlite")

    def target(self, name: str, pieces: Mapping[str, Callable[[int], int]], plus: int = 0) -> Target:
        """A target of these pieces."""
        outputs = {"out": self.root / name}
        return Target(name, table, {"base": self.root / "base"}, outputs, {"plus": plus}, pieces=pieces)

    def worked(self, name: str, numbers: range | str, function: Callable[[int], int] = double, **more: Any) -> list[str]:
        """Build a target of pieces with these numbers; which of them were worked out. The output must be right."""
        force = more.pop("force", False)
        pieces = {str(number): function for number in numbers}
        WORKED.clear()
        self.outcome: Outcome = self.cache.ensure(self.target(name, pieces, **more), force=force)
        base = int((self.root / "base").read_text()) + more.get("plus", 0)
        assert json.loads((self.root / name).read_text()) == {n: function(base + int(n)) for n in pieces}
        return list(WORKED)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A workshop in which pieces 0 to 3 and 4 to 7 were worked out."""
    shop = Workshop(tmp_path / "shop")
    assert shop.worked("a", range(4)) == ["0", "1", "2", "3"]
    assert shop.worked("b", range(4, 8)) == ["4", "5", "6", "7"]
    return shop


def test_another_cut_works_nothing_out(shop: Workshop) -> None:
    """The same pieces in targets of another size, under other names, come from the earlier ones."""
    assert shop.worked("c", range(3)) == shop.worked("d", range(3, 6)) == shop.worked("e", range(6, 8)) == []
    assert shop.outcome.note == "2 of 2 pieces were known"


def test_one_more_piece_is_one(shop: Workshop) -> None:
    """Of a target with one piece more that one is worked out."""
    assert shop.worked("a", range(9)) == ["8"]
    assert shop.outcome.note == "8 of 9 pieces were known"


def test_another_function_counts(shop: Workshop) -> None:
    """A piece whose function is another is worked out, the others are not."""
    WORKED.clear()
    shop.cache.ensure(shop.target("a", {"0": double, "1": triple, "2": double}))
    assert WORKED == ["1"]
    assert json.loads((shop.root / "a").read_text()) == {"0": 200, "1": 303, "2": 204}


def test_everything_else_counts(shop: Workshop) -> None:
    """Another input or parameter works all pieces out; going back restores."""
    assert shop.worked("a", range(4), plus=1) == ["0", "1", "2", "3"]
    (shop.root / "base").write_text("7")
    assert shop.worked("a", range(4)) == ["0", "1", "2", "3"]
    (shop.root / "base").write_text("100")
    assert shop.worked("a", range(4)) == []
    assert shop.outcome.origin == "restored"


def test_force_takes_nothing_from_earlier_builds(shop: Workshop) -> None:
    """A forced build works every piece out."""
    assert shop.worked("a", range(4), force=True) == ["0", "1", "2", "3"]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of pieces that fail."""
    names: set[str] = set()
    monkeypatch.setitem(globals(), "BROKEN", names)
    return names


def fails(shop: Workshop, name: str, numbers: range) -> list[str]:
    """Build a target of which pieces fail; which of them were worked out."""
    WORKED.clear()
    shop.outcome = shop.cache.ensure(shop.target(name, {str(number): double for number in numbers}))
    return list(WORKED)


def test_failed_pieces_are_tried_again(shop: Workshop, broken: set[str]) -> None:
    """A build in which a piece failed is never a hit: that piece is tried again, alone, until it is worked out."""
    broken.add("9")
    assert fails(shop, "c", range(8, 11)) == ["8", "9", "10"]
    assert (shop.outcome.failed, shop.outcome.origin) == ({"9": "broken"}, "built")
    assert json.loads((shop.root / "c").read_text()) == {"8": 216, "9": None, "10": 220}
    assert fails(shop, "c", range(8, 11)) == ["9"]
    assert shop.outcome.warning == ""
    assert shop.cache.restore(shop.target("c", {str(number): double for number in range(8, 11)})) is None
    broken.clear()
    assert shop.worked("c", range(8, 11)) == ["9"]
    assert shop.outcome.failed == {}
    assert shop.outcome.note == "2 of 3 pieces were known"
    assert shop.worked("c", range(8, 11)) == []
    assert shop.outcome.origin == "fresh"


def test_other_targets_take_the_good_pieces(shop: Workshop, broken: set[str]) -> None:
    """Of a build in which a piece failed other targets take the others, and work out that one themselves."""
    broken.add("9")
    fails(shop, "c", range(8, 11))
    broken.clear()
    assert shop.worked("d", range(12)) == ["9", "11"]


def test_a_good_record_stays(shop: Workshop, broken: set[str]) -> None:
    """A forced build in which a piece failed does not replace the record in which none did."""
    broken.add("2")
    target = shop.target("a", {str(number): double for number in range(4)})
    outcome = shop.cache.ensure(target, force=True)
    assert outcome.failed == {"2": "broken"}
    assert "not deterministic" in outcome.warning
    assert shop.worked("a", range(4)) == []
    assert shop.outcome.origin == "restored"


def test_records_name_what_failed(shop: Workshop, broken: set[str]) -> None:
    """A record of a build in which a piece failed says so on disk, and only such a record does."""
    broken.add("9")
    fails(shop, "c", range(8, 11))
    bodies = [json.loads(path.read_text()) for path in (shop.store / "actions").rglob("*.json")]
    assert sorted(body.get("failed", []) for body in bodies) == [[], [], ["9"]]
    assert sum("failed" in body for body in bodies) == 1


def test_a_failed_piece_that_there_is_not(tmp_path: Path) -> None:
    """A build that names what is no piece of it is at fault."""
    target = Target("x", strays, {}, {"out": tmp_path / "x"})
    with pytest.raises(TargetError, match="names 'nothing' as failed, which is no piece of it"):
        Cache(tmp_path / "store", tmp_path / "state.sqlite").ensure(target)


def strays(out: Path) -> dict[str, str]:
    """It has no pieces."""
    out.write_text("")
    return {"nothing": "at all"}


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_result_is_worked_out_again(shop: Workshop, damage: str) -> None:
    """What is damaged in the store is no result: its pieces are worked out, and right."""
    for path in (shop.store / "objects").rglob("*"):
        if path.is_file() and '"0": 200' in path.read_text():
            path.chmod(0o644)
            data = path.read_bytes()
            if damage == "delete":
                path.unlink()
            else:
                path.write_bytes(data.replace(b"200", b"201") if damage == "flip" else data[:9])
    assert shop.worked("c", range(8)) == ["0", "1", "2", "3"]


def test_gc_removes_what_leads_nowhere(shop: Workshop) -> None:
    """After gc has removed records, nothing leads to them, and pieces are worked out again."""
    assert len(list((shop.store / "kin").glob("*/*/*"))) == 2
    for path in shop.store.rglob("*"):  # none of it was used just now
        os.utime(path, (time.time() - 9, time.time() - 9))
    collect(shop.store, Limits(older_than=0), grace=0, ignored=[shop.root])
    assert [path for path in (shop.store / "kin").rglob("*") if path.is_file()] == []
    assert shop.worked("c", range(2)) == ["0", "1"]


def test_gc_leaves_what_leads_to_kept_records(shop: Workshop) -> None:
    """gc without limits leaves the kin of records that stay."""
    collect(shop.store, Limits(), grace=0)
    assert shop.worked("c", range(8)) == []


def test_explained(shop: Workshop) -> None:
    """Why a target would run tells new, missing and changed pieces by count and example."""
    before = {"finished": f"{shop.cache.ensure(shop.target('a', dict.fromkeys('0123', double))).key} x"}
    now = shop.target("a", {"1": double, "2": triple, "3": double, "9": double, "10": double})
    told = [reason for reason in reasons(shop.cache, now, before) if "pieces" in reason]
    assert told == [
        "2 pieces are new, such as 9",
        "1 pieces are gone, such as 0",
        "1 pieces have other code, such as 2",
    ]


def test_the_stamp_tells_pieces_apart(shop: Workshop) -> None:
    """What shows that nothing has changed differs with the names, the functions and the order of the pieces."""
    sets = [{"0": double, "1": double}, {"0": double, "2": double}, {"0": double, "1": triple}, {"1": double, "0": double}]
    assert len({shop.cache.stamp(shop.target("a", pieces)) for pieces in sets}) == len(sets)


def test_a_build_that_takes_no_pieces(tmp_path: Path) -> None:
    """A target with pieces whose build function has no place for them fails when it is made."""
    with pytest.raises(TargetError, match="pieces"):
        Target("a", double, {}, {"number": tmp_path / "a"}, pieces={"0": double})


def test_record_that_pieces_are_taken_from_is_marked_as_used_under_the_lock(shop: Workshop, monkeypatch) -> None:
    """A gc that has begun keeps what was used since, so the mark is set before a piece is read, while no gc may delete."""
    records = [path for path in (shop.store / "actions").rglob("*") if path.is_file()]
    for path in records:
        os.utime(path, (time.time() - 900, time.time() - 900))
    begun = time.time() - 1
    free = []

    def unpack(written: Any, place: Path) -> None:
        with open(shop.store / ".lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free.append(place)
            except BlockingIOError:
                free.append(None)
        assert sum(path.stat().st_mtime > begun for path in records) > sum(path.stat().st_mtime > begun for path in taken)
        taken.append(next(path for path in records if path.stat().st_mtime > begun and path not in taken))

    taken: list[Path] = []
    pieces = {str(number): double for number in range(8)}
    known = shop.cache.kin.known(shop.cache.manifest(shop.target("c", pieces)), shop.root / "known", unpack)
    assert set(known) == set(pieces)
    assert (len(taken), free) == (2, [None, None])
