"""doit's runners with our exit codes: 1 if a target failed, 2 if one could not be tried, whichever runner is at work."""

from typing import Any

import doit.runner
from doit.exceptions import BaseFail, UnmetDependency


class Verdict(doit.runner.Runner):  # type: ignore[misc]
    """What is blocked adds nothing to the exit code: what blocks it has decided already."""

    final_result: int

    def _handle_task_error(self, node: Any, base_fail: BaseFail) -> None:
        decided = self.final_result
        super()._handle_task_error(node, base_fail)
        if isinstance(base_fail, UnmetDependency):
            self.final_result = decided


class Threads(Verdict, doit.runner.MThreadRunner):  # type: ignore[misc]
    """doit's runner in threads (`doit -n 2 -P thread`)."""
