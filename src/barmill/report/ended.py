"""Which series have ended, as the coverage that was built last says."""

from collections.abc import Mapping

from barmill.market.tables import read_rows
from barmill.plan import Plan


class Ended:
    """The ended series of a project; none where the coverage is not built."""

    def __init__(self, plan: Plan) -> None:
        try:
            rows = read_rows(plan.path("coverage", "coverage.csv"))
        except OSError:
            rows = []
        self._last: Mapping[str, str] = {row["name"]: row["end"] for row in rows if row.get("ended")}

    def has(self, name: str, last: str) -> bool:
        """Whether a dataset has ended with the bar of the stamp `last`: one that has newer bars goes on."""
        return self._last.get(name, "")[:10] == last[:10] != ""
