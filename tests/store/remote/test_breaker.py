"""A remote that does not answer is waited for as long as was said, and then not asked."""

import threading

import pytest

from barmill.errors import RemoteError
from barmill.store.remote.breaker import Breaker
from barmill.store.remote.counts import Counts
from barmill.store.remote.line import Line, Stalled
from barmill.store.remote.patience import Patience, Waiting
from barmill.store.remote.place import Unfit


@pytest.fixture
def never():
    """An event that is set when the test has ended: what waits for it ends, too."""
    event = threading.Event()
    yield event
    event.set()


def breaker(seconds: float, size: int = 4, tally=None) -> Breaker:
    return Breaker(Line(size), Patience(seconds, tally), Counts("somewhere"))


def failing(_):
    raise RemoteError("asking somewhere: it is broken", "mend it")


def test_answers_come_as_they_are():
    """Each item has its answer; what can't be believed and what fails come in the place of one."""

    def answer(number):
        if number % 3 == 1:
            raise Unfit("is odd")
        if number % 3 == 2:
            raise RemoteError("no")
        return number

    answers = dict(breaker(60.0, 1).ask(answer, range(9)))
    assert [answers[n] for n in (0, 3, 6)] == [0, 3, 6]
    assert {type(answers[n]) for n in (1, 4, 7)} == {Unfit}
    assert {type(answers[n]) for n in (2, 5, 8)} == {RemoteError}


def test_eight_failures_in_a_row_are_enough():
    """After eight failures without an answer in between the others are not begun, nor is anything later."""
    asked = []
    some = breaker(60.0, 1)
    answers = list(some.ask(lambda n: asked.append(n) or failing(n), range(1000)))
    assert len(answers) == 8
    assert some.is_open
    assert list(some.ask(asked.append, ["more"])) == []
    assert "more" not in asked
    assert (some.fault.fact, some._counts.cause) == ("somewhere: it is broken", "it is broken: mend it")


def test_failures_among_answers_are_borne():
    """A request that fails now and then does not stop the others."""
    some = breaker(60.0, 1)
    answers = list(some.ask(lambda n: failing(n) if n % 4 else n, range(100)))
    assert len(answers) == 100
    assert not some.is_open


def test_silence_ends_with_the_patience(never):
    """Where no answer comes the batch ends, and the remote is asked no more."""
    some = breaker(0.05)
    assert list(some.ask(lambda _: never.wait(), range(100))) == []
    assert some.is_open
    assert some._counts.cause.startswith("it does not answer in time: ")


def test_what_came_before_the_silence_is_kept(never):
    """Answers that came are given, those that don't come are not."""
    some = breaker(0.2, 4)
    assert {item for item, _ in some.ask(lambda n: n if n < 3 else never.wait(), range(10))} == {0, 1, 2}


def test_slow_answers_use_up_the_patience(never):
    """Answers that each take longer than is granted come to an end, too."""
    some = breaker(0.1, 1)
    assert 0 < len(list(some.ask(lambda _: never.wait(0.03), range(1000)))) < 100
    assert some.is_open


def test_a_result_may_take_as_long_as_its_build(never):
    """An answer that is worth its time is not waited for in vain."""
    some = breaker(0.05, 1)
    assert len(list(some.ask(lambda _: never.wait(0.02), range(20), worth=lambda _: 1.0, covered=1.0))) == 20
    assert not some.is_open


def test_the_processes_of_a_run_share_their_patience(tmp_path, never):
    """What one process waited in vain another does not wait again."""
    tally = tmp_path / "staging/remote"
    assert list(breaker(0.05, tally=tally).ask(lambda _: never.wait(), [1])) == []
    assert breaker(0.05, tally=tally).is_open
    assert not breaker(0.05).is_open


def test_a_fault_of_ours_is_raised():
    """An error that is not the remote's, such as a full disk, is not taken for an answer."""

    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        list(breaker(60.0).ask(full, [1]))


def test_patience_is_spent_by_waiting_in_vain():
    """What is granted is not counted; what is spent adds up."""
    patience = Patience(10.0)
    waiting = Waiting(patience)
    waiting.answered()
    waiting.end()
    assert patience.left == 10.0
    patience.spend(4.0)
    patience.spend(4.0)
    assert patience.left == 2.0
    patience.end()
    assert patience.left < 0


def test_a_line_does_what_it_can_at_once():
    """As many calls as the line is wide are under way together, and no more."""
    barrier, most, lock = threading.Barrier(3), [0, 0], threading.Lock()

    def call(_):
        with lock:
            most[0] += 1
            most[1] = max(most)
        barrier.wait(10)
        with lock:
            most[0] -= 1

    assert len(list(Line(3).each(call, range(30)))) == 30
    assert most[1] == 3


def test_a_line_that_is_left_begins_nothing_more(never):
    """When nobody wants the answers any more, what was not begun is not done."""
    done = []
    line = Line(1)
    with pytest.raises(Stalled):
        list(line.each(lambda n: never.wait() or done.append(n), range(5), lambda: 0.05))
    never.set()
    assert [answer for _, answer in line.each(lambda n: n, range(3))] == [0, 1, 2]
    assert len(done) <= 1
