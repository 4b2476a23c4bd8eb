"""The remote as users see it: what one checkout has built, another one fetches."""

import json
import os
import signal
import socket
from contextlib import closing

import pytest

from tests.store.remote.places import contents
from tests.support.market import MarketProject
from tests.support.project import Project, ended, until

KEY = "sesame-of-the-tests"
ALL = ["upper:ant", "upper:bee", "upper:cat", "join:all", "split:ant", "split:bee", "split:cat"]


@pytest.fixture
def remote(tmp_path):
    return {"BARMILL_REMOTE": str(tmp_path / "remote"), "BARMILL_REMOTE_KEY": KEY, "BARMILL_REMOTE_PATIENCE": "20"}


@pytest.fixture
def ours(tmp_path):
    return Project.make(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path):
    return Project.make(tmp_path / "elsewhere/theirs")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one", "two"])
def test_a_fresh_checkout_fetches_everything(ours, theirs, remote, workers):
    """What was built elsewhere is fetched, to the byte; no build function runs, and nothing is left to do."""
    assert ours.good(*workers, **remote).counts == {"built": 7, "restored": 0, "fetched": 0, "fresh": 0, "failed": 0}
    assert sorted(ours.built()) == sorted(ALL)
    result = theirs.good(*workers, **remote)
    assert result.counts == {"built": 0, "restored": 0, "fetched": 7, "fresh": 0, "failed": 0}
    assert theirs.built() == []
    assert theirs.artifacts() == ours.artifacts()
    theirs.assert_fresh(**remote)
    theirs.assert_fresh(BARMILL_REMOTE_MODE="offline", **remote)


def test_the_sample_travels(tmp_path, remote):
    """The market's stages are fetched by a checkout at another path, folders of chunks and all."""
    stages = ("instruments", "index", "match", "export", "chunks", "reports")
    ours, theirs = MarketProject.make(tmp_path / "a", stages), MarketProject.make(tmp_path / "b/c/d", stages)
    for project in (ours, theirs):
        for ticker in ("aapl.us", "msft.us"):
            project.raw("d_us_txt/data/daily/us/nasdaq stocks/1", ticker, ("20221230", "20230103", "20240102"))
        project.listed("broker.csv", [["AAPL", "US0378331005", "NASDAQ", "Apple", "USD"], ["MSFT", "", "NASDAQ", "MS", "USD"]])
    built = ours.good("-n", "2", **remote).counts
    assert theirs.good(**remote).counts == built | {"built": 0, "fetched": built["built"]}
    inside = [{n: b for n, b in contents(p.root / "artifacts").items() if n.split("/")[0] in stages} for p in (ours, theirs)]
    assert inside[0] == inside[1]
    assert "chunks/AAPL.US/2022.parquet" in inside[0]


def test_only_what_differs_is_built(ours, theirs, remote):
    """A checkout with one other input builds what follows from it, fetches the rest, and sends what it built."""
    ours.good(**remote)
    theirs.edit("data/ant.txt", "legs", "six legs")
    assert theirs.good(**remote).counts["fetched"] == 4
    assert theirs.built() == ["upper:ant", "join:all", "split:ant"]
    ours.edit("data/ant.txt", "legs", "six legs")
    ours.built()
    assert ours.good(**remote).counts == {"built": 0, "restored": 0, "fetched": 3, "fresh": 4, "failed": 0}
    assert ours.built() == []


def test_one_target_is_fetched_with_what_it_needs(ours, theirs, remote):
    """A run for one target fetches that one and those before it."""
    ours.good(**remote)
    assert theirs.good("join", **remote).counts["fetched"] == 4
    assert {name.partition("/")[0] for name in theirs.artifacts()} == {"upper", "join"}
    assert theirs.good("artifacts/split/bee", **remote).counts["fetched"] == 1


def test_what_is_forgotten_is_built(ours, theirs, remote):
    """Neither `doit forget` nor -a takes a result from the remote."""
    ours.good(**remote)
    theirs.good(**remote)
    theirs.good("forget", "upper:ant", **remote)
    assert theirs.good(**remote).counts["built"] == 1
    assert theirs.good("-a", **remote).counts["built"] == 7


