"""Windows sorted into regimes: which one each is in, what the regimes are like, how they follow one another."""

import json
from collections.abc import Iterator
from pathlib import Path

from barmill.market import border, grids
from barmill.market.compression import compression_of
from barmill.market.datasets import MINUTES
from barmill.plan import Plan
from barmill.target import Target


def build(
    universe: Path,
    regimes: Path,
    profile: Path,
    transitions: Path,
    metadata: Path,
    *,
    method: str,
    out_of_sample: float | str,
    compression: str,
) -> None:
    """Find regimes in the earlier rows of a universe, and sort all rows into them.

    Args:
        universe: a table of the stage `universes`.
        regimes: a row per window, the columns of `market.profiles.table_of`.
        profile: CSV, a row per sample and regime, the columns of `market.profiles.profile_columns`.
        transitions: CSV, a row per sample and pair of regimes, the columns of `market.profiles.TRANSITIONS`.
        metadata: JSON of how they were found, and of the border between in sample and out of it (`out_of_sample_from`).
        method: `kmeans` or `hdbscan`, see `market.regimes`.
        out_of_sample: the date from which rows are only sorted, or their share; see `market.samples`.
        compression: codec and level of the Parquet file, see `market.compression`.
    """
    from barmill.market import profiles
    from barmill.market.regimes import find
    from barmill.market.tables import read_parquet, write_parquet, write_rows

    table = read_parquet(universe)
    found = find(table, method, out_of_sample)
    write_parquet(regimes, profiles.table_of(table, found), ["time"], compression=compression)
    write_rows(profile, profiles.profile_columns(found), profiles.profile(table, found))
    write_rows(transitions, profiles.TRANSITIONS, profiles.transitions(found))
    about = {"method": method, "rows": len(found.regime), "in_sample_rows": found.inside, "features": list(found.features)}
    about |= {"regimes": {str(number): name for number, name in profiles.names_of(found).items()}, **found.told}
    metadata.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def targets(plan: Plan) -> Iterator[Target]:
    """One target per dataset of `research`, universe of `regime_universes` and method."""
    share = border.of_setting(plan.settings.out_of_sample)
    settings, compression = plan.settings, compression_of("regimes", plan.settings.compression)
    for dataset in plan.research():
        grid = settings.universe_intervals, settings.universe_lookbacks, MINUTES[dataset.frequency]
        for universe, method in grids.sortings(settings.regime_universes, *grid):
            stem = f"{dataset.name}/{universe.name}_{method}"
            outputs = {
                "regimes": f"{stem}.parquet",
                "profile": f"{stem}_profile.csv",
                "transitions": f"{stem}_transitions.csv",
                "metadata": f"{stem}_metadata.json",
            }
            yield Target(
                name=stem,
                build=build,
                inputs={"universe": plan.path("universes", f"{dataset.name}/universe_{universe.name}.parquet")},
                outputs={role: plan.path("regimes", name) for role, name in outputs.items()},
                params={"method": method, "out_of_sample": share, "compression": compression},
            )
