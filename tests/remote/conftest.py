"""Fixtures: the servers, one of each for the session, and a place of its own in each for a test."""

import pytest

from tests.support.moto import Moto
from tests.support.nginx import Nginx
from tests.support.rclone import Rclone
from tests.support.remotes import Place

KINDS = {each.name: each for each in (Moto, Rclone, Nginx)}


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Server of a name, started when first asked for."""
    servers = {}

    def start(name):
        if name not in servers:
            server = KINDS[name](tmp_path_factory.mktemp(name))
            servers[name] = server
            server.start()
        return servers[name]

    yield start
    for server in servers.values():
        server.stop()


@pytest.fixture(params=KINDS)
def place(request, running):
    """An empty place in each server."""
    return Place(running(request.param))


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.lasting])
def own(request, tmp_path):
    """An empty place in a server that the test may kill and start again."""
    server = KINDS[request.param](tmp_path / request.param)
    server.start()
    yield Place(server)
    server.stop()


@pytest.fixture
def store(running):
    """An empty place in an S3 server, for what doesn't depend on the kind of server."""
    return Place(running("rclone"))
