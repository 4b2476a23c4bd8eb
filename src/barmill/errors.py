"""What can go wrong, by what the reader must do about it.

BarmillError              every error of ours: a fact with its values, then a hint with the cure
├── ConfigError           a setting is unknown or has a bad value: edit pyproject.toml or the environment
├── TargetError           a target does not fit its build function: a fault in a stage module
├── InputError            an input is missing, unreadable or broken as a whole: mend the file
│   ├── InputMoved        an input changed while its target was being built: build again
│   └── ArchiveCorrupt    what was archived of a series is missing or not what was written: bring it back from a backup
├── Busy                  another run is at work in this project, or on this dataset: wait for it
├── BarsError             bars can't be read as asked: ask otherwise
│   ├── ChunkMissing      a chunk, or a manifest, is not there: run doit
│   └── ChunkCorrupt      a chunk, a panel or a manifest is not what was written: run doit
├── SourceError           a provider gives nothing that can be stored: ask again later, or ask for something else
│   └── UnknownSymbol     a provider, or the project, has no such series
├── DatabaseError         a database that is published to refuses: mend what it says
│   └── DatabaseLost      it can't be reached, or went away: start it, and publish again
├── ClusterError          a cluster can't be reached, or does nothing: start it
│   └── WorkerDiffers     a worker would build something else: bring its code to what it is here
├── OutputError           a build did not write what it declared, or wrote more
├── NoticeUnsent          a notice could not be sent: look at the address and the network
└── StoreError            the store can't be read or written
    ├── ObjectMissing     a record names an object that is not there
    ├── ObjectCorrupt     an object's bytes do not have the digest of its name
    ├── RecordCorrupt     a record can't be believed
    └── RemoteError       the remote does not answer, refuses, or gives what can't be believed: see what it says
        └── RemoteLost    it can't be reached, or does not answer any more: look at it and at the network
"""

import difflib
import unicodedata
from collections.abc import Iterable


class BarmillError(Exception):
    """A fact with its values and, in `hint`, what to do about it.

    Args:
        fact: what is wrong, with values and full paths; no trailing period.
        hint: the cure, in the imperative; may be empty when there is none.
    """

    def __init__(self, fact: str, hint: str = "") -> None:
        super().__init__(fact, hint)
        self.fact = fact
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.fact}\nhint: {self.hint}" if self.hint else self.fact
        return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


class ConfigError(BarmillError):
    """A setting is unknown or has a bad value."""


class TargetError(BarmillError):
    """A target does not fit the signature of its build function."""


class InputError(BarmillError):
    """An input is missing, unreadable or broken as a whole."""


class InputMoved(InputError):
    """An input changed while its target was being built."""


class ArchiveCorrupt(InputError):
    """The index or a pack of an archived series is missing, or not what was written."""


class Busy(BarmillError):
    """Another run is at work in this project."""


class BarsError(BarmillError):
    """Bars can't be read as asked: there is no such dataset, column or time."""


class ChunkMissing(BarsError):
    """A chunk, or the manifest that names it, is not there."""


class ChunkCorrupt(BarsError):
    """A chunk, a panel or a manifest is not what was written."""


class SourceError(BarmillError):
    """A provider gives nothing that can be stored."""


class UnknownSymbol(SourceError):
    """A provider, or the project, has no such series."""


class DatabaseError(BarmillError):
    """A database refuses what it is asked; nothing of the transaction is in it."""


class DatabaseLost(DatabaseError):
    """A database can't be reached, or went away."""


class ClusterError(BarmillError):
    """A cluster can't be reached, or does nothing."""


class WorkerDiffers(ClusterError):
    """A worker has other code, other libraries or another Python than the one who asks it to build."""


class OutputError(BarmillError):
    """A build did not write exactly the outputs it declared."""


class NoticeUnsent(BarmillError):
    """A notice could not be sent to one of its addresses."""


class StoreError(BarmillError):
    """The store can't be read or written."""


class ObjectMissing(StoreError):
    """A record names an object that is not in the store."""


class ObjectCorrupt(StoreError):
    """An object's bytes do not have the digest of its name."""


class RecordCorrupt(StoreError):
    """A record can't be believed: it is no JSON, or does not fit its name or its check."""


class RemoteError(StoreError):
    """The remote does not answer, refuses, or gives what can't be believed."""


class RemoteLost(RemoteError):
    """The remote can't be reached, or does not answer any more."""


def printable(text: str, longest: int | None = None) -> str:
    """The text without characters that control a terminal or change its direction of writing.

    Args:
        text: anything, for example a name out of somebody's file; invisible characters become `?`, odd spaces plain ones.
        longest: how many characters of it are kept; None for all.
    """
    kept = text[:longest]
    if kept.isprintable():
        return kept
    return "".join(letter if letter.isprintable() else " " if unicodedata.category(letter) == "Zs" else "?" for letter in kept)


def nearest(name: str, names: Iterable[str]) -> str:
    """The known names that look most like `name`, joined by commas; "" if none does."""
    known = list(names)
    found = difflib.get_close_matches(name, known, 3, 0.6)
    folded = {each.lower(): each for each in known}
    found += [folded[low] for low in difflib.get_close_matches(name.lower(), folded, 3, 0.6) if folded[low] not in found]
    return ", ".join(found[:3])


def choice_of(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is not one of a few: the nearest of them, if one is near, and all of them."""
    words = list(known)
    near = near_word(word, words)
    return f"the nearest is {near!r}; all: {', '.join(words)}" if near else f"write one of {', '.join(words)}"


def near_word(word: str, known: Iterable[str]) -> str:
    """The one word that another may be a misspelling or a part of; "" if none is that near."""
    words = list(known)
    folded = word.lower()
    parts = [each for each in words if len(folded) >= _SHORTEST and each.lower().startswith(folded)]
    return next(iter(difflib.get_close_matches(folded, words, 1, 0.8) or parts), "")


_SHORTEST = 3  # letters of a word that may be the start of another
