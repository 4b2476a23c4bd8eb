"""What goes to the remote for a cluster, and that it goes there once."""

from dataclasses import replace
from pathlib import Path

import pytest

from barmill.config import Settings
from barmill.errors import ConfigError, InputMoved, RemoteError
from barmill.hashing import digest_file
from barmill.run.cluster.exchange import Exchange, open_exchange
from barmill.run.cluster.spec import Action
from barmill.store.cache import Cache, key_of
from barmill.target import Target

pytest.importorskip("obstore", reason="obstore is not installed (extra remote)")


def build(text: Path, out: Path) -> None:
    """Nothing."""


def exchange(root: Path) -> tuple[Cache, Exchange]:
    """The exchange of a project with a folder as its remote."""
    cache = Cache(root / "store", root / "state.sqlite")
    return cache, open_exchange(cache, Settings(remote=str(root / "remote")), own=False)


def action(cache: Cache, path: Path) -> Action:
    """An action that reads this file."""
    target = Target(path.stem, build, {"text": path}, {"out": path.with_suffix(".out")})
    read = [("text", str(path), digest_file(path))]
    manifest = cache.manifest(target, read)
    return Action(f"stage:{path.stem}", target, key_of(target, manifest), manifest, read)


def sent(root: Path) -> dict[str, int]:
    """Each object in the remote, and when it was written."""
    return {str(path): path.stat().st_mtime_ns for path in (root / "remote").rglob("objects/*/*")}


def test_inputs_are_sent_once(tmp_path: Path) -> None:
    """An input of two actions goes to the remote once, and both specs tell its size and both digests."""
    (tmp_path / "a.txt").write_text("some text")
    cache, ours = exchange(tmp_path)
    (first,) = ours.specs([action(cache, tmp_path / "a.txt")])
    before = sent(tmp_path)
    assert len(before) == 1
    (second,) = ours.specs([action(cache, tmp_path / "a.txt")])
    assert sent(tmp_path) == before
    (wanted,) = first.objects()
    assert wanted[:2] == (digest_file(tmp_path / "a.txt"), 9)
    assert len(wanted[2]) == 64
    assert second.objects() == first.objects()


def test_an_input_that_changes_before_it_is_sent(tmp_path: Path) -> None:
    """It is an error that names the file; nothing is sent under a digest that it does not have."""
    (tmp_path / "a.txt").write_text("some text")
    cache, ours = exchange(tmp_path)
    mine = action(cache, tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("other text")
    with pytest.raises(InputMoved, match=r"a\.txt changed before it was sent"):
        ours.specs([mine])
    assert sent(tmp_path) == {}


def test_a_remote_that_takes_nothing(tmp_path: Path) -> None:
    """What the remote does not take is its error, not the input's."""
    (tmp_path / "a.txt").write_text("some text")
    cache, ours = exchange(tmp_path)
    (tmp_path / "remote").mkdir(exist_ok=True)
    (tmp_path / "remote/barmill-1").write_text("in the way")
    with pytest.raises(RemoteError):
        ours.specs([action(cache, tmp_path / "a.txt")])


def test_there_must_be_a_remote(tmp_path: Path) -> None:
    """Without a remote there is an exchange only for a cluster of the run's own, in a folder that is removed."""
    cache = Cache(tmp_path / "store", tmp_path / "state.sqlite")
    with pytest.raises(ConfigError, match="the project has no remote"):
        open_exchange(cache, Settings(), own=False)
    (tmp_path / "a.txt").write_text("some text")
    ours = open_exchange(cache, replace(Settings(), remote=""), own=True)
    ours.specs([action(cache, tmp_path / "a.txt")])
    assert ours.folder.is_dir()
    ours.close()
    assert not ours.folder.exists()
