"""Power cuts: what was not synced is dropped, and still no bar of `data/` is lost and the next command runs.

python -m tests.reliability.cuts --rounds 4 --seed 1
"""

import argparse
import datetime as dt
import itertools
import os
import random
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from barmill.config import Settings
from barmill.errors import BarmillError
from barmill.market import archive as packs
from barmill.market.bars import read_bars
from barmill.market.datasets import of_tree
from barmill.sources.archive import archive, restore
from barmill.sources.history import History
from barmill.sources.stooq import ZipTree
from barmill.sources.tree import sync
from tests.reliability.archives import identity
from tests.support.archive_oracle import whole
from tests.support.market import HEADER, price_lines
from tests.support.prices import Shelf, run, series, weekdays

Names = dict[str, int]
Chooser = Callable[[], bool]

_CALLS = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")
_DAYS = weekdays("2000-01-03", 800)
_NAME = "equities/daily/ACME"


@dataclass(frozen=True)
class Moment:
    """What a power cut at one moment may leave.

    Attributes:
        call: the system call before which, or after the last of which, the power is cut.
        now: inode of a folder → its names; what the running system sees.
        synced: the same of the folders as they were when last synced.
        contents: inode of a file → its bytes when last synced.
    """

    call: str
    now: dict[int, Names]
    synced: dict[int, Names]
    contents: dict[int, bytes]


@dataclass
class Recorder:
    """Keeps what is synced below a folder, and the moments between system calls; all that is there at first is synced.

    Files are held open, so that no other file gets their inode.
    """

    root: Path
    moments: list[Moment] = field(default_factory=list)
    synced: dict[int, Names] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.top = self._hold(self.root)
        for folder, _, names in os.walk(self.root):
            self._keep(Path(folder))
            for name in names:
                self._keep(Path(folder, name))

    def _hold(self, path: Path | str) -> int:
        inode = os.stat(path).st_ino
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def _keep(self, path: Path) -> None:
        inode = self._hold(path)
        if path.is_dir():
            self.synced[inode] = {each.name: each.inode() for each in os.scandir(path)}
        else:
            self.contents[inode] = path.read_bytes()

    def note(self, call: str) -> None:
        """Remember this moment."""
        now: dict[int, Names] = {}
        for folder, _, names in os.walk(self.root):
            now[self._hold(folder)] = {each.name: each.inode() for each in os.scandir(folder)}
            for name in names:
                self._hold(os.path.join(folder, name))
        self.moments.append(Moment(call, now, {key: dict(each) for key, each in self.synced.items()}, dict(self.contents)))

    @contextmanager
    def recording(self) -> Iterator["Recorder"]:
        """Record the calls of this process."""
        real = {name: getattr(os, name) for name in _CALLS}

        def seen(name: str) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                with self.lock:
                    self.note(f"{name} {arguments[0]}")
                    if name != "fsync":
                        return real[name](*arguments, **options)
                    path = Path(os.readlink(f"/proc/self/fd/{arguments[0]}"))
                    if self.root in (path, *path.parents):
                        self._keep(path)
                    return None  # the disk of this machine need not be waited for

            return call

        with mock.patch.multiple(os, **{name: seen(name) for name in _CALLS}):
            yield self
        self.note("the end")

    def close(self) -> None:
        """Let go of all files."""
        for file in self.held.values():
            os.close(file)

    def build(self, moment: Moment, target: Path, is_kept: Chooser) -> None:
        """Make the tree that a power cut leaves.

        Args:
            moment: when it comes.
            target: a folder that does not exist yet.
            is_kept: asked for each folder whether its names have reached the disk, though it was not synced.
        """
        self._build(moment, self.top, target, is_kept)

    def _build(self, moment: Moment, inode: int, target: Path, is_kept: Chooser) -> None:
        target.mkdir()
        synced = moment.synced.get(inode, {})
        names = moment.now.get(inode, synced) if is_kept() else synced
        for name, each in names.items():
            if each in moment.now or each in moment.synced:
                self._build(moment, each, target / name, is_kept)
            else:
                (target / name).write_bytes(moment.contents.get(each, b""))


