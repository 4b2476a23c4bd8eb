"""What is done to a series, under its lock and in its history, and what became of it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from barmill.config import Settings
from barmill.errors import BarmillError, Busy, InputError
from barmill.market.datasets import Dataset
from barmill.market.dialects import Reading
from barmill.sources import locks
from barmill.sources.history import FAILED, OK, Entry, History, Writing

_LOG = logging.getLogger("barmill.sources")


@dataclass
class Outcome:
    """What became of an order: the entry of the history, and what was conspicuous, in words.

    Attributes:
        dialect: how the fetched text was read (`dialects.Reading`); empty if nothing was.
        rejected: its lines that are not bars: line, reason, text.
    """

    name: str
    entry: Entry
    notes: list[str] = field(default_factory=list)
    dialect: dict[str, Any] = field(default_factory=dict)
    rejected: list[dict[str, int | str]] = field(default_factory=list)

    def read(self, reading: Reading) -> None:
        """Take in how a fetched text was read; of several texts the last dialect, and all rejected lines."""
        self.dialect = reading.dialect
        self.rejected += reading.bars.rejected

    def fail(self, error: Exception) -> None:
        """Take in what went wrong."""
        self.entry.status = FAILED
        known = isinstance(error, BarmillError)
        self.entry.errors.append(str(error) if known else f"{type(error).__name__}: {error}")


def record(
    dataset: Dataset,
    settings: Settings,
    outcome: Outcome,
    work: Callable[[Writing], None],
    *,
    source: Sequence[str] | None,
    said: Mapping[str, str] | None = None,
    dry_run: bool,
) -> None:
    """Do some work on a series; nothing raises, what goes wrong is in the outcome.

    It is in the history, too, unless the lock could not be had: only its holder writes there.

    Args:
        dataset: the series.
        settings: of the project.
        outcome: of the work; its entry goes into the history.
        work: what is done with the lock held; it publishes through what it is given.
        source: see `Writing`; where it is None, the history must be sound, as it says who provides the series.
        said: see `Writing`.
        dry_run: write no history; the work must write nothing either.
    """
    series, name = settings.series, dataset.name
    try:
        with locks.held(series, name, settings.lock_timeout):
            if source is None:
                History.of(series, name, holding=True)
            writing = Writing(series, name, dataset.raw, name, outcome.entry, source, said)
            if not dry_run:
                writing.start()
            try:
                work(writing)
                outcome.entry.status = OK
            except Exception as error:  # noqa: BLE001 (whatever a provider's library raises is a failure of this series alone)
                _LOG.debug("%s failed", name, exc_info=True)
                outcome.fail(error)
            if not dry_run:
                writing.end(outcome.entry.status)
    except (Busy, InputError, OSError) as error:
        outcome.fail(error)
