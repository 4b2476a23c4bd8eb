"""How a run tells a scheduler that is gone from one that is silent."""

import asyncio
from types import SimpleNamespace

import pytest
from distributed.comm.core import CommClosedError

from barmill.run.cluster.link import Link


def link(fault: Exception) -> Link:
    """An open way to a scheduler that answers with a fault."""

    async def ncores() -> dict[str, int]:
        raise fault

    found = Link.__new__(Link)
    found._client = SimpleNamespace(scheduler=SimpleNamespace(ncores=ncores))
    return found


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (CommClosedError("in <TCP>: Stream is closed"), "the scheduler is gone"),
        (ConnectionResetError(), "the scheduler is gone"),
        (TimeoutError(), "the scheduler does not answer any more"),
    ],
)
def test_a_scheduler_that_fails_while_it_is_asked(fault: Exception, told: str) -> None:
    """One that closes the connection is gone, whenever it does so; one from which nothing comes does not answer."""
    with pytest.raises(OSError, match=told):
        asyncio.run(link(fault)._look())
