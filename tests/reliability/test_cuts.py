"""Power cuts, the short form; `python -m tests.reliability.cuts` is the long one."""

import os
import random

import pytest

from barmill import files
from tests.reliability.cuts import Recorder, Tree, choosers, cut


def test_a_power_cut_loses_no_bar() -> None:
    """Loads, updates, archives and syncs lose power between two system calls: each bar is there, and the next command runs."""
    report = cut(rounds=1, seed=3, share=0.03)
    assert report.lost == []
    assert report.cuts > 40


@pytest.mark.parametrize("dropped", ["all", "files", "folders"])
def test_the_model_finds_syncs_that_are_missing(dropped, monkeypatch) -> None:
    """Without the syncs of files, of folders or of both, power cuts lose something: the test above can fail."""
    sync = files.sync

    def without(path):
        if dropped != "all" and os.path.isdir(path) != (dropped == "folders"):
            sync(path)

    monkeypatch.setattr(files, "sync", without)
    assert cut(rounds=1, seed=3, share=0.1, kinds=[Tree]).lost


def test_the_model_drops_what_was_not_synced(tmp_path) -> None:
    """Of two files, one of which was synced with its folder, only that one is left; with all names the other one is empty."""
    root = tmp_path / "root"
    root.mkdir()
    recorder = Recorder(root)
    with recorder.recording():
        files.write_durable(root / "kept", b"1")
        (root / "lost").write_bytes(b"2")
    disks = {}
    for name, is_kept in choosers(random.Random(1)).items():
        recorder.build(recorder.moments[-1], tmp_path / name, is_kept)
        disks[name] = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    recorder.close()
    assert disks["synced"] == {"kept": b"1"}
    assert disks["names"] == {"kept": b"1", "lost": b""}
