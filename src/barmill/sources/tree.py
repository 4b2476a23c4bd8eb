"""The raw tree brought to what a source of it has: only files whose content differs are written, each whole.

The tree is one dataset with one lock and one history (`stooq`); of the files that were written, those that the project has as
datasets get an entry in their own.
"""

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from barmill import files
from barmill.config import Settings
from barmill.errors import BarmillError, Busy, SourceError
from barmill.hashing import digest_bytes
from barmill.market.datasets import Dataset
from barmill.market.dialects import no_prices, read_raw
from barmill.sources import locks, merge
from barmill.sources.history import FAILED, OK, TREE, Entry, Writing, path_of
from barmill.sources.provider import Member, TreeSource, near

_MOST_FILES, _MOST_BYTES = 512, 64 << 20  # of a batch


@dataclass(frozen=True)
class Choice:
    """Which files of a source are taken, and what may become of those of the tree.

    Attributes:
        tickers: only these, in capitals; None for all.
        frequency: only bars of this length; "" for all.
        delete: remove files that the source has not, in the folders that it has (`d_us_txt`).
        replace: take an empty file also where there are bars now.
        dry_run: write nothing.
    """

    tickers: Collection[str] | None = None
    frequency: str = ""
    delete: bool = False
    replace: bool = False
    dry_run: bool = False

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.tickers is None and not self.frequency

    def takes(self, member: Member) -> bool:
        """Whether a member is one of them."""
        return self.frequency in {"", member.frequency} and (self.tickers is None or member.ticker in self.tickers)


@dataclass
class Synced:
    """What became of a sync; paths are below the tree's root.

    Attributes:
        entry: the entry of the tree's history.
        added, changed: files that were written.
        unchanged: how many were as the source has them.
        gone: files of the tree that the source has not; removed only where that was asked for.
        strays: what the source has that is no price file, with the reason.
        outcomes: dataset → its entry, of those whose file was written.
    """

    entry: Entry
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    gone: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    outcomes: dict[str, Entry] = field(default_factory=dict)

    def count(self, members: int) -> None:
        """Put the numbers into the entry: of the tree's own history they count files, not bars."""
        self.entry.rows_after, self.entry.rows_added, self.entry.rows_changed = members, len(self.added), len(self.changed)
        self.entry.findings = len(self.strays) + len(self.gone)


def sync(
    source: Callable[[], TreeSource],
    name: str,
    settings: Settings,
    datasets: Iterable[Dataset] = (),
    choice: Choice = Choice(),
    place: Sequence[str] = (),
) -> Synced:
    """Bring the tree to what a source has; nothing raises, what goes wrong is in the entry.

    Args:
        source: gives it; called under the lock, so that its faults are in the history, too.
        name: of the provider.
        settings: of the project.
        datasets: those of the tree, which have histories of their own.
        choice: which files, and what may become of them.
        place: of the source, where it came from the command line: it is remembered.
    """
    done = Synced(Entry.begun("sync", name))
    try:
        with locks.held(settings.series, TREE, settings.lock_timeout):
            writing = Writing(settings.series, TREE, settings.stooq, TREE, done.entry, place)
            if not choice.dry_run:
                if writing.follows_interrupted:
                    _sweep(settings)
                writing.start()
            _brought(source, settings, {each.raw: each for each in datasets}, choice, place, done)
            done.entry.status = FAILED if done.entry.errors else OK
            if not choice.dry_run:
                writing.end(done.entry.status)
    except (Busy, OSError) as error:
        done.entry.status = FAILED
        done.entry.errors.append(str(error))
    return done


def _brought(
    open_: Callable[[], TreeSource],
    settings: Settings,
    datasets: Mapping[Path, Dataset],
    choice: Choice,
    place: Sequence[str],
    done: Synced,
) -> None:
    try:
        source = open_()
    except (BarmillError, OSError) as error:
        done.entry.errors.append(str(error))
        return
    done.strays = list(source.strays())
    members = source.members()
    pass_ = _Pass(source, settings, datasets, choice, place, done)
    for member in members:
        if choice.takes(member):
            pass_.take(member)
    pass_.write()
    if choice.is_all:
        pass_.leave(members)
    if choice.tickers is not None:
        _refuse_unknown(choice.tickers, members, done)
    done.count(len(members))


@dataclass(frozen=True)
class _New:
    """A file to be written.

    Attributes:
        name: below the tree's root.
        content: what it will hold.
        is_added: whether there is none yet.
        writing: of its dataset's history; None if the project has no such dataset.
    """

    name: str
    content: bytes
    is_added: bool
    writing: Writing | None


