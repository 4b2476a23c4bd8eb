"""Commands that are about the remote: without one they are of no use."""

from doit.exceptions import InvalidCommand

from barmill.run.front import FRONT
from barmill.store.remote.remote import Remote


def the_remote(command: str, *, against: str) -> Remote:
    """The project's remote.

    Args:
        command: that needs it.
        against: the `remote_mode` in which it may not do so.

    Raises:
        InvalidCommand: there is none, or it is to be left alone.
    """
    remote = FRONT.remote
    if remote is None:
        raise InvalidCommand(
            f"doit {command} needs a remote\nhint: set remote in [tool.barmill], and remote_mode not to offline"
        )
    if remote.mode == against:
        raise InvalidCommand(
            f"doit {command} is against remote_mode = {against!r}\nhint: run it with BARMILL_REMOTE_MODE=read-write"
        )
    return remote
