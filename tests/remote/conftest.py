"""Fixtures: the servers, one of each for the session, and a place of its own in each for a test."""

import functools

import pytest

from tests.support.moto import Moto
from tests.support.nginx import Nginx
from tests.support.project import Project
from tests.support.rclone import Rclone
from tests.support.remotes import Place

TARGETS = 7  # of the toy project
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
        server.kill()


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
    server.kill()


@pytest.fixture
def bucket(running):
    """An empty place in an S3 server that checks signatures, for what does not depend on the kind of server."""
    return Place(running("rclone"))


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A toy project that was built without a remote: what all others have to come to."""
    project = Project.make(tmp_path_factory.mktemp("toy") / "built")
    project.good()
    return project


@pytest.fixture(scope="session")
def filled(running, tmp_path_factory):
    """Of a server's name, a place in it that has all results of the toy project."""

    @functools.cache
    def fill(name="rclone"):
        place = Place(running(name))
        project = Project.make(tmp_path_factory.mktemp("first") / "toy")
        assert project.good(**place.environ).counts["built"] == TARGETS
        return place

    return fill
