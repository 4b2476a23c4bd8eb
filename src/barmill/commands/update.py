"""`doit update`: datasets brought up to date, each from the provider that it came from."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

from barmill.commands.fetching import OPTIONS, Fetching, Options, Providers, failed
from barmill.errors import BarmillError, ConfigError, InputError
from barmill.market.datasets import Dataset
from barmill.plan import Plan
from barmill.run.commands.select import no_arguments
from barmill.run.plain import option
from barmill.sources.gaps import sessions_of
from barmill.sources.history import TREE, History
from barmill.sources.lookup import existing
from barmill.sources.outcome import Outcome
from barmill.sources.tree import Synced, sync
from barmill.sources.update import INCREMENTAL, STRATEGIES, Order

_Trees = dict[tuple[str, tuple[str, ...]], set[str]]


class Update(Fetching):
    """Asks for what is new; see `sources.update` for what it does where history was adjusted."""

    name = "update"
    doc_purpose = "bring datasets up to date from their providers"
    doc_description = (
        "Without --symbol all datasets, those without a known provider excepted. Strategies: "
        + "; ".join(f"{name}: {what}" for name, what in STRATEGIES.items())
        + ". Exit code 1 if a dataset failed; the others are updated nevertheless."
    )
    cmd_options = (
        *OPTIONS,
        option("lookback_days", "days that are fetched again and compared", default=7, short="l"),
        option("fill_gaps", "ask for missing sessions", default=True, inverse="no-fill-gaps"),
        option("strategy", ", ".join(STRATEGIES), default=INCREMENTAL),
    )

    def _execute(self, pos_args: list[str]) -> int:
        no_arguments("update", pos_args)
        options = self.options
        rounds = _Round(self.plan, options)
        for symbol in options.symbols:
            rounds.take_named(symbol)
        if not options.symbols:
            rounds.take_all()
        for name in rounds.left:
            self.outstream.write(f"{name}: no provider is known, left alone; doit load --provider says one\n")
        return self._work(rounds.orders, rounds.refused, rounds.synced(), options)


class _Round:
    """What one update does.

    Attributes:
        orders: for single series.
        refused: what could not be ordered.
        left: datasets that nobody is known to provide.
    """

    def __init__(self, plan: Plan, options: Options) -> None:
        self.orders: list[Order] = []
        self.refused: list[Outcome] = []
        self.left: list[str] = []
        self._trees: _Trees = {}
        self._plan = plan
        self._options = options
        self._providers = Providers(plan.settings, options.source, options.said)

    def take_named(self, symbol: str) -> None:
        """A dataset by name or ticker."""
        options = self._options
        try:
            dataset = existing(self._plan, symbol, options.asset_class, options.frequency)
            if not self._take(dataset):
                raise ConfigError(f"no provider of {dataset.name} is known", "name one with --provider")
        except BarmillError as error:
            self.refused.append(failed(symbol, "update", options.provider, error))

    def take_all(self) -> None:
        """Every dataset of the class and the frequency asked for."""
        for dataset in _chosen(self._plan, self._options):
            try:
                if not self._take(dataset):
                    self.left.append(dataset.name)
            except BarmillError as error:
                self.refused.append(failed(dataset.name, "update", self._options.provider, error))

    def synced(self) -> list[Synced]:
        """The trees brought up to date, as far as datasets of them were taken."""
        return [self._sync(name, place, tickers) for (name, place), tickers in self._trees.items()]

    def _sync(self, name: str, place: Sequence[str], tickers: set[str]) -> Synced:
        settings = self._plan.settings
        choice = dataclasses.replace(self._options.choice, tickers=tickers, frequency=settings.frequency.replace(" ", ""))
        source = functools.partial(self._providers.tree, name, place)
        return sync(source, name, settings, self._plan.datasets(), choice, place)

    def _take(self, dataset: Dataset) -> bool:
        """Order it; False if no provider of it is known."""
        settings = self._plan.settings
        in_tree = dataset.name == dataset.symbol
        known = self._known(TREE if in_tree else dataset.name)
        name = self._options.provider or known.provider or ("stooq" if in_tree and "stooq" in settings.providers else "")
        if not name:
            return False
        is_same = name == known.provider
        place = tuple(self._providers.source or (known.source if is_same else ()))
        said = known.said if is_same else {}
        if self._providers.is_tree(name) != in_tree:
            what = "a file of the raw tree, which stooq and stooq-folder write" if in_tree else "a single series"
            raise ConfigError(
                f"{dataset.name} is {what}; {name} can't update it", f"doit load --provider {name} makes another one"
            )
        if in_tree:
            self._trees.setdefault((name, place), set()).add(dataset.symbol)
            return True
        source = functools.partial(self._providers.series, name, place, said)
        sessions = sessions_of(self._plan, dataset)
        self.orders.append(self._options.order("update", dataset, name, source, place, sessions, said))
        return True

    def _known(self, name: str) -> History:
        try:
            return History.of(self._plan.settings.series, name)
        except InputError:
            if self._options.provider:
                return History(name)  # the update sets the damaged one aside
            raise


def _chosen(plan: Plan, options: Options) -> Iterable[Dataset]:
    for each in plan.datasets():
        if options.asset_class in {"", each.asset_class} and options.frequency in {"", each.frequency}:
            yield each
