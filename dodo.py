"""The market-data build, stage by stage. `doit list` shows the stages, README.md tells their story."""

from collections.abc import Iterator
from typing import Any

from doit import create_after

from barmill.run.tasks import load, tasks
from barmill.stages import (
    batches,
    chunks,
    coverage,
    export,
    gaps,
    index,
    indicators,
    instruments,
    labels,
    match,
    panel,
    patterns,
    regimes,
    reports,
    results,
    sessions,
    universes,
)

PLAN, DOIT_CONFIG = load(__file__)


def task_instruments() -> Iterator[dict[str, Any]]:
    yield from tasks(instruments, PLAN)


def task_index() -> Iterator[dict[str, Any]]:
    yield from tasks(index, PLAN)


def task_match() -> Iterator[dict[str, Any]]:
    yield from tasks(match, PLAN)


@create_after("match", target_regex=PLAN.outputs_of("export"))
def task_export() -> Iterator[dict[str, Any]]:
    yield from tasks(export, PLAN)


@create_after("export", target_regex=PLAN.outputs_of("reports"))
def task_reports() -> Iterator[dict[str, Any]]:
    yield from tasks(reports, PLAN)


@create_after("export", target_regex=PLAN.outputs_of("chunks"))
def task_chunks() -> Iterator[dict[str, Any]]:
    yield from tasks(chunks, PLAN)


@create_after("match", target_regex=PLAN.outputs_of("sessions"))
def task_sessions() -> Iterator[dict[str, Any]]:
    yield from tasks(sessions, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("gaps"))
def task_gaps() -> Iterator[dict[str, Any]]:
    yield from tasks(gaps, PLAN)


@create_after("gaps", target_regex=PLAN.outputs_of("coverage"))
def task_coverage() -> Iterator[dict[str, Any]]:
    yield from tasks(coverage, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("panel"))
def task_panel() -> Iterator[dict[str, Any]]:
    yield from tasks(panel, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("universes"))
def task_universes() -> Iterator[dict[str, Any]]:
    yield from tasks(universes, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("labels"))
def task_labels() -> Iterator[dict[str, Any]]:
    yield from tasks(labels, PLAN)


@create_after("universes", target_regex=PLAN.outputs_of("regimes"))
def task_regimes() -> Iterator[dict[str, Any]]:
    yield from tasks(regimes, PLAN)


@create_after("labels", target_regex=PLAN.outputs_of("patterns"))
def task_patterns() -> Iterator[dict[str, Any]]:
    yield from tasks(patterns, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("batches"))
def task_batches() -> Iterator[dict[str, Any]]:
    yield from tasks(batches, PLAN)


@create_after("batches", target_regex=PLAN.outputs_of("results"))
def task_results() -> Iterator[dict[str, Any]]:
    yield from tasks(results, PLAN)


@create_after("chunks", target_regex=PLAN.outputs_of("indicators"))
def task_indicators() -> Iterator[dict[str, Any]]:
    yield from tasks(indicators, PLAN)
