"""What `doit load` and `doit update` share: options, providers, orders at work in threads, and what is told of them."""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from typing import Any

from barmill.commands.base import DIALECT_OPTIONS, Command, day, said_of
from barmill.commands.history import tell_history
from barmill.config import Settings
from barmill.errors import BarmillError, ConfigError
from barmill.market.datasets import Dataset
from barmill.run.commands.select import JSON_OPTION
from barmill.run.plain import option
from barmill.run.shown import Shown
from barmill.sources.catalogue import SAID, TREES, Spec, open_provider, open_tree, spec_of
from barmill.sources.history import FAILED, Entry
from barmill.sources.lookup import checked
from barmill.sources.outcome import Outcome
from barmill.sources.provider import Provider, TreeSource
from barmill.sources.tree import Choice, Synced
from barmill.sources.update import INCREMENTAL, STRATEGIES, Order, bring

_SHOWN = 10

OPTIONS = (
    option("symbols", "a ticker, or a dataset's name; may be repeated", default=[], short="s", long="symbol"),
    option("provider", "whom to ask: stooq, stooq-folder, csv, http, yahoo, or one of the settings", short="p"),
    option("source", "the provider's zip, folder or address; may be repeated", default=[]),
    option("pattern", "the names of a folder's files: {symbol} and * stand for text, such as '{symbol}-1m-*.zip'"),
    *DIALECT_OPTIONS,
    option("start", "first day, YYYY-MM-DD"),
    option("end", "last day, YYYY-MM-DD"),
    option("frequency", "1min, 5min, 15min, 30min, hourly, 4hour, daily, weekly, monthly", short="f"),
    option("asset_class", "equities, etfs, indices, forex, crypto, …", short="a"),
    option("replace", "what is fetched takes the place of what is stored", default=False),
    option("delete", "remove raw files that the provider's tree has not", default=False),
    option("dry_run", "fetch and compare, write nothing", default=False, short="n"),
    option("show_status", "tell the last updates of each dataset, too", default=False),
    option("jobs", "how many datasets at once", default=4, short="j"),
    JSON_OPTION,
)


class Providers:
    """The providers of one command, each set up once.

    Args:
        settings: of the project.
        source: from the command line.
        said: likewise; see `catalogue.SAID`.
    """

    def __init__(self, settings: Settings, source: Sequence[str], said: Mapping[str, str]) -> None:
        self._settings = settings
        self.source = source
        self.said = said
        self._open: dict[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], Provider] = {}
        self._lock = threading.Lock()

    def spec(self, name: str, remembered: Sequence[str] = (), said: Mapping[str, str] | None = None) -> Spec:
        """What a provider is; raises ConfigError."""
        return spec_of(name, self._settings.providers, self.source or remembered, {**(said or {}), **self.said})

    def series(self, name: str, remembered: Sequence[str] = (), said: Mapping[str, str] | None = None) -> Provider:
        """A provider of single series; raises ConfigError, SourceError."""
        known = {**(said or {}), **self.said}
        key = (name, tuple(self.source or remembered), tuple(sorted(known.items())))
        with self._lock:
            if key not in self._open:
                self._open[key] = open_provider(name, self.spec(name, remembered, said))
            return self._open[key]

    def tree(self, name: str, remembered: Sequence[str] = ()) -> TreeSource:
        """A source of raw files; raises ConfigError, SourceError."""
        return open_tree(name, self.spec(name, remembered))

    def is_tree(self, name: str) -> bool:
        """Whether a provider writes the raw tree; raises ConfigError."""
        return self.spec(name).kind in TREES


