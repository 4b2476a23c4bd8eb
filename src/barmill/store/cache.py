"""The cache: an action's key, whether its outputs are in place, restoring them, or building and saving them.

manifest(target) ── digest ──▶ key ──▶ record? ── yes ──▶ restore what is not in place
└── no ───▶ build in a staging folder, digest, ask the inputs again,
store objects, write the record, rename into place
"""

import contextlib
import datetime
import errno
import functools
import marshal
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barmill import files
from barmill.errors import InputError, InputMoved, ObjectCorrupt, ObjectMissing, TargetError
from barmill.hashing import Digest, digest_bytes, digest_record, json_fault
from barmill.store.actions import FORMAT, Actions, Record
from barmill.store.code import Codes
from barmill.store.guard import Guard
from barmill.store.kin import Kin, by_code
from barmill.store.objects import Objects
from barmill.store.outcome import Outcome
from barmill.store.outputs import files_of, written
from barmill.store.projects import register
from barmill.store.staging import Staging
from barmill.store.state import State, open_state
from barmill.store.stats import ABSENT, StatCache, stamps
from barmill.store.trees import files_below, stamps_below, tree_digest
from barmill.target import Target

if TYPE_CHECKING:
    from barmill.store.remote.options import RemoteOptions
    from barmill.store.remote.remote import Remote

_PLAIN = 2  # marshal's version without references: equal values give equal bytes

Read = list[tuple[str, str, Digest]]


