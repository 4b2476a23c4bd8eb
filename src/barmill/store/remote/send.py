"""What goes to a remote: objects, then the records that name them, from the local store only."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from barmill.errors import BarmillError, ObjectCorrupt, ObjectMissing, RemoteError
from barmill.hashing import Digest
from barmill.store.actions import Record
from barmill.store.kin import common_of
from barmill.store.objects import PACKED
from barmill.store.remote.breaker import Breaker
from barmill.store.remote.counts import Counts
from barmill.store.remote.fetch import Fetch
from barmill.store.remote.layout import action_name, kin_name, object_name
from barmill.store.remote.local import Local
from barmill.store.remote.place import Place, Unfit
from barmill.store.remote.seal import Envelope, pack
from barmill.store.remote.strong import Digests

_WHOLE = 8 << 20  # bytes of a file that is read at once
_BLIND = 1 << 16  # bytes that are sent rather than asked for, where they are hardly there
_RATE = 1 << 20  # bytes a second below which an upload is waited for in vain


@dataclass(frozen=True)
class Parcel:
    """An object to send: digest, size in bytes, where it lies (None: in the local store), whether it is likely there."""

    digest: Digest
    size: int
    path: Path | None = None
    likely: bool = False


class Send:
    """Sends objects and records."""

    def __init__(self, place: Place, breaker: Breaker, local: Local, counts: Counts, fetch: Fetch, key: str) -> None:
        self._place = place
        self._breaker = breaker
        self._local = local
        self._counts = counts
        self._fetch = fetch
        self._key = key
        self._sent: dict[Digest, str] = {}

    def records(self, keys: Collection[Digest], *, look: bool = True) -> Iterator[tuple[Digest, BarmillError | None]]:
        """Send records and their objects; yield each key with what was in the way, if anything was.

        Args:
            keys: of records in the local store.
            look: ask which records are there already, and send those no more.
        """
        records = {key: record for key in dict.fromkeys(keys) if (record := self._local.actions.get(key))}
        for key in keys:
            if key not in records:
                yield key, ObjectMissing(f"record {key} is not in the store", "run doit: it is built again")
        there = self._there(records) if look else set()
        faults: dict[Digest, BarmillError] = {}
        wanted: dict[Digest, Parcel] = {}
        for key, record in records.items():
            for digest, size in record.objects():
                wanted.setdefault(digest, Parcel(digest, size, None, key in there))
        faults |= self.objects(wanted.values())
        ready = []
        for key, record in records.items():
            fault = next((faults[digest] for digest, _ in record.objects() if digest in faults), None)
            if fault is not None or key in there:
                yield key, fault
            else:
                ready.append(record)
        yield from self._put_records(ready)

    def _put_records(self, records: list[Record]) -> Iterator[tuple[Digest, BarmillError | None]]:
        waiting = {record.key for record in records}
        for record, answer in self._breaker.ask(self._put_record, records):
            waiting.discard(record.key)
            yield record.key, answer if isinstance(answer, BarmillError) else None
        yield from ((key, self._breaker.fault) for key in waiting)

    def alike(self, parcels: Collection[Parcel]) -> dict[Digest, BarmillError]:
        """As `objects`, of parcels that are likely there if the first one is."""
        first, rest = list(parcels)[:1], list(parcels)[1:]
        before = self._counts.sent
        faults = self.objects([replace(parcel, likely=True) for parcel in first])
        likely = self._counts.sent == before
        return faults | self.objects([replace(parcel, likely=likely) for parcel in rest])

    def objects(self, parcels: Collection[Parcel]) -> dict[Digest, BarmillError]:
        """Send objects; what was in the way of those that could not be sent."""
        waiting = {parcel.digest: parcel for parcel in parcels if parcel.size and parcel.digest not in self._sent}
        faults: dict[Digest, BarmillError] = {}
        longest = max((parcel.size for parcel in waiting.values()), default=0) / _RATE
        asked = self._breaker.ask(self._put_object, list(waiting.values()), lambda each: each.size / _RATE, longest)
        for parcel, answer in asked:
            del waiting[parcel.digest]
            if isinstance(answer, BarmillError):
                faults[parcel.digest] = answer
        return faults | dict.fromkeys(waiting, self._breaker.fault)

    def strong(self, digest: Digest) -> str:
        """The SHA-256 of an object that was sent."""
        return self._sent[digest] if digest in self._sent else Digests().strong

    def _there(self, records: Mapping[Digest, Record]) -> set[Digest]:
        """The keys whose records are there as we would write them, but for when and where they were built, or better."""
        there = set()
        for key, answer in self._breaker.ask(self._fetch.envelope, [key for key in records if not self._is_refused(key)]):
            if isinstance(answer, Unfit):
                self._fetch.refused.add(action_name(key))
            if not isinstance(answer, Envelope):
                continue
            theirs, ours = answer.record, records[key]
            if theirs.outputs == ours.outputs or (ours.failed and not theirs.failed):
                there.add(key)
        return there

    def _is_refused(self, key: Digest) -> bool:
        return action_name(key) in self._fetch.refused

    def _put_object(self, parcel: Parcel) -> BarmillError | None:
        try:
            digests, content = self._content(parcel)
        except (ObjectMissing, ObjectCorrupt) as error:
            return error
        name = object_name(parcel.digest)
        asks = (parcel.likely or parcel.size > _BLIND) and name not in self._fetch.refused
        if not asks or self._place.size(name) != parcel.size:
            self._place.write(name, content)
            self._fetch.refused.discard(name)
            self._counts.add(sent=parcel.size)
        self._sent[parcel.digest] = digests.strong
        return None

    def _content(self, parcel: Parcel) -> tuple[Digests, bytes | Path]:
        """An object's digests and its bytes, or its file if it is large; compared with its name before it goes anywhere."""
        path = parcel.path or self._local.objects.find(parcel.digest, parcel.size)
        content: bytes | Path
        where = path or self._local.objects.path(parcel.digest)
        try:
            if path is not None and path.suffix != PACKED and parcel.size > _WHOLE:
                digests, content = Digests.of_file(path), path
            elif path is not None:
                data = self._local.objects.content(path)
                digests, content = Digests(data), data
            else:
                raise FileNotFoundError
        except (OSError, ValueError):
            raise ObjectMissing(f"object {where} is missing or can't be read", "run doit: what needs it is built") from None
        if digests.quick != parcel.digest:
            raise ObjectCorrupt(f"object {where} has the digest {digests.quick[:12]}", "run doit verify --repair")
        return digests, content

    def _put_record(self, record: Record) -> None:
        envelope = Envelope(record, {digest: self.strong(digest) for digest, _ in record.objects()})
        if "pieces" in record.manifest:
            self._place.write(kin_name(common_of(record.manifest), record.key), b"")
        self._place.write(action_name(record.key), pack(envelope, self._key))
        if self._is_refused(record.key):
            self._look_again(record.key)
            self._fetch.refused.discard(action_name(record.key))
        self._counts.add(sent_records=1)

    def _look_again(self, key: Digest) -> None:
        """See that what was no record is one now: it may be a page that is given for whatever is asked, and takes nothing."""
        try:
            found = self._fetch.envelope(key)
        except Unfit:
            found = None
        if found is None:
            what = f"writing {action_name(key)} to {self._place.url}: what it gives is not what it was sent"
            raise RemoteError(what, "is there a store at this address, or a page that asks to log in?")
