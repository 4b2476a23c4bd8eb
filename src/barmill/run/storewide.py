"""Commands about the store rather than the targets."""

from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.exceptions import InvalidCommand

from barmill.errors import StoreError


class StoreWide(DoitCmdBase):  # type: ignore[misc]
    """A command that loads settings and no task: it works also where the graph can't be told, and takes no time for it."""

    loader: Any
    doc_usage = ""

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options; a store that can't be read is an error without a traceback."""
        self.loader.load_tasks = lambda **_: []
        try:
            code: int = super().execute(params, args)
        except StoreError as error:
            raise InvalidCommand(str(error)) from None
        except OSError as error:
            what = f"{error.filename}: {error.strerror}"
            raise InvalidCommand(f"{what}\nhint: run it as a user who may read and write the store") from None
        return code
