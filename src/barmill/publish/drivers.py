"""The database at an address; its driver is imported when it is asked for, because each is an extra."""

from barmill.errors import ConfigError
from barmill.publish.address import DUCKDB, POSTGRES, Address
from barmill.publish.database import Database


def database(address: Address, layout: str) -> Database:
    """The database at an address.

    Raises:
        ConfigError: its driver is not installed, or it has no such layout.
    """
    if layout != "columns" and address.kind != POSTGRES:
        raise ConfigError(f"database_layout {layout!r} is for PostgreSQL, {address} is none", 'leave it at "columns"')
    try:
        if address.kind == POSTGRES:
            from barmill.publish.postgres import Postgres

            return Postgres(address, layout)
        if address.kind == DUCKDB:
            from barmill.publish.duckdb import DuckDB

            return DuckDB(address)
    except ImportError as error:
        extra = {POSTGRES: "postgres", DUCKDB: "duckdb"}[address.kind]
        raise ConfigError(f"database {address}: {error}", f"install barmill[{extra}]") from None
    from barmill.publish.sqlite import Sqlite

    return Sqlite(address)
