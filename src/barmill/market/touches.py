"""First passage of price levels: what one look forward from each bar finds, and every label that follows from it.

A position is opened at the close of each bar, once long and once short, with a target and a stop; it ends with the first of
them that a later bar touches, or at the horizon. With `touch` = `range` a bar touches what lies between its high and its low,
with `close` only what its close reaches. Where one bar touches both, its open decides if it lies beyond one of them; else the
tie rule does: `stop` (the default, never too good), `target`, or `none`. A bar that opens beyond a level ends the position at
its open, any other at the level. A horizon of h minutes holds the bars stamped up to h minutes after the entry's.
Columns of a label, after `time` and `entry` (the close), for the long position (`up_`) and the short one (`down_`):

    outcome               target, stop, none (the horizon ended first), ambiguous (a tie, with the rule none), censored
                          (the data ended first: nothing is guessed)
    magnitude             pips gained from entry to exit; at the horizon's end to the close of its last bar
    minutes_to_target     from the entry's stamp to that of the first bar within the horizon that touches the target,
                          whether or not the stop came first; null if none does; minutes_to_stop likewise
    mfe, mae              most favourable and most adverse move before the exit, in pips, at least 0: of the bars before the one
                          of the exit, the open of that bar, and the exit itself
    r                     magnitude / stop

Ambiguous and censored rows have neither magnitude nor extremes. Pips are whole millionths. Of the rows whose horizon reaches
beyond the data only what ended quickly is known: whoever counts outcomes leaves out all of these rows, as `summed` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from barmill.market import arrays
from barmill.market.grids import Label
from barmill.market.series import MINUTE, Series
from barmill.market.tables import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("target", "stop", "none", "ambiguous", "censored")
SUMMARY = (
    "label", "direction", "rows", *OUTCOMES, "ties", "target_share", "break_even", "mean_r", "mean_magnitude", "mean_mfe",
    "mean_mae", "mean_minutes",
)  # fmt: skip
TIES = {"target": 0, "stop": 1, "none": 3}
_DECIMALS = 6  # of pips: prices are decimal fractions, which floats are not
_SLACK = 10.0**-_DECIMALS


@dataclass(frozen=True)
class Touches:
    """The first-passage table of a series of n bars.

    Attributes:
        pip: in the quote unit.
        columns: name → array of shape (n,): `time` (int64, microseconds), `open`, `close` (float64); per level k (pips)
            `up_k`, `down_k` (int32: bars from the entry to the first that touches it; 0: none within the longest horizon),
            `up_k_low`, `down_k_high` (float64: lowest, highest price until then); per horizon h (minutes) `end_h` (int32:
            bars within it), `end_h_high`, `end_h_low` (float64: extremes up to its end).
    """

    pip: float
    columns: dict[str, NDArray[Any]]

    @classmethod
    def scan(cls, series: Series, levels: Sequence[int], horizons: Sequence[int], pip: float, touch: str) -> Self:
        """Look forward once from each bar.

        Args:
            series: n bars.
            levels: distances from the entry in pips; targets and stops alike.
            horizons: minutes.
            pip: in the quote unit.
            touch: `range` or `close`.
        """
        from barmill.market.kernels import touches as kernels

        levels, horizons, n = sorted(set(levels)), sorted(set(horizons)), len(series)
        close = series.close
        bars = (close, close, close, close) if touch == "close" else (series.open, series.high, series.low, close)
        up, down, end = np.zeros((len(levels), n), np.int32), np.zeros((len(levels), n), np.int32), _empty(horizons, n)
        low, high = np.full((len(levels), n), np.nan), np.full((len(levels), n), np.nan)
        top, bottom = np.empty((len(horizons), n)), np.empty((len(horizons), n))
        away = np.array(levels) * pip
        within = np.array(horizons) * MINUTE
        kernels.scan(series.time, *bars, away, _SLACK * pip, within, up, low, down, high, end, top, bottom)
        found: dict[str, NDArray[Any]] = {"time": series.time, "open": bars[0], "close": close}
        for k, level in enumerate(levels):
            found |= {f"up_{level}": up[k], f"up_{level}_low": low[k], f"down_{level}": down[k], f"down_{level}_high": high[k]}
        for k, horizon in enumerate(horizons):
            found |= {f"end_{horizon}": end[k], f"end_{horizon}_high": top[k], f"end_{horizon}_low": bottom[k]}
        return cls(pip, found)

    @classmethod
    def read(cls, path: Path, pip: float, labels: Sequence[Label] | None = None) -> Self:
        """Read a table that `to_arrow` made, or of it what these labels need."""
        names = None if labels is None else list(dict.fromkeys(name for label in labels for name in _needed(label)))
        table = read_parquet(path, names)
        time = {"time": arrays.stamps(table.column("time"))}
        return cls(pip, time | {name: arrays.numbers(table.column(name)) for name in table.column_names if name != "time"})

    def to_arrow(self) -> "pa.Table":
        """As an Arrow table; lowest and highest prices are null where there is no touch."""
        import pyarrow as pa

        return pa.table({name: _column(name, values) for name, values in self.columns.items()})

    def label(self, label: Label, tie: str) -> "pa.Table":
        """The outcomes of one label, a row per bar; see the module.

        Raises:
            KeyError: the label's levels or horizon are not in the table.
        """
        import pyarrow as pa

        up, down = self.outcomes(label, tie, 1), self.outcomes(label, tie, -1)
        table = {"time": arrays.utc(self.columns["time"]), "entry": arrays.arrow(self.columns["close"])}
        table |= {f"up_{name}": column for name, column in up.to_arrow().items()}
        table |= {f"down_{name}": column for name, column in down.to_arrow().items()}
        return pa.table(table)

    def covered(self, horizon: int) -> int:
        """How many bars, the first ones, have the whole horizon (minutes) after them within the data."""
        time = self.columns["time"]
        return int(np.searchsorted(time, time[-1] - horizon * MINUTE, "right")) if len(time) else 0

    def ties(self, label: Label, sign: int) -> NDArray[np.int64]:
        """Positions of the rows that the tie rule decides: one bar touches both levels, and opens beyond neither."""
        of, (up, down) = self.columns, ("up", "down")[::sign]
        at, end = of[f"{up}_{label.target}"], of[f"end_{label.horizon}"]
        rows = np.flatnonzero((at == of[f"{down}_{label.stop}"]) & (at > 0) & (at <= end))
        opened = np.round(sign * (of["open"][rows + at[rows]] - of["close"][rows]) / self.pip, _DECIMALS)
        found: NDArray[np.int64] = rows[(opened < label.target) & (opened > -label.stop)]
        return found

    def outcomes(self, label: Label, tie: str, sign: int) -> "Outcomes":
        """The outcomes of one label for the long position (`sign` 1) or the short one (-1), as arrays."""
        from barmill.market.kernels import touches as kernels

        of, n = self.columns, len(self.columns["time"])
        here, there = (("up", "low"), ("down", "high"))[::sign]
        aim = [f"{here[0]}_{label.target}", f"{here[0]}_{label.target}_{here[1]}"]
        guard = [f"{there[0]}_{label.stop}", f"{there[0]}_{label.stop}_{there[1]}"]
        end = [f"end_{label.horizon}", *(f"end_{label.horizon}_{name}" for name in ("high", "low")[::sign])]
        out = Outcomes.empty(n)
        kernels.outcomes(
            of["time"], of["open"], of["close"], float(sign), self.pip, float(label.target), float(label.stop),
            label.horizon * MINUTE, TIES[tie], *(of[name] for name in (*aim, *guard, *end)), *vars(out).values(),
        )  # fmt: skip
        return out


@dataclass(frozen=True)
class Outcomes:
    """What positions in one direction come to, a value per bar; NaN and 0 stand for what there is not.

    Attributes:
        outcome: int8, position in `OUTCOMES`.
        minutes_to_target: int32, as `minutes_to_stop`.
        magnitude: float64, pips, as `mfe`, `mae`; `r` is a plain number.
    """

    outcome: NDArray[np.int8]
    magnitude: NDArray[np.float64]
    minutes_to_target: NDArray[np.int32]
    minutes_to_stop: NDArray[np.int32]
    mfe: NDArray[np.float64]
    mae: NDArray[np.float64]
    r: NDArray[np.float64]

    @classmethod
    def empty(cls, n: int) -> Self:
        """For n bars, to be filled."""
        times = np.empty(n, np.int32), np.empty(n, np.int32)
        return cls(np.empty(n, np.int8), np.empty(n), *times, np.empty(n), np.empty(n), np.empty(n))

    def to_arrow(self) -> "dict[str, pa.Array]":
        """As columns, null where there is no value."""
        found = ~np.isnan(self.magnitude)
        made = {"outcome": arrays.coded(self.outcome, OUTCOMES)}
        for name, values in list(vars(self).items())[1:]:
            made[name] = arrays.arrow(values, known=values > 0 if values.dtype == np.int32 else found)
        return made


def summed(touches: Touches, label: Label, tie: str, sign: int) -> dict[str, object]:
    """Counts and means of a label's outcomes in one direction, the columns of `SUMMARY`.

    Only rows whose whole horizon lies within the data are counted by their outcome, and have a part in shares and means; all
    others count as censored, also those that a level ended before the data did: these are the quick ones, and to count them
    without the slow ones would make the nearer level look more frequent than it is.

    `ties` are the rows that the tie rule decided: where they are many, shares and means are those of the rule, and the levels
    too near for bars so long. `target_share` is that of the targets among targets and stops, `break_even` the share at which
    they would be worth nothing: stop / (target + stop), also what chance gives if the horizon is long and ties are rare. Means
    are over all rows that are neither ambiguous nor censored; `mean_minutes` over those that a level ended. "" for no row.
    """
    whole = touches.outcomes(label, tie, sign)
    rows, covered = len(whole.outcome), touches.covered(label.horizon)
    found = Outcomes(**{name: values[:covered] for name, values in vars(whole).items()})
    counts = np.bincount(found.outcome, minlength=len(OUTCOMES))
    counts[OUTCOMES.index("censored")] = rows - covered
    touched = counts[:2].sum()
    ended = np.where(found.outcome == 0, found.minutes_to_target, found.minutes_to_stop)[found.outcome <= 1]
    row: dict[str, object] = {"label": label.name, "direction": "up" if sign > 0 else "down", "rows": rows}
    row |= {name: int(count) for name, count in zip(OUTCOMES, counts, strict=True)}
    row["ties"] = int(np.count_nonzero(touches.ties(label, sign) < covered))
    row["target_share"] = f"{counts[0] / touched:.6f}" if touched else ""
    row["break_even"] = f"{label.stop / (label.target + label.stop):.6f}"
    values = {"r": found.r, "magnitude": found.magnitude, "mfe": found.mfe, "mae": found.mae}
    return (
        row | {f"mean_{name}": _mean(each[~np.isnan(each)]) for name, each in values.items()} | {"mean_minutes": _mean(ended)}
    )


def _mean(values: NDArray[Any]) -> str:
    return f"{values.mean():.6f}" if len(values) else ""


def floats(table: "pa.Table") -> list[str]:
    """Columns of whole pips and of extremes, which hold the same few values over and over."""
    import pyarrow as pa

    return [field.name for field in table.schema if pa.types.is_floating(field.type)]


def _empty(horizons: Sequence[int], n: int) -> NDArray[np.int32]:
    return np.empty((len(horizons), n), np.int32)


def _needed(label: Label) -> tuple[str, ...]:
    levels = [(f"up_{k}", f"up_{k}_low", f"down_{k}", f"down_{k}_high") for k in (label.target, label.stop)]
    end = f"end_{label.horizon}"
    return ("time", "open", "close", *levels[0], *levels[1], end, f"{end}_high", f"{end}_low")


def _column(name: str, values: NDArray[Any]) -> "pa.Array":
    if name == "time":
        return arrays.utc(values)
    return arrays.or_null(values) if values.dtype == np.float64 else arrays.arrow(values)
