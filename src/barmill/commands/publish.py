"""`doit publish`: a database that holds exactly the indicators that are built."""

import datetime as dt
import difflib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from barmill.config import load_settings
from barmill.errors import BarmillError, ConfigError, InputError
from barmill.plan import Plan
from barmill.publish.address import Address
from barmill.publish.check import Difference, differences
from barmill.publish.database import Database, Session
from barmill.publish.drivers import database
from barmill.publish.parts import Entry, Part
from barmill.publish.pending import Artifact, Wish, adaptive_rows, batches, pending
from barmill.publish.publication import Publication, Report
from barmill.run.commands.run import Run
from barmill.run.commands.select import JSON_OPTION, no_arguments
from barmill.run.plain import FAILED, UNTRIED, exit_code, option
from barmill.run.shown import Shown
from barmill.stages import indicators
from barmill.store.cache import open_cache

_OPTIONS = (
    option("symbol", "publish only this symbol; may be repeated", default=[]),
    option("since", "publish only rows from this date (YYYY-MM-DD) on"),
    option("today_only", "of each symbol publish only the rows after those published, of however many days", default=False),
    option("limit", "publish at most so many symbols, the newest first", default=0),
    option("force", "compare and mend also what the ledger vouches for", default=False),
    option("batch_size", "rows of a transaction, of whole symbols; by default what memory allows", default=0),
    option("dry_run", "tell what would be published; build and write nothing", default=False),
    option("check", "compare every value in the database with the indicators that are built; write nothing", default=False),
    option("repair", "as --check, and correct what differs", default=False),
    option("no_build", "publish the indicators as they are built; build nothing", default=False),
    JSON_OPTION,
)


class Publish(Run):
    """Brings the indicators up to date as `doit indicators` does, then the database."""

    doc_purpose = "bring the indicators, and the database that holds them, up to date"
    doc_usage = ""
    doc_description = (
        "Fills the database of the setting `database` (SQLite below artifacts, if it is not set). A symbol is written when its "
        "indicators are others than those published, or rows of it are missing; rows that are right are not touched. Rows of a "
        "symbol whose indicators no target makes any more are removed. Exit code 1 if a symbol failed, or if --check found a "
        "difference; the others are published."
    )
    cmd_options = (*Run.cmd_options, *_OPTIONS)
    works_anywhere = False

    def execute(self, params: Any, args: list[str]) -> int:
        """Run with doit's parsed options."""
        no_arguments("publish", args)
        try:
            wish = Wish(_date(params["since"]), params["today_only"], params["limit"], params["force"])
        except BarmillError as error:
            return _told(error)
        only_look = params["dry_run"] or params["check"]
        built = 0
        if not (only_look or params["repair"] or params["no_build"]):
            if params["as_json"]:
                params["outfile"] = sys.stderr
            built = super().execute(params, ["indicators"])
            if built not in {0, FAILED, UNTRIED}:
                return built
        else:
            self.refuse_others()
        try:
            with Publishing(Plan(load_settings(Path())), params) as publishing:
                if params["check"] or params["repair"]:
                    code = publishing.check(repair=params["repair"])
                else:
                    code = publishing.publish(wish, dry_run=params["dry_run"])
        except BarmillError as error:
            return _told(error)
        except KeyboardInterrupt as error:
            Shown(sys.stderr).write("ended; each symbol is as it was before, or as it should be\n")
            return 128 + int(error.args[0] if error.args else signal.SIGINT)
        return max(built, code)