@pytest.mark.parametrize(
    ("mode", "sent", "fetched"), [("read", 0, 7), ("write", 7, 0), ("offline", 0, 0), ("read-write", 7, 7)]
)
def test_modes(ours, theirs, tmp_path, remote, mode, sent, fetched):
    """`read` sends nothing, `write` fetches nothing, `offline` neither."""
    ours.good(**remote, BARMILL_REMOTE_MODE=mode)
    assert len(list((tmp_path / "remote").rglob("*.json"))) == sent
    ours.good("push", **remote)
    assert theirs.good(**remote, BARMILL_REMOTE_MODE=mode).counts.get("fetched", 0) == fetched


def test_offline_leaves_the_remote_alone(ours, tmp_path, remote):
    """Offline, not even the folder of the remote is made, and the last line is as without one."""
    result = ours.good(**remote, BARMILL_REMOTE_MODE="offline")
    assert not (tmp_path / "remote").exists()
    assert "fetched" not in result.out


@pytest.fixture
def silent():
    """The URL of a port that accepts connections and never answers."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one", "two"])
@pytest.mark.parametrize("mode", ["read-write", "write"])
@pytest.mark.parametrize("how", ["closed", "silent"])
def test_a_dead_remote_fails_nothing(ours, silent, how, mode, workers):
    """Where nobody answers everything is built, and one line says why, what helps, and what was not sent."""
    url = silent if how == "silent" else "http://127.0.0.1:1/x"
    result = ours.good(*workers, BARMILL_REMOTE=url, BARMILL_REMOTE_MODE=mode, BARMILL_REMOTE_PATIENCE="0.3")
    assert result.counts["built"] == 7
    (line,) = result.err.splitlines()
    cause = "it does not answer in time" if how == "silent" else "it can't be connected to"
    assert line.startswith(f"warning: the remote {url}: {cause}: ")
    assert line.endswith("; 7 results were not sent; doit push sends them")
    assert "the run went on without it" in line or "requests failed" in line or mode == "write"


def test_a_remote_that_cannot_be_written_fails_nothing(ours, remote):
    """Where the remote's folder can't be made, everything is built."""
    result = ours.good(**remote | {"BARMILL_REMOTE": "/proc/none/remote"})
    assert result.counts["built"] == 7
    (line,) = result.err.splitlines()
    assert "No such file or directory: look at the folder /proc/none/remote; 7 results were not sent" in line


def test_uploads_are_done_before_a_failed_run_ends(ours, theirs, remote):
    """A run in which a target fails has sent what it built."""
    ours.edit("split.py", "out.mkdir()", "raise ValueError('no')")
    assert ours.doit(**remote).counts == {"built": 4, "restored": 0, "fetched": 0, "fresh": 0, "failed": 3}
    assert theirs.good("join", **remote).counts["fetched"] == 4


def test_damage_in_the_remote_is_built_and_mended(ours, theirs, tmp_path, remote):
    """A damaged object costs one build and a warning, and is whole in the remote afterwards."""
    ours.good(**remote)
    (victim,) = [
        path for path in (tmp_path / "remote/barmill-1/objects").rglob("*") if path.is_file() and b"BEE" in path.read_bytes()
    ][:1]
    sound = victim.read_bytes()
    victim.write_bytes(sound[:-1] + b"?")
    result = theirs.good("split:bee", "upper:bee", **remote)
    assert result.err.count("warning") == 1
    assert victim.parent.name + "/" + victim.name in result.err
    assert theirs.built()
    assert victim.read_bytes() == sound
    theirs.good(**remote)
    assert theirs.artifacts() == ours.artifacts()


def test_damage_in_the_store_is_mended_from_the_remote(ours, remote):
    """An object that is damaged here comes from the remote again, and is not built."""
    ours.good(**remote)
    ours.built()
    for path in (ours.root / "artifacts/store/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"?" * path.stat().st_size)
    for name in ours.artifacts():
        (ours.root / "artifacts" / name).unlink()
    assert ours.good("-n", "2", **remote).counts["failed"] == 0
    assert ours.built() == []


def test_another_key_is_another_world(ours, theirs, remote):
    """Results signed with another key are not believed: everything is built, and one warning says why."""
    ours.good(**remote)
    result = theirs.good(**remote | {"BARMILL_REMOTE_KEY": "other"})
    assert (result.counts["built"], result.counts["fetched"]) == (7, 0)
    assert "signed with another key" in result.err
    assert not any(key in result.out + result.err for key in (KEY, "other'"))


def test_secrets_are_nowhere(ours, theirs, tmp_path, remote):
    """The key is in no file of the project, its state, its store or its remote, and in nothing that is printed."""
    told = "".join(
        each.out + each.err for each in (ours.good(**remote), theirs.good("-n", "2", **remote), theirs.good("stats", **remote))
    )
    assert KEY not in told
    assert all(KEY.encode() not in data for data in contents(tmp_path).values())


@pytest.mark.parametrize(
    "url", ["s3://user:pa55w0rd@bucket/x", "https://host/x?sig=pa55w0rd", "ftp://host/x", "s3://", "file://", "http:///x"]
)
def test_urls_that_are_no_remote(ours, url):
    """A URL that holds a secret, or that we can't use, is an error in the settings that does not show the secret."""
    told = ours.bad(BARMILL_REMOTE=url, code=3)
    assert "remote is" in told
    assert "pa55w0rd" not in told


