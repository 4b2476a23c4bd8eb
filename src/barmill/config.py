"""Settings: `[tool.barmill]` of pyproject.toml, then `BARMILL_*` variables. The only reader of environment and TOML."""

import dataclasses
import datetime as dt
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barmill.errors import ConfigError, InputError, near_word
from barmill.files import read_text


@dataclass(frozen=True)
class Settings:
    """What a project can set; folders are relative to the project's root.

    Attributes:
        stooq: root of the raw Stooq tree.
        instruments: folder of the brokers' instrument lists.
        series: folder of single price series (one file each).
        artifacts: everything that is built.
        store: content-addressed store; `<artifacts>/store` if not set. May lie outside the project and be shared.
        link: how a stored object becomes a file: `reflink` (else copy), `copy`, `hardlink`.
        compress: whether new objects of the store are compressed where it pays: `none`, `zstd` (needs `barmill[zstd]`).
        remote: a store elsewhere that results are fetched from and sent to: `s3://bucket/prefix`, `gs://…`, `az://…`,
            `http(s)://host/path`, `file:///…` or a folder; "": none. Needs `barmill[remote]`.
        remote_mode: `read-write`, `read`, `write`, or `offline` (the remote is left alone).
        remote_patience: seconds that a dead or slow remote costs a run at most.
        remote_key: what records in the remote are sealed with, and must be; a secret: better in BARMILL_REMOTE_KEY.
        worker_folder: where a worker of a cluster keeps its store, on its own machine; Dask's folder for it if not set.
        workers_patience: seconds that a run waits for a cluster that has no worker.
        fsync: wait for the disk at each store write (a torn object is found and rebuilt without it, too); data always wait.
        frequency: the part of the tree that instruments are matched with: `daily`, `hourly`, `5 min`.
        lse_currency_policy: whose currency counts for a London line: `broker`, `stooq`, `strict` (neither if they differ).
        include_empty_prices: write a header-only export for a file without a valid row.
        venues: what a broker calls a market → its MIC, beside the built-in names (`"TGATE" = "XETR"`).
        columns: heading in a broker's list → `symbol`, `isin`, `market`, `name` or `currency`, beside the built-in headings.
        aliases: old ticker → new ticker, beside the built-in ones (`"FB.US" = "META.US"`).
        spike: a day's |ln return| above which a bar is flagged.
        stale_days: days behind the last bar of its region after which a series has ended.
        chunk_daily: period of the chunks of daily and longer bars: `week`, `month`, `quarter`, `year`, or `N days`.
        chunk_intraday: the same for bars within a day.
        chunk_schemes: glob of dataset name → period of its chunks; the first that matches wins over the two above.
        compression: stage → codec and level of the Parquet files it writes: `zstd:3`, `lz4`, `none`.
        calendars: glob of dataset names → calendar, before what the dataset's exchange or asset class says.
        session_changes: CSV of changes to calendars (`market.changes`); need not exist.
        sessions_from: first date of the tables of sessions.
        sessions_until: last date of them.
        gap_tolerance: share of the expected bars whose absence leaves a series complete.
        halted_after: sessions in a row without a bar that are a halt, not missing data.
        rules: rule, or asset class and rule, → what is done about bars that break it: `reject`, `quarantine`, `warn`, `allow`.
        stale_run: equal closes in a row of daily and longer bars that are told of (within a day twelve times as many); 0: none.
        providers: name of a provider → what it is and where its prices are (`sources.catalogue` says which keys).
        lock_timeout: seconds that a load or update waits for another one of the same dataset.
        publishing_delay: minutes after the close of a session until its bars can be had; `doit due` waits for them.
        notify: addresses, as Apprise writes them, that `doit notify` sends to. They hold secrets: better in BARMILL_NOTIFY.
        token: what a request to `doit serve` must carry to trigger an update; a secret: better in BARMILL_TOKEN.
        research: globs of dataset names (`forex/1min/*`) that the research stages are made for; bars within a day only.
        strategies: what is backtested, see `market.strategies.strategy`: `default` (all of the table), or lines such as
            `ma_cross fast=5|8 ratio=3 stop=2 target=5`.
        batch_size: strategies in a batch.
        costs: glob of dataset names → spread, commission, slippage in basis points (`"0.2 0.3 0.1"`), where those of its
            kind, see `market.costs`, don't fit.
        both_touched: what a bar that touches stop and target, and opens beyond neither, ends a position at.
        out_of_sample: the date from which regimes, patterns and rankings learn nothing, or the share of the bars, the last
            ones, from which `market.samples` finds it.
        minimum_trades: in-sample trades below which a strategy is not ranked.
        top: strategies in the report.
        indicator_window: 0: indicators are of the whole history; else by the rules of scripts that see so many bars only.
        database: what `doit publish` fills: a path or URL; `<artifacts>/barmill.sqlite` if not set. A URL may hold a
            password: better in BARMILL_DATABASE, or in ~/.pgpass.
        database_layout: `columns`, or `jsonb` (PostgreSQL only): a JSON value per row, as older readers expect it.
        pips: glob of dataset names → pip or tick size (`"0.01"`), where `market.pips` has none or another one.
        universe_intervals: minutes of a universe's bars; those that the series' own bars divide are made.
        universe_lookbacks: bars in a universe's window.
        label_targets: distances of the target from the entry, in pips.
        label_stops: distances of the stop from the entry, in pips.
        label_horizons: minutes after which an open position ends; those shorter than the series' own bars are left out.
        label_touch: what touches a level: `range` (a bar's high or low) or `close` (its close).
        label_files: write each label configuration as a file of its own, beside the table that all of them follow from.
        checkpoint_interval: configurations per target: what a killed run loses at most. 1 to 10.
        barrier_span: bars of the exponential weights of the volatility that barriers follow; 0: those of ten days.
        barrier_threshold: move between two events, in volatilities.
        barrier_profit: distance of the upper barrier, in volatilities.
        barrier_loss: distance of the lower barrier, in volatilities.
        barrier_horizon: minutes to the vertical barrier.
        regime_universes: universes whose rows are sorted into regimes.
        patterns: pairs `universe:label` whose association rules are mined.
    """

    stooq: Path = Path("data/stooq")
    instruments: Path = Path("data/instruments")
    series: Path = Path("data/series")
    artifacts: Path = Path("artifacts")
    store: Path | None = None
    link: str = field(default="reflink", metadata={"choices": ("reflink", "copy", "hardlink")})
    compress: str = field(default="none", metadata={"choices": ("none", "zstd")})
    remote: str = ""
    remote_mode: str = field(default="read-write", metadata={"choices": ("read-write", "read", "write", "offline")})
    remote_patience: float = 1.0
    remote_key: str = field(default="", repr=False, metadata={"secret": True})
    worker_folder: Path | None = None
    workers_patience: float = 300.0
    fsync: bool = False
    frequency: str = field(default="daily", metadata={"choices": ("daily", "hourly", "5 min")})
    lse_currency_policy: str = field(default="broker", metadata={"choices": ("broker", "stooq", "strict")})
    include_empty_prices: bool = False
    venues: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict, metadata={"kind": "table of tickers"})
    spike: float = 1.5
    stale_days: int = 30
    chunk_daily: str = "year"
    chunk_intraday: str = "month"
    chunk_schemes: Mapping[str, str] = field(default_factory=dict)
    compression: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    session_changes: Path = Path("data/sessions.csv")
    sessions_from: dt.date = dt.date(1970, 1, 1)
    sessions_until: dt.date = dt.date(2030, 12, 31)
    gap_tolerance: float = 0.0
    halted_after: int = 10
    rules: Mapping[str, str] = field(default_factory=dict)
    stale_run: int = 10
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, metadata={"kind": "tables"})
    lock_timeout: float = 30.0
    publishing_delay: int = 60
    notify: Sequence[str] = field(default=(), repr=False, metadata={"kind": "list of addresses", "secret": True})
    token: str = field(default="", repr=False, metadata={"secret": True})
    research: Sequence[str] = ()
    strategies: Sequence[str] = ("default",)
    batch_size: int = 200
    costs: Mapping[str, str] = field(default_factory=dict)
    both_touched: str = field(default="stop", metadata={"choices": ("stop", "target")})
    out_of_sample: float | dt.date = field(default=0.3, metadata={"kind": "share or date"})
    minimum_trades: int = 30
    top: int = 20
    indicator_window: int = 0
    database: str = field(default="", repr=False, metadata={"secret": True})
    database_layout: str = field(default="columns", metadata={"choices": ("columns", "jsonb")})
    pips: Mapping[str, str] = field(default_factory=dict)
    universe_intervals: Sequence[int] = (1, 5, 15, 30, 60)
    universe_lookbacks: Sequence[int] = (5, 10, 15, 20, 30)
    label_targets: Sequence[int] = (5, 10, 15, 20, 30, 50)
    label_stops: Sequence[int] = (5, 10, 15, 20, 30)
    label_horizons: Sequence[int] = (1, 5, 15, 30, 60, 240, 1440)
    label_touch: str = field(default="range", metadata={"choices": ("range", "close")})
    label_files: bool = False
    checkpoint_interval: int = 10
    barrier_span: int = 0
    barrier_threshold: float = 1.0
    barrier_profit: float = 1.0
    barrier_loss: float = 1.0
    barrier_horizon: int = 1440
    regime_universes: Sequence[str] = ("5m_20lb",)
    patterns: Sequence[str] = ("5m_20lb:T10_S10_H60",)


