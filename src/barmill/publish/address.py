"""Which database: a path or a URL, as people write it, and as it may be shown."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from barmill.errors import ConfigError, choice_of

SQLITE, DUCKDB, POSTGRES = "sqlite", "duckdb", "postgresql"
_SCHEMES = {"sqlite": SQLITE, "duckdb": DUCKDB, "postgresql": POSTGRES, "postgres": POSTGRES}
_SUFFIXES = {".duckdb": DUCKDB, ".ddb": DUCKDB}
_TELLING = 4  # letters; a shorter piece of a password may be part of any word
_SECRETS = (
    (re.compile(r"(?<=://)([^/@:\s]*):\S*(?=@)"), r"\1:***"),  # a mark in a password may be unquoted
    (re.compile(r"\bpassword=('[^']*'|[^&\s]*)"), "password=***"),
)


@dataclass(frozen=True)
class Address:
    """A database.

    Attributes:
        kind: `SQLITE`, `DUCKDB` or `POSTGRES`.
        where: path of its file, or its URL, which may hold a password: never show it, show `str(address)`.
    """

    kind: str
    where: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`prices.sqlite`, `prices.duckdb`, `sqlite:///prices.db`, `duckdb:///prices.db`, `postgresql://user@host/name`.

        Raises:
            ConfigError: there is no database of that kind.
        """
        scheme, mark, rest = text.partition("://")
        if not mark:
            return cls(_SUFFIXES.get(Path(text).suffix.lower(), SQLITE), str(Path(text).expanduser()))
        kind = _SCHEMES.get(scheme.lower())
        if kind is None:
            raise ConfigError(f"database {masked(text)}: there is no kind {scheme!r}", choice_of(scheme, _SCHEMES))
        if kind == POSTGRES:
            return cls(kind, f"postgresql://{rest}")
        path = unquote(rest.removeprefix("/"))  # three strokes and a relative path, or four and an absolute one
        if not path:
            raise ConfigError(f"database {text} names no file", f"for example {scheme}:///prices.{scheme}")
        return cls(kind, path)

    def clean(self, text: str) -> str:
        """A message without the password, should a driver have put it, the URL, or a piece of a misread URL there."""
        text = masked(text)
        for secret in _secrets(self.where):
            text = text.replace(unquote(secret), "***").replace(secret, "***")
        return text

    def __str__(self) -> str:
        return masked(self.where)

    def __repr__(self) -> str:
        return f"Address({self.kind!r}, {str(self)!r})"


def masked(text: str) -> str:
    """Text in which the password of a URL is `***`."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _secrets(url: str) -> list[str]:
    """The password of a URL, and the pieces that a driver may take it for where it is not quoted."""
    found = re.search(r"://[^/@:\s]*:(\S*)@", url) or re.search(r"[?&]password=([^&]*)", url)
    if not found or not found[1]:
        return []
    return [found[1], *(piece for piece in re.split(r"[/?#:@]", found[1]) if len(piece) >= _TELLING)]