class Publishing:
    """One call of the command: the artifacts, the database, and what is told of them.

    Args:
        plan: of the project.
        params: the command's options.
    """

    def __init__(self, plan: Plan, params: Mapping[str, Any]) -> None:
        self._params = params
        self._start = time.perf_counter()
        self._address = Address.parse(plan.database)
        self._database: Database = database(self._address, plan.settings.database_layout)
        self._claimed = {target.name: target.outputs["out"] for target in indicators.targets(plan)}
        self._artifacts = _artifacts(plan, self._claimed, params["symbol"])
        self._session: Session = self._database.connect()
        self._entries: dict[str, Entry] = {}

    def __enter__(self) -> Self:
        try:
            self._entries = self._session.entries()
        except BaseException:
            self._session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def publish(self, wish: Wish, *, dry_run: bool) -> int:
        """Publish what the ledger does not vouch for."""
        parts, errors = pending(self._artifacts, self._entries, wish)
        if dry_run:
            return self._tell_plan(parts, errors)
        report = self._write(parts, force=wish.force)
        report.failed |= errors
        strays = self._strays()
        if not report.lost:
            report.rows += self._remove(strays)
        return self._tell(parts, report, strays)

    def check(self, *, repair: bool) -> int:
        """Compare everything; with `repair` mend what differs."""
        parts, errors = pending(self._artifacts, {}, Wish())
        found = [Difference(symbol, error=error) for symbol, error in errors.items()]
        found += differences(parts, self._session, self._entries)
        strays = self._strays()
        if not repair:
            return self._tell_check(found, strays)
        differ = {each.symbol for each in found}
        report = self._write([part for part in parts if part.symbol in differ], force=True)
        report.rows += self._remove(strays)
        report.failed |= errors
        return self._tell_check(found, strays, report)

    def _write(self, parts: Sequence[Part], *, force: bool) -> Report:
        rows = self._params["batch_size"] or adaptive_rows(self._database.row_bytes, self._database.writers)
        close, progress = _progress(len(parts))
        try:
            return Publication(self._database, force=force, progress=progress).run(batches(parts, rows), self._session)
        finally:
            close()

    def _remove(self, symbols: Sequence[str]) -> int:
        """Remove the rows of symbols; returns how many they were."""
        if not symbols:
            return 0
        session = self._database.connect()
        try:
            return session.remove(symbols)
        finally:
            session.close()

    def _strays(self) -> list[str]:
        """Symbols in the ledger whose indicators no target makes any more: the series is gone, or has no bars."""
        return [] if self._params["symbol"] else sorted(self._entries.keys() - self._claimed.keys())

    def _tell_plan(self, parts: Sequence[Part], errors: Mapping[str, str]) -> int:
        if self._params["as_json"]:
            rows = [{"symbol": each.symbol, "rows": each.rows, "why": each.why, "since": _iso(each.since)} for each in parts]
            self._json({"would_publish": rows, "failed": dict(errors), "removed_from_project": self._strays()})
        else:
            for each in parts:
                from_ = f" from {each.since}" if each.since else ""
                _line(f"would publish {each.symbol}{from_}, {each.rows} rows: {each.why}")
            _tell_errors(errors)
            for symbol in self._strays():
                _line(f"would remove {symbol}: no target makes its indicators any more")
            _line(f"{len(parts)} of {len(self._artifacts)} symbols would be published into {self._address}, as built so far")
        return FAILED if errors else 0

    def _tell(self, parts: Sequence[Part], report: Report, strays: Sequence[str]) -> int:
        untried = [part.symbol for part in parts if part.symbol not in report.done and part.symbol not in report.failed]
        unchanged = len(self._artifacts) - len(report.done) - len(report.failed) - len(untried)
        if self._params["as_json"]:
            told = {"published": report.done, "rows_written": report.rows, "unchanged": unchanged, "failed": report.failed}
            self._json(told | {"untried": untried, "error": report.lost, "removed_from_project": list(strays)})
        else:
            if not _has_bar():  # which has told them
                for symbol, rows in report.done.items():
                    _line(f"published {symbol}, {rows} rows")
            _tell_errors(report.failed)
            if report.lost:
                _line(f"error: {report.lost}")
            for symbol in strays if not report.lost else ():
                _line(f"removed {symbol}: no target makes its indicators any more")
            also = f", {len(untried)} untried" if untried else ""
            seconds = time.perf_counter() - self._start
            counts = (
                f"{len(report.done)} published ({report.rows} rows written), {unchanged} unchanged, {len(report.failed)} failed"
            )
            _line(f"{counts}{also} in {self._address} in {seconds:.2f} s")
        return UNTRIED if untried else FAILED if report.failed else 0

    def _tell_check(self, found: Sequence[Difference], strays: Sequence[str], report: Report | None = None) -> int:
        bad = bool(found or strays) if report is None else bool(report.failed or report.lost)
        if self._params["as_json"]:
            self._json({
                "differences": [vars(each) for each in found],
                "removed_from_project": list(strays),
                **({"rows_written": report.rows, "failed": report.failed, "error": report.lost} if report else {}),
            })  # fmt: skip
            return FAILED if bad else 0
        for each in found:
            counts = f"{each.missing} missing, {each.changed} changed, {each.extra} extra rows"
            _line(
                f"{each.symbol}: {each.error or counts}{'' if each.vouched or each.error else '; not in the ledger as built'}"
            )
        for symbol in strays:
            _line(f"{symbol}: no target makes its indicators any more")
        if report:
            _tell_errors(report.failed)
            mended = f", {report.rows} rows mended" + (f"; error: {report.lost}" if report.lost else "")
        else:
            mended = '; "doit publish --repair" mends it' if bad else ""
        right = len(self._artifacts) - len(found)
        _line(f"{right} of {len(self._artifacts)} symbols are exactly right in {self._address}{mended}")
        return FAILED if bad else 0

    def _json(self, value: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps({"database": str(self._address), **value}, indent=1, default=str) + "\n")


def _artifacts(plan: Plan, claimed: Mapping[str, Path], chosen: Sequence[str]) -> list[Artifact]:
    """The indicators that are built, of the chosen symbols or all; what no target makes any more is not among them.

    Raises:
        ConfigError: a symbol is unknown.
        InputError: none are built.
    """
    for name in chosen:
        if name not in claimed:
            near = ", ".join(difflib.get_close_matches(name, claimed, 3))
            hint = f"the nearest are {near}" if near else '"doit datasets" lists them'
            raise ConfigError(f"--symbol {name}: not a daily series that has bars", hint)
    stats = open_cache(plan.store, plan.state, plan.settings.link, plan.settings.fsync, plan.settings.compress).stats
    paths = {name: claimed[name] for name in chosen or claimed}
    found = [Artifact(name, path, stats.output_once(path)) for name, path in paths.items() if os.path.exists(path)]
    if not found:
        raise InputError(f"no indicators are built in {plan.path('indicators', '').absolute()}", "run doit")
    return found


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"--since {text} is no date", "write it as 2024-01-31") from None


def _progress(total: int) -> tuple[Callable[[], None], Callable[[int], None]]:
    """How to take the progress bar away, and to draw it; without a terminal there is none."""
    if not _has_bar() or not total:
        return lambda: None, lambda _: None
    from barmill.run.progress import Bar

    bar = Bar(sys.stderr)
    return bar.close, lambda done: bar.draw("publish", done, total)


def _has_bar() -> bool:
    return sys.stderr.isatty() and not os.environ.get("CI")


def _told(error: BarmillError) -> int:
    Shown(sys.stderr).write(f"error: {error}\n")
    return exit_code(error)


def _tell_errors(errors: Mapping[str, str]) -> None:
    for symbol, error in errors.items():
        _line(f"failed {symbol}: {error}")


def _iso(date: dt.date | None) -> str | None:
    return date.isoformat() if date else None


def _line(text: str) -> None:
    Shown(sys.stdout).write(f"{text}\n")