class Fetching(Command):
    """A command that fetches; its subclass says what."""

    cmd_options: tuple[dict[str, Any], ...] = OPTIONS

    def execute(self, params: Any, args: list[str]) -> int:
        """Keep doit's parsed options, which are too many to be arguments."""
        self._params = params
        return super().execute(params, args)

    @property
    def options(self) -> "Options":
        """The options, checked; raises ConfigError."""
        return Options(self._params)

    def _work(self, orders: Sequence[Order], failed: Sequence[Outcome], synced: Sequence[Synced], options: "Options") -> int:
        """Carry out the orders and tell of everything; the exit code."""
        outcomes = [*failed, *self._watched(orders, options)]
        outcomes += [Outcome(name, entry) for each in synced for name, entry in each.outcomes.items()]
        bad = [each for each in outcomes if each.entry.status == FAILED]
        broken = [each for each in synced if each.entry.status == FAILED]
        if options.as_json:
            self.outstream.write(
                json.dumps({"datasets": [_row(each) for each in outcomes], "trees": list(map(asdict, synced))}, indent=1) + "\n"
            )
            return 1 if bad or broken else 0
        for outcome in outcomes:
            self._tell(outcome)
            if options.show_status:
                tell_history(self.outstream, self.plan.settings, outcome.name, _SHOWN)
        self._tell_dialects(outcomes)
        for each in synced:
            self._tell_tree(each)
        if unknown := sum(1 for each in orders if each.fill_gaps and each.sessions is None):
            Shown(sys.stderr).write(
                f"of {unknown} datasets no table of sessions is there: run doit, and set `calendars` for what follows none\n"
            )
        changed = sum(1 for each in outcomes if each.entry.rows_added or each.entry.rows_changed)
        self.outstream.write(
            f"{changed} changed, {len(outcomes) - changed - len(bad)} unchanged, {len(bad) + len(broken)} failed\n"
        )
        return 1 if bad or broken else 0

    def _watched(self, orders: Sequence[Order], options: "Options") -> list[Outcome]:
        """The outcomes in the order of the orders; a bar on a terminal says how far it is."""
        bar: Any = None
        if sys.stderr.isatty() and not os.environ.get("CI") and len(orders) > 1:
            from barmill.run.progress import Bar

            bar = Bar(sys.stderr)
        outcomes = {}
        for at, outcome in carried_out(orders, self.plan.settings, options.jobs):
            outcomes[at] = outcome
            if bar:
                bar.draw(outcome.name, len(outcomes), len(orders))
        if bar:
            bar.close()
        return [outcomes[at] for at in range(len(orders))]

    def _tell(self, outcome: Outcome) -> None:
        entry = outcome.entry
        for text in outcome.notes:
            Shown(sys.stderr).write(f"{outcome.name}: {text}\n")
        if entry.status == FAILED:
            Shown(sys.stderr).write("".join(f"error: {outcome.name}: {text}\n" for text in entry.errors))
            return
        parts = [
            f"{entry.rows_added} new" if entry.rows_added else "",
            f"{entry.rows_changed} changed" if entry.rows_changed else "",
        ]
        what = ", ".join(filter(None, parts)) or "up to date"
        if entry.refreshed:
            what += ", whole history fetched again"
        if entry.missing:
            what += f", {entry.missing} sessions missing"
        self.outstream.write(
            f"{outcome.name}: {what}; {entry.rows_after} rows, {entry.start} to {entry.end}, from {entry.provider}\n"
        )

    def _tell_dialects(self, outcomes: Sequence[Outcome]) -> None:
        """A line for each dialect that was read: in how many files, and how many of their lines were rejected."""
        found: dict[str, list[Outcome]] = {}
        for each in outcomes:
            if each.dialect:
                found.setdefault(_spelled(each.dialect), []).append(each)
        for dialect, members in found.items():
            who = members[0].name if len(members) == 1 else f"{len(members)} series such as {members[0].name}"
            count = sum(len(each.rejected) for each in members)
            self.outstream.write(f"read {who} as {dialect}; {count} lines rejected\n")

    def _tell_tree(self, synced: Synced) -> None:
        for words, names in (("no price file", synced.strays), ("not in the source", synced.gone)):
            for name in names[:_SHOWN]:
                Shown(sys.stderr).write(f"{words}: {name}\n")
            if len(names) > _SHOWN:
                Shown(sys.stderr).write(f"{words}: {len(names) - _SHOWN} more\n")
        Shown(sys.stderr).write("".join(f"error: {text}\n" for text in synced.entry.errors))
        self.outstream.write(
            f"{self.plan.stooq}: {len(synced.added)} files added, {len(synced.changed)} changed, {synced.unchanged} unchanged, "
            f"{len(synced.gone)} not in the source, from {synced.entry.provider}\n"
        )