class Cache:
    """The cache of one project over one store.

    Args:
        store: root of the store; may be shared between projects.
        state: path of the project's state file.
        link: see `Objects`.
        fsync: see `Objects`.
        compress: see `Objects`.
        remote: where else results may be.

    Attributes:
        remote: it, or None if there is none.
    """

    def __init__(
        self,
        store: Path,
        state: Path,
        *,
        link: str = "reflink",
        fsync: bool = False,
        compress: str = "none",
        remote: "RemoteOptions | None" = None,
    ) -> None:
        self._arguments = (store, state, link, fsync, compress, remote)
        self.state: State = open_state(state)
        self.stats: StatCache = self.state.stats
        self.codes = Codes(self.state)
        self.objects = Objects(store, link=link, fsync=fsync, compress=compress)
        self.actions = Actions(store, fsync=fsync)
        self.guard = Guard(store, functools.partial(register, store, Path(os.path.abspath(state))))
        self.kin = Kin(store, self.actions, self.guard)
        self.staging = state.parent / ".staging"
        self.remote = self._opened(remote) if remote else None
        self._staging = Staging(self.staging, self.objects, self.stats)
        self._asked: tuple[Target | None, Digest] = (None, Digest(""))

    def __reduce__(self) -> tuple[Any, ...]:
        return open_cache, self._arguments

    def __repr__(self) -> str:
        return f"Cache({self._arguments[0]})"

    def _opened(self, remote: "RemoteOptions") -> "Remote":
        from barmill.store.remote.local import Local
        from barmill.store.remote.remote import Remote

        return Remote(remote, Local(self.objects, self.actions, self.guard, self.kin), self.staging / "remote")

    def manifest(self, target: Target, read: Read | None = None) -> dict[str, Any]:
        """Everything that decides the bytes of the target's outputs; its digest is the action's key.

        Args:
            target: what to build.
            read: its inputs, if they have been looked at already.

        Raises:
            InputError: an input is missing or can't be read.
        """
        code = self.codes.of(target.build)
        found: dict[str, list[tuple[str, str, Digest]]] = {role: [] for role in target.inputs}
        for each in self.inputs(target, once=True) if read is None else read:
            found[each[0]].append(each)
        manifest = {
            "format": FORMAT,
            "build": code.name,
            "code": code.digest,
            "versions": code.versions,
            "params": target.params,
            "inputs": {
                role: digest_record([[os.path.basename(name), digest] for _, name, digest in each])
                if target.is_group(role)
                else each[0][2]
                for role, each in found.items()
            },
            "outputs": sorted(target.outputs),
        }
        return manifest | {"pieces": by_code(self.codes, target)} if target.pieces else manifest

    def inputs(self, target: Target, *, once: bool = False) -> Read:
        """Every input as (role, path, digest), groups spelled out.

        Args:
            target: what to build.
            once: take each path's digest as it was when first looked at in this run.

        Raises:
            InputError: an input is missing or can't be read.
        """
        look = self.stats.digest_once if once else self.stats.digest
        try:
            return [(role, name, look(name)) for role, name in target.spelled_out()]
        except FileNotFoundError as error:
            role = next(role for role, name in target.spelled_out() if name == error.filename)
            raise InputError(
                f"input {role} {error.filename} does not exist", "restore the file, or check the folders in [tool.barmill]"
            ) from None

    def stamp(self, target: Target) -> str:
        """What shows that the target is what it was when it was last looked at, without reading a file.

        It is a digest of everything that `look` comes to, with stamps in the place of contents: if it is equal, so is `look`.
        It is "" if an output is missing that has to be there: then the target can't be what it was.

        Raises:
            InputError: an input directory can't be read.
        """
        code, stats = self.codes.of(target.build), self.stats
        outputs = list(map(str, target.outputs.values()))
        found = stamps(outputs, stamps_below)
        if ABSENT in found and not target.optional:
            return ""
        parts: list[Any] = [code.name, code.digest, code.versions, repr(target.params)]
        if target.pieces:
            parts.append(list(by_code(self.codes, target).items()))
        for role, names in target.names():
            parts += (role, target.is_group(role), names, stamps(names, stats.digest_once))
        parts += (list(target.outputs), outputs, found)
        return digest_bytes(marshal.dumps(parts, _PLAIN))

    def save_stamp(self, target: Target, task: str, stamp: str, line: str) -> None:
        """Remember the stamp of a target that was found fresh after it was taken, if it is that of the digests compared.

        Args:
            target: that was found fresh.
            task: its name.
            stamp: see `stamp`.
            line: what `look` said of it. It took each path as it was first seen in this run; since then another target's
                build may have looked at a path that was edited, and remembered its digest under the stamp it has now.
        """
        names = [name for _, name in target.spelled_out()]
        names += [name for path in target.outputs.values() for name in files_below(str(path))]
        with contextlib.suppress(InputError):  # an input is gone: the next run says so
            if all(map(self.stats.vouches, names)) and self._line(target) == line and self.stamp(target) == stamp:
                self.state.put("stamps", task, stamp)

    def _line(self, target: Target) -> str:
        """As `look`, by what every path is now."""
        key = key_of(target, self.manifest(target, self.inputs(target)))
        return " ".join([key, *map(self.stats.output, target.outputs.values())])

    def look(self, target: Target) -> str:
        """What the target is as of now, in a line: its key, and what each of its outputs is.

        Raises:
            InputError: an input is missing or can't be read.
        """
        return " ".join([self.key_once(target), *map(self.stats.output_once, target.outputs.values())])

    def key_once(self, target: Target) -> Digest:
        """The target's key by what was first seen of its inputs in this run; looking and then restoring ask for it twice.

        Raises:
            InputError: an input is missing or can't be read.
        """
        if self._asked[0] is not target:
            self._asked = (target, key_of(target, self.manifest(target)))
        return self._asked[1]

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
        before = self._marks(target)
        read = self.inputs(target)
        manifest = self.manifest(target, read)
        key = key_of(target, manifest)
        record, warning = self.actions.get(key), ""
        if not force:
            outcome, warning = self._known(target, key, record, start)
            if outcome is not None:
                return outcome
        built, known, failed = self._build(target, Record(key, manifest, {}, read, task), before, afresh=force)
        if record is not None and not record.failed and dict(record.outputs) != dict(built.outputs):
            warning = "the same inputs, parameters and code gave other bytes than before: the build is not deterministic"
        note = f"{known} of {len(target.pieces)} pieces were known" if known else ""
        return Outcome(key, built.outputs, "built", built.seconds, 0.0, warning, note, failed)

    def _known(self, target: Target, key: Digest, record: Record | None, start: float) -> tuple[Outcome | None, str]:
        """Have a known result in place: what came of it, or None and why it can't be had, if there is anything to say."""
        warning, faults, tries = "", 0, 2  # the store, and what it lacks from the remote
        while tries:
            tries -= 1
            if record is not None:
                try:
                    if outcome := self._recall(target, record, start):
                        return outcome, ""
                except (ObjectMissing, ObjectCorrupt) as error:
                    warning, faults = f"{error.fact}; built again", faults + 1
                    if faults <= 2 * sum(1 for _ in record.objects()):  # each may be damaged, and be set aside by another, too
                        tries = max(tries, 1)
            if self.remote is None or key in self.remote.absent or not self.remote.fetch_late(key):
                break
            record = self.actions.get(key)
        return None, warning

    def fetch(self, keys: Collection[Digest]) -> set[Digest]:
        """Bring results from the remote into the store, if there is a remote; the keys of those that came."""
        return self.remote.fetch(keys) if self.remote else set()

    def restore(self, target: Target, *, ask: bool = False) -> Outcome | None:
        """Bring the target's outputs into place without building: None if the store has no result for it.

        Args:
            target: whose outputs.
            ask: the remote, too, for what the store lacks.

        Raises:
            InputError: an input is missing or unreadable.
            ObjectCorrupt, ObjectMissing: the store has it no more; not with `ask`.
        """
        start = time.perf_counter()
        key = self.key_once(target)
        record = self.actions.get(key)
        if ask:
            return self._known(target, key, record, start)[0]
        return None if record is None else self._recall(target, record, start)

    def _recall(self, target: Target, record: Record, start: float) -> Outcome | None:
        if record.failed:  # they are tried again
            return None
        outcome = self._in_place(target, record, start)
        if outcome and outcome.origin == "restored" and self.remote and record.key in self.remote.brought:
            return replace(outcome, origin="fetched")
        return outcome

    def put_in_place(self, target: Target, record: Record) -> Outcome:
        """Bring the target's outputs into place as a record that the caller has found says.

        Raises:
            ObjectCorrupt, ObjectMissing: the store has them no more.
        """
        outcome = self._in_place(target, record, time.perf_counter())
        if outcome is None:
            raise ObjectMissing(f"record {self.actions.path(record.key)} is missing", "run doit: it is built again")
        return outcome

    def _in_place(self, target: Target, record: Record, start: float) -> Outcome | None:
        """Outputs as a record says; None if gc has just removed it."""
        with self.guard.shared():
            if not self.actions.touch(record.key):
                return None
            origin = "restored" if self._staging.restore(target, record) else "fresh"
        return Outcome(record.key, record.outputs, origin, time.perf_counter() - start, record.seconds)

    def forget_outputs(self, target: Target) -> None:
        """Have the target's outputs looked at again by those who read them: they were just written."""
        for path in target.outputs.values():
            self.stats.forget(path)
        self._asked = (None, Digest(""))

    def sweep(self) -> None:
        """Remove what earlier runs left in staging, if the disk can be written; for the one who holds the project's lock."""
        try:
            files.discard(self.staging)
            files.sweep(self.staging)  # what one left who was killed in the line above
        except OSError as error:
            if error.errno != errno.EROFS:
                raise

    def _marks(self, target: Target) -> dict[str, tuple[int, int, int, int] | str]:
        """Of each input, what is another after it was written to, even if its content is the same again."""
        return {name: self.stats.mark(name) for _, name in target.spelled_out()}

    def _moved(self, target: Target, before: Mapping[str, tuple[int, int, int, int] | str], read: Read) -> list[str]:
        """The inputs that may have been written to since `before`; of one with another ctime alone the digest decides."""
        after = self._marks(target)
        digests = {name: digest for _, name, digest in read}
        return [
            name
            for name, mark in before.items()
            if mark != after[name] and (mark[:3] != after[name][:3] or digests[name] != self._digest(name))
        ]

    def _digest(self, name: str) -> str:
        try:
            return self.stats.digest(name)
        except (FileNotFoundError, InputError):
            return ABSENT

    def _build(
        self, target: Target, record: Record, before: Mapping[str, tuple[int, int, int, int] | str], *, afresh: bool
    ) -> tuple[Record, int, Mapping[str, str]]:
        """Build, and publish what was built; returns its record, how many of its pieces were known, and those that failed."""
        with self._staging.empty() as staging:
            made = {role: staging / f"{role}.{path.name}" for role, path in target.outputs.items()}
            started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            start = time.perf_counter()
            if target.pieces and not afresh and self.remote:
                self.remote.fetch_kin(record.manifest)
            known = {} if afresh else self.kin.known(record.manifest, staging / "known", self._staging.unpack)
            failed = target.call(made, known)
            seconds = round(time.perf_counter() - start, 6)
            files.remove(staging / "known")
            outputs = written(target, made, staging)
            if moved := self._moved(target, before, record.read):
                raise InputMoved(f"{', '.join(moved)} changed while it was read; nothing was kept", "run doit again")
            record = replace(record, outputs=outputs, seconds=seconds, started=started, host=os.uname().nodename)
            record = replace(record, failed=sorted(failed))
            self._publish(target, made, record)
        return record, len(known), failed

    def _publish(self, target: Target, made: Mapping[str, Path], record: Record) -> None:
        """Objects first, then the record, then the outputs: a kill in between leaves a record that can be restored.

        An output, or a file in one, that came out as it was stays untouched; so does a record of all pieces if some failed.
        """
        with self.guard.shared():
            for role, name, digest, size in files_of(record.outputs):
                self.objects.put(made[role] / name, digest, size)
            if not record.failed or (before := self.actions.get(record.key)) is None or before.failed:
                self.actions.put(record)
                self.kin.note(record)
        for role, path in target.outputs.items():
            self._staging.place(made[role], path, record.outputs[role])


def key_of(target: Target, manifest: Mapping[str, Any]) -> Digest:
    """The key of an action whose manifest is known.

    Raises:
        TargetError: a parameter is not a JSON value.
    """
    for role, value in target.params.items():
        try:
            fault = json_fault(value)
        except RecursionError:
            fault = "the value contains itself"
        if fault:
            raise TargetError(
                f"{target.name}: parameter {role}: {fault}", "give text, numbers, true, false, null, lists and dicts"
            )
    return digest_record(manifest)


@functools.cache
def open_cache(store: Path, state: Path, link: str, fsync: bool, compress: str, remote: "RemoteOptions | None" = None) -> Cache:
    """The cache over `store`: one object per process, also in a worker that was given one by pickle."""
    return Cache(store, state, link=link, fsync=fsync, compress=compress, remote=remote)
