"""The servers are what the other tests take them for, seen by the client that the remote store uses."""

import asyncio

import pytest

from tests.support.remotes import BUCKET


def test_what_is_put_is_there(place):
    """Objects come and go by obstore, and the tests see the same bytes behind its back."""
    store = place.client()
    store.put("a/b/c", b"one")
    place.put("a/d", b"two")
    assert place.contents() == {"a/b/c": b"one", "a/d": b"two"}
    assert [bytes(store.get(name).bytes()) for name in ("a/b/c", "a/d")] == [b"one", b"two"]
    place.remove("a/b/c")
    with pytest.raises(FileNotFoundError):
        store.head("a/b/c")


def test_many_at_once(place):
    """Two hundred objects at once are all there."""
    store = place.client()

    async def put_all():
        await asyncio.gather(*(store.put_async(f"{n:03}", str(n).encode()) for n in range(200)))

    asyncio.run(put_all())
    assert place.contents() == {f"{n:03}": str(n).encode() for n in range(200)}


def test_lasting(own):
    """A server that is killed and started again has what it had."""
    store = own.client()
    store.put("x", b"one")
    own.server.kill()
    own.server.start()
    assert bytes(store.get("x").bytes()) == b"one"
    assert (own.server.data / BUCKET / own.prefix / "x").read_bytes() == b"one"
