"""Whatever a remote does: the build ends right and says so once, and no byte that is not right gets anywhere."""

import re
import signal

import pytest

from barmill.errors import RemoteError
from barmill.hashing import digest_bytes
from barmill.store.remote import bucket
from tests.remote.conftest import TARGETS
from tests.remote.test_travel import sound
from tests.support.faults import Fault, proxy
from tests.support.project import Project, ended, until
from tests.support.remotes import Place

READING = {
    "late": Fault("late", seconds=0.01),
    "500": Fault("status", "^(GET|HEAD)"),
    "503 now and then": Fault("status", "^GET", first=1, count=2, code=503),
    "403": Fault("status", "^(GET|HEAD)", code=403),
    "a page for everything": Fault("status", "^(GET|HEAD)", code=200),
    "sent elsewhere": Fault("status", "^(GET|HEAD)", code=302),
    "reset": Fault("reset", "^GET"),
    "reset in the middle": Fault("reset", "^GET", first=9),
    "torn objects": Fault("torn", "^GET .*/objects/"),
    "torn records": Fault("torn", "^GET .*/actions/"),
    "cut objects": Fault("cut", "^GET .*/objects/"),
    "cut records": Fault("cut", "^GET .*/actions/"),
    "flipped objects": Fault("flipped", "^GET .*/objects/"),
    "flipped records": Fault("flipped", "^GET .*/actions/"),
    "one flipped object": Fault("flipped", "^GET .*/objects/", first=2, count=1),
    "silent": Fault("silent", "^(GET|HEAD)"),
    "silent from the first object on": Fault("silent", "/objects/"),
    "drip": Fault("drip", "^GET"),
}
HARMLESS = {"late", "503 now and then"}
CASES = [("rclone", name) for name in READING] + [
    ("nginx", name) for name in ("a page for everything", "torn objects", "silent")
]
WRITING = {
    "500": Fault("status", "^PUT"),
    "403": Fault("status", "^PUT", code=403),
    "405": Fault("status", "^PUT", code=405),
    "507 for objects": Fault("status", "^PUT .*/objects/", code=507),
    "reset": Fault("reset", "^PUT"),
    "lost": Fault("lost", "^PUT", count=3),
    "silent": Fault("silent", "^PUT"),
    "silent after some": Fault("silent", "^PUT", first=5),
}


def again(fault):
    """The same fault, that has met nothing yet."""
    return Fault(fault.kind, fault.where, fault.first, fault.count, fault.code, fault.seconds)


def warnings(result):
    """What the run said of the remote; each kind of thing once."""
    told = [line for line in result.err.splitlines() if line.startswith("warning: the remote")]
    plain = [re.sub(r"[0-9a-f]{6,}|\d+", "#", line) for line in told]
    assert len(plain) == len(set(plain)), result.err
    refused = [line for line in plain if "refused" in line or "it is not used" in line]
    assert len(plain) - len(refused) <= 1, result.err
    assert "Traceback" not in result.err
    return told


def right(project, toy):
    """The outputs are those of a build without a remote, and every object in the store has the name of its bytes."""
    assert project.artifacts() == toy.artifacts()
    for path in (project.root / "artifacts/store/objects").rglob("*"):
        assert path.is_dir() or digest_bytes(path.read_bytes()) == path.parent.name + path.name
    assert not list((project.root / "artifacts/store").glob("quarantine/*"))
    project.assert_fresh()


@pytest.mark.parametrize(("server", "name"), CASES)
def test_reading(filled, toy, tmp_path, server, name):
    """A fault in what comes: the build ends right, fetches what it can or builds, and warns where something was lost."""
    place = filled(server)
    project = Project.make(tmp_path / "p")
    with proxy(place.server.port, again(READING[name])) as front:
        behind = place.behind(front.port)
        result = project.good(**(behind.environ if name in HARMLESS else behind.hurried))
    counts = result.counts
    assert counts["built"] + counts["fetched"] == TARGETS
    if name in HARMLESS:
        assert (counts["built"], warnings(result)) == (0, [])
    else:
        assert counts["built"] >= (name != "one flipped object")
        assert warnings(result)
    right(project, toy)
    assert sound(place)


@pytest.mark.parametrize("name", WRITING)
def test_writing(bucket, toy, tmp_path, name):
    """A fault in what goes: the build ends right and warns; what the remote has then is sound, and of use to others."""
    project = Project.make(tmp_path / "p")
    with proxy(bucket.server.port, again(WRITING[name])) as front:
        result = project.good(**bucket.behind(front.port).hurried)
    assert result.counts["built"] == TARGETS
    assert bool(warnings(result)) == (name != "lost")
    right(project, toy)
    assert sound(bucket)
    other = Project.make(tmp_path / "q")
    counts = other.good(**bucket.environ).counts
    assert counts["built"] + counts["fetched"] == TARGETS
    assert other.artifacts() == toy.artifacts()


