"""What a terminal shows of a cluster: who is at work on what."""

import io
from pathlib import Path

from rich.console import Console

from barmill.config import Settings
from barmill.hashing import Digest
from barmill.run.cluster.address import Address
from barmill.run.cluster.link import Began, Present
from barmill.run.cluster.pool import Cluster, Sent
from barmill.run.cluster.spec import Action
from barmill.run.progress import Bar
from barmill.target import Target


def build(out: Path) -> None:
    """Nothing."""


def actions(*names: str) -> list[Action]:
    """Actions of these names."""
    return [Action(f"upper:{name}", Target(name, build, {}, {"out": Path(name)}), Digest(name), {}, []) for name in names]


def test_each_worker_and_what_it_does() -> None:
    """A worker is told with the first action of each of its batches, and how many more there are; not before it has begun."""
    with Cluster(Address("tcp://nowhere:1"), 1, Settings()) as cluster:
        cluster._sent = {1: Sent(actions("ant", "bee", "cat"), "a"), 2: Sent(actions("dog"), "a"), 3: Sent(actions("eel"), "b")}
        cluster._take(Present({"a": 2, "b": 1}))
        assert cluster.at_work() == {}
        cluster._take(Began(1, "a", "w1"))
        cluster._take(Began(2, "a", "w1"))
        assert cluster.at_work() == {"w1": "upper:ant +2, upper:dog"}


def test_lines_below_the_bar() -> None:
    """Below the bar there is a line for each worker, of which a crowd is only counted."""
    bar = Bar(io.StringIO())
    bar.show_workers({f"w{number:02}": f"upper:t{number}" for number in range(20)})
    out = io.StringIO()
    console = Console(file=out, width=60)
    for each in bar._progress.get_renderables():
        console.print(each)
    bar.close()
    lines = out.getvalue().splitlines()
    assert lines[1:] == [*(f"  w{number:02}  upper:t{number}" for number in range(8)), "  and 12 more workers"]
