"""What a position comes to, in slow Python: one walk forward per row and label, from the definitions alone."""

from typing import NamedTuple


class Bar(NamedTuple):
    """A bar whose prices are whole points, so that all is exact."""

    minute: int
    open: int
    high: int
    low: int
    close: int


class Result(NamedTuple):
    """Of one position, in points; None where there is no value."""

    outcome: str
    magnitude: int | None
    to_target: int | None
    to_stop: int | None
    mfe: int | None
    mae: int | None


def position(bars: list[Bar], at: int, sign: int, target: int, stop: int, horizon: int, pip: int, tie: str) -> Result:
    """A position opened at the close of bar `at`; a short one gains what prices mirrored would. A pip has `pip` points."""
    entry, target, stop = bars[at].close, target * pip, stop * pip

    def gains(bar: Bar) -> tuple[int, int, int, int]:
        o, best, worst, c = (sign * (price - entry) for price in bar[1:])
        return o, max(best, worst), min(best, worst), c

    later = [bar for bar in bars[at + 1 :] if bar.minute <= bars[at].minute + horizon]
    to_target = next((bar.minute - bars[at].minute for bar in later if gains(bar)[1] >= target), None)
    to_stop = next((bar.minute - bars[at].minute for bar in later if gains(bar)[2] <= -stop), None)
    mfe = mae = 0
    last = 0
    for bar in later:
        o, best, worst, last = gains(bar)
        met, hit = best >= target, worst <= -stop
        if met and hit:
            kind = "target" if o >= target else "stop" if o <= -stop else tie
        else:
            kind = "target" if met else "stop" if hit else ""
        if kind == "none":
            return Result("ambiguous", None, to_target, to_stop, None, None)
        if kind == "target":
            gain = max(o, target)
            return Result("target", gain, to_target, to_stop, gain, max(mae, -o))
        if kind == "stop":
            gain = min(o, -stop)
            return Result("stop", gain, to_target, to_stop, max(mfe, o), -gain)
        mfe, mae = max(mfe, best), max(mae, -worst)
    if bars[at].minute + horizon > bars[-1].minute:
        return Result("censored", None, to_target, to_stop, None, None)
    return Result("none", last, to_target, to_stop, mfe, mae)
