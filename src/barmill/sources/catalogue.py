"""The providers of a project: the built-in kinds, and what the setting `providers` makes of them.

    [tool.barmill.providers]
    stooq = {source = ["~/d_us_txt.zip", "~/d_pl_txt.zip"]}
    quotes = {kind = "http", url = "https://example.org/{lower}.csv?from={start}", rate = 2.0}

A name is its own kind unless `kind` says another.
"""

import dataclasses
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from barmill.errors import ConfigError, nearest
from barmill.market.clock import ORDERS
from barmill.market.dialects import Said
from barmill.sources.csvfolder import CsvFolder
from barmill.sources.http import HttpCsv, without_secrets
from barmill.sources.provider import Provider, TreeSource
from barmill.sources.stooq import FolderTree, ZipTree
from barmill.sources.yahoo import Yahoo

TREES = frozenset({"stooq", "stooq-folder"})
"""The kinds that write the raw tree; all others write single series."""


@dataclass(frozen=True)
class Spec:
    """What the settings say about a provider.

    Attributes:
        kind: `stooq` (bulk zips), `stooq-folder` (an unpacked tree), `csv` (a folder of files), `http`, `yahoo`.
        source: a path, or several: zips of `stooq`, the folder of `stooq-folder` and `csv`.
        url: of `http`; see `http.HttpCsv`.
        pattern: of `csv`: a file's name, with `{symbol}` in it, and maybe `*`.
        zone: IANA zone of stamps without an offset, of `csv` and `http`; "" where it is not known.
        decimal: the decimal mark, `.` or `,`, of `csv` and `http`; "" to decide it from each file.
        dates: the order of dates, one of `clock.ORDERS`, of `csv` and `http`; "" to decide it from each file.
        timeout: seconds for an answer, of `http` and `yahoo`.
        attempts: how often `http` asks.
        rate: requests a second of `http`; 0 for no limit.
        headers: sent by `http`.
    """

    kind: str
    source: tuple[str, ...] = ()
    url: str = ""
    pattern: str = ""
    zone: str = ""
    decimal: str = ""
    dates: str = ""
    timeout: float = 30.0
    attempts: int = 4
    rate: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> Said:
        """What is known about its files."""
        return Said(self.zone, self.decimal, self.dates)


SAID = ("pattern", "zone", "decimal", "dates")
"""What the command line may say of a provider beside its source."""


def spec_of(
    name: str, chosen: Mapping[str, Mapping[str, Any]], source: Sequence[str] = (), said: Mapping[str, str] | None = None
) -> Spec:
    """What is known of the provider `name`.

    Args:
        name: as on the command line.
        chosen: the setting `providers`.
        source: instead of the setting's source (or address).
        said: key of `SAID` → value, instead of the setting's.

    Raises:
        ConfigError: there is no such provider, or the setting is wrong; the nearest is named.
    """
    known = {*_MAKERS, *chosen}
    if name not in known:
        near = nearest(name, known)
        hint = f"the nearest are {near}" if near else f"there are {', '.join(sorted(known))}"
        raise ConfigError(f"there is no provider {name!r}", hint)
    where = f"[tool.barmill.providers] {name}"
    spec = _converted({"kind": name, **chosen.get(name, {})}, where)
    if spec.kind not in _MAKERS:
        raise ConfigError(f"{where}: there is no kind {spec.kind!r}", f"there are {', '.join(_MAKERS)}")
    if said:
        if spec.kind not in _FILES:
            raise ConfigError(
                f"the provider {name} takes no --{next(iter(said))}: its stamps and numbers are known",
                f"leave it out; {' and '.join(sorted(_FILES))} take it",
            )
        spec = dataclasses.replace(spec, **{key: _value(key, value, f"--{key}") for key, value in said.items()})
    if source:
        spec = dataclasses.replace(spec, **({"url": source[0]} if spec.kind == "http" else {"source": tuple(source)}))
    return spec


def open_tree(name: str, spec: Spec) -> TreeSource:
    """The provider as a source of raw files; raises ConfigError, SourceError."""
    tree: TreeSource = _made(name, spec)
    return tree


def open_provider(name: str, spec: Spec) -> Provider:
    """The provider as one of single series; raises ConfigError, SourceError."""
    provider: Provider = _made(name, spec)
    return provider


def _made(name: str, spec: Spec) -> Any:
    needed = _NEEDS.get(spec.kind, "")
    if needed and not getattr(spec, needed):
        raise ConfigError(
            f"the provider {name} has no {needed}",
            f"give it with --source, or as {needed} of [tool.barmill.providers] {name}",
        )
    return _MAKERS[spec.kind](name, spec)


def _paths(spec: Spec) -> list[Path]:
    return [Path(each).expanduser() for each in spec.source]


def _http(name: str, spec: Spec) -> HttpCsv:
    if urlsplit(spec.url).scheme not in {"http", "https"}:
        shown = without_secrets(spec.url)
        raise ConfigError(f"the provider {name}: {shown!r} is not an http or https address", "begin it with https://")
    return HttpCsv(name, spec.url, spec.said, spec.timeout, spec.attempts, spec.rate, spec.headers)


_MAKERS: dict[str, Callable[[str, Spec], Any]] = {
    "stooq": lambda name, spec: ZipTree(name, _paths(spec)),
    "stooq-folder": lambda name, spec: FolderTree(name, _paths(spec)[0]),
    "csv": lambda name, spec: CsvFolder(name, _paths(spec), spec.pattern, spec.said),
    "http": _http,
    "yahoo": lambda name, spec: Yahoo(name, spec.timeout),
}
_FILES = frozenset({"csv", "http"})
_NEEDS = {"stooq": "source", "stooq-folder": "source", "csv": "source", "http": "url"}


def _converted(table: Mapping[str, Any], where: str) -> Spec:
    """The table of a provider, each key of the type that `Spec` has."""
    fields = {each.name: each for each in dataclasses.fields(Spec)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            raise ConfigError(f"{where}: there is no key {key!r}", f"there are {', '.join(fields)}")
        values[key] = _value(key, value, where)
    return Spec(**values)


def _value(key: str, value: Any, where: str) -> Any:
    if key == "source" and isinstance(value, str):
        value = [value]
    good = {
        "source": isinstance(value, list) and all(isinstance(each, str) for each in value),
        "headers": isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
        "timeout": _is_number(value) and value > 0,
        "rate": _is_number(value) and value >= 0,
        "attempts": isinstance(value, int) and _is_number(value) and value > 0,
        "zone": isinstance(value, str) and value in zoneinfo.available_timezones(),
        "decimal": value in (".", ","),
        "dates": value in ORDERS,
        "pattern": isinstance(value, str) and (not value or value.count("{symbol}") == 1),
    }.get(key, isinstance(value, str))
    if not good:
        raise ConfigError(f"{where}: {value!r} can't be its {key}", f"for example {_EXAMPLES.get(key, 'a text')}")
    return tuple(value) if key == "source" else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_EXAMPLES = {
    "source": '"~/d_us_txt.zip"',
    "headers": '{Authorization = "Bearer …"}',
    "timeout": "30",
    "rate": "2.5",
    "attempts": "4",
    "zone": '"Europe/Warsaw"',
    "decimal": '","',
    "dates": f'"{ORDERS[0]}"',
    "pattern": '"{symbol}_M1.csv"',
}
