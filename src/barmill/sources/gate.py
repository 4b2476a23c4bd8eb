"""The gate before storing: fetched bars pass the rules of their asset class, or are kept out and named."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from barmill.config import Settings
from barmill.errors import SourceError
from barmill.market.bars import Break
from barmill.market.datasets import Dataset
from barmill.market.offences import Limits
from barmill.market.policies import REJECT
from barmill.market.rules import Gate, examine

if TYPE_CHECKING:
    import pyarrow as pa


def admitted(
    table: "pa.Table",
    dataset: Dataset,
    settings: Settings,
    sessions: Sequence[str] | None,
    breaks: Iterable[Break] = (),
) -> Gate:
    """The bars that may be stored, and what was found about the others.

    Args:
        table: fetched bars.
        dataset: whose they are; its asset class decides the rules.
        settings: of the project.
        sessions: dates on which its exchange is open, ISO, ascending; None if that is not known.
        breaks: fetched lines that are not bars, see `rules.examine`.

    Raises:
        SourceError: a rule refuses them all.
    """
    days = Open(sessions) if sessions and dataset.frequency == "daily" else None
    gate = examine(table, dataset.asset_class, settings.rules, days, Limits(settings.spike, settings.stale_run), breaks)
    if gate.refused:
        first = next(each for each in gate.findings if each.action == REJECT)
        raise SourceError(
            f"the bars of {dataset.name} are rejected by the rule {first.rule}: {first.stamp}: {first.text}",
            "look at them; if they are right, set the rule to warn in [tool.barmill.rules]",
        )
    return gate


def told(gate: Gate) -> list[tuple[str, int]]:
    """What was found, in words, by rule, and how often."""
    firsts = {each.rule: each for each in reversed(gate.findings)}
    return [
        (f"{rule} ({firsts[rule].action}): {number}, such as {firsts[rule].stamp}: {firsts[rule].text}", number)
        for rule, number in gate.counts.items()
    ]


class Open(NamedTuple):
    """Days on which an exchange is open, as the rules ask for them."""

    dates: Sequence[str]