class Options:
    """The options of a load or an update, checked.

    Raises:
        ConfigError: a date or a number is wrong, or there is no such strategy.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.symbols: list[str] = values["symbols"]
        self.source: list[str] = values["source"]
        self.provider: str = values["provider"]
        self.said: dict[str, str] = {key: values[key] for key in SAID if values[key]}
        said_of(values["zone"], values["decimal"], values["dates"])
        self.start = day(values["start"], "--start")
        self.end = day(values["end"], "--end")
        self.frequency: str = values["frequency"]
        self.asset_class: str = values["asset_class"]
        self.replace: bool = values["replace"]
        self.delete: bool = values["delete"]
        self.dry_run: bool = values["dry_run"]
        self.show_status: bool = values["show_status"]
        self.jobs: int = values["jobs"]
        self.as_json: bool = values["as_json"]
        self.lookback: int = values.get("lookback_days", 7)
        self.fill_gaps: bool = values.get("fill_gaps", False)
        self.strategy: str = checked(values.get("strategy", INCREMENTAL), STRATEGIES, "strategy")
        for word, number, least in (("--jobs", self.jobs, 1), ("--lookback-days", self.lookback, 0)):
            if number < least:
                raise ConfigError(f"{word} {number} is too few", f"give {least} or more")
        if self.start and self.end and self.start > self.end:
            raise ConfigError(f"--start {self.start} is behind --end {self.end}", "swap them")

    @property
    def choice(self) -> Choice:
        """What is taken of a tree."""
        tickers = {each.upper() for each in self.symbols} if self.symbols else None
        return Choice(tickers, self.frequency, self.delete, self.replace, self.dry_run)

    def order(
        self,
        kind: str,
        dataset: Dataset,
        provider: str,
        open_: Callable[[], Provider],
        source: Sequence[str],
        sessions: Sequence[str] | None = None,
        said: Mapping[str, str] | None = None,
    ) -> Order:
        """An order with these options."""
        return Order(
            dataset,
            provider,
            open_,
            kind,
            self.start,
            self.end,
            self.lookback,
            self.fill_gaps,
            self.strategy,
            self.replace,
            self.dry_run,
            sessions,
            source,
            {**(said or {}), **self.said},
        )


def carried_out(orders: Sequence[Order], settings: Settings, jobs: int) -> Iterator[tuple[int, Outcome]]:
    """Carry out orders, `jobs` at once; each outcome with the place of its order, as they end."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    pool = ThreadPoolExecutor(jobs)
    try:
        running: dict[Future[Outcome], int] = {pool.submit(bring, order, settings): at for at, order in enumerate(orders)}
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C what is at work is ended well, and no more is begun


def failed(name: str, kind: str, provider: str, error: BarmillError) -> Outcome:
    """The outcome of what could not even be ordered."""
    outcome = Outcome(name, Entry.begun(kind, provider))
    outcome.fail(error)
    return outcome


def _spelled(dialect: Mapping[str, Any]) -> str:
    columns = ", ".join(f"{role} = {column}" for role, column in dialect["columns"].items())
    words = (f"{word} {dialect[word]}" for word in ("delimiter", "decimal", "grouping"))
    return f"{dialect['form']}: {', '.join(words)}; dates {dialect['dates']}; columns {columns}"


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        **asdict(outcome.entry),
        "notes": outcome.notes,
        "dialect": outcome.dialect,
        "rejected": outcome.rejected,
    }
