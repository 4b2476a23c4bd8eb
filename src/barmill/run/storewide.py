"""Commands about the store rather than the targets."""

from typing import Any

from doit.exceptions import InvalidCommand

from barmill.run.plain import WRONG, Plain


class StoreWide(Plain):
    """A command about the whole store: where that can't be read, a setting or the command line is wrong."""

    untried = WRONG

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options."""
        try:
            return super().execute(params, args)
        except BrokenPipeError:
            raise  # it is about who reads the output, not about the store
        except OSError as error:
            what = f"{error.filename}: {error.strerror}"
            raise InvalidCommand(f"{what}\nhint: run it as a user who may read and write the store") from None
