"""A second machine's fresh clone, with the remote set, restores the whole build of the sample: no stage runs."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support.checkouts import Checkout
from tests.support.market import REPOSITORY
from tests.support.remotes import Place

KEY = "a key that both machines have"
# every stage is built, with fewer and smaller targets of the research
SMALL = {
    "BARMILL_STRATEGIES": "ma_cross fast=5|8 ratio=2 stop=2 target=3",
    "BARMILL_UNIVERSE_INTERVALS": "5",
    "BARMILL_UNIVERSE_LOOKBACKS": "20",
    "BARMILL_LABEL_TARGETS": "10",
    "BARMILL_LABEL_STOPS": "10",
    "BARMILL_LABEL_HORIZONS": "60",
    "BARMILL_REMOTE_KEY": KEY,
}
PLACES = ("folder", "rclone", "nginx")


@pytest.fixture(scope="module")
def homes():
    """A folder for homes that any user may enter; those of pytest are closed to others."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    folder = Path(tempfile.mkdtemp(prefix="barmill-machines-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def folder(homes):
    """A remote that is a folder which everybody may read."""
    (homes / "remote").mkdir()
    return {"BARMILL_REMOTE": (homes / "remote").as_uri(), "BARMILL_REMOTE_PATIENCE": "20"}


@pytest.fixture(scope="module")
def first(homes, folder):
    """The first machine, which has built everything and sent it to the folder, and its count of targets.

    It is this checkout, with artifacts of its own: its kernels are compiled already.
    """
    own = {"BARMILL_ARTIFACTS": str(homes / "first"), "TZ": "America/New_York", "LC_ALL": "C.UTF-8"}
    machine = Checkout(REPOSITORY, environ={**own, **SMALL})
    result = machine.doit("-n", "2", **folder)
    assert result.code == 0, result.out[-3000:] + result.err
    assert result.counts["built"] > 400
    assert "warning" not in result.err
    return machine, result.counts["built"]


@pytest.mark.parametrize("kind", PLACES)
def test_it_builds_nothing(request, homes, folder, first, kind):
    """Another user in another path, zone and locale fetches every target; outputs are equal to the byte, all is fresh then."""
    one, built = first
    environ = folder
    if kind != "folder":
        place = Place(request.getfixturevalue("running")(kind))
        environ = place.environ
        pushed = one.doit("push", **environ)
        assert pushed.code == 0, pushed.out + pushed.err
    two = Checkout.make(homes / f"machine behind {kind}", "nobody", TZ="Asia/Tokyo", LC_ALL="C", **SMALL)
    outputs = one.outputs()
    one.artifacts.rename(homes / "gone")  # what the first machine has can't be reached, whoever may read it
    try:
        result = two.doit(**environ, BARMILL_REMOTE_MODE="read")
    finally:
        (homes / "gone").rename(one.artifacts)
    assert result.code == 0, result.out[-3000:] + result.err
    assert result.counts == {"built": 0, "restored": 0, "fetched": built, "fresh": 0, "failed": 0}
    assert result.err == ""
    assert two.outputs() == outputs
    nobody = pwd.getpwnam("nobody").pw_uid
    assert all(path.stat().st_uid == nobody for path in two.artifacts.rglob("*"))
    offline = two.doit(**environ, BARMILL_REMOTE_MODE="offline")
    assert (offline.counts["fresh"], offline.code) == (built, 0)
