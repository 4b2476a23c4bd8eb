"""A slow backtest in plain Python, written from the rules and the formulas alone: bar by bar, and an equity for every bar."""

import itertools
import math
from typing import NamedTuple

INFINITE = math.inf
TINY = 1e-12  # a return of less is rounding, by the rules


class Trade(NamedTuple):
    """A trade: bars of entry and exit, side, reason, price paid, net return, cost."""

    entry: int
    exit: int
    side: int
    reason: str
    paid: float
    net: float
    cost: float


class Costs(NamedTuple):
    """Half the spread, slippage and commission, as fractions."""

    half: float
    slippage: float
    commission: float


def trade(bars, signals, exits, costs, stop_first, start, end):  # noqa: C901 every rule in the order in which it applies
    """The trades of a sample, going through every bar.

    Args:
        bars: (open, high, low, close) of each.
        signals: bar → (side, distance).
        exits: stop, target, hold.
        costs: see `Costs`.
        stop_first: whether a bar that touches both closes at the stop.
        start: first bar of the sample.
        end: bar behind its last.
    """
    stop, target, hold = exits
    trades, position, ruined = [], None, False
    for i in range(start, end):
        o, h, l, c = bars[i]
        # what the bar before said, at this open
        side, distance = signals.get(i - 1, (0, 0.0))
        if position and side and side != position["side"]:
            trades.append(_closed(position, i, "signal", o, costs))
            position, ruined = None, trades[-1].net <= -1
        if position is None and side and not ruined:
            worthless = o * (1 - costs.half - costs.slippage) * (2 - costs.commission)
            position = {
                "side": side,
                "entry": i,
                "raw": o,
                "stop": o - stop * distance if side > 0 else min(o + stop * distance, worthless),
                "target": o + side * target * distance,
            }
        if position is None:
            continue
        way = position["side"]
        at_stop = l <= position["stop"] if way > 0 else h >= position["stop"]
        at_target = h >= position["target"] if way > 0 else l <= position["target"]
        reason = price = None
        if i > position["entry"] and (o - position["stop"]) * way <= 0:
            reason, price = "stop", o
        elif i > position["entry"] and (o - position["target"]) * way >= 0:
            reason, price = "target", o
        elif at_stop and (stop_first or not at_target):
            reason, price = "stop", position["stop"]
        elif at_target:
            reason, price = "target", position["target"]
        elif i == position["entry"] + hold - 1:
            reason, price = "time", c
        elif i == end - 1:
            reason, price = "end", c
        if reason:
            trades.append(_closed(position, i, reason, price, costs))
            position, ruined = None, trades[-1].net <= -1
    return trades


def _closed(position, bar, reason, price, costs):
    side, raw = position["side"], position["raw"]
    paid = raw * (1 + side * (costs.half + costs.slippage))
    away = costs.half if reason == "target" else costs.half + costs.slippage
    got = price * (1 - side * away)
    net = side * (got - paid) / paid - costs.commission * (paid + got) / paid
    net = net if abs(net) >= TINY else 0.0
    return Trade(position["entry"], bar, side, reason, paid, max(net, -1.0), side * (price / raw - 1) - net)


def curve(trades, closes, commission, start, end):
    """The equity at the close of each bar, and whether it had a position."""
    equity, held = [], []
    value = 1.0
    for i in range(start, end):
        now, has = value, False
        for each in trades:
            if each.entry <= i <= each.exit:
                has = True
                if each.exit == i:
                    now = value = value * (1 + each.net)
                else:
                    now = value * max(1 + each.side * (closes[i] / each.paid - 1) - commission, 0.0)
        equity.append(now)
        held.append(has)
    return equity, held


def measure(trades, closes, commission, start, end, per_year):
    """Metric → value; None where undefined."""
    equity, held = curve(trades, closes, commission, start, end)
    n = end - start
    returns = [_return(now, before) for before, now in zip([1.0, *equity], equity, strict=False)]
    peaks, peak = [], 1.0
    for value in equity:
        peak = max(peak, value)
        peaks.append(peak)
    falls = [-_return(value, top) for value, top in zip(equity, peaks, strict=True)]
    final = equity[-1] if equity else 1.0
    total, deepest = _return(final, 1.0), max(falls, default=0.0)
    mean = sum(returns) / n
    central = [sum((r - mean) ** k for r in returns) / n for k in (2, 3, 4)]
    try:
        annual = (1 + total) ** (per_year / n) - 1
    except OverflowError:
        annual = INFINITE
    wins = [each.net for each in trades if each.net > 0]
    losses = [each.net for each in trades if each.net < 0]
    blocks = [start + n * k // 10 for k in range(11)]
    values = [1.0, *equity]
    downside = math.sqrt(sum(min(r, 0.0) ** 2 for r in returns) / n)
    deviation = math.sqrt(central[0] * n / (n - 1)) if n > 1 else 0.0
    return {
        "n_trades": len(trades),
        "win_rate": len(wins) / len(trades) if trades else None,
        "profit_factor": _ratio(sum(wins), -sum(losses)),
        "total_return": total,
        "annual_return": annual,
        "sharpe": _ratio(mean * math.sqrt(per_year), deviation),
        "sortino": _ratio(mean * math.sqrt(per_year), downside),
        "calmar": _ratio(annual, deepest),
        "max_drawdown": deepest,
        "recovery_factor": _ratio(total, deepest),
        "ulcer_index": math.sqrt(sum(fall**2 for fall in falls) / n),
        "expectancy": sum(each.net for each in trades) / len(trades) if trades else None,
        "avg_win": sum(wins) / len(wins) if wins else None,
        "avg_loss": sum(losses) / len(losses) if losses else None,
        "largest_win": max(wins, default=None),
        "largest_loss": min(losses, default=None),
        "exposure": sum(held) / n,
        "cost": sum(each.cost for each in trades),
        "gaining_blocks": sum(values[b - start] > values[a - start] * (1 + 1e-12) for a, b in itertools.pairwise(blocks)),
        "skewness": central[1] / central[0] ** 1.5 if central[0] > 0 else None,
        "kurtosis": central[2] / central[0] ** 2 if central[0] > 0 else None,
    }


def _return(now, before):
    change = now / before - 1 if before > 0 else 0.0
    return change if abs(change) >= TINY else 0.0


def _ratio(above, below):
    if below:
        return above / below
    return math.copysign(INFINITE, above) if above else None
