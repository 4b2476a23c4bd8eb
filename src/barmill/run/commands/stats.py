"""`doit stats`: what the last runs found, fetched, built, and saved."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from barmill.run.commands.select import JSON_OPTION, no_arguments
from barmill.run.plain import Plain, option
from barmill.run.tally import ORIGINS
from barmill.run.units import spelled
from barmill.store.runs import KEPT, last_runs

_SHOWN = 5
_RUNS = option("runs", f"count the last N runs, at most {KEPT} [default: %(default)s]", default=20, short="n")


class Stats(Plain):
    """Reads what runs left in the state file."""

    name = "stats"
    doc_purpose = "what the last runs found, fetched, built and saved"
    doc_description = "Runs that found everything fresh are not remembered, and not counted."
    cmd_options = (_RUNS, JSON_OPTION)

    def _execute(self, dep_file: str, runs: int, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("stats", pos_args)
        if runs < 1:
            raise InvalidCommand(f"-n {runs}: there is nothing to count\nhint: leave it out to count the last 20 runs")
        found = last_runs(Path(dep_file), runs)
        stages, remote = _stages(found), _remote(found)
        if as_json:
            body = {"runs": found, "stages": stages, "remote": remote}
            self.outstream.write(json.dumps(body, indent=1) + "\n")
        else:
            self.outstream.write("".join(f"{line}\n" for line in _lines(found, stages, remote)))
        return 0


def _stages(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    sums: dict[str, Counter[str]] = {}
    for run in reversed(runs):
        for stage, counts in run["stages"].items():
            sums.setdefault(stage, Counter()).update(counts)
    return {stage: {name: round(counts[name], 3) for name in (*ORIGINS, "seconds", "saved")} for stage, counts in sums.items()}


def _remote(runs: list[dict[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for run in runs:
        total.update(run.get("remote") or {})
    return dict(total)


def _lines(runs: list[dict[str, Any]], stages: Mapping[str, Mapping[str, float]], remote: Mapping[str, int]) -> Iterator[str]:
    width = max(map(len, ("stage", "all", *stages)))
    yield f"{'stage':{width}}" + "".join(f"{name:>9}" for name in ORIGINS) + f"{'spent':>12}{'saved':>12}"
    total: Counter[str] = Counter()
    for stage, counts in stages.items():
        yield _row(stage, counts, width)
        total.update(counts)
    yield _row("all", total, width)
    if remote:
        yield (
            f"remote: {remote['hits']} hits, {remote['misses']} misses, {remote['refused']} refused; "
            f"{spelled(remote['received'])} received; {remote['sent_records']} results, {spelled(remote['sent'])} sent, "
            f"{remote['unsent']} not sent"
        )
    for run in runs[:_SHOWN]:
        counts = Counter[str]()
        for each in run["stages"].values():
            counts.update(each)
        said = ", ".join(f"{counts[name]} {name}" for name in ORIGINS if counts[name])
        yield f"{run.get('started')}  {run.get('command')}  {said} in {run.get('seconds')} s"


def _row(stage: str, counts: Mapping[str, float], width: int) -> str:
    numbers = "".join(f"{counts[name]:9.0f}" for name in ORIGINS)
    return f"{stage:{width}}{numbers}{counts['seconds']:10.1f} s{counts['saved']:10.1f} s"
