"""Fixtures: a PostgreSQL server for the session, and an empty database of each kind."""

import pytest

from tests.support.databases import KINDS, Target
from tests.support.postgres import Server


@pytest.fixture(scope="session")
def server():
    """A server of this test session."""
    server = Server.make().start()
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def target(request, tmp_path):
    """An empty database of each kind."""
    if request.param in {"postgresql", "jsonb"}:
        return Target(request.param, request.getfixturevalue("server").empty())
    return Target(request.param, str(tmp_path / f"db.{request.param}"))
