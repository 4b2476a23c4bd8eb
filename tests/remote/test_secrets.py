"""Keys of accounts, and the key that records are signed with, are in nothing that is printed, written or sent."""

import pytest

from tests.support.faults import Fault, proxy
from tests.support.project import Project
from tests.support.remotes import ACCESS_KEY, SECRET_KEY, Place

KEY = "sealing/wax+and=string"
SECRETS = [secret.encode() for secret in (KEY, SECRET_KEY, ACCESS_KEY)]
FAULTS = {
    "none": Fault("", "^nothing"),
    "403": Fault("status", code=403),
    "500": Fault("status", code=500),
    "flipped": Fault("flipped"),
    "silent": Fault("silent"),
    "silent uploads": Fault("silent", "^PUT"),
}
CASES = [("rclone", name) for name in FAULTS] + [("nginx", "none")]
COMMANDS = (
    ("-n", "2", "-v", "2"),
    ("-a",),
    ("status", "--json"),
    ("explain", "--json", "upper:ant"),
    ("store",),
    ("list", "--all"),
)


def found(*texts):
    """The secrets in these bytes."""
    return [secret for text in texts for secret in SECRETS if secret in text]


@pytest.mark.parametrize(("server", "name"), CASES)
def test_no_secret_in_anything(running, tmp_path, server, name):
    """Over each server, and whatever it does: no output, no file of the project, no object and no name there has a secret."""
    place, project, fault = Place(running(server)), Project.make(tmp_path / "p"), FAULTS[name]
    with proxy(place.server.port, Fault(fault.kind, fault.where, code=fault.code)) as front:
        environ = {**place.behind(front.port).hurried, "BARMILL_REMOTE_KEY": KEY}
        for command in COMMANDS if name == "none" else COMMANDS[:1]:
            result = project.doit(*command, **environ)
            assert found(result.out.encode(), result.err.encode()) == []
        assert found(*(request.encode() for request, _ in front.asked)) == []
    for path in tmp_path.rglob("*"):
        assert found(str(path).encode(), path.read_bytes() if path.is_file() else b"") == []
    for path, data in place.contents().items():
        assert found(path.encode(), data) == []
    assert name != "none" or place.contents("actions")


@pytest.mark.parametrize(
    "remote", ["https://me:{}@host/path", "s3://{}@bucket/x", "http://host/path?token={}", "ftp://me:{}@host"]
)
def test_a_secret_in_the_setting(tmp_path, remote):
    """A URL with a user, a password or a query is refused with exit code 3, and not shown."""
    project = Project.make(tmp_path / "p")
    said = project.bad(code=3, BARMILL_REMOTE=remote.format("hush-hush"))
    assert "hush-hush" not in said
    assert "remote" in said


def test_a_key_that_is_no_key(tmp_path):
    """What the environment says of the sealing key is not repeated in a message about it, nor in one about another setting."""
    project = Project.make(tmp_path / "p")
    said = project.bad(code=3, BARMILL_REMOTE_KEY=KEY, BARMILL_REMOTE_MODE="sometimes")
    assert "sometimes" in said
    assert found(said.encode()) == []
