"""`doit reconcile`: two datasets, files or folders of prices beside each other, and whether they say the same."""

import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from barmill.commands.base import DIALECT_OPTIONS, Command, said_of
from barmill.errors import ConfigError, InputError
from barmill.market import archive
from barmill.market.closes import read_closes
from barmill.market.comparison import ADJUSTED, EQUAL, SAME, STEPWISE, Comparison, Terms, compare
from barmill.market.packed import name_of
from barmill.plan import Plan
from barmill.run.commands.select import JSON_OPTION
from barmill.run.plain import option
from barmill.run.shown import Shown

_SIDES = 2
_MOST_STAMPS = 5


class Reconcile(Command):
    """Compares returns first: levels differ wherever one side is adjusted and the other is not."""

    name = "reconcile"
    doc_purpose = "compare two datasets, files or folders of prices: returns, levels, sessions"
    doc_usage = "A B"
    doc_description = (
        "A and B are names of datasets, files (any that `doit load -p csv` reads) or folders of them, where series are paired "
        "by name: AAPL.US with AAPL.US, else with AAPL. Verdicts: same; adjusted (only the levels differ, and a constant or "
        "stepwise ratio explains them); different; no overlap. Exit code 1 if a pair is different or has no overlap."
    )
    cmd_options = (
        option("tolerance", "basis points by which a return, or a close, may differ", default=20.0, short="t"),
        option("share", "share of the sessions that must agree", default=0.95),
        *DIALECT_OPTIONS,
        option("verbose", "tell every step and every stamp that one side lacks", default=False, short="v"),
        JSON_OPTION,
    )

    def _execute(
        self,
        tolerance: float,
        share: float,
        zone: str,
        decimal: str,
        dates: str,
        verbose: bool,
        as_json: bool,
        pos_args: list[str],
    ) -> int:
        if len(pos_args) != _SIDES:
            raise ConfigError(f"doit reconcile compares two: it got {len(pos_args)}", "doit reconcile A B")
        plan = self.plan
        a, b = (_files(plan, side) for side in pos_args)
        pairs = dict(_pairs(a, b))
        if not pairs:
            raise InputError(
                f"nothing in {pos_args[0]} is called like anything in {pos_args[1]}",
                f"there are {', '.join(sorted(a)[:3]) or 'no files'} and {', '.join(sorted(b)[:3]) or 'no files'}",
            )
        terms = Terms(tolerance, share)
        said = said_of(zone, decimal, dates)
        closes = [(read_closes(a[one], one, said), read_closes(b[two], two, said)) for one, two in pairs.items()]
        found = [compare(one, two, terms) for one, two in closes]
        for each in itertools.chain.from_iterable(closes):
            if each.rejected:
                Shown(sys.stderr).write(
                    f"{each.name}: {each.rejected} lines give no close and are left out, such as {each.example}\n"
                )
        alone = {"only_a": sorted(a.keys() - pairs.keys()), "only_b": sorted(b.keys() - set(pairs.values()))}
        if as_json:
            told = {
                "tolerance": tolerance,
                "share": share,
                "pairs": [[asdict(each) for each in pair] for pair in found],
                **alone,
                "rejected": [[each.rejected for each in pair] for pair in closes],
            }
            self.outstream.write(json.dumps(told, indent=1) + "\n")
        else:
            for pair in found:
                _tell(self.outstream, pair, tolerance, verbose)
            _sum_up(self.outstream, found, pos_args, alone)
        return 0 if all(pair[0].verdict in {SAME, ADJUSTED} for pair in found) else 1


def _files(plan: Plan, side: str) -> dict[str, Path]:
    """Name → file of one side: a dataset's export, a file, or what lies in a folder.

    Raises:
        InputError: it is none of these, or an archived dataset that is not built.
    """
    path = Path(side).expanduser()
    if path.is_dir():
        return {name_of(each): each for each in sorted(path.rglob("*")) if name_of(each) and each.is_file()}
    if path.is_file():
        return {name_of(path) or path.stem.upper(): path}
    for dataset in plan.datasets():
        if side in {dataset.name, dataset.symbol}:
            built = plan.path("export", f"{dataset.name}.csv")
            if not built.exists() and archive.files_of(plan.settings.series, dataset.name):
                raise InputError(f"{dataset.name} is archived, and {built} is not built", f'run "doit export:{dataset.name}"')
            return {dataset.symbol: built if built.exists() else dataset.raw}
    raise InputError(f"{side} is no dataset, file or folder", '"doit datasets" lists the datasets')


