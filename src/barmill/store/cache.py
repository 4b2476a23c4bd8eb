"""The cache: an action's key, whether its outputs are in place, restoring them, or building and saving them.

manifest(target) ── digest ──▶ key ──▶ record? ── yes ──▶ restore what is not in place
└── no ───▶ build in a staging folder, digest, ask the inputs again,
store objects, write the record, rename into place
"""

import contextlib
import datetime
import functools
import marshal
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barmill import files
from barmill.errors import InputError, InputMoved, ObjectCorrupt, ObjectMissing, OutputError, TargetError
from barmill.hashing import Digest, digest_bytes, digest_file, digest_record
from barmill.store.actions import Actions, Record
from barmill.store.code import Codes
from barmill.store.guard import Guard
from barmill.store.objects import Objects
from barmill.store.projects import register
from barmill.store.state import State, open_state
from barmill.store.stats import ABSENT, LINK, StatCache, digests_below, stamps, tree_digest
from barmill.target import Target

_HOUR = 3600
_PLAIN = 2  # marshal's version without references: equal values give equal bytes

Written = dict[str, dict[str, tuple[Digest, int]]]


@dataclass(frozen=True)
class Outcome:
    """What `Cache.ensure` did.

    Attributes:
        key: the action's key.
        outputs: role → relative name → (digest, size); see `Record.outputs`.
        origin: `built`, `restored` (from the store), or `fresh` (everything was already in place).
        seconds: wall time it took now.
        saved: seconds that the build took when it was built, if it was not built now.
        warning: something the reader should know, or "".
    """

    key: Digest
    outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]
    origin: str
    seconds: float
    saved: float = 0.0
    warning: str = ""


