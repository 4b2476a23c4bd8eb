"""The remote beside bare obstore: 10,000 objects of 1 to 64 kB sent and fetched, and a build of the sample fetched whole.

Over a folder, and over nginx (PUT by its DAV module) where there is one. Both sides make as many requests at once.
"""

import contextlib
import functools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
from obstore.store import from_url

from barmill.files import write_atomic
from barmill.hashing import Digest, digest_bytes
from barmill.store.cache import Cache
from barmill.store.remote.layout import object_name
from barmill.store.remote.options import RemoteOptions
from barmill.store.remote.remote import _AT_ONCE, _OF_A_FOLDER
from barmill.store.remote.strong import Digests
from tests.bench.restore import _data
from tests.bench.timing import DOIT, Options, Table, doit_project, fresh_artifacts, process, race, work_folder

_SMALLEST, _LARGEST = 1_000, 64_000


def run(options: Options) -> Table:
    """In this process, each time into a new place; the last rows are whole `doit` processes."""
    table = Table("the remote", options.repeat)
    files = _files(options.scaled(10_000))
    with _remotes() as remotes:
        for name, remote in remotes.items():
            _objects(table, options, name, remote, files)
        _sample(table, options, remotes)
    return table


def _files(count: int) -> dict[Digest, Path]:
    folder = work_folder("remote-files")
    chance = random.Random(1)
    found = {}
    for number in range(count):
        data = chance.randbytes(chance.randint(_SMALLEST, _LARGEST))
        path = folder / str(number)
        path.write_bytes(data)
        found[digest_bytes(data)] = path
    return found


def _objects(table: Table, options: Options, name: str, remote: Callable[[], str], files: dict[Digest, Path]) -> None:
    """Sending files as objects, and fetching them into an empty store, each side in its own place."""
    places: dict[str, str] = {}
    told: dict[Digest, tuple[int, str]] = {}

    at_once = _OF_A_FOLDER if name == "a folder" else _AT_ONCE

    def ours_sent() -> float:
        places["ours"] = remote()
        cache = _cache(places["ours"])
        start = time.perf_counter()
        told.update(cache.remote.send_files(files))  # type: ignore[union-attr]
        return time.perf_counter() - start

    def bare_sent() -> float:
        places["bare"] = remote()
        store = _store(places["bare"])
        start = time.perf_counter()
        _each(
            at_once,
            lambda item: obstore.put(store, object_name(item[0]), item[1].read_bytes(), use_multipart=False),
            list(files.items()),
        )
        return time.perf_counter() - start

    def ours_fetched() -> float:
        cache = _cache(places["ours"])
        start = time.perf_counter()
        cache.remote.fetch_objects([(digest, *each) for digest, each in told.items()])  # type: ignore[union-attr]
        return time.perf_counter() - start

    def bare_fetched() -> float:
        store, folder = _store(places["bare"]), Path(tempfile.mkdtemp(dir=_root()))
        start = time.perf_counter()
        _each(
            at_once, lambda digest: (folder / digest).write_bytes(obstore.get(store, object_name(digest)).bytes()), list(files)
        )
        return time.perf_counter() - start

    def verified() -> float:
        store, folder = _store(places["bare"]), Path(tempfile.mkdtemp(dir=_root()))

        def one(digest: Digest) -> None:
            data = memoryview(obstore.get(store, object_name(digest)).bytes())
            found = Digests(data)
            if found.quick == digest and found.strong:
                write_atomic(folder / digest[:2] / digest[2:], data, mode=0o444)

        start = time.perf_counter()
        _each(at_once, one, list(files))
        return time.perf_counter() - start

    contenders = {
        "ours sent": ours_sent,
        "bare sent": bare_sent,
        "ours fetched": ours_fetched,
        "bare fetched": bare_fetched,
        "verified": verified,
    }
    medians = race(contenders, options.repeat)
    what = f"{len(files):,} objects of 1 to 64 kB over {name}"
    table.add(f"{what}: sent", medians["ours sent"], "bare obstore, read and put", medians["bare sent"])
    table.add(f"{what}: fetched", medians["ours fetched"], "bare obstore, got and written", medians["bare fetched"])
    table.add("the same", medians["ours fetched"], "both digests, written and renamed, too", medians["verified"])


def _each(at_once: int, function: Callable[[Any], object], items: Sequence[Any]) -> None:
    with ThreadPoolExecutor(at_once) as threads:
        for _ in threads.map(function, items):
            pass


def _cache(url: str) -> Cache:
    root = Path(tempfile.mkdtemp(dir=_root()))
    return Cache(root / "store", root / "state.sqlite", remote=RemoteOptions(url, patience=60.0, key="key"))


@functools.cache
def _root() -> Path:
    """Made once: what is deleted in between slows down what is then written (see `timing.fresh_artifacts`)."""
    return work_folder("remote")


def _store(url: str) -> Any:
    options = {"allow_http": True} if url.startswith("http") else None
    if url.startswith("file://"):
        Path(url.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
    return from_url(url, client_options=options) if options else from_url(url)


def _sample(table: Table, options: Options, remotes: dict[str, Callable[[], str]]) -> None:
    """Whole processes: everything from the remote into a project that has nothing, beside everything from the local store."""
    title, stooq, instruments = _data()
    root, environ = doit_project("remote-sample", stooq, instruments)
    process(DOIT, root, environ)
    store = {"BARMILL_STORE": str(root / "artifacts/store")}
    contenders: dict[str, Callable[[], float]] = {
        "restored": lambda: process((*DOIT,), root, environ | store | fresh_artifacts(root), says="0 built, [1-9]")
    }
    for name, remote in remotes.items():
        there = environ | {"BARMILL_REMOTE": remote(), "BARMILL_REMOTE_KEY": "key"}
        process((*DOIT, "push"), root, there)
        contenders[name] = lambda there=there: process(  # type: ignore[misc]
            (*DOIT,), root, there | fresh_artifacts(root), says="0 built, 0 restored, [1-9]"
        )
    medians = race(contenders, options.repeat)
    for name in remotes:
        table.add(f"{title}: fetched over {name}", medians[name], "restored from the store", medians["restored"])


@contextlib.contextmanager
def _remotes() -> Iterator[dict[str, Callable[[], str]]]:
    """Name of a kind of remote → gives the URL of an empty one."""
    root = _root()
    remotes: dict[str, Callable[[], str]] = {"a folder": lambda: f"file://{tempfile.mkdtemp(dir=root)}"}
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or _has_no_dav(nginx):
        yield remotes
        return
    with _serving(nginx, root) as url:
        yield remotes | {"nginx": lambda: f"{url}/{Path(tempfile.mkdtemp(dir=root / 'held')).name}"}


def _has_no_dav(nginx: str) -> bool:
    return b"http_dav_module" not in subprocess.run([nginx, "-V"], capture_output=True, check=True).stderr


@contextlib.contextmanager
def _serving(nginx: str, root: Path) -> Iterator[str]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / "held").mkdir()
    (root / "held").chmod(0o777)
    config = root / "nginx.conf"
    config.write_text(
        f"""daemon off; worker_processes 2; pid {root}/pid; error_log {root}/error.log; {"user root;" if _is_root() else ""}
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
  uwsgi_temp_path {root}/u; scgi_temp_path {root}/s; client_max_body_size 0; keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port}; root {root}/held;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""
    )
    with subprocess.Popen([nginx, "-c", str(config), "-p", str(root), "-e", str(root / "error.log")]) as server:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _is_root() -> bool:
    import os

    return os.geteuid() == 0


if __name__ == "__main__":
    sys.stdout.write(run(Options(1)).text() + "\n")
