"""A slow filler in plain Python: what made-up bars must be, written without looking at how they are made."""

Row = tuple[float, ...]
"""open, high, low, close, volume, openint"""


def filled(bars: dict[int, Row], expected: list[int], method: str, limit: int | None) -> dict[int, tuple[Row, bool]]:
    """Stamp → (values, whether made up), given bars by stamp."""
    result = {stamp: (row, False) for stamp, row in bars.items()}
    for before, after in zip(sorted(bars), sorted(bars)[1:], strict=False):
        absent = [stamp for stamp in expected if before < stamp < after]
        for number, stamp in enumerate(absent, 1):
            from_source = len(absent) - number + 1 if method == "backward" else number
            if limit is None or from_source <= limit:
                result[stamp] = (_made_up(bars[before], bars[after], number / (len(absent) + 1), method), True)
    return result


def _made_up(before: Row, after: Row, share: float, method: str) -> Row:
    if method == "forward":
        return (before[3],) * 4 + (0.0, before[5])
    if method == "backward":
        return (after[0],) * 4 + (0.0, after[5])
    if method == "interpolate":
        return (*(low + (high - low) * share for low, high in zip(before[:4], after[:4], strict=True)), 0.0, before[5])
    return (0.0,) * 6
