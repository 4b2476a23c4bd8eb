"""What a command about the market's data stands on: the settings, as a plan."""

from pathlib import Path

from barmill.config import load_settings
from barmill.plan import Plan
from barmill.run.plain import Plain


class Command(Plain):
    """A command that reads `data/` and `artifacts/` itself, or writes into `data/`; doit runs it in the project's root."""

    @property
    def plan(self) -> Plan:
        """Where everything lies, and which datasets there are.

        Raises:
            ConfigError: a setting is wrong.
        """
        return Plan(load_settings(Path()))
