"""Commands that need no task: they load the settings and nothing of the graph."""

import contextlib
import sys
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile

from barmill.errors import BarmillError, Busy, ConfigError, StoreError
from barmill.run.arguments import removed_tasks, restored
from barmill.run.front import FRONT
from barmill.run.shown import Shown
from barmill.run.usage import refusal, until_nobody_reads

FAILED, UNTRIED, WRONG, BUSY = 1, 2, 3, 4  # exit codes
_CODES: dict[type[BarmillError], int] = {Busy: BUSY, ConfigError: WRONG}


def exit_code(error: BarmillError, untried: int = UNTRIED) -> int:
    """The exit code of a command that an error of ours ends."""
    return _CODES.get(type(error), untried)


def option(name: str, help_: str, *, default: Any = "", short: str = "", long: str = "", inverse: str = "") -> dict[str, Any]:
    """A doit option; its type is that of its default, a list means that it may be repeated.

    Args:
        name: the parameter of `_execute` that gets it.
        help_: what it does, for `doit help`.
        default: its value where it is not given.
        short: its letter, if it has one.
        long: its word; `name` with dashes if not given.
        inverse: the word that switches a boolean off.
    """
    word = long or name.replace("_", "-")
    return {
        "name": name,
        "short": short,
        "long": word,
        "inverse": inverse,
        "type": type(default),
        "default": default,
        "help": help_,
    }


class NoStore(InvalidDodoFile):  # type: ignore[misc]
    """State or store of a project can't be used; commands of ours end with the exit code of what could not be tried."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))


class Helped(DoitCmdBase):  # type: ignore[misc]
    """A command that shows its options when it is asked with `--help`, and refuses a dodo.py that is not barmill's."""

    works_anywhere = False
    takes_tasks = True
    shows_names = True  # of anybody's files, on its output
    _outstream: Any

    @property
    def outstream(self) -> Any:
        """Where the command writes; doit sets it."""
        return self._outstream

    @outstream.setter
    def outstream(self, stream: Any) -> None:
        self._outstream = Shown(stream) if self.shows_names else stream

    def parse_execute(self, in_args: list[str]) -> int:
        """Run with arguments of the command line."""
        if in_args[:1] == ["--help"]:
            sys.stdout.write(f"{self.help()}\n")
            return 0
        try:
            return until_nobody_reads(lambda: super(Helped, self).parse_execute(in_args))
        except NoStore as error:
            sys.stderr.write(f"error: {error}\n")
            return UNTRIED
        except CmdParseError as error:
            if not (FRONT.is_ours or self._is_ours_by_now()):
                raise
            raise refusal(self.name, error, self.get_options()) from None

    def _is_ours_by_now(self) -> bool:
        """Whether this is a project of ours, found out by loading its dodo.py: the options were wrong before that was done."""
        return not self.works_anywhere or self._is_in_ours()

    def _is_in_ours(self) -> bool:
        """Whether the dodo.py, loaded if it is not yet, is of a project of ours."""
        if not FRONT.is_ours:
            with contextlib.suppress(Exception, SystemExit):
                self.loader.setup({each.name: each.default for each in self.get_options()})
        return FRONT.is_ours

    def refuse_others(self) -> None:
        """Refuse a dodo.py that is not ours, where the command has not loaded it.

        Raises:
            InvalidCommand: this is not a project of barmill.
        """
        if not self._is_in_ours():
            raise self._not_here()

    def _not_here(self) -> InvalidCommand:
        return InvalidCommand(
            f"doit {self.name} is a command of barmill, and this dodo.py is not of a project of barmill\n"
            "hint: run it in the folder of such a project"
        )

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options."""
        self._arguments = args
        code: int = super().execute(params, args)
        return code

    def check_minversion(self, minversion: Any) -> None:
        """Refuse a dodo.py that is not ours, and in ours add tasks with `=`; doit asks this as soon as it has loaded one.

        Raises:
            InvalidCommand: this is not a project of barmill, and the command is.
        """
        super().check_minversion(minversion)
        if not (self.works_anywhere or FRONT.is_ours):
            raise self._not_here()
        if FRONT.is_ours and self.takes_tasks:
            self._arguments += removed_tasks()


class Plain(Helped):
    """A command that works also where the graph can't be told, and takes no time for it."""

    loader: Any
    doc_usage = ""
    takes_tasks = False
    untried = UNTRIED  # exit code of an error that has none of its own

    def parse_execute(self, in_args: list[str]) -> int:
        """Run with arguments of the command line, also those with `=` in them."""
        return super().parse_execute(self.arranged(restored(in_args)))

    def arranged(self, arguments: list[str]) -> list[str]:
        """The arguments as doit's parser takes them."""
        return arguments

    def get_options(self) -> list[Any]:
        """All options; where one of ours has a letter or a word of doit's, it is ours."""
        options = super().get_options()
        ours = {option["name"] for option in self.cmd_options}
        taken = {option[kind] for option in self.cmd_options for kind in ("short", "long")}
        for each in options:
            if each.name not in ours:
                each.short, each.long = (word if word not in taken else "" for word in (each.short, each.long))
        return list(options)

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options; an error of ours is told without a traceback, and has its exit code."""
        self.loader.load_tasks = lambda **_: []
        try:
            code: int = super().execute(params, args)
        except InvalidCommand:
            raise
        except BarmillError as error:
            sys.stderr.write(f"error: {error}\n")
            return exit_code(error, self.untried)
        return code