def test_push_and_pull(ours, theirs, tmp_path, remote):
    """`push` sends what the store has, once; `pull` brings it into place, and builds nothing."""
    ours.good()
    assert "7 sent, 0 there already, 0 not in the store" in ours.good("push", **remote).out
    assert "0 sent, 7 there already, 0 not in the store" in ours.good("push", **remote).out
    assert theirs.good("pull", **remote).counts["fetched"] == 7
    assert theirs.built() == []
    assert theirs.artifacts() == ours.artifacts()
    theirs.assert_fresh()


def test_push_and_pull_of_some(ours, theirs, remote):
    """Named targets alone are sent; `pull` says what nobody has, and ends with 1."""
    ours.good()
    assert "1 sent" in ours.good("push", "upper:ant", **remote).out
    result = theirs.doit("pull", **remote)
    assert result.code == 1
    assert "absent   upper:bee" in result.out
    assert "1 fetched" in result.out
    assert "3 absent, 1 blocked" in result.out
    assert theirs.built() == []
    assert sorted(theirs.artifacts()) == ["upper/ant.up"]


def test_push_to_nowhere(ours, silent):
    """What can't be sent is told, and `push` ends with 1."""
    ours.good()
    told = ours.bad("push", BARMILL_REMOTE="http://127.0.0.1:1/x", code=1)
    assert "7 could not be sent" in told


@pytest.mark.parametrize(
    ("command", "mode", "word"),
    [("push", "read", "against"), ("pull", "write", "against"), ("push", "offline", "needs a remote")],
)
def test_push_and_pull_against_the_mode(ours, remote, command, mode, word):
    """A command that the mode forbids is an error of the command line."""
    assert word in ours.bad(command, **remote, BARMILL_REMOTE_MODE=mode, code=3)


def test_stats(ours, theirs, remote):
    """`stats` counts what the last runs did, by stage, and what the remote gave; a fresh run leaves no trace."""
    ours.good(**remote)
    theirs.good("-n", "2", **remote)
    theirs.good(**remote)
    theirs.edit("data/ant.txt", "legs", "six legs")
    theirs.good("-n", "2", **remote)
    told = json.loads(theirs.good("stats", "--json", **remote).out)
    assert [run["command"] for run in told["runs"]] == ["run", "run"]
    assert {stage: (each["built"], each["fetched"], each["fresh"]) for stage, each in told["stages"].items()} == {
        "upper": (1, 3, 2),
        "join": (1, 1, 0),
        "split": (1, 3, 2),
    }
    assert (told["remote"]["hits"], told["remote"]["sent_records"], told["remote"]["refused"]) == (7, 3, 0)
    assert "7 hits" in theirs.good("stats", **remote).out
    assert theirs.good("stats", "-n", "1", **remote).out.count("run  3 built") == 1