class Cache:
    """The cache of one project over one store.

    Args:
        store: root of the store; may be shared between projects.
        state: path of the project's state file.
        link: see `Objects`.
        fsync: see `Objects`.
    """

    def __init__(self, store: Path, state: Path, *, link: str = "reflink", fsync: bool = False) -> None:
        self._arguments = (store, state, link, fsync)
        self.state: State = open_state(state)
        self.stats: StatCache = self.state.stats
        self.codes = Codes(self.state)
        self.objects = Objects(store, link=link, fsync=fsync)
        self.actions = Actions(store, fsync=fsync)
        self.guard = Guard(store, functools.partial(register, store, Path(os.path.abspath(state))))
        self.staging = state.parent / ".staging"
        self._mine = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return open_cache, self._arguments

    def __repr__(self) -> str:
        return f"Cache({self._arguments[0]})"

    def manifest(self, target: Target, *, once: bool = False) -> dict[str, Any]:
        """Everything that decides the bytes of the target's outputs; its digest is the action's key.

        Args:
            target: what to build.
            once: take each path's digest as it was when first looked at in this run.

        Raises:
            InputError: an input is missing or can't be read.
        """
        code = self.codes.of(target.build)
        look = self.stats.digest_once if once else self.stats.digest
        inputs = {}
        for role, names in target.names():
            try:
                if target.is_group(role):
                    inputs[role] = digest_record([[os.path.basename(name), look(name)] for name in names])
                else:
                    inputs[role] = look(names[0])
            except FileNotFoundError as error:
                raise InputError(
                    f"input {role} {error.filename} does not exist", "restore the file, or check the folders in [tool.barmill]"
                ) from None
        return {
            "build": code.name,
            "code": code.digest,
            "versions": code.versions,
            "params": target.params,
            "inputs": inputs,
            "outputs": sorted(target.outputs),
        }

    def stamp(self, target: Target) -> Digest:
        """What shows that the target is what it was when it was last looked at, without reading a file.

        It is a digest of everything that `look` comes to, with stamps in the place of contents: if it is equal, so is `look`.

        Raises:
            InputError: an input directory can't be read.
        """
        code, stats = self.codes.of(target.build), self.stats
        parts: list[Any] = [code.name, code.digest, code.versions, repr(target.params)]
        for role, names in target.names():
            parts += (role, target.is_group(role), names, stamps(names, stats.digest_once))
        outputs = list(map(str, target.outputs.values()))
        parts += (list(target.outputs), outputs, stamps(outputs, stats.output_once))
        return digest_bytes(marshal.dumps(parts, _PLAIN))

    def vouch(self, target: Target, task: str, stamp: Digest) -> None:
        """Remember the stamp of a target that was found fresh after it was taken, if the stamps of its files can be trusted."""
        names = [*(name for _, name in target.spelled_out()), *map(str, target.outputs.values())]
        if all(map(self.stats.vouches, names)) and self.stamp(target) == stamp:
            self.state.put("stamps", task, stamp)

    def look(self, target: Target) -> str:
        """What the target is as of now, in a line: its key, and what each of its outputs is.

        Raises:
            InputError: an input is missing or can't be read.
        """
        key = _key(target, self.manifest(target, once=True))
        return " ".join([key, *map(self.stats.output_once, target.outputs.values())])

    @staticmethod
    def finished(target: Target, outcome: Outcome) -> str:
        """What `look` says of a target right after `outcome`."""
        line: list[str] = [outcome.key]
        for role in target.outputs:
            written = outcome.outputs[role]
            if "" in written:
                line.append(written[""][0])
            else:
                line.append(tree_digest({name: digest for name, (digest, _) in written.items()}) if written else ABSENT)
        return " ".join(line)

    def in_place(self, target: Target, outputs: Mapping[str, Any]) -> bool:
        """Whether every output is what the record of its action says, as of now."""
        return all(self._is_in_place(path, outputs.get(role, {})) for role, path in target.outputs.items())

    def _is_in_place(self, path: Path, written: Mapping[str, Any]) -> bool:
        if "" in written:
            return self._holds(path, written[""][0])
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            return False
        return digests_below(self.stats, path) == {name: each[0] for name, each in written.items()}

    def ensure(self, target: Target, *, task: str = "", force: bool = False) -> Outcome:
        """Bring the target's outputs into place: leave them, restore them, or build them.

        Args:
            target: what to build.
            task: its name in messages and records.
            force: build even if the store has the result.

        Raises:
            InputError: an input is missing or unreadable; `InputMoved`: it changed while the target was built.
            OutputError: the build did not write what it declared.
        """
        start = time.perf_counter()
        manifest = self.manifest(target)
        key = _key(target, manifest)
        record = self.actions.get(key)
        warning = ""
        if record is not None and not force and self._use(key):
            if self.in_place(target, record.outputs):
                return Outcome(key, record.outputs, "fresh", time.perf_counter() - start, record.seconds)
            try:
                with self.guard.shared():
                    restored = self._restore(target, record)
                if restored:
                    return Outcome(key, record.outputs, "restored", time.perf_counter() - start, record.seconds)
            except (ObjectCorrupt, ObjectMissing) as error:
                warning = f"{error.fact}; built again"
        built = self._build(target, manifest, task)
        if record is not None and dict(record.outputs) != dict(built.outputs):
            warning = "the same inputs, parameters and code gave other bytes than before: the build is not deterministic"
        return Outcome(key, built.outputs, "built", built.seconds, 0.0, warning)

    def sweep(self) -> None:
        """Remove staging folders whose process is gone (in a container it may only seem so) and that are over an hour old."""
        for folder in abandoned(self.staging):
            with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
                files.remove(folder)

    def _use(self, key: Digest) -> bool:
        """Mark a record as used; False if gc removed it just now."""
        with self.guard.shared():
            return self.actions.touch(key)

    def _restore(self, target: Target, record: Record) -> bool:
        if not all(self.objects.has(digest, size) for _, _, digest, size in _files(record.outputs)):
            return False
        for role, path in target.outputs.items():
            written = record.outputs.get(role, {})
            if self._is_in_place(path, written):
                continue
            if "" not in written:
                self._restore_folder(path, written)
                continue
            if path.is_dir():
                files.discard(path)
            self.objects.restore(*written[""], path)
        return True

    def _restore_folder(self, path: Path, written: Mapping[str, tuple[Digest, int]]) -> None:
        """Make the folder elsewhere and rename it into place: whole, whoever else is at work on it."""
        with self._staged() as staging:
            for name, (digest, size) in written.items():
                place = staging / "folder" / name
                if name.endswith("/"):
                    place.mkdir(parents=True, exist_ok=True)
                else:
                    self.objects.restore(digest, size, place)
            self._place(staging / "folder", path)

    def _place(self, made: Path, path: Path) -> None:
        """Rename what was made to its place; nothing goes there if nothing was made."""
        if made.exists():
            files.move(made, path)
        else:
            files.discard(path)

    @contextlib.contextmanager
    def _staged(self) -> Iterator[Path]:
        """Give an empty folder that nobody else uses: one per process and thread, because making one for each build shows."""
        mine = self._mine
        if getattr(mine, "process", None) != os.getpid() or not mine.folder.is_dir():
            files.make_folder(self.staging)
            mine.folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self.staging))
            mine.process = os.getpid()
        try:
            yield mine.folder
        finally:
            for entry in os.scandir(mine.folder):
                files.remove(Path(entry.path))

    def _holds(self, path: Path, digest: Digest) -> bool:
        try:
            return self.stats.digest(path) == digest
        except (OSError, InputError):
            return False

    def _build(self, target: Target, manifest: Mapping[str, Any], task: str) -> Record:
        with self._staged() as staging:
            places = {role: staging / f"{role}.{path.name}" for role, path in target.outputs.items()}
            read = [(role, path, self.stats.digest(path)) for role, path in target.spelled_out()]
            started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            start = time.perf_counter()
            target.call(places)
            seconds = time.perf_counter() - start
            outputs = _written(target, places, staging)
            if self.manifest(target) != manifest:
                moved = [path for role, path, digest in read if not self._holds(Path(path), digest)]
                raise InputMoved(
                    f"{', '.join(moved) or 'the code'} changed while it was read; nothing was kept", "run doit again"
                )
            key = digest_record(manifest)
            record = Record(key, manifest, outputs, read, task, round(seconds, 6), started, os.uname().nodename)
            self._publish(target, places, record)
        return record

    def _publish(self, target: Target, places: Mapping[str, Path], record: Record) -> None:
        """Objects first, then the record, then the outputs: a kill in between leaves a record that can be restored."""
        with self.guard.shared():
            for role, name, digest, size in _files(record.outputs):
                self.objects.put(places[role] / name, digest, size)
            self.actions.put(record)
        for role, path in target.outputs.items():
            self._place(places[role], path)