def _pairs(a: Mapping[str, Path], b: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Which series of a stands beside which of b: a single one beside a single one, else those with one name.

    Where a ticker names its market (AAPL.US) and the other side's does not, it is the ticker without it that counts, if only
    one series of a side is called so.
    """
    if len(a) == len(b) == 1:
        yield next(iter(a)), next(iter(b))
        return
    bare_a, bare_b = _bare(a), _bare(b)
    for name in a:
        if name in b:
            yield name, name
            continue
        bare = name.rpartition(".")[0] or name
        other = bare if bare in b else bare_b.get(name, "")
        if other and bare_a.get(bare) == name:
            yield name, other


def _bare(side: Mapping[str, Path]) -> dict[str, str]:
    """Ticker without its market → name, where that is one name only."""
    found: dict[str, list[str]] = {}
    for name in side:
        found.setdefault(name.rpartition(".")[0] or name, []).append(name)
    return {bare: names[0] for bare, names in found.items() if len(names) == 1}


def _tell(out: TextIO, pair: list[Comparison], tolerance: float, verbose: bool) -> None:
    best = pair[0]
    why = f" ({', '.join(best.reasons)})" if best.reasons else ""
    when = f"; {best.sessions:,} sessions from {best.first} to {best.last}" if best.sessions else ""
    out.write(f"{best.a} | {best.b}: {best.verdict}{why}{when}\n")
    out.writelines(
        f"  {_agreement(each)}\n" for each in pair if each.sessions and (each is best or _ratio(each) != _ratio(best))
    )
    if verbose:
        out.writelines(f"  step on {step['date']}: x {step['factor']:.5f} ({step['kind']})\n" for step in best.steps)
    for name, stamps in ((best.a, best.only_a), (best.b, best.only_b)):
        if stamps:
            more = f" and {len(stamps) - _MOST_STAMPS} more" if not verbose and len(stamps) > _MOST_STAMPS else ""
            out.write(f"  only in {name}: {', '.join(stamps if verbose else stamps[:_MOST_STAMPS])}{more}\n")
    if best.differing_count:
        out.write(
            f"  {best.differing_count} returns differ by more than {tolerance:g} bp where there is no step, most of all\n"
        )
        worst = best.differing if verbose else best.differing[:_MOST_STAMPS]
        out.writelines(f"    {day['date']}: {day['return_a']:+.2%} and {day['return_b']:+.2%}\n" for day in worst)


def _agreement(each: Comparison) -> str:
    columns = each.column_a if each.column_a == each.column_b else f"{each.column_a} and {each.column_b}"
    return f"{columns}: returns agree in {each.returns_agree:.2%}, levels in {each.levels_agree:.2%}; {_ratio(each)}"


def _ratio(each: Comparison) -> str:
    if each.explanation == EQUAL:
        return "levels equal"
    steps = f" with {len(each.steps)} steps" if each.explanation == STEPWISE else ""
    return f"{each.explanation}{steps}, at last {each.ratio:.6g}"


def _sum_up(out: TextIO, found: list[list[Comparison]], sides: list[str], alone: Mapping[str, list[str]]) -> None:
    counts: dict[str, int] = {}
    for pair in found:
        counts[pair[0].verdict] = counts.get(pair[0].verdict, 0) + 1
    for side, names in zip(sides, alone.values(), strict=True):
        if names:
            more = " …" if len(names) > _MOST_STAMPS else ""
            out.write(f"without a partner in {side}: {len(names)} ({', '.join(names[:_MOST_STAMPS])}{more})\n")
    out.write(f"{len(found)} pairs: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}\n")
