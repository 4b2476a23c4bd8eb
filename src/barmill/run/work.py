"""The work on one target, in whichever process it is done: plain values in, plain values out."""

import errno
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from barmill.errors import BarmillError
from barmill.hashing import Digest
from barmill.store.cache import Cache
from barmill.store.outcome import Outcome
from barmill.target import Target

Found = TypeVar("Found")

# what no build can help, and needs no traceback
_MACHINE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within your quota",
    errno.EROFS: "make it writable, or set `artifacts` and `store`",
    errno.EACCES: "make it accessible, or set `artifacts` and `store`",
    errno.EPERM: "make it accessible, or set `artifacts` and `store`",
    errno.EMFILE: "raise the limit of open files (ulimit -n), or use fewer workers",
    errno.ENFILE: "close other programs: the machine has no more open files to give",
    errno.EIO: "look after the disk",
}


def machine_fault(error: BaseException, where: str) -> str:
    """What the machine lacks, and the cure, in the form of our errors; "" if something else is at fault.

    Args:
        error: what was raised.
        where: what was at work, for an error that names no file.
    """
    if not isinstance(error, OSError) or error.errno not in _MACHINE:
        return ""
    names = " → ".join(str(name) for name in (error.filename, error.filename2) if name)
    return f"{names or where}: {error.strerror}\nhint: {_MACHINE[error.errno]}, then run doit again"


@dataclass(frozen=True)
class Result:
    """How the work on a target went.

    Attributes:
        key: the action's key; "" if it failed.
        values: what doit is to remember of it.
        fault: what is wrong, if something failed.
        trace: the traceback of a fault that we don't name ourselves.
        absent: whether nothing is wrong but that there is no result, and none was to be built.
        untried: whether the machine is at fault (a full disk, a folder that may not be written), not the target.
        asked: what another process asked of the remote for it; see `store.remote.counts`.
    """

    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    trace: str = ""
    absent: bool = False
    untried: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)


def result_of(cache: Cache, target: Target, outcome: Outcome) -> Result:
    """What doit is to remember of `outcome`."""
    values = {
        "finished": cache.finished(target, outcome),
        "origin": outcome.origin,
        "seconds": outcome.seconds,
        "saved": outcome.saved,
        "warning": outcome.warning,
        "note": outcome.note,
    }
    if outcome.failed:
        values["failed"] = dict(outcome.failed)
    return Result(outcome.key, values)


def attempted(task: str, attempt: Callable[[], Found]) -> Found | Result:
    """What an attempt comes to; whatever it raises is a fault of the task, not the run's."""
    try:
        return attempt()
    except BarmillError as error:
        return Result(fault=str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 a build may raise anything
        if fault := machine_fault(error, task):
            return Result(fault=fault, untried=True)
        return Result(fault=f"{task}: the build function failed", trace=traceback.format_exc())


@dataclass(frozen=True)
class Work:
    """Bring the outputs of `target` into place, as task `task`.

    With `force`, build even if the store has the result; without `build`, build in no case. `absent` is a key that the remote
    was asked for already, in vain.
    """

    target: Target
    cache: Cache
    task: str
    force: bool = False
    build: bool = True
    absent: Digest | None = None

    def do(self) -> Result:
        """Do it; whatever the build raises is part of the result."""
        outcome = attempted(self.task, self._outcome)
        if isinstance(outcome, Result):
            return outcome
        if outcome is None:
            return Result(fault=f"{self.task}: neither the store nor the remote has it", absent=True)
        return result_of(self.cache, self.target, outcome)

    def reported(self) -> Result:
        """As `do`, with what this process asked of the remote: for another one."""
        result, remote = self.do(), self.cache.remote
        return result if remote is None else replace(result, asked=remote.counts.taken())

    def _outcome(self) -> Outcome | None:
        if self.absent is not None and self.cache.remote is not None:
            self.cache.remote.absent.add(self.absent)
        if self.build:
            return self.cache.ensure(self.target, task=self.task, force=self.force)
        return self.cache.restore(self.target, ask=True)
