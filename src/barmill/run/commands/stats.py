"""`doit stats`: what the last runs found, fetched, built, and saved."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from doit.exceptions import InvalidCommand

from barmill.files import write_atomic
from barmill.run.commands.select import JSON_OPTION, no_arguments
from barmill.run.plain import option
from barmill.run.storewide import StoreWide
from barmill.run.sums import Run, hit_rate, remote_line, remote_of, stages_of, total_of
from barmill.run.tally import ORIGINS
from barmill.store.runs import KEPT, last_runs

_SHOWN = 5
_RUNS = option("runs", f"count the last N runs, at most {KEPT} [default: %(default)s]", default=20, short="n")
_HTML = option("html", "write a page with charts to FILE, also of what the store holds")


class Stats(StoreWide):
    """Reads what runs left in the state file."""

    name = "stats"
    doc_purpose = "what the last runs found, fetched, built and saved"
    doc_description = (
        "A hit is a target that was fresh, restored or fetched; a miss was built, or failed. Runs that found everything fresh "
        "are not remembered, and not counted."
    )
    cmd_options = (_RUNS, _HTML, JSON_OPTION)

    def _execute(self, dep_file: str, store: str, runs: int, html: str, as_json: bool, pos_args: list[str]) -> int:
        no_arguments("stats", pos_args)
        if runs < 1:
            raise InvalidCommand(f"-n {runs}: there is nothing to count\nhint: leave it out to count the last 20 runs")
        found = last_runs(Path(dep_file), runs)
        if as_json:
            stages = {stage: _told(counts) for stage, counts in stages_of(found).items()}
            body = {"runs": found, "stages": stages, "remote": remote_of(found)}
            self.outstream.write(json.dumps(body, indent=1) + "\n")
        else:
            self.outstream.write("".join(f"{line}\n" for line in _lines(found)))
        if html:
            from barmill.run.dashboard import dashboard
            from barmill.store.figures import figures

            write_atomic(Path(html), dashboard(found, figures(Path(store))).encode())
        return 0


def _told(counts: Mapping[str, float]) -> dict[str, float | None]:
    rounded = {name: round(counts[name], 3) for name in (*ORIGINS, "seconds", "saved")}
    return {**rounded, "hit_rate": hit_rate(counts)}


def _lines(runs: Sequence[Run]) -> Iterator[str]:
    stages = stages_of(runs)
    width = max(map(len, ("stage", "all", *stages)))
    yield f"{'stage':{width}}" + "".join(f"{name:>9}" for name in (*ORIGINS, "hits")) + f"{'spent':>12}{'saved':>12}"
    for stage, counts in stages.items():
        yield _row(stage, counts, width)
    yield _row("all", sum(stages.values(), Counter()), width)
    if told := remote_line(runs):
        yield told
    for run in runs[:_SHOWN]:
        counts = total_of(run)
        said = ", ".join(f"{counts[name]} {name}" for name in ORIGINS if counts[name])
        yield f"{run.get('started')}  {run.get('command')}  {said} in {run.get('seconds')} s"


def _row(stage: str, counts: Mapping[str, float], width: int) -> str:
    numbers = "".join(f"{counts[name]:9.0f}" for name in ORIGINS)
    hits = "" if (rate := hit_rate(counts)) is None else f"{rate:.1%}"
    return f"{stage:{width}}{numbers}{hits:>9}{counts['seconds']:10.1f} s{counts['saved']:10.1f} s"
