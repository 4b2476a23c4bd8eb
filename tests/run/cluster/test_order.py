"""Who gets what, and when: the pace, the whereabouts, the crew and the line of waiting actions."""

import json
from pathlib import Path

from barmill.hashing import Digest
from barmill.run.cluster.crew import Crew
from barmill.run.cluster.lineup import Lineup
from barmill.run.cluster.pace import GRAIN, Pace
from barmill.run.cluster.spec import Action
from barmill.run.cluster.whereabouts import Whereabouts
from barmill.run.work import Result
from barmill.target import Target


def build(out: Path) -> None:
    """Nothing."""


OTHER = Result(fault="it is not what it should be")
TARGET = Target("t", build, {}, {"out": Path("out")})


def action(name: str, *digests: str) -> Action:
    """An action that reads these."""
    read = [("in", f"{digest}.txt", Digest(digest)) for digest in digests]
    return Action(f"stage:{name}", TARGET, Digest(name), {}, read)


def many(count: int) -> list[Action]:
    """So many actions."""
    return [action(str(number)) for number in range(count)]


def paced(seconds: float) -> Pace:
    """A pace at which every action takes so long."""
    pace = Pace()
    pace.took("stage", seconds)
    return pace


def lineup(pace: Pace, actions: list[Action]) -> Lineup:
    """A line of these actions."""
    line = Lineup(pace, Whereabouts())
    for each in actions:
        line.add(each)
    return line


def entry(origin: str, seconds: float, saved: float) -> str:
    """What a state remembers of a task."""
    return json.dumps({"_values_:": {"origin": origin, "seconds": seconds, "saved": saved}})


def test_what_was_recorded_is_expected() -> None:
    """The seconds of the last build count, also of a target that was restored since; damage counts as nothing known."""
    pace = Pace()
    pace.recall({"stage:a": entry("built", 3.0, 0.0), "stage:b": entry("restored", 0.1, 7.0), "stage:c": "{"})
    assert [pace.expected(action(name)) for name in ("a", "b", "c", "d")] == [3.0, 7.0, GRAIN, GRAIN]


def test_the_newest_batches_count_most() -> None:
    """What nothing is recorded of takes what others of its stage took in this run, the first ones soon forgotten."""
    pace = paced(8.0)
    for _ in range(8):
        pace.took("stage", 0.01)
    assert 0.01 < pace.expected(action("a")) < 0.05
    assert pace.mean == pace.expected(action("a"))


def test_a_batch_is_a_grain() -> None:
    """Small actions are sent together, about half a second of them; a large one alone; unknown ones one by one."""
    assert len(paced(GRAIN / 64).share(many(500), 500)) == 64
    assert len(paced(0.01).share(many(500), 20)) == 20
    assert len(paced(30.0).share(many(500), 500)) == 1
    assert len(Pace().share(many(500), 500)) == 1


def test_no_thread_is_left_idle() -> None:
    """Where threads have nothing to do, none gets more than its share."""
    line = lineup(paced(0.001), many(10))
    assert [len(line.next("w", idle)) for idle in (4, 3, 2, 1)] == [3, 3, 2, 2]
    assert len(line) == 0
    assert line.next("w", 1) == []


def test_an_action_goes_where_its_inputs_are() -> None:
    """It is taken first by the worker with most bytes of its inputs, by others only when they have nothing better."""
    where = Whereabouts()
    where.note("near", [(Digest("big"), 1000), (Digest("small"), 1)])
    where.note("far", [(Digest("small"), 1)])
    large, small, new = action("large", "big"), action("small", "small"), action("new", "other")
    assert where.order([new, small, large], "near") == [large, new, small]
    assert where.order([large, new, small], "far") == [new, small, large]
    where.forget({"near"})
    assert where.gain(large, "far") == 0
    assert where.gain(small, "far") == 1


def test_an_object_counts_once() -> None:
    """An input that is read in two roles is one object on the worker."""
    where = Whereabouts()
    where.note("w", [(Digest("a"), 10)])
    assert where.gain(action("x", "a", "a"), "w") == 10


def test_nothing_waits_behind_what_is_long() -> None:
    """A worker gets more while its threads will soon be idle, never behind something long; the least busy is next."""
    crew = Crew()
    crew.meet({"a": 1, "b": 2})
    crew.give("a", 1, 60.0)
    crew.give("b", 2, 60.0)
    assert crew.free() == ["b"]  # its other thread
    crew.give("b", 3, 60.0)
    assert (crew.free(), crew.idle) == ([], 0)
    crew.ended(1)
    crew.ended(2)
    crew.give("a", 4, 0.3)
    assert crew.free() == ["a", "b"]
    crew.give("a", 5, 0.8)
    assert crew.free() == ["b"]


def test_who_is_gone_is_told() -> None:
    """Workers come and go; one without a thread is none."""
    crew = Crew()
    assert crew.meet({"a": 1, "b": 2, "c": 0}) == set()
    assert (len(crew), crew.threads) == (2, 3)
    assert crew.meet({"b": 4}) == {"a"}
    assert (len(crew), crew.threads) == (1, 4)


def test_suspects_are_tried_alone() -> None:
    """What two workers went away over is tried alone, one at a time; the one that a third goes away over is told."""
    actions = many(3)
    line = lineup(paced(0.001), actions)
    for _ in range(2):
        batch = line.next("w", 1)
        assert batch == actions
        assert line.again(batch, begun=True) == []
    line.add(action("innocent"))
    (first,) = line.next("w", 1)
    assert [each.task for each in line.next("w", 1)] == ["stage:innocent"]  # meanwhile no second suspect
    assert line.again([first], begun=True) == [first]
    (second,) = line.next("w", 1)
    line.cleared([second])
    (third,) = line.next("w", 1)
    assert [first, second, third] == actions


def test_what_had_not_begun_is_above_suspicion() -> None:
    """A batch whose worker went away before it began waits again; only after many such workers it is tried alone, then told."""
    line = lineup(paced(0.001), many(2))
    for _ in range(7):
        assert line.again(line.next("w", 1), begun=False) == []
    batch = line.next("w", 1)
    assert len(batch) == 2
    line.again(batch, begun=False)
    told = []
    while len(line):
        alone = line.next("w", 1)
        assert len(alone) == 1
        told += line.again(alone, begun=False)
    assert told == batch


def test_who_refuses_gets_no_more_of_the_stage() -> None:
    """A worker that would build something else is given other stages only; what all that are there refuse is told."""
    actions = many(2)
    line = lineup(paced(0.001), actions)
    assert line.next("old", 2) == actions[:1]
    line.refused(actions[0], "old", OTHER)
    assert line.next("old", 1) == []
    assert line.stranded({"old", "new"}) == []
    assert line.stranded(set()) == []
    assert line.stranded({"old"}) == [(actions[1], OTHER), (actions[0], OTHER)]
    assert len(line) == 0


def test_who_is_cut_off_gets_no_more() -> None:
    """A worker without a remote is told of once, and given nothing more; what is left when all are such is told, with why."""
    actions = many(3)
    line = lineup(paced(0.001), actions)
    assert line.next("far", 1) == actions
    assert [line.cut_off(each, "far", OTHER) for each in actions] == [True, False, False]
    assert line.next("far", 1) == []
    assert line.stranded({"far", "near"}) == []
    assert line.next("near", 3) == actions[:1]
    line.refused(actions[0], "near", Result(fault="it has other code"))
    assert line.stranded({"far", "near"}) == [(actions[number], OTHER) for number in (1, 2, 0)]
    assert len(line) == 0
