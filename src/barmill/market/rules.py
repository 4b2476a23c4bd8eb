"""The gate for bars: what breaks a rule is rejected, quarantined or told of, as the policy of its asset class says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from barmill.market import offences, policies
from barmill.market.bars import Break
from barmill.market.offences import Days, Limits, Offence

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Finding:
    """One offence: the rule, what was done (`reject`, `quarantine`, `warn`), when the bar was, and what is wrong with it."""

    rule: str
    action: str
    stamp: str
    text: str


@dataclass
class Gate:
    """What came through, and what was found.

    Attributes:
        table: the rows that may be stored, ascending and unique in (date, time); none if the batch is refused.
        findings: what broke which rule. Of one that only warns, the first few, and one more that counts the others.
        counts: rule → how often it was broken (rows; runs for `stale_run`), whatever was done; allowed ones do not count.
        refused: whether a rule with the action `reject` was broken.
    """

    table: "pa.Table"
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    refused: bool = False

    def rows(self) -> list[dict[str, str]]:
        """The findings as they are written down."""
        return [asdict(each) for each in self.findings]


def examine(
    table: "pa.Table",
    asset_class: str,
    chosen: Mapping[str, str],
    sessions: Days | None = None,
    limits: Limits = offences.LIMITS,
    breaks: Iterable[Break] = (),
) -> Gate:
    """Let through what may be stored.

    What one group of rules leaves out, the next does not see: a bad bar takes no good one's place, and a step is taken from the
    last good bar.

    Args:
        table: columns of `schema.BAR`, typed as by `bars.read_bars`; rows of any order and quality.
        asset_class: one of `datasets.ASSET_CLASSES`; decides the actions (`policies.DEFAULTS`, `policies.BY_CLASS`).
        chosen: the setting `rules`: `rule` or `asset_class.rule` → action.
        sessions: the days on which the exchange is open; without them no bar is off session.
        limits: from where on a step is conspicuous.
        breaks: lines that gave no row because they break a rule; they refuse the batch if the rule rejects.

    Raises:
        ConfigError: the setting names an unknown rule, class or action.
    """
    actions = policies.resolve(asset_class, chosen)
    gate = Gate(table)
    for rule, line, text in breaks:
        if actions[rule] == policies.REJECT:
            gate.findings.append(Finding(rule, policies.REJECT, f"line {line}", text))
            gate.counts[rule] = gate.counts.get(rule, 0) + 1
            gate.refused = True
    _pass(gate, offences.of_prices(gate.table), actions)
    _pass(gate, offences.of_volume(gate.table), actions)
    _settle(gate, actions)
    if sessions is not None:
        _pass(gate, offences.of_days(gate.table, sessions), actions)
    _pass(gate, offences.of_steps(gate.table, limits), actions)
    if gate.refused:
        gate.table = gate.table.slice(0, 0)
    return gate


def settled(table: "pa.Table", asset_class: str, chosen: Mapping[str, str]) -> "pa.Table":
    """One bar of each stamp, ascending: of several the last that breaks no rule, or else the last.

    Args:
        table: columns of `schema.BAR`; rows of any order, each with a stamp.
        asset_class: see `examine`.
        chosen: likewise.
    """
    if offences.is_settled(table):
        return table
    twice = offences.of_duplicates(table, _doubtful(table, policies.resolve(asset_class, chosen)))
    return offences.in_order(offences.without(table, {row for each in twice for row in each.rows}))


def _settle(gate: Gate, actions: Mapping[str, str]) -> None:
    """Leave out rows without a stamp of their own, and put the others in order."""
    if offences.is_settled(gate.table):
        return
    _pass(gate, offences.of_stamps(gate.table), actions)
    _pass(gate, offences.of_duplicates(gate.table, _doubtful(gate.table, actions)), actions)
    gate.table = offences.in_order(gate.table)


def _doubtful(table: "pa.Table", actions: Mapping[str, str]) -> set[int]:
    """The rows that break a rule of prices or volumes that their class does not allow to be broken."""
    groups = (offences.of_prices(table), offences.of_volume(table))
    return {row for group in groups for each in group if actions[each.rule] != policies.ALLOW for row in each.rows}


def _pass(gate: Gate, group: Iterator[Offence], actions: Mapping[str, str]) -> None:
    """Note a group's offences in the gate and leave out what is quarantined."""
    left_out: set[int] = set()
    for offence in group:
        action = actions[offence.rule]
        if action == policies.ALLOW:
            continue
        gate.counts[offence.rule] = gate.counts.get(offence.rule, 0) + len(offence.starts)
        gate.findings += _findings(gate.table, offence, action)
        gate.refused |= action == policies.REJECT
        if action == policies.QUARANTINE:
            left_out.update(offence.rows)
    gate.table = offences.without(gate.table, left_out)


def _findings(table: "pa.Table", offence: Offence, action: str) -> Iterator[Finding]:
    """Every row that leaves the table; where the rule only warns, the first few and the last, with the number of the others."""
    rows = list(offence.rows if action != policies.WARN else offence.starts[: offence.most])
    more = len(offence.starts) - len(rows) if action == policies.WARN else 0
    told = offences.bars(table, rows + list(offence.starts[-1:]) if more else rows)
    for row, (bar, before) in zip(rows, told, strict=False):
        yield Finding(offence.rule, action, offences.stamp(bar), offence.text(row, bar, before))
    if more:
        yield Finding(offence.rule, action, offences.stamp(told[-1][0]), f"and {more} more, of which this is the last")
