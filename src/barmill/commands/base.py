"""What a command about the market's data stands on: the settings, as a plan."""

import contextlib
import getopt
from pathlib import Path

from barmill.config import load_settings
from barmill.plan import Plan
from barmill.run.plain import Plain


class Command(Plain):
    """A command that reads `data/` and `artifacts/` itself, or writes into `data/`; doit runs it in the project's root."""

    def parse_execute(self, in_args: list[str]) -> int:
        """Run with arguments of the command line, where options may also stand behind names."""
        parser = self.cmdparser
        with contextlib.suppress(getopt.GetoptError):  # doit's own parser, which comes next, tells of it
            options, names = getopt.gnu_getopt(in_args, parser.get_short(), parser.get_long())
            in_args = [*(word for name, value in options for word in ((name, value) if value else (name,))), "--", *names]
        code: int = super().parse_execute(in_args)
        return code

    @property
    def plan(self) -> Plan:
        """Where everything lies, and which datasets there are.

        Raises:
            ConfigError: a setting is wrong.
        """
        return Plan(load_settings(Path()))
