"""The metrics of a backtest: names, formulas and sources.

Everything is a fraction, not a percentage: 0.05 is five per cent. E is the equity at the close of each bar, starting with 1
and compounded, a position valued at the close; r = E / E of the bar before - 1, of every bar, also those without a position;
n is the number of bars, Y the number of bars in a year of the dataset's calendar (`market.years`), however many there are here.
net is a trade's return after all costs. What is undefined (0 / 0, a mean of nothing) is null; x / 0 is infinite. A return or
fall of less than 1e-12 is rounding, and counts as 0.
"""

METRICS = {
    "n_trades": "number of trades",
    "win_rate": "trades with net > 0, of all trades",
    "profit_factor": "sum of the gains / sum of the losses, as net of trades",
    "total_return": "E at the end - 1",
    "annual_return": "E at the end to the power of Y / n, - 1",
    "sharpe": "mean(r) / std(r, n - 1) * sqrt(Y), riskless rate 0 (Sharpe 1994; for independent returns, see Lo 2002)",
    "sortino": "mean(r) / sqrt(mean(min(r, 0)^2)) * sqrt(Y), target 0 (Sortino and Price 1994)",
    "calmar": "annual_return / max_drawdown (Young 1991)",
    "max_drawdown": "greatest 1 - E / the highest E so far",
    "recovery_factor": "total_return / max_drawdown",
    "ulcer_index": "sqrt(mean((1 - E / the highest E so far)^2)) (Martin and McCann 1989; they write it in per cent)",
    "expectancy": "mean net of a trade",
    "avg_win": "mean net of the trades with net > 0",
    "avg_loss": "mean net of the trades with net < 0",
    "largest_win": "greatest net, of the trades with net > 0",
    "largest_loss": "least net, of the trades with net < 0",
    "exposure": "bars with a position, of all bars",
    "cost": "sum over the trades of what spread, slippage and commission took from their return",
    "gaining_blocks": "of ten equal parts of the bars, those in which E rose, by more than rounding",
    "skewness": "mean((r - mean(r))^3) / std(r, n)^3",
    "kurtosis": "mean((r - mean(r))^4) / std(r, n)^4",
}
"""Metric → formula, in the order in which `kernels.performance.measure` returns them."""

COUNTS = frozenset({"n_trades", "gaining_blocks"})
"""Metrics that are whole numbers."""

SAMPLES = {"": "all bars", "in_": "in-sample bars", "out_": "out-of-sample bars"}
"""Prefix of a metric's column → the bars that it is of."""

COLUMNS = tuple(prefix + name for prefix in SAMPLES for name in METRICS)
"""The metric columns of a result, in their order."""
