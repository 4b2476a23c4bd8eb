"""Notices: a title and a text sent to the addresses of the setting `notify`, by mail, webhook or whatever Apprise knows.

An address holds passwords and tokens, so none is ever told: what can't be reached is named by its number and its kind.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from barmill.errors import ConfigError, NoticeUnsent

SUCCESS, WARNING, FAILURE, INFO = "success", "warning", "failure", "info"
KINDS = (SUCCESS, WARNING, FAILURE, INFO)


class Notice(NamedTuple):
    """What is sent: a line, a text, and its kind: `success`, `warning`, `failure`, `info`."""

    title: str
    text: str
    kind: str


def send(notice: Notice, addresses: Sequence[str]) -> None:
    """Send a notice to each address, whatever becomes of the others.

    Raises:
        ConfigError: Apprise is not installed, there is no address, or one is none that it knows.
        NoticeUnsent: an address could not be reached.
    """
    if not addresses:
        raise ConfigError("there is nobody to notify", "set BARMILL_NOTIFY, or `notify` in [tool.barmill], to addresses")
    try:
        from apprise import Apprise
    except ImportError:
        raise ConfigError("notices need Apprise, which is not installed", "pip install 'barmill[notify]'") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it names addresses
    unknown, unsent = [], []
    for at, address in enumerate(addresses):
        name = f"address {at + 1} ({address.partition('://')[0]})"
        messenger = Apprise()
        if not messenger.add(address):
            unknown.append(name)
        elif not messenger.notify(title=notice.title, body=notice.text or notice.title, notify_type=notice.kind):
            unsent.append(name)
    if unsent:
        raise NoticeUnsent(f"{', '.join(unsent)} of `notify` could not be reached", "look at the address, and at the network")
    if unknown:
        raise ConfigError(f"{', '.join(unknown)} of `notify` is none that Apprise knows", "its documentation lists the forms")
