"""A cluster as a pool of workers: work goes out in batches, by digests; results come back through the remote."""

import math
import os
import statistics
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Self

from barmill.config import Settings
from barmill.run.cluster.address import Address
from barmill.run.cluster.crew import Crew
from barmill.run.cluster.exchange import Exchange, open_exchange
from barmill.run.cluster.lineup import Lineup
from barmill.run.cluster.link import Alone, Began, Ended, Event, Link, Present
from barmill.run.cluster.pace import GRAIN, Pace
from barmill.run.cluster.performer import Batch
from barmill.run.cluster.spec import Action
from barmill.run.cluster.whereabouts import Whereabouts
from barmill.run.pool import Pool
from barmill.run.work import Result, Work, attempted, result_of
from barmill.store.actions import Record
from barmill.store.cache import Cache, key_of

_MANY = 1000  # inputs of a target that is sooner built here than they are sent
_MOST = 2000  # actions in hand
_DEPTH = 3.0  # seconds of work in hand for each thread
_FIRST = 4  # actions in hand for each thread, at least


@dataclass
class Sent:
    """A batch that was sent: its actions, the worker's address, and its name once it has begun."""

    actions: list[Action]
    address: str
    worker: str = ""


class Cluster:
    """As `Pool`, over the workers of a Dask cluster, to which it connects when it is given the first work.

    Targets that read the names in a directory, or very many files, are built here, in processes of our own.

    Args:
        address: of the scheduler.
        size: processes of our own, and threads of a cluster that is started for this run.
        settings: of the project.

    Attributes:
        fault: why nothing more can be done, or "".
    """

    def __init__(self, address: Address, size: int, settings: Settings) -> None:
        self.fault = ""
        self._address = address
        self._settings = settings
        self._size = size
        self._local = Pool(size)
        self._bell, self._cord = Pipe(duplex=False)
        self._rung = False
        self._link: Link | None = None
        self._exchange: Exchange | None = None
        self._whereabouts = Whereabouts()
        self._pace = Pace()
        self._lineup = Lineup(self._pace, self._whereabouts)
        self._crew = Crew()
        self._works: dict[str, Work] = {}
        self._new: list[Action] = []
        self._sent: dict[int, Sent] = {}
        self._number = 0
        self._done: deque[tuple[str, Result]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._link is not None:
            self._link.close()
        if self._exchange is not None:
            self._exchange.close()
        self._local.__exit__(kind, error, trace)
        self._bell.close()
        self._cord.close()

    @property
    def lines(self) -> list[Connection]:
        """What becomes readable when `results` has something to give."""
        return [self._bell, *self._local.lines]

    @property
    def ahead(self) -> int:
        """How much work it wants to have in hand."""
        threads = max(self._crew.threads, self._size)
        wanted = math.ceil(_DEPTH * threads / self._pace.mean) if self._pace.mean else 0
        return min(_MOST, max(_FIRST * threads, wanted))

    def give(self, work: Work) -> None:
        """Have `work` done.

        Raises:
            ClusterError: there is no cluster at the address.
            ConfigError: there is no remote.
        """
        exchange = self._connected(work.cache)
        action = attempted(work.task, lambda: action_of(work))
        if isinstance(action, Result):
            self._finish(work.task, action)
        elif action is None or exchange.is_there(action):
            self._local.give(work)
        else:
            self._works[action.task] = work
            self._new.append(action)
            if self._crew.idle and len(self._new) * self._pace.expected(action) >= GRAIN:
                self.flush()

    def flush(self) -> None:
        """All the work that there is for now was given: have workers begin with it."""
        self._seek()
        for action, why in self._lineup.stranded(self._crew.addresses):
            self._finish(action.task, why)
        if (len(self._lineup) or self._sent) and self._exchange and self._exchange.is_cut_off:
            self._fail(f"the remote {self._exchange.url}: it does not answer any more", "look at it and at the network")
        while len(self._lineup) and not self.fault:
            for worker in self._crew.free():
                if actions := self._lineup.next(worker, self._crew.idle):
                    self._send(actions, worker)
                    break
            else:
                return

    def results(self) -> Iterator[tuple[str, Result]]:
        """Yield (task, result) of the work that is done, without waiting for more."""
        while self._bell.poll():
            self._bell.recv_bytes()
        self._rung = False  # only now: whoever did not ring, because somebody had, is heard below
        while self._link and self._link.events:
            self._take(self._link.events.popleft())
        while self._done:
            yield self._done.popleft()
        yield from self._local.results()

    def at_work(self) -> dict[str, str]:
        """Worker → what it is at work on, for people."""
        told: dict[str, str] = {}
        for sent in self._sent.values():
            if sent.worker:
                more = f" +{len(sent.actions) - 1}" if len(sent.actions) > 1 else ""
                told[sent.worker] = ", ".join(filter(None, (told.get(sent.worker), f"{sent.actions[0].task}{more}")))
        return told

    def _connected(self, cache: Cache) -> Exchange:
        if self._exchange is None or self._link is None:
            self._exchange = open_exchange(cache, self._settings, own=not self._address.url)
            self._pace.recall(cache.state.tasks)
            folder = str(self._exchange.folder.absolute())
            self._link = Link(self._address.url, self._size, folder, self._settings.workers_patience, self._ring)
            while self._link.events:
                self._take(self._link.events.popleft())
            if self._address.url:
                told = f"{len(self._crew)} workers, {self._crew.threads} threads"
                sys.stderr.write(f"{self._address}: {told}\n")
        return self._exchange

    def _ring(self) -> None:
        if not self._rung:
            self._rung = True
            self._cord.send_bytes(b".")

    def _fail(self, fact: str, cure: str) -> None:
        self.fault = self.fault or f"{fact}\nhint: {cure}, then run doit again; what was finished is kept"
        self._ring()

    def _finish(self, task: str, result: Result) -> None:
        self._works.pop(task, None)
        self._done.append((task, result))
        self._ring()

    def _seek(self) -> None:
        """Those of the new actions whose results the remote has need no worker."""
        exchange = self._exchange
        if not self._new or exchange is None:
            return
        actions, self._new = self._new, []
        found = exchange.find(actions)
        for action in actions:
            if action.key in found and exchange.is_there(action):
                self._finish(action.task, self._works[action.task].do())
            else:
                self._lineup.add(action)

    def _send(self, actions: list[Action], worker: str) -> None:
        exchange, link = self._exchange, self._link
        assert exchange is not None
        assert link is not None
        specs = attempted(actions[0].task, lambda: exchange.specs(actions))
        if not isinstance(specs, Result):
            self._number += 1
            self._sent[self._number] = Sent(actions, worker)
            self._crew.give(worker, self._number, self._pace.sum(actions))
            link.send(Batch(self._number, link.topic, exchange.url, tuple(specs)), worker)
        elif len(actions) == 1:
            self._lineup.cleared(actions)
            self._finish(actions[0].task, specs)
        else:
            for action in actions:
                self._send([action], worker)

    def _take(self, event: Event) -> None:
        if isinstance(event, Present):
            self._meet(event)
        elif isinstance(event, Alone):
            sys.stderr.write(f"warning: {self._address} has no workers; they are waited for\n")
        elif isinstance(event, Began):
            if event.batch in self._sent:
                self._sent[event.batch].worker = event.name
        elif isinstance(event, Ended):
            if sent := self._sent.pop(event.batch, None):
                self._crew.ended(event.batch)
                self._lineup.cleared(sent.actions)
                self._collect(sent.actions, event)
        else:
            self._fail(f"{self._address}: {event.fault}", "look at the cluster")

    def _meet(self, event: Present) -> None:
        gone = self._crew.meet(event.threads)
        self._whereabouts.forget(gone)
        for address in sorted(gone):
            sys.stderr.write(f"warning: the worker {address} is gone; what it had to do is done by others\n")
        for number, sent in [(number, sent) for number, sent in self._sent.items() if sent.address in gone]:
            del self._sent[number]
            self._link.withdraw(number) if self._link else None
            self._again(sent)

    def _again(self, sent: Sent) -> None:
        """Have a batch done by others, whose worker is gone; what several workers went away over is a fault."""
        for action in self._lineup.again(sent.actions, begun=bool(sent.worker)):
            hint = "see what it does to its machine; if memory is short, give workers fewer threads"
            self._finish(action.task, Result(fault=f"several workers died over it, the last one {sent.worker}\nhint: {hint}"))

    def _collect(self, actions: list[Action], ended: Ended) -> None:
        """Bring what was built into place."""
        done = ended.done
        if done is None:
            for action in actions:
                self._finish(action.task, Result(fault=ended.fault))
            return
        exchange = self._exchange
        assert exchange is not None
        built = [action for action, result in zip(actions, done.results, strict=True) if not result.fault]
        before = {action.key: exchange.earlier(action) for action in built}
        whole = attempted("", lambda: exchange.collect(built)) if built else set()
        took: dict[str, list[float]] = {}
        for action, result in zip(actions, done.results, strict=True):
            if not result.fault:
                took.setdefault(action.stage, []).append(result.values["took"])
                if isinstance(whole, Result):
                    taken = whole
                elif action.key not in whole:
                    taken = Result(fault=exchange.unbelieved(done.worker))
                else:
                    taken = self._placed(action, result, before[action.key])
                    self._whereabouts.note(done.worker, exchange.held(action))
                self._finish(action.task, taken)
            elif result.values.get("differs"):
                self._lineup.refused(action, done.worker, result)
            elif result.values.get("cut_off"):
                self._cut_off(action, done.worker, result)
            else:
                self._finish(action.task, result)
        for stage, seconds in took.items():
            self._pace.took(stage, statistics.fmean(seconds))

    def _cut_off(self, action: Action, worker: str, why: Result) -> None:
        """Have an action built by others than a worker to whom the remote does not answer, if there are any."""
        if self._lineup.cut_off(action, worker, why):
            reason = why.fault.partition("\n")[0]
            sys.stderr.write(f"warning: the worker {worker} is given nothing any more, others do what it had to do: {reason}\n")

    def _placed(self, action: Action, result: Result, before: Record | None) -> Result:
        exchange = self._exchange
        assert exchange is not None
        outcome = attempted(action.task, lambda: exchange.place(action, before))
        if isinstance(outcome, Result):
            return outcome
        outcome = replace(
            outcome,
            warning=outcome.warning or result.values.get("warning", ""),
            note=result.values.get("note", ""),
            failed=result.values.get("failed", {}),
        )
        return result_of(self._works[action.task].cache, action.target, outcome)


def action_of(work: Work) -> Action | None:
    """The action that a worker is to be given, None if it is to be built here.

    Raises:
        InputError: an input is missing or can't be read.
    """
    names = [name for _, name in work.target.spelled_out()]
    if len(names) > _MANY or any(map(os.path.isdir, names)):
        return None
    read = work.cache.inputs(work.target)
    manifest = work.cache.manifest(work.target, read)
    key = key_of(work.target, manifest)
    return Action(work.task, work.target, key, manifest, read, work.force, absent=key == work.absent)
