"""A worker's own place: a folder with its store, the inputs it was sent, and the way to the remote."""

import functools
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barmill import files
from barmill.config import Settings, load_settings
from barmill.errors import BarmillError, InputMoved, ObjectCorrupt, ObjectMissing, RemoteLost, WorkerDiffers
from barmill.hashing import Digest
from barmill.run.cluster.differences import differences
from barmill.run.cluster.exchange import PATIENCE
from barmill.run.cluster.spec import Spec, Wanted
from barmill.run.work import Result, machine_fault
from barmill.store.cache import Cache, open_cache
from barmill.store.remote.local import Local
from barmill.store.remote.options import RemoteOptions, checked
from barmill.store.remote.remote import Remote
from barmill.target import Target

HOST = os.uname().nodename
_TRUST = 0.5  # seconds for which code that was looked at is taken to be unedited


class Site:
    """What a worker builds in.

    Args:
        folder: where everything lies.
        settings: the worker's own.
        url: the remote.
    """

    def __init__(self, folder: Path, settings: Settings, url: str) -> None:
        files.make_folder(folder)
        sys.path[:] = map(os.path.abspath, sys.path)
        os.chdir(folder)  # so that no record has a path of this machine
        self._cache: Cache = open_cache(Path("store"), Path("state.sqlite"), "hardlink", settings.fsync, "none")
        self._options = RemoteOptions(url, "read-write", max(settings.remote_patience, PATIENCE), settings.remote_key)
        self._remote = self._opened()
        self._run = ""
        self._outputs = Path("outputs", str(os.getpid()))
        self._looked = time.monotonic()

    def serve(self, run: str) -> None:
        """Work for this run: what the remote was found to have, or to be, in an earlier one may not hold any more."""
        if run != self._run:
            self._run, self._remote = run, self._opened()

    def _opened(self) -> Remote:
        cache = self._cache
        return Remote(self._options, Local(cache.objects, cache.actions, cache.guard, cache.kin))

    def bring(self, wanted: Collection[Wanted]) -> None:
        """Have these objects here.

        Raises:
            ObjectMissing, ObjectCorrupt, RemoteError: they can't be had.
        """
        has = self._cache.objects.has
        if lacking := [each for each in set(wanted) if not has(each[0], each[1])]:
            self._remote.insist(lambda: self._remote.fetch_objects(lacking))

    def deliver(self, keys: Collection[Digest]) -> None:
        """Have these records, and what they name, in the remote.

        Raises:
            RemoteError: it does not take them.
        """
        self._remote.insist(lambda: self._remote.send(keys, look=False))

    def build(self, spec: Spec) -> Result:
        """Have the result of an action in this site's store.

        Raises:
            WorkerDiffers: here it would be another action.
            BarmillError: what a build may raise.
        """
        try:
            self._look_at_code()
            target = self._target(spec)
            key = self._cache.key_once(target)
        except InputMoved as error:  # code that was edited under this process
            raise WorkerDiffers(error.fact, error.hint) from None
        if key != spec.key:
            self._drop_inputs(spec)
            raise differences(spec, self._cache.manifest(target), HOST)
        record = self._cache.actions.get(key)
        if (
            record is None
            or record.failed
            or spec.force
            or not all(self._cache.objects.has(*each) for each in record.objects())
        ):
            if spec.kin:
                self._remote.fetch(spec.kin)
                self._remote.tell()
            try:
                outcome = self._cache.ensure(target, task=spec.task, force=spec.force)
            except InputMoved:
                self._drop_inputs(spec)
                raise
            finally:
                for path in target.outputs.values():
                    files.remove(path)
                self._cache.codes.notice()
            return Result(key, {"warning": outcome.warning, "note": outcome.note, "failed": dict(outcome.failed)})
        return Result(key)

    def _look_at_code(self) -> None:
        """See that the code is still what this process has loaded, or will load, now and then: it lives longer than a run."""
        if time.monotonic() - self._looked > _TRUST:
            if path := self._cache.codes.moved():
                raise InputMoved(f"{path} was edited on {HOST} after a worker had loaded it", "run doit again")
            self._looked = time.monotonic()

    def _target(self, spec: Spec) -> Target:
        build = self._function(spec.build)
        pieces = {name: self._function(dotted) for name, dotted in spec.pieces.items()}
        self._cache.codes.notice()
        self.bring(spec.objects())
        inputs: dict[str, Any] = {}
        for role, entries in spec.inputs.items():
            paths = [self._laid_out(name, wanted) for name, wanted in entries]
            inputs[role] = paths if role in spec.groups else paths[0]
        outputs = {role: self._outputs / role / name for role, name in spec.outputs.items()}
        return Target(spec.task.partition(":")[2], build, inputs, outputs, spec.params, spec.optional, pieces)

    def _laid_out(self, name: str, wanted: Wanted) -> Path:
        """An input under its name, at the same path whenever it is needed: then it is hashed once."""
        digest, size, _ = wanted
        path = _place(name, digest)
        if not path.is_file():
            with files.replacing(path) as temporary:
                try:
                    self._cache.objects.restore(digest, size, temporary)
                except (ObjectCorrupt, ObjectMissing):  # it was here, and is spoilt: the remote has it still
                    self.bring([wanted])
                    self._cache.objects.restore(digest, size, temporary)
        return path

    @staticmethod
    def _drop_inputs(spec: Spec) -> None:
        """Have inputs laid out anew when they are next needed: a build has written to one."""
        for entries in spec.inputs.values():
            for name, (digest, _, _) in entries:
                files.remove(_place(name, digest))

    @staticmethod
    def _function(dotted: str) -> Callable[..., Any]:
        module, _, name = dotted.rpartition(".")
        try:
            found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            fact = f"the worker on {HOST} has no {dotted}: {error}"
            raise WorkerDiffers(
                fact, f"install the project's code on {HOST}, or start its worker where it can be imported"
            ) from None
        return found


