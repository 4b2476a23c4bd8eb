"""What became of a target."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from barmill.hashing import Digest


@dataclass(frozen=True)
class Outcome:
    """What `Cache.ensure` did.

    Attributes:
        key: the action's key.
        outputs: role → relative name → (digest, size); see `Record.outputs`.
        origin: `built`, `restored` (from the store), `fetched` (from the remote, and restored), or `fresh` (everything was
            already in place).
        seconds: wall time it took now.
        saved: seconds that the build took when it was built, if it was not built now.
        warning: something the reader should know, or "".
        note: what else can be said of a build, or "".
        failed: pieces that failed, and what went wrong; the outputs are in place all the same.
    """

    key: Digest
    outputs: Mapping[str, Mapping[str, tuple[Digest, int]]]
    origin: str
    seconds: float
    saved: float = 0.0
    warning: str = ""
    note: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
