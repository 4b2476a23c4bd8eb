"""`doit load`: prices of a provider, into single series or the raw tree; merged with what is there."""

import functools
from collections.abc import Sequence
from pathlib import Path

from barmill.commands.fetching import Fetching, Options, Providers, failed
from barmill.errors import BarmillError, ConfigError
from barmill.plan import Plan
from barmill.run.commands.select import no_arguments
from barmill.sources.catalogue import Spec
from barmill.sources.lookup import new_series
from barmill.sources.outcome import Outcome
from barmill.sources.tree import Synced, sync
from barmill.sources.update import Order


class Load(Fetching):
    """Asks one provider for symbols, or for all that it has."""

    name = "load"
    doc_purpose = "load prices of a provider; what is there is kept and compared"
    doc_description = (
        "Single series come to <series>/<asset class>/<frequency>/<SYMBOL>.txt (by default equities, daily); the providers "
        "stooq and stooq-folder write the raw tree. Without --symbol everything that the provider can list is loaded. "
        "Exit code 1 if anything failed; the rest is loaded nevertheless."
    )

    def _execute(self, pos_args: list[str]) -> int:
        no_arguments("load", pos_args)
        plan, options = self.plan, self.options
        providers = Providers(plan.settings, options.source, options.said)
        name = options.provider or _only(plan)
        if providers.is_tree(name):
            return self._work([], [], [_tree(plan, options, providers, name)], options)
        orders: list[Order] = []
        refused: list[Outcome] = []
        source = functools.partial(providers.series, name)
        kind = plan.kind_of_provider(name)
        _refuse_one_file(providers.spec(name), options.symbols)
        for symbol in options.symbols or source().symbols():
            try:
                dataset = new_series(plan, symbol, options.asset_class, options.frequency or "daily", kind)
            except BarmillError as error:
                refused.append(failed(symbol, "load", name, error))
                continue
            orders.append(options.order("load", dataset, name, source, options.source))
        if not orders and not refused:
            raise ConfigError(f"{name} can't tell what it has", "name a symbol with --symbol")
        return self._work(orders, refused, [], options)


def _refuse_one_file(spec: Spec, symbols: Sequence[str]) -> None:
    """Refuse to load several symbols from one file, whose prices are of one; raises ConfigError."""
    if spec.kind == "csv" and len(spec.source) == 1 and len(set(symbols)) > 1 and Path(spec.source[0]).expanduser().is_file():
        raise ConfigError(
            f"{spec.source[0]} is one file, and {len(symbols)} symbols are named: {', '.join(symbols)}",
            "name one with --symbol, or the folder of their files with --source",
        )


def _only(plan: Plan) -> str:
    """The provider where none is named: the only one of the settings."""
    chosen = list(plan.settings.providers)
    if len(chosen) != 1:
        raise ConfigError("no provider is named", "name one with --provider: stooq, stooq-folder, csv, http, yahoo")
    return chosen[0]


def _tree(plan: Plan, options: Options, providers: Providers, name: str) -> Synced:
    return sync(functools.partial(providers.tree, name), name, plan.settings, plan.datasets(), options.choice, options.source)