@functools.cache
def open_site(folder: str, url: str) -> Site:
    """The site in a folder; the worker's own settings may name another folder and another remote."""
    settings = load_settings(Path())
    place = settings.worker_folder or Path(folder)
    try:
        return Site(place.absolute(), settings, checked(settings.remote) if settings.remote else url)
    except OSError as error:
        raise BarmillError(f"{place} can't be used: {error.strerror}", "set BARMILL_WORKER_FOLDER on the worker") from None


@dataclass(frozen=True)
class Errand:
    """A part of a batch, as the child process of a worker gets it.

    Attributes:
        folder: of the site.
        url: of the remote.
        run: for which it is; a name that no other run has.
    """

    folder: str
    url: str
    run: str

    def reported(self) -> Result:
        """Do it; whatever goes wrong is part of the result."""
        try:
            site = open_site(self.folder, self.url)
            site.serve(self.run)
            start = time.perf_counter()
            result = self.on(site)
        except BarmillError as error:
            values = {"differs": isinstance(error, WorkerDiffers), "cut_off": isinstance(error, RemoteLost)}
            return Result(fault=_placed(error.fact, error.hint), values=values)
        except (Exception, SystemExit) as error:  # noqa: BLE001 whatever a build raises fails its task, not the worker
            if fault := machine_fault(error, "the worker"):
                return Result(fault=f"{HOST}: {fault}", untried=True)
            return Result(fault=f"the build function failed on {HOST}", trace=traceback.format_exc())
        return Result(result.key, {**result.values, "took": time.perf_counter() - start}, result.fault)

    def on(self, site: Site) -> Result:
        """What is to be done there."""
        raise NotImplementedError


@dataclass(frozen=True)
class Bring(Errand):
    """Have objects at the site."""

    wanted: tuple[Wanted, ...] = ()

    def on(self, site: Site) -> Result:
        """Do it."""
        site.bring(self.wanted)
        return Result()


@dataclass(frozen=True)
class Build(Errand):
    """Have the result of an action at the site."""

    spec: Spec | None = None

    def on(self, site: Site) -> Result:
        """Do it."""
        assert self.spec is not None
        return site.build(self.spec)


@dataclass(frozen=True)
class Deliver(Errand):
    """Have results in the remote."""

    keys: tuple[Digest, ...] = ()

    def on(self, site: Site) -> Result:
        """Do it."""
        site.deliver(self.keys)
        return Result()


def _place(name: str, digest: Digest) -> Path:
    return Path("inputs", digest[:2], digest[2:], name)


def _placed(fact: str, hint: str) -> str:
    told = fact if HOST in fact else f"{fact} (on {HOST})"
    return f"{told}\nhint: {hint}" if hint else told
