"""What the processes of the race harness do: build over a shared store, collect its garbage, and look whether it is sound."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from barmill import files
from barmill.errors import StoreError
from barmill.hashing import digest_file
from barmill.store.cache import Cache
from barmill.store.census import take
from barmill.store.collect import collect
from barmill.store.guard import Guard
from barmill.store.limits import Limits
from barmill.target import Target
from tests.store import builds
from tests.support.project import Project

TIMES = (1, 2, 3)


@dataclass
class Tally:
    """What a process did, and what it found wrong."""

    counts: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Count something."""
        self.counts[what] = self.counts.get(what, 0) + number


def rounds(end: float) -> Iterator[int]:
    """Count rounds until a time."""
    number = 0
    while time.time() < end:
        yield number
        number += 1


def in_process(root: Path, store: Path, seed: int, end: float) -> Tally:
    """Ensure targets with ever other inputs and parameters in a checkout, deleting outputs in between."""
    dice, tally = random.Random(seed), Tally()
    link = ("reflink", "copy", "hardlink")[seed % 3]
    (root / "scratch").mkdir(parents=True)
    cache = Cache(store, root / "artifacts/state.sqlite", link=link)
    for number in rounds(end):
        # What is written depends on the dice alone: checkouts meet at the same keys, and objects under different ones.
        text = root / "text"
        text.write_text("\n".join(f"{dice.randrange(3)}/{line}={dice.randrange(2)}" for line in range(dice.choice([1, 4, 30]))))
        for target in targets(root, text, dice):
            try:
                outcome = cache.ensure(target, task=f"stage:{target.name}", force=not dice.randrange(20))
                cache.state.put("tasks", f"stage:{target.name}", {"finished": cache.finished(target, outcome)})
                tally.count(outcome.origin)
                if outcome.warning:
                    tally.lost.append(f"{root.name} {target.name} {number}: {outcome.warning}")
            except Exception as error:  # noqa: BLE001 whatever it is, it is a loss
                tally.lost.append(f"{root.name} {target.name} {number}: {error!r}")
                continue
            scratch = root / "scratch" / target.name
            target.call({"out": scratch})
            if tree(scratch) != tree(target.outputs["out"]):
                tally.lost.append(f"{root.name} {target.name} {number}: other bytes than a build from scratch")
            clear(scratch)
            if dice.randrange(3):
                clear(target.outputs["out"])
            cache.stats.forget(target.outputs["out"])
        cache.state.commit()
    return tally


def targets(root: Path, text: Path, dice: random.Random) -> list[Target]:
    """A file, a folder, and a group, each with an output of its own."""
    out = root / "artifacts"
    return [
        Target("upper", builds.upper, {"text": text}, {"out": out / "upper"}, {"times": dice.choice(TIMES)}),
        Target("split", builds.split, {"text": text}, {"out": out / "split"}),
        Target("joined", builds.joined, {"texts": [text]}, {"out": out / "joined"}),
    ]


def in_doit(root: Path, store: Path, expected: dict[int, dict[str, bytes]], seed: int, end: float) -> Tally:
    """Run `doit` in a checkout with ever other parameters, deleting artifacts, or all that is remembered, in between."""
    dice, tally, project = random.Random(seed), Tally(), Project.make(root)
    for _ in rounds(end):
        times = dice.choice(TIMES)
        (root / "times").write_text(str(times))
        victim = dice.choice(["", "upper", "split", "join", "."])
        if victim:
            clear(root / "artifacts" / victim)
        result = project.doit(*dice.choice([(), ("-n", "2")]), BARMILL_STORE=str(store))
        tally.count("doit runs")
        if result.code:
            tally.lost.append(f"{root.name}: exit code {result.code}: {result.out}{result.err}")
        elif project.artifacts() != expected[times]:
            tally.lost.append(f"{root.name}: other artifacts than from scratch")
        for origin, number in result.counts.items() if not result.code else ():
            tally.count(origin, number)
    return tally


def gc(root: Path, store: Path, end: float) -> Tally:
    """Collect all that may go, over and over; every other time also what is in a present graph."""
    tally = Tally()
    for number in rounds(end):
        try:
            report = collect(store, Limits(max_size=1), grace=0, ignored=[root] if number % 2 else [])
        except StoreError as error:  # it refused: nothing was deleted
            tally.count("refused")
            tally.counts.setdefault(str(error), 0)
            continue
        tally.count("gc runs")
        for kind, removed in report.removed.items():
            tally.count(f"removed {kind}", removed.count)
        tally.damaged += faults(store)
        time.sleep(0.02)
    return tally


def faults(store: Path) -> list[str]:
    """What is wrong in the store, others at work or not: gc is held off, and records are written after their objects."""
    found = []
    with Guard(store).shared():
        census = take(store)
        for known in census.records.values():
            missing = known.objects.keys() - census.objects.keys()
            found += [f"{known.file.path} names {digest}, which is not there" for digest in missing]
        found += [
            f"{file.path} has another digest" for digest, file in census.objects.items() if digest_file(file.path) != digest
        ]
        found += [f"{file.path} is damaged" for file in census.damaged]
        found += [f"{path} was set aside" for path in (store / "quarantine").glob("*")]
    return found


def tree(path: Path) -> dict[str, bytes]:
    """Relative name → bytes of what lies at a path."""
    found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {str(each.relative_to(path)): each.read_bytes() for each in found}


def clear(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        files.discard(path)  # gc may be reading the state in it
    else:
        path.unlink(missing_ok=True)
