"""Labels read back: any of the grid, from the table that all of them follow from, whether or not it has a file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from barmill.errors import BarsError
from barmill.market.grids import Label
from barmill.reader.catalogue import Catalogue

if TYPE_CHECKING:
    import pyarrow as pa


def read_labels(
    name: str, target: int, stop: int, horizon: int, tie: str | None = None, *, root: str | Path = "."
) -> "pa.Table":
    """What became of positions opened at every bar of a dataset, with this target, stop and horizon.

    Args:
        name: of the dataset, `forex/1min/EURUSD`.
        target: distance in pips; one of `label_targets` or `label_stops`.
        stop: the same of the stop.
        horizon: minutes; one of `label_horizons`.
        tie: what counts where one bar touches both: `stop`, `target`, `none`; that of the setting `both_touched` if not given.
        root: the project's folder.

    Returns:
        A row per bar, the columns of `market.touches`.

    Raises:
        BarsError: the dataset is not in `research`, its labels are not built, or their table has no such level or horizon.
        ConfigError: a setting is wrong.
    """
    from barmill.market.touches import TIES, Touches

    plan = Catalogue.at(Path(root)).plan
    if name not in {each.name for each in plan.research()}:
        fact = f"{name} is not among the datasets of the setting `research`, so no target makes its labels"
        raise BarsError(fact, f'add "{name}" to research in [tool.barmill], then run doit labels:{name}')
    table, about = (plan.path("labels", f"{name}/touches.{kind}") for kind in ("parquet", "json"))
    if not table.exists() or not about.exists():
        raise BarsError(f"{table.absolute()} is missing", f'run "doit labels:{name}"')
    told = json.loads(about.read_text(encoding="utf-8"))
    rule = plan.settings.both_touched if tie is None else tie
    for kind, value, known in (
        ("level", target, told["levels"]), ("level", stop, told["levels"]),
        ("horizon", horizon, told["horizons"]), ("tie", rule, list(TIES)),
    ):  # fmt: skip
        if value not in known:
            raise BarsError(f"the labels of {name} have no {kind} {value}", f"there are {', '.join(map(str, known))}")
    label = Label(target, stop, horizon)
    return Touches.read(table, told["pip"], [label]).label(label, rule)
