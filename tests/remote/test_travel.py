"""Results travel over each server: from store to store, and from one project to another that builds nothing."""

import json
import re
import shutil

import pytest

from barmill.hashing import digest_bytes
from barmill.store.remote.seal import unpack
from tests.remote.conftest import TARGETS
from tests.store.remote.places import KEY, cache_at, put
from tests.support.faults import Fault, proxy
from tests.support.loopback import free_port
from tests.support.project import Project, ended

SIZES = (0, 1, 4096, (1 << 20) - 1, (1 << 20) + 1, 11 << 20)


def caches(tmp_path, place, monkeypatch, *names, **options):
    """Caches with stores of their own over that place."""
    for name, value in place.environ.items():
        if not name.startswith("BARMILL_"):
            monkeypatch.setenv(name, value)
    return [cache_at(tmp_path / name, place.url, **options) for name in names]


def records(cache, count=40):
    """Keys of that many small records of two files, put into a cache's store."""
    return [put(cache, {"one": b"%d" % n, "two": b"two %d" % (n // 2)}, n=n).key for n in range(count)]


def sound(place, key=""):
    """Every object there has the name of its bytes, and every record can be believed."""
    for name, data in place.contents("objects").items():
        assert digest_bytes(data) == "".join(name.split("/")[-2:])
    for name, data in place.contents("actions").items():
        unpack(data, "".join(name.split("/")[-2:]).removesuffix(".json"), key)
    return True


def test_files_of_every_size(place, tmp_path, monkeypatch):
    """Files from none to 11 MiB arrive as they were sent, and lie in the server as plain bytes."""
    ours, theirs = caches(tmp_path, place, monkeypatch, "ours", "theirs")
    files = {f"deep/{size}": bytes([size % 251]) * size for size in SIZES}
    record = put(ours, files)
    ours.remote.send([record.key])
    assert sorted(place.contents("objects").values(), key=len) == [files[f"deep/{size}"] for size in SIZES if size]
    assert sound(place, KEY)
    assert theirs.remote.fetch([record.key]) == {record.key}
    assert theirs.actions.get(record.key) == record
    for digest, size in record.objects():
        assert theirs.objects.content(theirs.objects.find(digest, size)) == ours.objects.content(
            ours.objects.find(digest, size)
        )


def test_many_records(place, tmp_path, monkeypatch):
    """Many records go and come at once, and what is there is not sent again."""
    ours, theirs = caches(tmp_path, place, monkeypatch, "ours", "theirs")
    keys = records(ours)
    ours.remote.send(keys)
    assert theirs.remote.fetch(keys) == set(keys)
    with proxy(place.server.port) as front:
        (behind,) = caches(tmp_path, place.behind(front.port), monkeypatch, "theirs")
        behind.remote.send(keys)
        assert "PUT" not in front.verbs()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_another_project_builds_nothing(place, toy, tmp_path, workers):
    """What one project built, another fetches; its outputs are the same, and then everything is fresh without the remote."""
    one, two = Project.make(tmp_path / "one"), Project.make(tmp_path / "two")
    assert one.good(*workers, **place.environ).counts["built"] == TARGETS
    assert sound(place)
    counts = two.good(*workers, **place.environ).counts
    assert (counts["built"], counts["fetched"]) == (0, TARGETS)
    assert two.built() == []
    assert two.artifacts() == one.artifacts() == toy.artifacts()
    two.assert_fresh()
    assert two.good("verify").code == 0


def test_what_is_fresh_or_stored_here_is_not_asked_for(bucket, tmp_path):
    """A run with nothing to do asks the remote nothing, and one that restores from its own store neither."""
    project = Project.make(tmp_path / "one")
    project.good(**bucket.environ)
    with proxy(bucket.server.port) as front:
        behind = bucket.behind(front.port).environ
        project.assert_fresh(**behind)
        shutil.rmtree(project.root / "artifacts/split")
        assert project.good(**behind).counts["restored"] > 0
        assert front.asked == []


def test_two_builders_at_once(place, toy, tmp_path):
    """Two projects that build the same over one remote both end well, and leave in it what a third can use."""
    both = [Project.make(tmp_path / name) for name in ("one", "two")]
    for result in [ended(each) for each in [project.start("-n", "2", **place.environ) for project in both]]:
        assert result.code == 0, result.out + result.err
        assert "warning" not in result.err
    third = Project.make(tmp_path / "three")
    assert third.good(**place.environ).counts["fetched"] == TARGETS
    assert all(project.artifacts() == toy.artifacts() for project in (*both, third))
    assert sound(place)


def test_modes(bucket, tmp_path):
    """`read` sends nothing, `write` asks for nothing, `offline` does neither; reads and writes are what they say."""
    with proxy(bucket.server.port) as front:
        behind = bucket.behind(front.port).environ

        def run(name, mode):
            front.asked.clear()
            return Project.make(tmp_path / name).good(BARMILL_REMOTE_MODE=mode, **behind).counts

        assert run("one", "offline") == {"built": TARGETS, "restored": 0, "fresh": 0, "failed": 0}
        assert front.asked == []
        assert run("two", "read")["built"] == TARGETS
        assert set(front.verbs()) == {"GET"}
        assert run("three", "write")["built"] == TARGETS
        assert "PUT" in front.verbs()
        assert "GET" not in front.verbs("/actions/")
        assert run("four", "read")["fetched"] == TARGETS


def test_a_push_that_was_cut_short_goes_on(own, tmp_path, monkeypatch):
    """A server that is killed in the middle of a push fails it; the next push sends what is missing, and nothing else."""
    with proxy(own.server.port, Fault("crash", "^PUT", first=25, count=1, does=own.server.kill)) as front:
        (ours,) = caches(tmp_path, own.behind(front.port), monkeypatch, "ours", patience=1.0)
        keys = records(ours)
        faults = [fault for _, fault in ours.remote.send_each(keys)]
        assert any(faults)
    own.server.start()
    there = own.contents()
    assert 0 < len(there) < 100
    with proxy(own.server.port) as front:
        (again,) = caches(tmp_path, own.behind(front.port), monkeypatch, "ours")
        again.remote.send(keys)
        sent = {request.split()[1].rpartition("/barmill-1/")[2] for request, _ in front.asked if request.startswith("PUT")}
    small = {name for name in there if "/objects/" in name}  # those are sent rather than asked for
    assert not {f"barmill-1/{name}" for name in sent} & (there.keys() - small)
    assert own.contents().keys() - there.keys() <= {f"barmill-1/{name}" for name in sent}
    (theirs,) = caches(tmp_path, own, monkeypatch, "theirs")
    assert theirs.remote.fetch(keys) == set(keys)
    assert sound(own, KEY)


def test_a_server_that_dies_in_the_middle_of_a_build(own, toy, tmp_path):
    """The build ends well without its server, and a push sends later what was not sent, and nothing else."""
    project, other = Project.make(tmp_path / "one"), Project.make(tmp_path / "two")
    for each in (project, other):
        each.edit("join.py", '"""All texts in one, and the names in the folder."""', '"""Joined."""\nimport signal')
        each.edit("join.py", "    if not texts:", '    os.kill(int(os.environ["VICTIM"]), signal.SIGKILL)\n    if not texts:')
    result = project.good(VICTIM=str(own.server.served.process.pid), **own.hurried)
    assert result.counts["built"] == TARGETS
    assert project.artifacts() == toy.artifacts()
    own.server.kill()  # it is dead: this takes note of it
    own.server.start()
    assert sound(own)
    counts = re.fullmatch(r"(\d+) sent, (\d+) there already, 0 not in the store; .*\n", project.good("push", **own.environ).out)
    assert int(counts[1]) + int(counts[2]) == TARGETS
    assert project.good("push", **own.environ).out.startswith(f"0 sent, {TARGETS} there already, ")
    assert sound(own)
    assert other.good(**own.environ).counts["fetched"] == TARGETS
    assert other.artifacts() == toy.artifacts()


def test_no_server_at_all(toy, tmp_path):
    """Where nothing listens the build ends well, and says in one line what failed and what was not sent."""
    environ = {"BARMILL_REMOTE": f"http://127.0.0.1:{free_port()}/x", "NO_PROXY": "127.0.0.1"}
    project = Project.make(tmp_path / "one")
    result = project.good(**environ)
    assert result.counts["built"] == TARGETS
    assert len(result.err.splitlines()) == 1
    assert project.artifacts() == toy.artifacts()


def test_a_second_result_of_the_same_key_is_not_kept_apart(bucket, tmp_path):
    """A record in the remote says nothing of where it was built but its host and the paths that it read."""
    project = Project.make(tmp_path / "one")
    project.good(**bucket.environ)
    for data in bucket.contents("actions").values():
        assert str(tmp_path) not in json.dumps(json.loads(data)["record"]["manifest"])
