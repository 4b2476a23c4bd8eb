"""The service: datasets, health, history and bars for whoever can reach it, updates for whoever has the token.

Nothing of a request becomes part of a path or a command's option: names are looked up among the project's datasets.
"""

import datetime as dt
import hmac
import itertools
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.middleware.trustedhost import TrustedHostMiddleware

from barmill import __version__
from barmill.config import load_settings
from barmill.errors import BarmillError, BarsError, Busy, ChunkCorrupt, ChunkMissing, ConfigError, InputError
from barmill.market.datasets import Dataset
from barmill.reader.bars import iter_series
from barmill.reader.catalogue import Catalogue
from barmill.report.health import as_rows as conditions
from barmill.report.health import examine
from barmill.report.lag import Timetable
from barmill.serve import answers
from barmill.serve.answers import Bars, Fault, Fill, Form, Series, Updated, Wanted
from barmill.serve.updates import Updates
from barmill.sources.history import History

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_ROWS, _MOST_ROWS = 10_000, 100_000
_STATUS: dict[type[BarmillError], int] = {
    BarsError: 404,
    InputError: 404,
    Busy: 409,
    ConfigError: 500,
    ChunkMissing: 503,
    ChunkCorrupt: 503,
}
_DENIED: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault},
    403: {"model": Fault},
    409: {"model": Fault},
    502: {"model": Fault},
}
_UNREADABLE: dict[int | str, dict[str, Any]] = {404: {"model": Fault}, 503: {"model": Fault}}


class Denied(BarmillError):
    """A request without the right to what it asks for."""

    def __init__(self, status: HTTPStatus, fact: str, hint: str) -> None:
        super().__init__(fact, hint)
        self.status = status


def create_app(root: Path, hosts: tuple[str, ...] = LOOPBACK) -> FastAPI:
    """The service of the project at `root`, for requests that name one of these hosts."""
    app = FastAPI(title="barmill", version=__version__, description=(__doc__ or "").partition("\n")[0])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[f"[{name}]" if ":" in name else name for name in hosts])
    app.add_exception_handler(BarmillError, _told)
    updates = Updates(root)

    @app.get("/datasets")
    def datasets(asset_class: str = "") -> list[Series]:
        """Every price series of the project, or those of an asset class."""
        catalogue = Catalogue.at(root)
        return [_series(catalogue, each) for each in catalogue.datasets() if asset_class in {"", each.asset_class}]

    @app.get("/health")
    def health(stale_days: Annotated[int, Query(ge=0, le=36500)] = 7) -> dict[str, Any]:
        """Which datasets are healthy, stale or in error, as `doit health --json`."""
        catalogue, now = Catalogue.at(root), dt.datetime.now(dt.UTC)
        found = examine(catalogue.plan, catalogue.datasets(), Timetable(catalogue.plan, now), stale_days)
        return {
            "now": now.isoformat(timespec="seconds"),
            "stale_days": stale_days,
            "healthy": found.is_good,
            "totals": found.counts(),
            "by_asset_class": found.by_class(),
            "datasets": conditions(found),
            "strays": found.strays,
            "faults": found.faults,
            "shared_gaps": found.shared,
        }

    @app.get("/history", responses=_UNREADABLE)
    def history(dataset: str) -> dict[str, Any]:
        """The last 100 loads, updates and syncs of a dataset."""
        catalogue = Catalogue.at(root)
        found = catalogue.find(dataset, None)[0]
        told = History.of(catalogue.plan.settings.series, found.name)
        return {"name": found.name, "provider": told.provider, "updates": [vars(each) for each in told.updates]}

    @app.get(
        "/bars", response_model=Bars, responses={**_UNREADABLE, 200: {"content": {form: {} for form in answers.MEDIA.values()}}}
    )
    def bars(
        symbol: Annotated[list[str], Query(min_length=1)],
        start: dt.date | None = None,
        end: dt.date | None = None,
        column: Annotated[list[str] | None, Query()] = None,
        fill: Fill | None = None,
        frequency: str | None = None,
        limit: Annotated[int | None, Query(ge=1, le=_MOST_ROWS)] = None,
        form: Form = "json",
    ) -> Any:
        """Bars of datasets from `start` to before `end`, as `barmill.read_bars`, the first `limit` of them.

        Without a limit JSON has the first 10,000; every other form has all, and is sent while it is read. If a dataset behind
        the first can't be read, the answer breaks off.
        """
        tables = iter_series(symbol, start, end, column, fill, frequency=frequency, root=root)
        if form == "json":
            return answers.as_rows(tables, limit or _ROWS)
        known = [next(tables)]  # what can't be read at all has a status
        found = itertools.chain(known, tables)
        parts = answers.as_bytes(answers.first(found, limit) if limit else found, form)
        return StreamingResponse(parts, media_type=answers.MEDIA[form])

    @app.post("/updates", dependencies=[Depends(_allowed(root))], responses=_DENIED)
    def update(wanted: Wanted) -> Updated:
        """Bring datasets up to date from where they came from, as `doit update`; needs the token."""
        return updates.run(wanted)

    return app


def _series(catalogue: Catalogue, dataset: Dataset) -> Series:
    manifest = catalogue.plan.manifest(dataset.name)
    return Series(
        name=dataset.name,
        symbol=dataset.symbol,
        asset_class=dataset.asset_class,
        frequency=dataset.frequency,
        exchange=dataset.mic,
        calendar=catalogue.plan.calendar(dataset),
        rows=manifest.rows if manifest else 0,
        start=manifest.start if manifest else "",
        end=manifest.end if manifest else "",
    )


def _allowed(root: Path) -> Any:
    """What lets a request pass that carries the token of the settings."""
    bearer = HTTPBearer(auto_error=False)

    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        token = load_settings(root).token
        if not token:
            raise Denied(HTTPStatus.FORBIDDEN, "updates are switched off", "set BARMILL_TOKEN where the service runs")
        if given is None or not hmac.compare_digest(_sent(given.credentials), token.encode()):
            raise Denied(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong", "send it as Authorization: Bearer TOKEN")

    return check


def _sent(credentials: str) -> bytes:
    """The bytes that a client sent, which Starlette decodes as Latin-1."""
    return credentials.encode("latin-1", errors="replace")


def _told(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BarmillError), "the handler is that of our errors"
    status = error.status if isinstance(error, Denied) else _STATUS.get(type(error), 502)
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse({"error": error.fact, "hint": error.hint}, status, headers)
