"""The remote as the one who asks uses it: inputs go there before the work, records come from there after it."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from barmill import files
from barmill.config import Settings
from barmill.errors import ConfigError, InputMoved, RemoteError, StoreError
from barmill.hashing import Digest, digest_file
from barmill.run.cluster.spec import Action, Spec
from barmill.run.workers import NO_REMOTE
from barmill.store.actions import Record
from barmill.store.cache import Cache
from barmill.store.outcome import Outcome
from barmill.store.remote.local import Local
from barmill.store.remote.options import remote_options
from barmill.store.remote.remote import Remote

PATIENCE = 60.0
"""Seconds that the remote is waited for in vain by those who can't go on without it."""

_NONDETERMINISTIC = "the same inputs, parameters and code gave other bytes than before: the build is not deterministic"


class Exchange:
    """What this run sends to the remote, and gets from it.

    Args:
        cache: of the project.
        remote: a way to the remote that has time to wait for it.
        folder: what this run's own cluster may write to; it is removed at the end.
    """

    def __init__(self, cache: Cache, remote: Remote, folder: Path) -> None:
        self._cache = cache
        self._remote = remote
        self.folder = folder
        self._told: dict[Digest, tuple[int, str]] = {}
        self._kin: set[Digest] = set()

    @property
    def url(self) -> str:
        """Where it is; safe to print."""
        return self._remote.url

    @property
    def is_cut_off(self) -> bool:
        """Whether the remote does not answer any more, so that nothing can be sent or collected."""
        return not self._remote.reads

    def close(self) -> None:
        """Remove what was this run's own."""
        files.discard(self.folder)

    def find(self, actions: Collection[Action]) -> set[Digest]:
        """Keys of the actions whose results were there already, and are here now."""
        return self._cache.fetch({action.key for action in actions if not (action.force or action.absent)})

    def specs(self, actions: Iterable[Action]) -> list[Spec]:
        """What is sent of actions, once their inputs are in the remote.

        Raises:
            InputMoved: one is not any more what it was.
            RemoteError: they can't be brought there.
            OSError: an input can't be read.
        """
        actions = list(actions)
        wanted = {digest: Path(path) for action in actions for _, path, digest in action.read if digest not in self._told}
        if wanted:
            self._told |= self._uploaded(wanted)
        return [action.spec(self._told, self._kin_of(action)) for action in actions]

    def _uploaded(self, wanted: Mapping[Digest, Path]) -> dict[Digest, tuple[int, str]]:
        try:
            return self._remote.insist(lambda: self._remote.send_files(wanted))
        except StoreError:
            if moved := [str(path) for digest, path in wanted.items() if digest_file(path) != digest]:
                fact = f"{', '.join(moved)} changed before it was sent to a worker; nothing was kept"
                raise InputMoved(fact, "run doit again") from None
            raise

    def _kin_of(self, action: Action) -> tuple[Digest, ...]:
        """Keys of records that hold pieces of an action; they are in the remote then."""
        if action.force or not action.target.pieces:
            return ()
        keys = tuple(self._cache.kin.holders(action.manifest))
        if new := [key for key in keys if key not in self._kin]:
            self._remote.send(new)
            self._kin.update(new)
        return keys

    def collect(self, actions: Collection[Action]) -> set[Digest]:
        """Bring the results of actions that were built elsewhere; the keys of those that are whole here."""
        for action in actions:
            if action.force or action.target.pieces:  # what is here is of an earlier build, or of one in which pieces failed
                self._cache.actions.path(action.key).unlink(missing_ok=True)
        whole = self._remote.fetch({action.key for action in actions})
        if self._cache.remote is not None:
            self._cache.remote.brought |= whole  # so that they are not sent back
            asked = self._remote.counts.taken()
            self._cache.remote.counts.add(**{name: asked[name] for name in ("sent", "received", "refused", "failed", "cause")})
        return whole

    def place(self, action: Action, before: Record | None) -> Outcome:
        """Bring the outputs of an action, whose result is here, into place; its record then names the inputs as they are here.

        Args:
            action: what was built.
            before: the record of an earlier build of it.

        Raises:
            ObjectCorrupt, ObjectMissing, RemoteError: the store has it no more.
        """
        record = self._cache.actions.get(action.key)
        if record is None:
            raise RemoteError(f"the record {action.key} is gone from the store", "run doit again")
        if record.read or record.task != action.task:
            record = replace(record, read=action.read, task=action.task)
            self._cache.actions.put(record)
        outcome = self._cache.put_in_place(action.target, record)
        differs = before is not None and not before.failed and dict(before.outputs) != dict(record.outputs)
        return replace(outcome, origin="built", seconds=record.seconds, saved=0.0, warning=_NONDETERMINISTIC if differs else "")

    def held(self, action: Action) -> list[tuple[Digest, int]]:
        """Digest and size of the inputs and outputs of an action that was built: its worker has them."""
        record = self._cache.actions.get(action.key)
        inputs = [(digest, self._told[digest][0]) for _, _, digest in action.read]
        return inputs + (list(record.objects()) if record else [])

    def is_there(self, action: Action) -> bool:
        """Whether the project's own store has the result."""
        record = None if action.force else self._cache.actions.get(action.key)
        return record is not None and not record.failed

    def earlier(self, action: Action) -> Record | None:
        """The record of an earlier build of what is built again."""
        return self._cache.actions.get(action.key) if action.force else None

    def unbelieved(self, worker: str) -> str:
        """What is wrong if a worker sent a result, and there is none."""
        return (
            f"the worker {worker} has sent its result to its remote, and it can't be had from {self.url}\n"
            "hint: see the warning; workers need the same remote and the same BARMILL_REMOTE_KEY as this run"
        )


def open_exchange(cache: Cache, settings: Settings, *, own: bool) -> Exchange:
    """The exchange of a run.

    Args:
        cache: of the project.
        settings: of the project.
        own: whether it may be a folder of this run's own, if the project has no remote.

    Raises:
        ConfigError: there is no remote.
    """
    folder = cache.staging / f"cluster-{os.getpid()}"
    if own and not settings.remote:
        settings = replace(settings, remote=str(folder / "remote"))
    options = remote_options(replace(settings, remote_mode="read-write"))
    if options is None:
        raise ConfigError(*NO_REMOTE)
    options = replace(options, patience=max(options.patience, PATIENCE))
    return Exchange(cache, Remote(options, Local(cache.objects, cache.actions, cache.guard, cache.kin)), folder)