def choosers(dice: random.Random) -> dict[str, Chooser]:
    """The disks that a power cut may leave: nothing but what was synced; all names; the names of some folders."""
    return {"synced": lambda: False, "names": lambda: True, "mixed": lambda: dice.random() < 0.5}


class Scenario:
    """Commands one after the other, and what must hold after a power cut in each."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def steps(self) -> list[Callable[[Path], None]]:
        """The commands; each gets the folder to work in."""
        raise NotImplementedError

    def check(self, root: Path, number: int, *, has_ended: bool) -> None:
        """Fail unless what is left of step `number` is whole, and the next command runs.

        Args:
            root: what the power cut left.
            number: of the step in which it came.
            has_ended: whether it came after its end; then what it did is there.
        """
        raise NotImplementedError


def _ok(outcome: object) -> None:
    entry = outcome.entry  # type: ignore[attr-defined]
    assert entry.status == "ok", entry.errors


class Series(Scenario):
    """One series loaded, updated, archived, adjusted, archived by months, extended, brought back, extended."""

    counts = (0, 700, 701, 701, 701, 702, 702, 703, 703, 704)
    factors = (1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0)

    def steps(self) -> list[Callable[[Path], None]]:
        def brought(number: int, kind: str = "update") -> Callable[[Path], None]:
            prices = dict.fromkeys(_DAYS[: self.counts[number]], self.factors[number])
            return lambda root: _ok(run(root, Shelf(prices), kind))

        def archived(year: int, scheme: str) -> Callable[[Path], None]:
            return lambda root: _ok(archive(series(root), identity(scheme), dt.date(year, 1, 1), Settings(series=root)))

        return [
            brought(1, "load"),
            brought(2),
            archived(2001, "quarter"),
            archived(2002, "quarter"),
            brought(5),
            archived(2002, "month"),
            brought(7),
            lambda root: _ok(restore(series(root), Settings(series=root))),
            brought(9),
        ]

    def check(self, root: Path, number: int, *, has_ended: bool) -> None:
        settings, dataset = Settings(series=root), series(root)
        before, after = self.counts[number], self.counts[number + 1]
        if not dataset.raw.exists():
            assert number == 0
            assert not has_ended, "the load had ended"
            self.steps()[0](root)
        found = whole(root, dataset)
        assert [stamp[:10] for stamp in found] == _DAYS[: len(found)]
        assert len(found) in ({after} if has_ended or not before else {before, after})
        assert len({row[3] for row in found.values()}) == 1
        archive_files = packs.files_of(root, dataset.name)
        bars = packs.read_series(dataset.raw.read_bytes(), archive_files, dataset.symbol, dataset.frequency).bars
        assert bars.table.column("date").to_pylist() == [stamp[:10] for stamp in found]
        entries = History.of(root, dataset.name).updates
        if entries and entries[-1].status == "ok":
            assert entries[-1].rows_after == len(found), "the history says that it is done"
        prices = dict.fromkeys(_DAYS[: len(found)], next(iter(found.values()))[3] or 0.0)
        _ok(run(root, Shelf(prices), "update"))
        _ok(archive(dataset, identity(), dt.date(2002, 1, 1), settings))
        assert whole(root, dataset) == found
        folder = root / ".archive" / _NAME
        assert {path.name for path in folder.iterdir()} == {path.name for path in packs.files_of(root, dataset.name)[1:]}
        _ok(restore(dataset, settings))
        assert whole(root, dataset) == found
        assert not list(root.rglob("*.tmp"))


class Tree(Scenario):
    """Raw files from a zip, then grown ones; half of them are datasets with histories."""

    lengths = (0, 300, 310)
    tickers = tuple(f"T{number}.US" for number in range(6))

    def content(self, ticker: str, step: int) -> bytes:
        """A raw file after so many steps."""
        days = [day.replace("-", "") for day in _DAYS[: self.lengths[step]]]
        return "\r\n".join([HEADER, *price_lines(ticker, days, 10.0), ""]).encode()

    def path(self, root: Path, ticker: str) -> Path:
        """Where it lies."""
        return root / "stooq/d_us_txt/data/daily/us/nasdaq stocks" / str(1 + int(ticker[1]) % 2) / f"{ticker.lower()}.txt"

    def sync(self, root: Path, step: int) -> None:
        """Bring the tree to what the zip of this step holds."""
        settings = Settings(series=root / "series", stooq=root / "stooq")
        datasets = []
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "d_us_txt.zip")
            with zipfile.ZipFile(file, "w") as writer:
                for number, ticker in enumerate(self.tickers):
                    path = self.path(root, ticker).relative_to(root / "stooq")
                    writer.writestr(zipfile.ZipInfo(path.relative_to("d_us_txt").as_posix()), self.content(ticker, step))
                    if number % 2 == 0:
                        datasets.append(of_tree(ticker, root / "stooq" / path, path.as_posix()))
            _ok(sync(lambda: ZipTree("stooq", [file]), "stooq", settings, datasets))

    def steps(self) -> list[Callable[[Path], None]]:
        return [lambda root: self.sync(root, 1), lambda root: self.sync(root, 2)]

    def check(self, root: Path, number: int, *, has_ended: bool) -> None:
        for ticker in self.tickers:
            path = self.path(root, ticker)
            found = path.read_bytes() if path.exists() else None
            allowed = [self.content(ticker, number + 1)]
            if not has_ended:
                allowed.append(self.content(ticker, number) if number else None)  # type: ignore[arg-type]
            assert found in allowed, f"{path.name} is neither old nor new"
            entries = History.of(root / "series", ticker).updates
            if entries and entries[-1].status == "ok":
                assert entries[-1].rows_after == read_bars(found or b"").table.num_rows, "the history says that it is done"
        self.sync(root, number + 1)
        assert all(self.path(root, ticker).read_bytes() == self.content(ticker, number + 1) for ticker in self.tickers)
        assert not list(root.rglob("*.tmp"))


SCENARIOS = (Series, Tree)


@dataclass
class Report:
    """What the power cuts did.

    Attributes:
        cuts: how many disks were looked at.
        lost: findings; each is a fault.
    """

    cuts: int = 0
    lost: list[str] = field(default_factory=list)


def cut(rounds: int, seed: int, share: float = 1.0, kinds: Sequence[type[Scenario]] = SCENARIOS) -> Report:
    """Run scenarios, and cut the power before each of its system calls.

    Args:
        rounds: how often; each has other mixed disks.
        seed: of all random choices.
        share: of the moments that are looked at.
        kinds: the scenarios.
    """
    report, dice = Report(), random.Random(seed)
    for kind, _ in itertools.product(kinds, range(rounds)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "data")
            root.mkdir()
            scenario = kind(root)
            for step, work in enumerate(scenario.steps()):
                recorder = Recorder(root)
                with recorder.recording():
                    work(root)
                for at, moment in enumerate(recorder.moments):
                    last = at == len(recorder.moments) - 1
                    for disk, is_kept in choosers(dice).items():
                        if not last and dice.random() >= share:
                            continue
                        left = Path(folder, "left")
                        recorder.build(moment, left, is_kept)
                        report.cuts += 1
                        try:
                            with mock.patch("os.fsync"):
                                scenario.check(left, step, has_ended=last)
                        except (AssertionError, BarmillError, OSError, ValueError) as error:
                            report.lost.append(f"{kind.__name__}, step {step}, {moment.call}, {disk}: {error!r}"[:300])
                        shutil.rmtree(left)
                recorder.close()
    return report


def main() -> int:
    """Run and print; exit code 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = cut(given.rounds, given.seed)
    sys.stdout.write(f"{report.cuts:9} power cuts\n{len(report.lost):9} lost\n")
    sys.stdout.write("".join(f"          {line}\n" for line in report.lost))
    return 1 if report.lost else 0


if __name__ == "__main__":
    sys.exit(main())
