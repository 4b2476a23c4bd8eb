"""What a page says of patterns: what was mined, and the rules that held out of sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from barmill.page.document import Page

_MOST = 10
_COLUMNS = ("rule", "outcome", "rows in", "lift in", "rows out", "lift out", "share out", "usual", "pips out")
_SIDES = {"up": "long", "down": "short"}


@dataclass(frozen=True)
class Mined:
    """What was mined of a universe and a label.

    Attributes:
        name: `5m_20lb_T10_S10_H60`: universe and label.
        told: counts of it, or `lacking`: why there is nothing.
        rules: rows of the table of rules, see `market.associations`.
    """

    name: str
    told: Mapping[str, Any]
    rules: Sequence[Mapping[str, str]]

    @property
    def title(self) -> str:
        """The name as people read it."""
        universe, _, label = self.name.partition("lb_")
        return f"{universe}lb and {label}"


def show(page: Page, mined: Sequence[Mined]) -> None:
    """A paragraph for each, and a table of the rules that survived."""
    page.heading("Patterns: what tells how a position will end")
    if not mined:
        page.text("There is nothing: no pair of universe and label is mined for this series (setting patterns).")
    for each in mined:
        if lacking := each.told.get("lacking"):
            page.text(f"Nothing was mined of {each.title}: {lacking}.")
        else:
            _rules(page, each)


def _rules(page: Page, mined: Mined) -> None:
    told = mined.told
    page.text(
        f"{mined.title}: {told['rules_tried']:,} rules were tried on {told['rows_in']:,} rows in sample; {told['rules']:,} "
        f"make their outcome more frequent there, {told['surviving']:,} of them beyond chance both there and in the "
        f"{told['rows_out']:,} rows out of sample."
    )
    kept = sorted((rule for rule in mined.rules if rule["survives"] == "yes"), key=lambda rule: -float(rule["lift_out"]))
    if kept:
        page.table(_COLUMNS, map(_row, kept[:_MOST]), _COLUMNS[:2])
        page.text(
            f"The first {len(kept[:_MOST])} by lift out of sample, of {len(kept)}. Lift: how many times as often as usual. "
            "Pips: what positions came to there, before costs; a rule that only tells when prices move more earns nothing.",
            "note",
        )


def _row(rule: Mapping[str, str]) -> list[Any]:
    numbers = [float(rule[name]) for name in ("lift_in", "lift_out", "confidence_out", "base_out", "pips_out")]
    counts = [int(rule[name]) for name in ("rows_in", "rows_out")]
    outcome = f"{_SIDES[rule['direction']]}: {rule['outcome']}"
    return [rule["antecedent"], outcome, counts[0], numbers[0], counts[1], *numbers[1:]]
