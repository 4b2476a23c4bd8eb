"""What comes from a remote: records and objects, each verified before it is stored here."""

import errno
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from barmill import files
from barmill.errors import ObjectCorrupt, ObjectMissing, RemoteError, RemoteLost
from barmill.hashing import Digest, digest_bytes
from barmill.store.actions import Record
from barmill.store.kin import common_of, held_by, pieces_of
from barmill.store.remote.breaker import Breaker
from barmill.store.remote.counts import Counts
from barmill.store.remote.layout import action_name, kin_name, object_name
from barmill.store.remote.line import Item
from barmill.store.remote.local import Local
from barmill.store.remote.place import Place, Unfit
from barmill.store.remote.seal import Envelope, unpack
from barmill.store.remote.strong import Digests

_RECORD = 256 << 20  # bytes of an envelope: of a target of a million inputs
_SMALL = 1 << 20
_WORDS = 3  # of a reason, that say of what kind it is
_KIN = 64  # records that may hold a piece


@dataclass(frozen=True)
class Wanted:
    """An object to bring: its digest, its size in bytes, its SHA-256 or "", and the seconds that it may take."""

    digest: Digest
    size: int
    strong: str
    worth: float = 0.0


class Fetch:
    """Brings records and objects into the local store.

    Attributes:
        refused: names in the remote of what was not what it should be: it is to be written anew.
    """

    def __init__(self, place: Place, breaker: Breaker, local: Local, counts: Counts, key: str) -> None:
        self._place = place
        self._breaker = breaker
        self._local = local
        self._counts = counts
        self._key = key
        self.refused: set[str] = set()
        self._lists = True

    def records(self, keys: Collection[Digest]) -> set[Digest]:
        """Bring the records of these keys and the objects that are lacking; the keys that are whole here then."""
        envelopes = self.envelopes(keys)
        whole = self._bring(envelopes.values())
        self._counts.add(hits=len(whole), misses=len(keys) - len(whole))
        return whole

    def envelopes(self, keys: Collection[Digest]) -> dict[Digest, Envelope]:
        """The envelopes of these keys that are there and can be believed."""
        found = {}
        for key, answer in self._told(self._breaker.ask(self.envelope, keys)):
            if isinstance(answer, Envelope):
                found[key] = answer
            elif isinstance(answer, Unfit):
                self._refuse(action_name(key), answer)
        return found

    def envelope(self, key: Digest) -> Envelope | None:
        """The envelope of a record, None if there is none.

        Raises:
            Unfit: it can't be believed.
            RemoteError: the remote does not answer, or refuses.
        """
        data = self._place.read(action_name(key), _RECORD)
        return None if data is None else unpack(bytes(data), key, self._key)

    def objects(self, wanted: Collection[Wanted]) -> None:
        """Bring objects that are lacking.

        Raises:
            ObjectMissing: the remote has not all of them.
            ObjectCorrupt: one is not what it should be.
            RemoteError: the remote does not answer, or refuses.
            OSError: the local store can't be written.
        """
        lacking = self._lacking(wanted)
        for each, answer in self._ask(lacking.values()):
            where = f"object {each.digest} of {self._place.url}"
            if answer is None:
                raise ObjectMissing(f"{where} is missing", "send it again")
            if isinstance(answer, Unfit):
                raise ObjectCorrupt(f"{where} {answer.args[0]}", "send it again")
            if isinstance(answer, RemoteError):
                raise answer.__cause__ or answer
            del lacking[each.digest]
        if lacking:
            fault = self._breaker.fault
            raise RemoteLost(f"{fault.fact}: {len(lacking)} objects lack", fault.hint)

    def kin(self, manifest: Mapping[str, Any]) -> None:
        """Bring records that hold pieces of `manifest` which no local record holds, the newest first."""
        lacking = pieces_of(manifest) - self._local.pieces(manifest)
        common = common_of(manifest)
        if not lacking or not self._lists or self._breaker.is_open:
            return
        names = self._breaker.one(self._place.names, kin_name(common))
        if not isinstance(names, list):
            self._lists = False
            return
        keys = [key for name in names[:_KIN] if not self._local.is_whole(key := Digest(name)) and _is_key(name)]
        chosen = []
        found = self.envelopes(keys)
        for envelope in (found[key] for key in keys if key in found):
            record = envelope.record
            held = lacking & held_by(record) if common_of(record.manifest) == common else set()
            if held:
                chosen.append(envelope)
                lacking -= held
        self._counts.add(hits=len(self._bring(chosen)))

    def _bring(self, envelopes: Iterable[Envelope]) -> set[Digest]:
        """Bring what is lacking of records, then store those that are whole; their keys."""
        envelopes = list(envelopes)
        wanted = []
        for envelope in envelopes:
            objects, seconds = dict(envelope.record.objects()), envelope.record.seconds
            wanted += [Wanted(*each, envelope.strong[each[0]], seconds / len(objects)) for each in objects.items()]
        covered = max((each.record.seconds for each in envelopes), default=0.0)
        for each, answer in self._ask(self._lacking(wanted).values(), covered):
            if isinstance(answer, Unfit):
                self._refuse(object_name(each.digest), answer)
        return {each.record.key for each in envelopes if self._store(each.record)}

    def _lacking(self, wanted: Iterable[Wanted]) -> dict[Digest, Wanted]:
        """Those that are not here: looked for before there are threads, which would wait for one another at each look."""
        lacking: dict[Digest, Wanted] = {}
        for each in wanted:
            if each.digest not in lacking and not self._local.objects.has(each.digest, each.size):
                lacking[each.digest] = each
        return lacking

    def _ask(self, wanted: Collection[Wanted], covered: float = 0.0) -> Iterator[tuple[Wanted, Any]]:
        received = 0
        try:
            for each, answer in self._told(self._breaker.ask(self._object, wanted, lambda each: each.worth, covered)):
                if isinstance(answer, int):
                    received += answer
                yield each, answer
        finally:
            self._counts.add(received=received)

    def _told(self, asked: Iterator[tuple[Item, Any]]) -> Iterator[tuple[Item, Any]]:
        """Pass answers on, and count the requests that failed."""
        for item, answer in asked:
            if isinstance(answer, RemoteError):
                self._counts.blame(answer, failed=1)
            yield item, answer

    def _object(self, wanted: Wanted) -> int | None:
        """Bring one object; its size, None if the remote has none."""
        try:
            return self._brought(wanted)
        except OSError as error:
            raise self._unstored(error) from error

    def _brought(self, wanted: Wanted) -> int | None:
        if not wanted.size:
            _believe(wanted, Digests())
            self._local.objects.add(memoryview(b""), wanted.digest)
        elif wanted.size <= _SMALL:
            data = self._place.read(object_name(wanted.digest), wanted.size, wanted.size)
            if data is None:
                return None
            _believe(wanted, Digests(data))
            self._local.objects.add(data, wanted.digest)
        elif not self._stream(wanted):
            return None
        return wanted.size

    def _stream(self, wanted: Wanted) -> bool:
        parts = self._place.stream(object_name(wanted.digest), wanted.size)
        if parts is None:
            return False
        path = self._local.objects.path(wanted.digest)
        files.make_folder(path.parent)
        if shutil.disk_usage(path.parent).free < wanted.size:
            raise OSError(errno.ENOSPC, f"no room for {wanted.size} bytes", str(path.parent))
        temporary = files.temporary_name(path)
        digests = Digests()
        try:
            with open(temporary, "xb", buffering=0) as file:
                for part in parts:
                    digests.feed(part)
                    _write(file.write, part)
            _believe(wanted, digests)
            self._local.objects.adopt(temporary, wanted.digest, wanted.size)
        finally:
            files.remove(temporary)
        return True

    def _store(self, record: Record) -> bool:
        try:
            return self._local.store(record)
        except OSError as error:  # a store that can't be written holds nothing
            self._counts.blame(self._unstored(error))
            return False

    def _unstored(self, error: OSError) -> RemoteError:
        store = self._local.objects.root
        return RemoteError(f"storing in {store}: {error.strerror or error}", f"{store} must be writable, and have room")

    def _refuse(self, name: str, why: Unfit) -> None:
        self.refused.add(name)
        self._counts.add(refused=1)
        kind = "object" if "/objects/" in name else " ".join(why.args[0].split()[:_WORDS])
        self._counts.warn(f"refused: {kind}", f"{name} {why.args[0]}; it is not used, and what it was to give is built")


def _believe(wanted: Wanted, digests: Digests) -> None:
    if digests.quick != wanted.digest:
        raise Unfit(f"has the digest {digests.quick[:12]}")
    if wanted.strong and digests.strong != wanted.strong:
        raise Unfit(f"has the SHA-256 {digests.strong[:12]}…, not what its record vouches for")


def _write(write: Callable[[memoryview], int], data: memoryview) -> None:
    while data:
        data = data[write(data) :]


def _is_key(name: str) -> bool:
    return len(name) == len(digest_bytes(b"")) and set(name) <= set("0123456789abcdef")