def test_stats_of_nothing(ours):
    """Where nothing was run there is nothing to tell, and no state file is harmed by the asking."""
    assert "all" in ours.good("stats").out
    ours.good()
    os.truncate(ours.root / "artifacts/state.sqlite", 100)
    ours.good("stats")


def test_what_was_fetched_is_kept_like_what_was_built(ours, theirs, remote):
    """`verify` finds nothing wrong with a store that was filled from a remote, and `gc` keeps all of it."""
    ours.good(**remote)
    theirs.good("-n", "2", **remote)
    theirs.good("verify", **remote)
    before = contents(theirs.root / "artifacts/store/objects")
    theirs.good("gc", **remote)
    assert contents(theirs.root / "artifacts/store/objects") == before
    assert len(theirs.records()) == 7


def test_explain_says_where_it_came_from(ours, theirs, remote):
    """`explain` tells of a target that was fetched when and where it was built, and that it was fetched."""
    ours.good(**remote)
    theirs.good(**remote)
    told = theirs.good("explain", "upper:ant", **remote).out
    assert "fetched  from the remote" in told
    assert "fetched  from the remote" not in ours.good("explain", "upper:ant", **remote).out


def test_ctrl_c_leaves_uploads_a_moment(ours, tmp_path, silent):
    """A signal in a run whose uploads hang ends it soon, with the signal's exit code."""
    ours.edit("split.py", "    out.mkdir()", "    import time; time.sleep(60 if 'cat' in str(text) else 0)\n    out.mkdir()")
    environ = {"BARMILL_REMOTE": silent, "BARMILL_REMOTE_MODE": "write", "BARMILL_REMOTE_PATIENCE": "30"}
    run = ours.start("-n", "2", **environ)
    until(lambda: ours.log.exists() and "split:cat" in ours.log.read_text())
    run.send_signal(signal.SIGTERM)
    result = ended(run)
    assert result.code == 128 + signal.SIGTERM
    assert "not sent" in result.err


def test_ctrl_c_at_the_end_tells_what_was_not_sent(ours, silent):
    """A signal while only uploads are waited for ends the run at once, and the line says how many were not sent."""
    environ = {"BARMILL_REMOTE": silent, "BARMILL_REMOTE_MODE": "write", "BARMILL_REMOTE_PATIENCE": "60"}
    run = ours.start(**environ)
    assert next(line for line in run.stdout if line.startswith("7 built"))
    run.send_signal(signal.SIGINT)
    result = ended(run)
    assert result.code == 128 + signal.SIGINT
    assert "7 results were not sent; doit push sends them" in result.err
    assert "Traceback" not in result.err


def test_ctrl_c_in_a_push(ours, silent):
    """It ends at once, with the signal's exit code, and without a traceback."""
    ours.good()
    run = ours.start("push", BARMILL_REMOTE=silent)
    until(lambda: len(os.listdir(f"/proc/{run.pid}/task")) > 4)  # threads that ask the remote
    run.send_signal(signal.SIGINT)
    result = ended(run)
    assert result.code == 128 + signal.SIGINT
    assert "what was sent is sent" in result.err
    assert "Traceback" not in result.err


def test_two_checkouts_at_once(ours, theirs, remote):
    """Two checkouts that build the same at the same time leave a remote from which a third fetches all."""
    runs = [project.start(**remote) for project in (ours, theirs)]
    assert [ended(run).code for run in runs] == [0, 0]
    third = Project.make(ours.root.parent / "third")
    assert third.good(**remote).counts["fetched"] == 7


def test_a_fresh_project_does_not_load_obstore(ours, remote):
    """Where nothing is to be done the remote is not asked, and obstore is not even imported."""
    ours.good(**remote)
    result = ours.good(PYTHONVERBOSE="1", BARMILL_REMOTE="http://127.0.0.1:9/x")
    assert result.counts["fresh"] == 7
    assert "import 'barmill.store.remote.remote'" in result.err
    assert "import 'obstore" not in result.err
