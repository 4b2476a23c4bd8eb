"""The limits: which records go, and in which order."""

from barmill.hashing import Digest
from barmill.store.census import Known, Lying
from barmill.store.limits import Limits, doomed

DAY = 86400
NOW = 100 * DAY


def record(key: str, days: float, objects: dict[str, int], *, task: str = "s:a", started: str = "") -> Known:
    """A record of 10 bytes that was last used so many days ago."""
    file = Lying(key, 10, int((NOW - days * DAY) * 1e9))
    return Known(Digest(key), file, task, started, 1.0, {Digest(name): size for name, size in objects.items()})


RECORDS = [
    record("a", 40, {"x": 100}, started="2026-01-03"),
    record("b", 30, {"x": 100, "y": 50}, started="2026-01-02"),
    record("c", 20, {"y": 50, "z": 7}, started="2026-01-01"),
    record("d", 10, {}, task="s:b", started="2026-01-01"),
]
TOTAL = 40 + 100 + 50 + 7


def going(limits: Limits, held: str = "", other: int = 0) -> str:
    """The keys of the records that go."""
    records = {known.key: known for known in RECORDS}
    return "".join(known.key for known in doomed(records, {Digest(key) for key in held}, limits, int(NOW * 1e9), other))


def test_without_a_limit_nothing_goes() -> None:
    """No limit, no record."""
    assert going(Limits()) == ""


def test_older_than() -> None:
    """What was not used for longer goes, the oldest first, but what is held."""
    assert going(Limits(older_than=15 * DAY)) == "abc"
    assert going(Limits(older_than=30 * DAY)) == "a"
    assert going(Limits(older_than=15 * DAY), held="b") == "ac"
    assert going(Limits(older_than=0)) == "abcd"


def test_max_size() -> None:
    """The least recently used go until the rest fits; a shared object counts until the last that names it goes."""
    assert going(Limits(max_size=TOTAL)) == ""
    assert going(Limits(max_size=TOTAL - 1)) == "a"
    assert going(Limits(max_size=TOTAL - 10)) == "a"
    assert going(Limits(max_size=TOTAL - 11)) == "ab"
    assert going(Limits(max_size=TOTAL - 120)) == "ab"
    assert going(Limits(max_size=TOTAL - 121)) == "abc"
    assert going(Limits(max_size=10)) == "abc"
    assert going(Limits(max_size=9)) == "abcd"


def test_max_size_with_what_is_held() -> None:
    """What is held stays, and counts; so does what else lies there."""
    assert going(Limits(max_size=0), held="ac") == "bd"
    assert going(Limits(max_size=TOTAL - 11), held="a") == "bc"
    assert going(Limits(max_size=TOTAL), other=1) == "a"


def test_keep_last() -> None:
    """Of each task the newest by the time of the build stay, whenever they were used; what is held counts among them."""
    assert sorted(going(Limits(keep_last=1))) == ["b", "c"]
    assert going(Limits(keep_last=2)) == "c"
    assert sorted(going(Limits(keep_last=0))) == ["a", "b", "c", "d"]
    assert going(Limits(keep_last=1), held="c") == "b"


def test_each_limit_by_itself() -> None:
    """A record that breaks any limit goes, once; what goes for one makes room for the next."""
    assert sorted(going(Limits(older_than=35 * DAY, keep_last=2))) == ["a", "c"]
    assert going(Limits(older_than=35 * DAY, max_size=TOTAL - 10)) == "a"
    assert going(Limits(older_than=35 * DAY, max_size=TOTAL - 11)) == "ab"
