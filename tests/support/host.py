"""A machine as tests see it: where others reach it, and how a command is run there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """A machine.

    Attributes:
        address: at which others reach it.
        home: its folder.
        behind: the command that runs another one there.
        environ: what its environment has beside ours.
    """

    address: str
    home: Path
    behind: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, home: Path) -> "Host":
        """This machine, by its loopback interface; what is put there goes into this folder."""
        return cls("127.0.0.1", home)
