"""Backtests on 100,000 made minute bars: signals, trades and all metrics of strategies, beside a bare loop and its peers.

Everything runs in this process or in one of a peer's, after its kernels were compiled; compiling is told apart. `ours` is what
a batch does, to the table. Beside it stand: the bare loop, `kernels.trades` alone on signals that are there; an event loop over
pandas rows as it is written by hand; and vectorbt's portfolio with stops, which has no exit by time and other metrics.
"""

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.peers import venv_python
from tests.bench.timing import YARDSTICK, Options, Table, process, race, yardstick

_BARS, _EVERY = 100_000, 23  # of the 4,620 strategies that many apart are run
_PANDAS_BARS = 20_000
_LEAST = 0.1  # scale below which compiling is not told: it is the same at every scale

_COMPILE = """
import sys, time
from tests.bench.strategies import run_of, backtest_on
start = time.process_time()
run_of(backtest_on(300), 400)
print("compiled", time.process_time() - start)
"""

_VECTORBT = """
import json, sys, time
import numpy as np
import vectorbt as vbt
told = np.load(sys.argv[1])
signals = [(told[f"buy{k}"], told[f"sell{k}"]) for k in range(len(told.files) // 2 - 2)]
bars = {name: told[name] for name in ("open", "high", "low", "close")}
def once(buy, sell):
    stop = np.full(len(buy), 0.0006)
    run = vbt.Portfolio.from_signals(
        bars["close"], buy, sell, short_entries=sell, short_exits=buy, open=bars["open"], high=bars["high"], low=bars["low"],
        sl_stop=stop, tp_stop=1.5 * stop, fees=3e-5, slippage=2e-5, freq="1min")
    return run.stats(silence_warnings=True)
once(*signals[0])
start = time.perf_counter()
for buy, sell in signals:
    once(buy, sell)
print(json.dumps((time.perf_counter() - start) / len(signals)))
"""


def run(options: Options) -> Table:
    """Some of the default strategies, a rule with all its exits each time; the figures are those of a thousand."""
    backtest = backtest_on(options.scaled(_BARS))
    every = max(1, round(_EVERY / options.scale)) if options.scale < 1 else _EVERY
    names = run_of(backtest, every)  # compiled, and read into memory
    signals = _signals(backtest, names)
    contenders = {
        "ours": partial(_timed, partial(run_of, backtest, every), len(names)),
        "bare": partial(_timed, partial(_bare, backtest, signals), len(names)),
        YARDSTICK: yardstick,
    }
    medians = race(contenders, options.repeat)
    table = Table(f"1,000 strategies on {len(backtest.series):,} bars, by {len(names)}", options.repeat)
    table.add("signals, trades, metrics, table", medians["ours"], "the bare loop", medians["bare"])
    pandas_bars = options.scaled(_PANDAS_BARS)
    slow = _timed(partial(_pandas, backtest, signals[0], pandas_bars), 1) * len(backtest.series) / pandas_bars
    table.add("the same", medians["ours"], "event loop over pandas rows, to trades", slow)
    if python := venv_python("vectorbt", options.install_peers):
        table.add("the same", medians["ours"], "vectorbt: stops, statistics", _vectorbt(str(python), backtest, signals))
    else:
        table.notes.append("vectorbt is left out: it is not installed")
    if options.scale >= _LEAST:
        compiled = process((sys.executable, "-c", _COMPILE), environ=_uncached())
        table.add("start, and compile all kernels", compiled, YARDSTICK, medians[YARDSTICK])
    return table


def backtest_on(count: int) -> Any:
    """A backtest on made bars."""
    from barmill.market.backtest import Backtest
    from barmill.market.costs import Costs
    from tests.support.made_bars import made

    return Backtest(made(count, step=0.0001), Costs(0.2, 0.3, 0.1), int(count * 0.7), stop_first=True, per_year=375_840.0)


def run_of(backtest: Any, every: int) -> list[str]:
    """Backtest strategies of the default ones, so many apart, to their table; returns their ids."""
    from barmill.market.results import work_out
    from barmill.market.strategies.families import FAMILIES
    from barmill.market.strategies.strategy import strategies

    chosen = sorted(strategies(("default",)))
    names = [name for k in range(0, len(chosen), every * 11) for name in chosen[k : k + 11]]
    backtest.__dict__.pop("chart", None)  # a batch starts without what was worked out before
    work_out({name: FAMILIES[name.partition(" ")[0]].rule for name in names}, backtest)
    return names


def _signals(backtest: Any, names: list[str]) -> list[Any]:
    from barmill.market.strategies.families import FAMILIES
    from barmill.market.strategies.strategy import Strategy

    parsed = map(Strategy.parse, names)
    return [(backtest.signals(FAMILIES[each.family].rule, each.params), each.exits) for each in parsed]


def _bare(backtest: Any, signals: list[Any]) -> None:
    from barmill.market.kernels.trades import simulate

    bars = backtest.series
    prices, costs = (bars.open, bars.high, bars.low, bars.close), backtest.costs.fractions()
    for told, exits in signals:
        simulate(prices, told.at, told.side, told.distance, exits, costs, True, len(bars))


def _pandas(backtest: Any, told: Any, count: int) -> None:
    """One strategy, a row at a time, as a data frame invites to."""
    import pandas as pd

    signals, (stop, target, hold) = told
    frame = pd.DataFrame({name: getattr(backtest.series, name)[:count] for name in ("open", "high", "low", "close")})
    side = dict(zip(signals.at.tolist(), signals.side.tolist(), strict=True))
    reach = dict(zip(signals.at.tolist(), signals.distance.tolist(), strict=True))
    position, trades = None, []
    for i, bar in frame.iterrows():
        wanted = side.get(i - 1, 0)
        if position and wanted == -position["side"]:
            trades.append((position, bar["open"]))
            position = None
        if position is None and wanted:
            away = reach[i - 1]
            position = {
                "side": wanted,
                "entry": i,
                "stop": bar["open"] - wanted * stop * away,
                "target": bar["open"] + wanted * target * away,
            }
        if position is None:
            continue
        way = position["side"]
        if (bar["low"] if way > 0 else bar["high"]) * way <= position["stop"] * way:
            trades.append((position, position["stop"]))
            position = None
        elif (bar["high"] if way > 0 else bar["low"]) * way >= position["target"] * way:
            trades.append((position, position["target"]))
            position = None
        elif i == position["entry"] + hold - 1:
            trades.append((position, bar["close"]))
            position = None


def _vectorbt(python: str, backtest: Any, signals: list[Any]) -> float:
    import numpy as np

    bars = backtest.series
    told = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    for k, (each, _) in enumerate(signals[::44][:10]):
        for name, sign in (("buy", 1), ("sell", -1)):
            flags = np.zeros(len(bars), bool)
            flags[np.compress(each.side == sign, each.at)] = True
            told[f"{name}{k}"] = flags
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "told.npz"
        np.savez(path, **told)
        done = subprocess.run([python, "-W", "ignore", "-c", _VECTORBT, str(path)], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])) * 1000


def _timed(work: Any, count: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / count * 1000


def _uncached() -> dict[str, str]:
    return {"NUMBA_CACHE_DIR": tempfile.mkdtemp(prefix="kernels-")}