class _Pass:
    """One pass over the members of a source; files are written in batches, which wait for the disk once."""

    def __init__(
        self,
        source: TreeSource,
        settings: Settings,
        datasets: Mapping[Path, Dataset],
        choice: Choice,
        place: Sequence[str],
        done: Synced,
    ) -> None:
        self._source = source
        self._place = place
        self._settings = settings
        self._datasets = datasets
        self._done = done
        self._choice = choice
        self._batch: dict[Path, _New] = {}
        self._size = 0

    def take(self, member: Member) -> None:
        """Prepare a member's file, if its content differs; what goes wrong is noted, and the others go on."""
        path = self._settings.stooq / member.path
        try:
            before = files.read(path) if path.exists() else None
            if before is not None and self._is_same(before, member):
                self._done.unchanged += 1
                return
            content = self._source.read(member)
            self._check(content, before, member)
            if self._choice.dry_run:
                self._count(member.path, is_added=before is None)
                return
            self._batch[path] = _New(member.path, content, before is None, self._writing(content, before or b"", path))
        except (BarmillError, OSError) as error:
            self._done.entry.errors.append(f"{member.path}: {error}")
            return
        self._size += len(content)
        if len(self._batch) >= _MOST_FILES or self._size >= _MOST_BYTES:
            self.write()

    def write(self) -> None:
        """Write what is prepared: histories that announce it, the files, histories that it is done; each waits for the disk."""
        batch, self._batch, self._size = self._batch, {}, 0
        known = {path: new.writing for path, new in batch.items() if new.writing}
        self._put(batch, {path: (each.path, each.announced(digest_bytes(batch[path].content))) for path, each in known.items()})
        self._put(batch, {path: (path, new.content) for path, new in batch.items()})
        for new in batch.values():
            self._count(new.name, is_added=new.is_added)
        known = {path: each for path, each in known.items() if path in batch}
        self._put(batch, {path: (each.path, each.ended(OK)) for path, each in known.items()})
        self._done.outcomes |= {each.history.name: each.entry for path, each in known.items() if path in batch}

    def _put(self, batch: dict[Path, _New], contents: Mapping[Path, tuple[Path, bytes]]) -> None:
        """Write one file for each of some raw files; raw files for which that fails are noted, and leave the batch."""
        failed = files.write_durable_all(dict(contents.values()))
        for path, (written, _) in contents.items():
            if written in failed:
                self._done.entry.errors.append(f"{batch.pop(path).name}: {failed[written]}")

    def _count(self, name: str, *, is_added: bool) -> None:
        (self._done.added if is_added else self._done.changed).append(name)

    def leave(self, members: Iterable[Member]) -> None:
        """Find what the source has not; remove it if that was asked for."""
        given = {member.path for member in members}
        for top in sorted({path.partition("/")[0] for path in given}):
            for path in sorted((self._settings.stooq / top).rglob("*")):
                name = path.relative_to(self._settings.stooq).as_posix()
                if name not in given and not path.name.startswith(".") and path.is_file():
                    self._done.gone.append(name)
                    if self._choice.delete and not self._choice.dry_run:
                        files.remove(path)

    def _is_same(self, content: bytes, member: Member) -> bool:
        if len(content) != member.size:
            return False
        if member.crc is not None:
            return zlib.crc32(content) == member.crc
        return digest_bytes(content) == digest_bytes(self._source.read(member))

    def _check(self, content: bytes, before: bytes | None, member: Member) -> None:
        """Refuse what would lose data.

        Raises:
            SourceError: the content is no prices, or there is none where there are bars now.
        """
        if content.strip():
            if what := no_prices(content):
                raise SourceError(f"{self._source.name} has {what} instead of prices", "download it again")
        elif before and before.strip() and not self._choice.replace:
            raise SourceError(
                f"{self._source.name} has an empty file where {self._settings.stooq / member.path} has {len(before)} bytes",
                "take the empty one with `doit load --replace`",
            )

    def _writing(self, content: bytes, before: bytes, path: Path) -> Writing | None:
        """The entry of a raw file's dataset, with what will become of its bars; None if the project has no such dataset."""
        dataset = self._datasets.get(path)
        if dataset is None:
            return None
        entry = Entry.begun("sync", self._source.name)
        old, new = (read_raw(text, dataset.symbol, dataset.frequency).bars.table for text in (before, content))
        difference = merge.compare(old, new)
        entry.rows_before, entry.rows_after = old.num_rows, new.num_rows
        entry.rows_added, entry.rows_changed = difference.new, len(difference.changed)
        entry.refreshed = bool(difference.repriced)
        if new.num_rows:
            entry.start, entry.end = merge.stamp(new, 0)[:10], merge.stamp(new, -1)[:10]
        return Writing(self._settings.series, dataset.name, path, TREE, entry, self._place)


def _sweep(settings: Settings) -> None:
    """Remove what a killed sync left half-written: raw files, and histories, which all have this lock."""
    histories = path_of(settings.series, TREE).parent
    for path in (*settings.stooq.rglob(".*.tmp"), *histories.glob(".*.tmp")):
        files.remove(path)


def _refuse_unknown(tickers: Collection[str], members: Sequence[Member], done: Synced) -> None:
    known = {member.ticker for member in members}
    for ticker in sorted(set(tickers) - known):
        done.entry.errors.append(f"{done.entry.provider} has no {ticker}\nhint: {near(ticker, known)}")
