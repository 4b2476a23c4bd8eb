"""Manifests: what chunks a dataset has, in a JSON file beside their folder that vouches for each of them and for itself.

It can be read without pyarrow. Its last line is the digest of everything before it, so that a manifest of which any byte was
changed is not believed; how to make it again from the chunks: `barmill.reader.rebuild`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from barmill.errors import ChunkCorrupt, ChunkMissing
from barmill.files import read
from barmill.hashing import digest_bytes

FORMAT = 1

_SEAL = ',\n "check": "%s"\n}\n'
_SEALED = len(_SEAL % digest_bytes(b""))


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file of bars.

    Attributes:
        period: name of its period; see `periods`.
        file: its path, relative to the folder of the manifest.
        start: its first stamp: a date, or an instant `2024-01-02T14:30:00Z`.
        end: its last stamp.
        rows: number of bars.
        digest: xxh3-128 of its bytes.
        bytes: its size.
    """

    period: str
    file: str
    start: str
    end: str
    rows: int
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What the chunks of a dataset have in common; each file carries it, too.

    Attributes:
        name: the dataset's name.
        symbol: its ticker.
        asset_class: see `datasets.ASSET_CLASSES`.
        frequency: see `datasets.PERIODS`.
        zone: IANA time zone that its periods are cut in; "" where bars are dated.
        scheme: how they are cut; see `periods`.
    """

    name: str
    symbol: str
    asset_class: str
    frequency: str
    zone: str
    scheme: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset's chunks.

    Attributes:
        identity: what they have in common.
        columns: column → dtype, in their order on disk.
        chunks: in order of time; none where the dataset has no bar.
    """

    identity: Identity
    columns: Mapping[str, str]
    chunks: Sequence[Chunk]

    @property
    def rows(self) -> int:
        """Number of bars."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def start(self) -> str:
        """The first stamp; "" where there is no bar."""
        return self.chunks[0].start if self.chunks else ""

    @property
    def end(self) -> str:
        """The last stamp; "" where there is no bar."""
        return self.chunks[-1].end if self.chunks else ""

    def files(self, path: Path) -> list[Path]:
        """The chunks' files, given where the manifest lies."""
        return [path.parent / chunk.file for chunk in self.chunks]

    def encode(self) -> bytes:
        """The manifest as it lies on disk."""
        return seal(
            {
                "format": FORMAT,
                **asdict(self.identity),
                "columns": dict(self.columns),
                "rows": self.rows,
                "start": self.start,
                "end": self.end,
                "chunks": [asdict(chunk) for chunk in self.chunks],
            }
        )

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            ChunkMissing: there is none.
            ChunkCorrupt: it is not what was written, or of another format.
        """
        told = unseal(path)
        try:
            identity = Identity(*(told[name] for name in Identity.__slots__))
            chunks = tuple(Chunk(*(each[name] for name in Chunk.__slots__)) for each in told["chunks"])
            return cls(identity, told["columns"], chunks)
        except (KeyError, TypeError) as error:
            raise ChunkCorrupt(f"manifest {path} lacks {error}", _CURE) from None


def seal(told: Mapping[str, Any]) -> bytes:
    """JSON, one item a line where there are many, and the digest of it."""
    lines = [f" {json.dumps(name)}: {_value(value)}" for name, value in told.items()]
    body = ("{\n" + ",\n".join(lines)).encode()
    return body + (_SEAL % digest_bytes(body)).encode()


def unseal(path: Path, known: int = FORMAT) -> dict[str, Any]:
    """What `seal` wrote, if every byte of it is there and it is of the format that is known.

    Raises:
        ChunkMissing: there is no such file.
        ChunkCorrupt: it is not what was written, or of another format.
    """
    try:
        data = read(path)
    except FileNotFoundError:
        raise ChunkMissing(f"manifest {path} does not exist", _CURE) from None
    except OSError as error:
        raise ChunkCorrupt(f"manifest {path} can't be read: {error.strerror}", _CURE) from None
    body = data[:-_SEALED]
    if data[-_SEALED:] != (_SEAL % digest_bytes(body)).encode():
        raise ChunkCorrupt(f"manifest {path} is damaged: {len(data)} bytes without a check that fits them", _CURE)
    told: dict[str, Any] = json.loads(data)
    if told.get("format") != known:
        raise ChunkCorrupt(f"manifest {path} is of format {told.get('format')}, this program reads {known}", _CURE)
    return told


_CURE = 'run "doit"; without its raw data, make it again with "python -m barmill.reader.rebuild"'


def _value(value: object) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n ]"
    return json.dumps(value)
