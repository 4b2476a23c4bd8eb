"""Which database a setting means, and that no password is ever shown."""

import pytest

from barmill.errors import ConfigError
from barmill.publish.address import DUCKDB, POSTGRES, SQLITE, Address
from barmill.publish.drivers import database


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("a/b.sqlite", SQLITE, "a/b.sqlite"),
        ("a/b.db", SQLITE, "a/b.db"),
        ("a/b.DuckDB", DUCKDB, "a/b.DuckDB"),
        ("sqlite:///a/b", SQLITE, "a/b"),
        ("sqlite:////a/b%20c", SQLITE, "/a/b c"),
        ("duckdb:///b.db", DUCKDB, "b.db"),
        ("postgres://me@host/x", POSTGRES, "postgresql://me@host/x"),
        ("PostgreSQL://me@host/x?sslmode=require", POSTGRES, "postgresql://me@host/x?sslmode=require"),
    ],
)
def test_parse(text, kind, where):
    """Paths by their suffix, URLs by their scheme."""
    assert Address.parse(text) == Address(kind, where)


def test_unknown_kind():
    """Another scheme is refused with the nearest, and without the password."""
    with pytest.raises(ConfigError, match="postgres") as caught:
        Address.parse("postgre://me:geheim@host/x")
    assert "geheim" not in str(caught.value)
    with pytest.raises(ConfigError, match="names no file"):
        Address.parse("sqlite:///")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@host:5432/x",
        "postgresql://me:ge%68eim@host/x",
        "postgresql://me:geheim/@word@host/x",
        "postgresql://host/x?user=me&password=geheim&sslmode=require",
        "postgresql://:geheim@host/x",
    ],
)
def test_no_password_is_shown(url):
    """Neither as text, nor in a repr, nor in a driver's message that repeats the URL or the password."""
    address = Address.parse(url)
    words = f"{address} {address!r} {address.clean(f'can not read {url}: geheim is no port')}"
    assert "geheim" not in words
    assert "ge%68eim" not in words
    assert "host" in words


def test_layout_is_postgres_only(tmp_path):
    """JSON values per row are refused for other databases."""
    with pytest.raises(ConfigError, match="jsonb"):
        database(Address.parse(str(tmp_path / "x.sqlite")), "jsonb")
