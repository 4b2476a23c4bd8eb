"""The work on one target, in whichever process it is done: plain values in, plain values out."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from barmill.errors import BarmillError
from barmill.store.cache import Cache
from barmill.target import Target


@dataclass(frozen=True)
class Result:
    """How the work on a target went.

    Attributes:
        key: the action's key; "" if it failed.
        values: what doit is to remember of it.
        fault: what is wrong, if something failed.
        trace: the traceback of a fault that we don't name ourselves.
    """

    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Work:
    """Bring the outputs of `target` into place, as task `task`; with `force`, build even if the store has the result."""

    target: Target
    cache: Cache
    task: str
    force: bool = False

    def do(self) -> Result:
        """Do it; whatever the build raises is part of the result."""
        try:
            outcome = self.cache.ensure(self.target, task=self.task, force=self.force)
        except BarmillError as error:
            return Result(fault=str(error))
        except (Exception, SystemExit):  # noqa: BLE001 whatever a build raises fails its task, not the run
            return Result(fault=f"{self.task}: the build function failed", trace=traceback.format_exc())
        values = {
            "finished": self.cache.finished(self.target, outcome),
            "origin": outcome.origin,
            "seconds": outcome.seconds,
            "saved": outcome.saved,
            "warning": outcome.warning,
        }
        return Result(outcome.key, values)
