"""File systems of their own for tests, where this machine lets one be mounted."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(folder: Path, *what: str | Path) -> Iterator[Path]:
    """A new folder with a file system mounted on it (options and source of `mount`); skips the test where that can't be."""
    folder.mkdir()
    _or_skip("mount", *what, folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def with_whole_seconds(folder: Path) -> Iterator[Path]:
    """A file system of 8 MB whose stamps are whole seconds: ext2 with inodes too small for more."""
    image = folder.with_suffix(".image")
    image.write_bytes(bytes(8 << 20))
    _or_skip("mkfs.ext2", "-q", "-I", "128", image)
    with mounted(folder, "-o", "loop", image) as disk:
        yield disk


def _or_skip(program: str, *arguments: str | Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"there is no {program} here")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