def test_bytes_spoilt_on_their_way_there(running, toy, tmp_path):
    """Objects that lie damaged in the remote are refused by the next, which sends them anew: the one after builds nothing."""
    place = Place(running("nginx"))
    with proxy(place.server.port, Fault("spoilt", "^PUT .*/objects/")) as front:
        Project.make(tmp_path / "one").good(**place.behind(front.port).environ)
    second, third = Project.make(tmp_path / "two"), Project.make(tmp_path / "three")
    result = second.good(**place.environ)
    assert result.counts["built"] == TARGETS
    assert len(warnings(result)) == 2
    right(second, toy)
    assert sound(place)
    assert third.good(**place.environ).counts["fetched"] == TARGETS
    right(third, toy)


def test_killed_while_it_sends(place, toy, tmp_path):
    """A run that is killed while it sends leaves nothing half-sent, and the next run and a push make the remote whole."""
    project = Project.make(tmp_path / "one")
    with proxy(place.server.port, Fault("late", "^PUT", seconds=0.1)) as front:
        run = project.start(**place.behind(front.port).environ)
        until(lambda: len(front.verbs("^PUT")) > 5)
        run.kill()
        assert ended(run).code == -signal.SIGKILL
    assert sound(place)
    assert project.good(**place.environ).counts["failed"] == 0
    assert project.good("push", **place.environ).code == 0
    assert sound(place)
    other = Project.make(tmp_path / "two")
    assert other.good(**place.environ).counts["fetched"] == TARGETS
    right(other, toy)


def test_swapped_objects(bucket, toy, tmp_path):
    """Objects that have each other's place are refused, and what needs them is built and sent anew."""
    Project.make(tmp_path / "one").good(**bucket.environ)
    names = sorted(bucket.contents("objects"))
    found = bucket.contents("objects")
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        bucket.put(name, found[other])
    project = Project.make(tmp_path / "two")
    result = project.good(**bucket.environ)
    assert result.counts["fetched"] < TARGETS
    assert warnings(result)
    right(project, toy)
    assert sound(bucket)


@pytest.mark.parametrize("kind", ["silent", "reset", "status"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_breaker_opens_once(filled, tmp_path, kind, workers):
    """After the first stage's requests came to nothing, the remote is asked nothing more: no later stage, no upload."""
    place, project = filled(), Project.make(tmp_path / "p")
    for number in range(40):
        (project.root / f"data/x{number}.txt").write_text(f"{number}\n")
    with proxy(place.server.port, Fault(kind)) as front:
        result = project.good(*workers, **place.behind(front.port).hurried)
    assert result.counts["built"] == 2 * 43 + 1
    assert warnings(result)
    assert set(front.verbs()) == {"GET"}
    firsts = {request for request, _ in front.asked}
    assert len(firsts) <= 43


def test_a_byte_now_and_then_is_no_answer(running, monkeypatch):
    """What is read at once has a time for all of it: a server that trickles is given up, also by those who wait for answers."""
    place = Place(running("nginx"))
    place.put("trickle", b"x" * 100)
    monkeypatch.setattr(bucket, "_WHOLE", 0.5)
    with proxy(place.server.port, Fault("drip", "^GET", seconds=0.1)) as front:
        slow = bucket.Bucket(place.behind(front.port).url, patience=0.5)
        with pytest.raises(RemoteError, match="it does not answer in time"):
            slow.read("trickle", 100, 100)
        assert bytes(next(slow.stream("trickle", 100)))  # what is large has the time that it takes


def test_patience_is_not_for_the_patient(filled, toy, tmp_path):
    """A remote that is slow, but within the patience, is used to the end."""
    place, project = filled(), Project.make(tmp_path / "p")
    with proxy(place.server.port, Fault("late", seconds=0.3)) as front:
        result = project.good(**place.behind(front.port).environ)
    assert (result.counts["fetched"], warnings(result)) == (TARGETS, [])
    right(project, toy)


def test_another_key(bucket, toy, tmp_path):
    """Records that are not signed, or with another key, are misses, which is told; then they are signed with this key."""
    for key, built in (("", TARGETS), ("ours", TARGETS), ("theirs", TARGETS), ("theirs", 0)):
        project = Project.make(tmp_path / f"{key or 'none'}{built}")
        result = project.good(BARMILL_REMOTE_KEY=key, **bucket.environ)
        assert result.counts["built"] == built
        assert len(warnings(result)) == (2 if built and key else 0)  # the first, and how many in all
        right(project, toy)
        assert sound(bucket, key)
