"""`doit pull [TARGET…]`: bring into place what the store or the remote has, and build nothing."""

import functools
from typing import Any

from barmill.run.commands.run import Run
from barmill.run.front import FRONT
from barmill.run.remotely import the_remote

_PARTLY = 1
_UNTRIED = 2


class Pull(Run):
    """A run that restores and never builds: what the graph needs later is known once what it needs first is in place."""

    name = "pull"
    works_anywhere = False
    doc_purpose = "bring into place what the store or the remote has; build nothing"
    doc_usage = "[TASK/TARGET...]"
    doc_description = (
        "All targets, or some and what they need. What neither the store nor the remote has is told as absent, and what needs "
        "it as blocked. Exit code 0 if everything is in place, 1 if not."
    )

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options and the selected tasks."""
        FRONT.builds = FRONT.hurries = False
        return super().execute(params, args)

    @functools.wraps(Run._execute)
    def _execute(self, **options: Any) -> int:
        the_remote("pull", against="write")
        code = super()._execute(**options)
        return _PARTLY if code == _UNTRIED else code
