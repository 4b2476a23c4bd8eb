"""What is wrong with a remote is told in one line, with its cause and cure, and fails nothing that can go on."""

import shutil
from pathlib import Path

import pytest

from tests.support.project import Project

RIGHT = "this user needs the right to {} below {}"


@pytest.fixture
def remote(tmp_path):
    return tmp_path / "the remote"


@pytest.fixture
def environ(remote):
    return {"BARMILL_REMOTE": str(remote), "BARMILL_REMOTE_PATIENCE": "20"}


@pytest.fixture
def filled(remote, environ, tmp_path):
    """A folder with all results of the toy project, whose rights are given back in the end."""
    Project.make(tmp_path / "first").good(**environ)
    yield remote
    for path in (remote, *remote.rglob("*")):
        path.chmod(0o755)


def closed(remote: Path, mode: int) -> None:
    """Take rights away, from the deepest folder on."""
    for path in sorted((each for each in remote.rglob("*") if each.is_dir()), reverse=True):
        path.chmod(mode)
    remote.chmod(mode)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(("mode", "right"), [(0, "read"), (0o555, "write")])
def test_a_folder_without_rights(filled, environ, tmp_path, as_others, mode, right, workers):
    """The build ends well; one line tells the right that lacks, and where."""
    project = Project.make(tmp_path / "p")
    (project.root / "times").write_text("2")
    closed(filled, mode)
    result = project.doit(*workers, behind=as_others, **environ)
    assert (result.code, result.counts["built"]) == (0, 7)
    (line,) = result.err.splitlines()
    assert RIGHT.format(right, filled) in line
    assert "Permission denied" in line
    assert "7 results were not sent; doit push sends them" in line


@pytest.mark.parametrize("mode", [0, 0o555])
def test_a_push_without_rights(project, filled, environ, as_others, mode):
    """Every target that can't be sent says why, and what it needs."""
    shutil.rmtree(filled / "barmill-1/objects")
    (filled / "barmill-1/objects").mkdir()
    closed(filled, mode)
    result = project.doit("push", behind=as_others, **environ)
    assert result.code == 1
    assert result.err.count("error: ") == result.err.count("Permission denied") == 7
    assert result.err.count(f"hint: {RIGHT.format('write', filled)}") == 7


EXPIRED = {
    "all objects": "objects/??/*",
    "all records": "actions/??/*",
    "some objects": "objects/[0-7]?/*",
    "some records": "actions/[0-7]?/*",
    "some of each": "*/[0-7]?/*",
}


def expired(remote: Path, pattern: str) -> None:
    """Delete as a rule by age does, which knows of nothing that belongs together."""
    gone = list((remote / "barmill-1").glob(pattern))
    assert gone
    for path in gone:
        path.unlink()


@pytest.mark.parametrize("pattern", EXPIRED.values(), ids=EXPIRED)
def test_what_has_expired_is_a_plain_miss(filled, environ, tmp_path, pattern):
    """Whatever has gone, the next one says nothing, comes to the same, and the one after it fetches all."""
    expired(filled, pattern)
    second, third = Project.make(tmp_path / "second"), Project.make(tmp_path / "third")
    result = second.good(**environ)
    assert result.counts["built"] > 0
    assert result.counts["built"] + result.counts["fetched"] == 7
    assert result.err == ""
    result = third.good(**environ)
    assert (result.counts["fetched"], result.err) == (7, "")
    assert third.artifacts() == second.artifacts() == Project(tmp_path / "first").artifacts()


@pytest.mark.parametrize("pattern", EXPIRED.values(), ids=EXPIRED)
def test_a_push_sends_again_what_has_expired(filled, environ, tmp_path, pattern):
    """Who still has the results makes the remote whole: the next one builds nothing."""
    expired(filled, pattern)
    assert Project(tmp_path / "first").good("push", **environ).err == ""
    assert Project.make(tmp_path / "second").good(**environ).counts["fetched"] == 7


def test_a_remote_that_can_only_be_read(filled, environ, tmp_path, as_others):
    """What it has is fetched, and nothing is said: nothing had to be sent."""
    closed(filled, 0o555)
    result = Project.make(tmp_path / "p").doit(behind=as_others, **environ)
    assert (result.code, result.counts["fetched"], result.err) == (0, 7, "")