def abandoned(staging: Path) -> Iterator[Path]:
    """Yield the folders in a project's staging folder whose process is gone and that are over an hour old."""
    for folder in staging.iterdir() if staging.is_dir() else ():
        process = folder.name.partition("-")[0]
        with contextlib.suppress(FileNotFoundError):
            if not os.path.exists(f"/proc/{process}") and time.time() - folder.stat().st_mtime > _HOUR:
                yield folder


def _key(target: Target, manifest: Mapping[str, Any]) -> Digest:
    try:
        return digest_record(manifest)
    except (TypeError, ValueError) as error:
        raise TargetError(f"{target.name}: a parameter is no JSON value: {error}", "give text, numbers, lists") from None


def _files(outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]) -> Iterator[tuple[str, str, Digest, int]]:
    """Every file among a record's outputs, as (role, relative name, digest, size)."""
    for role, written in outputs.items():
        yield from ((role, name, digest, size) for name, (digest, size) in written.items() if not name.endswith("/"))


def _written(target: Target, places: Mapping[str, Path], staging: Path) -> Written:
    """What the build wrote: role → relative name → (digest, size)."""
    stray = {entry.name for entry in staging.iterdir()} - {place.name for place in places.values()}
    if stray:
        raise OutputError(f"{target.name}: the build wrote {', '.join(sorted(stray))}, which is no output of it")
    outputs: Written = {}
    for role, place in places.items():
        if place.is_dir():
            found = digests_below(StatCache(), place)
            if LINK in found.values():
                raise OutputError(f"{target.name}: the build wrote a link to a folder in {role}", "write files and folders")
            outputs[role] = {n: (d, 0 if n.endswith("/") else (place / n).stat().st_size) for n, d in found.items()}
        elif place.exists():
            outputs[role] = {"": (digest_file(place), place.stat().st_size)}
        elif role in target.optional:
            outputs[role] = {}
        else:
            raise OutputError(f"{target.name}: the build did not write its output {role}", f"write to the path given as {role}")
    return outputs


@functools.cache
def open_cache(store: Path, state: Path, link: str, fsync: bool) -> Cache:
    """The cache over `store`: one object per process, also in a worker that was given one by pickle."""
    return Cache(store, state, link=link, fsync=fsync)
