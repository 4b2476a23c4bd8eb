"""A project whose prices come from a server on this machine or from folders, for tests of `doit load` and `doit update`."""

import json
from dataclasses import dataclass

from tests.support.market import MarketProject
from tests.support.project import Result


@dataclass
class FetchingProject(MarketProject):
    """A project with providers in its settings."""

    def providers(self, **tables: str) -> None:
        """Write the setting: name → inline TOML."""
        lines = "\n".join(f"{name} = {table}" for name, table in tables.items())
        (self.root / "pyproject.toml").write_text(f"[tool.barmill]\nlock_timeout = 5\n[tool.barmill.providers]\n{lines}\n")

    def told(self, *arguments: str, code: int = 0) -> dict[str, dict[str, object]]:
        """What a command with --json tells, by dataset."""
        result: Result = self.doit(*arguments, "--json")
        assert (result.code, "Traceback" in result.err) == (code, False), result.out + result.err
        return {each["name"]: each for each in json.loads(result.out)["datasets"]}
