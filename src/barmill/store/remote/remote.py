"""The remote of a project, as the rest of the program sees it."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from barmill.errors import BarmillError, RemoteError, RemoteLost
from barmill.hashing import Digest
from barmill.store.remote.breaker import Breaker
from barmill.store.remote.bucket import Bucket
from barmill.store.remote.counts import Counts, reason_of
from barmill.store.remote.fetch import Fetch, Wanted
from barmill.store.remote.folder import Folder
from barmill.store.remote.line import Line
from barmill.store.remote.local import Local
from barmill.store.remote.options import RemoteOptions
from barmill.store.remote.patience import AT_LEISURE, Patience
from barmill.store.remote.send import Parcel, Send
from barmill.store.remote.uploads import Uploads

Found = TypeVar("Found")

_AT_ONCE = 32  # requests while someone waits
_OF_A_FOLDER = min(8, (os.cpu_count() or 1) + 1)  # there is no latency to hide, and threads wait for one another
_BACKGROUND = 8
_HANGING = 30.0  # seconds without an answer, or the next bytes of it, after which even a patient one gives up


class Remote:
    """One per process; it fills the local store, and is filled from it.

    Args:
        options: where it is, and how it is used.
        local: the local store.
        tally: a file in which the processes of a run count together what they waited in vain.

    Attributes:
        counts: what was asked, and what came of it.
        brought: keys of the records that came from the remote.
        absent: keys that were asked for when their stage was listed, in vain: they are not asked for when their turn comes.
        uploads: the background sender.
    """

    def __init__(self, options: RemoteOptions, local: Local, tally: Path | None = None) -> None:
        self._options = options
        self._local = local
        self._late = options.patience
        self.counts = counts = Counts(options.url)
        self.brought: set[Digest] = set()
        self.absent: set[Digest] = set()
        is_folder = options.url.startswith("file:")
        place = Folder(options.url) if is_folder else Bucket(options.url, min(options.patience, _HANGING))
        at_once = _OF_A_FOLDER if is_folder else _AT_ONCE
        self._asks = Breaker(Line(at_once), Patience(options.patience, tally), counts)
        self._sends = Breaker(Line(_BACKGROUND), Patience(options.patience), counts, AT_LEISURE)
        self._fetch = Fetch(place, self._asks, local, counts, options.key)
        self._send = Send(place, self._asks, local, counts, self._fetch, options.key)
        self.uploads = Uploads(Send(place, self._sends, local, counts, self._fetch, options.key), counts)

    def __repr__(self) -> str:
        return f"Remote({self._options})"

    @property
    def url(self) -> str:
        """Where it is; safe to print."""
        return self._options.url

    @property
    def mode(self) -> str:
        """The setting `remote_mode`."""
        return self._options.mode

    @property
    def reads(self) -> bool:
        """Whether it is asked for results: by its mode, and as long as it answers."""
        return self._options.mode != "write" and not self._asks.is_open

    @property
    def writes(self) -> bool:
        """Whether results are sent to it: by its mode, and as long as it answers."""
        return self._options.mode != "read" and not self._asks.is_open and not self._sends.is_open

    def fetch(self, keys: Collection[Digest]) -> set[Digest]:
        """Bring records of these keys, and every object that they name and the local store lacks, verified.

        Returns:
            The keys that are whole here now. What the remote does, and a store that can't be written, is told and is no error.
        """
        if not keys or not self.reads:
            return set()
        whole = self._fetch.records(set(keys))
        self.brought |= whole
        return whole

    def fetch_late(self, key: Digest) -> bool:
        """As `fetch`, of one key whose turn has come; not done any more once it has cost more than it saved and the patience.

        Where the results of a run differ from all that others built, each of these would wait for a miss.
        """
        if self._late < 0:
            return False
        start = time.monotonic()
        came = key in self.fetch([key])
        record = self._local.actions.get(key) if came else None
        self._late += (record.seconds if record is not None else 0.0) - (time.monotonic() - start)
        return came

    def fetch_kin(self, manifest: Mapping[str, Any]) -> None:
        """Bring what others have worked out of the pieces of `manifest`, as far as it is lacking; as `fetch`."""
        if self.reads:
            self._fetch.kin(manifest)

    def fetch_objects(self, wanted: Collection[tuple[Digest, int, str]]) -> None:
        """Bring objects (digest, size, SHA-256 or "") that no record needs to name.

        Raises:
            ObjectMissing: the remote has not all of them.
            ObjectCorrupt: one is not what it should be.
            RemoteError: the remote does not answer, or refuses.
            OSError: the local store can't be written.
        """
        self._fetch.objects([Wanted(*each) for each in wanted])

    def send(self, keys: Collection[Digest], *, look: bool = True) -> None:
        """Send records and their objects from the local store, objects first; what is there already is not sent again.

        Args:
            keys: of the records.
            look: ask which are there already.

        Raises:
            RemoteError: not all of them could be sent; those that could are.
        """
        for _, fault in list(self._send.records(keys, look=look)):
            if fault is not None:
                raise fault if isinstance(fault, RemoteError) else RemoteError(fault.fact, fault.hint)

    def send_each(self, keys: Collection[Digest]) -> Iterator[tuple[Digest, BarmillError | None]]:
        """As `send`; yields each key with what was in the way, if anything was."""
        return self._send.records(keys)

    def send_files(self, files: Mapping[Digest, Path]) -> dict[Digest, tuple[int, str]]:
        """Send files as objects, unless they are there; tells size and SHA-256 of each.

        Raises:
            RemoteError: not all of them could be sent.
        """
        parcels = [Parcel(digest, path.stat().st_size, path) for digest, path in files.items()]
        for fault in self._send.alike(parcels).values():
            raise fault if isinstance(fault, RemoteError) else RemoteError(fault.fact, fault.hint)
        return {each.digest: (each.size, self._send.strong(each.digest)) for each in parcels}

    def insist(self, ask: Callable[[], Found]) -> Found:
        """What one of the above gives; asked again, if the remote can't be reached, as long as there is patience."""
        while True:
            try:
                return ask()
            except RemoteLost:
                if not self.reads:
                    raise

    def offer(self, key: Digest) -> None:
        """Have a result that was just built sent in the background, if results are sent at all."""
        if self._options.mode == "read" or key in self.brought:
            return
        if self.writes:
            self.uploads.offer(key)
        else:
            self.counts.add(unsent=1)

    def drain(self, seconds: float | None = None) -> None:
        """Wait until everything offered is sent, or can't be; tells what was not.

        Args:
            seconds: how long at most.
        """
        try:
            self.uploads.drain(seconds)
        finally:  # also of one who does not want to wait any longer
            if self.counts.refused > 1:
                self.counts.warn("refused", f"{self.counts.refused} records and objects were refused in all")
            self.tell()

    def tell(self) -> None:
        """Say in one line, once, what failed or is still to be sent, why, and what helps."""
        counts, facts = self.counts, []
        if self._asks.is_open:
            facts.append("the run went on without it")
        elif counts.failed:
            facts.append(f"{counts.failed} requests failed")
        if unsent := counts.unsent + self.uploads.waiting:
            facts.append(f"{unsent} results were not sent; doit push sends them")
        if facts:
            why = counts.cause or (reason_of(self._asks.fault) if self._asks.is_open else "")
            counts.warn("failed", "; ".join([why, *facts] if why else facts))