def load_settings(root: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `root/pyproject.toml`, then the `BARMILL_*` variables of `environ`, which win.

    Raises:
        ConfigError: a key is unknown or a value does not fit; names the key, where it stands, and the nearest valid one.
    """
    fields = {f.name: f for f in dataclasses.fields(Settings)}
    values: dict[str, Any] = {}
    path = root.absolute() / "pyproject.toml"
    for key, value in _read_table(path).items():
        where = f"[tool.barmill] {key} in {path}"
        values[key] = _convert(_known(key, fields, where), value, where)
    for variable, text in environ.items():
        if variable.startswith("BARMILL_") and variable not in _NOT_SETTINGS:
            where = f"environment variable {variable}"
            key = variable.removeprefix("BARMILL_").lower()
            values[key] = _convert(_known(key, fields, where), text, where)
    return Settings(**values)


_NOT_SETTINGS = frozenset({"BARMILL_REAL_DATA"})
_BOOLS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _read_table(path: Path) -> Mapping[str, Any]:
    try:
        tool = tomllib.loads(read_text(path)).get("tool", {})
    except FileNotFoundError:
        return {}
    except InputError as error:
        raise ConfigError(error.fact, error.hint) from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).removesuffix(")").partition(" (at ")
        raise ConfigError(f"{path}, {where or 'end of document'}: {what}", "correct this line") from None
    table = tool.get("barmill", {}) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise ConfigError(f"[tool.barmill] in {path} is not a table", "write it as [tool.barmill] with one key a line")
    return table


def _known(key: str, fields: Mapping[str, "dataclasses.Field[Any]"], where: str) -> "dataclasses.Field[Any]":
    if key in fields:
        return fields[key]
    near = near_word(key, fields)
    hint = f"did you mean {near!r}?" if near else 'README.md lists all settings under "Settings"'
    raise ConfigError(f"{where}: unknown setting {key!r}", hint)


def _convert(field_: "dataclasses.Field[Any]", value: object, where: str) -> object:
    """`value` (a TOML value, or text from the environment) as the type of the field."""
    wanted = field_.metadata.get("kind") or _KINDS.get(field_.type) or type(field_.default).__name__
    converted = _CONVERTERS[wanted](value)
    if converted is None:
        told = "its value" if field_.metadata.get("secret") else repr(value)
        raise ConfigError(f"{where}: {told} is not a {wanted}", f"for example {_EXAMPLES[wanted]}")
    choices = field_.metadata.get("choices")
    if choices and converted not in choices:
        near = near_word(str(converted), choices)
        hint = f"did you mean {near!r}?" if near else f"for example {choices[0]!r}"
        raise ConfigError(f"{where}: {value!r} is not one of {', '.join(map(repr, choices))}", hint)
    if field_.metadata.get("capitals"):
        return {key.upper(): word.upper() for key, word in converted.items()}
    return converted


def _as_path(value: object) -> Path | None:
    return Path(value).expanduser() if isinstance(value, str) and value else None


def _as_bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else _BOOLS.get(value.lower()) if isinstance(value, str) else None


def _as_number(kind: type) -> Any:
    def convert(value: object) -> object | None:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = kind(value)
        except (ValueError, OverflowError):
            return None
        fits = number >= 0 and number != float("inf") and (not isinstance(value, float) or number == value)
        return number if fits else None

    return convert


def _as_table(value: object) -> dict[str, str] | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _as_toml(value)
    if isinstance(value, str):
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        return {a.strip(): b.strip() for a, eq, b in pairs} if all(eq for _, eq, _ in pairs) else None
    if not isinstance(value, dict):
        return None
    flat: dict[str, str] = {}
    for key, each in value.items():  # TOML nests a.b = "c", which is the same here as "a.b" = "c"
        nested = {"": each} if isinstance(each, str) else _as_table(each) if isinstance(each, dict) else None
        if nested is None:
            return None
        flat |= {f"{key}.{inner}" if inner else key: word for inner, word in nested.items()}
    return flat


def _as_list(item: Callable[[object], Any]) -> Any:
    """Of a TOML array, or text with commas; every item must fit, and none may come twice."""

    def convert(value: object) -> object | None:
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = _as_toml(value)
        parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(parts, list):
            return None
        items = tuple(map(item, parts))
        return items if None not in items and len(set(items)) == len(items) else None

    return convert


def _as_str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _as_tickers(value: object) -> dict[str, str] | None:
    table = _as_table(value)
    return None if table is None else {k.upper(): v.upper() for k, v in table.items()}


def _as_date(value: object) -> dt.date | None:
    if type(value) is dt.date:
        return value
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _as_share_or_date(value: object) -> float | dt.date | None:
    share: float | None = _as_number(float)(value)
    return _as_date(value) if share is None else share if share < 1 else None


def _as_tables(value: object) -> dict[str, dict[str, Any]] | None:
    if isinstance(value, str):
        value = _as_toml(value)
    fits = isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
    return value if isinstance(value, dict) and fits else None


def _as_toml(text: str) -> object:
    """The value that TOML reads; None if it reads none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return None


def _as_addresses(value: object) -> tuple[str, ...] | None:
    """Of a TOML array, or text with blanks between addresses; commas are part of some."""
    parts = value.split() if isinstance(value, str) else value
    fits = isinstance(parts, list) and all(isinstance(each, str) and "://" in each for each in parts)
    return tuple(parts) if isinstance(parts, list) and fits else None


_KINDS: dict[Any, str] = {
    Path: "path",
    Path | None: "path",
    Mapping[str, str]: "table",
    Sequence[str]: "list",
    Sequence[int]: "list of int",
}
_CONVERTERS = {
    "path": _as_path,
    "bool": _as_bool,
    "str": _as_str,
    "float": _as_number(float),
    "int": _as_number(int),
    "table": _as_table,
    "table of tickers": _as_tickers,
    "date": _as_date,
    "share or date": _as_share_or_date,
    "tables": _as_tables,
    "list of addresses": _as_addresses,
    "list": _as_list(_as_str),
    "list of int": _as_list(_as_number(int)),
}
_EXAMPLES = {
    "path": '"data/stooq"',
    "bool": "true",
    "str": '"daily"',
    "float": "1.5",
    "int": "30",
    "table": '{"forex/*" = "week"}',
    "table of tickers": '{"FB.US" = "META.US"}',
    "date": "2030-12-31",
    "share or date": "0.3, or 2024-01-01",
    "tables": '{stooq = {source = "d_us_txt.zip"}}',
    "list of addresses": '["json://localhost:8080/hook", "mailto://mail.example.org?from=a@example.org&to=b@example.org"]',
    "list": '["forex/1min/*"]',
    "list of int": "[5, 10, 20]",
}
