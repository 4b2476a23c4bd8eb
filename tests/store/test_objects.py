"""Objects: bytes go in and come back whole, or not at all."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from barmill.errors import ObjectCorrupt, ObjectMissing, StoreError
from barmill.hashing import Digest, digest_bytes
from barmill.store import objects as module
from barmill.store.objects import Objects

MIB = 1 << 20
SIZES = [0, 1, 1000, MIB, MIB + 1, 3 * MIB + 5]
LINKS = ["reflink", "copy", "hardlink"]


def files_below(root: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def stored(root: Path, data: bytes, link: str = "reflink", compress: str = "none") -> tuple[Objects, Digest]:
    """A store with one object."""
    root.mkdir(exist_ok=True)
    source, digest = root / "source", digest_bytes(data)
    source.write_bytes(data)
    objects = Objects(root / "store", link=link, compress=compress)
    objects.put(source, digest, len(data))
    source.unlink()
    return objects, digest


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_back(tmp_path: Path, size: int, link: str) -> None:
    """An object of any size comes back as it was, and no temporary file stays anywhere."""
    data = os.urandom(size)
    objects, digest = stored(tmp_path, data, link)
    assert objects.has(digest, size)
    assert not objects.has(digest, size + 1)
    target = tmp_path / "out/target"
    target.parent.mkdir()
    objects.restore(digest, size, target)
    assert target.read_bytes() == data
    assert files_below(tmp_path) == ["out/target", f"store/objects/{digest[:2]}/{digest[2:]}"]


@pytest.mark.parametrize("link", ["reflink", "copy"])
@pytest.mark.parametrize("size", [10, MIB + 1])
def test_a_restored_file_is_its_owners(tmp_path: Path, size: int, link: str) -> None:
    """A restored file may be written, the object may not (by mode), and writing the one leaves the other alone."""
    objects, digest = stored(tmp_path, b"x" * size, link)
    target = tmp_path / "target"
    objects.restore(digest, size, target)
    assert stat.S_IMODE(target.stat().st_mode) & 0o200
    assert stat.S_IMODE(objects.path(digest).stat().st_mode) == 0o444
    target.write_bytes(b"y")
    assert objects.path(digest).read_bytes() == b"x" * size


def test_putting_twice_writes_once(tmp_path: Path) -> None:
    """An object that is there is not written again; its stamp is that of the second time."""
    objects, digest = stored(tmp_path, b"data")
    os.utime(objects.path(digest), (1, 1))
    before = objects.path(digest).stat()
    objects.put(tmp_path / "not even there", digest, 4)
    after = objects.path(digest).stat()
    assert after.st_ino == before.st_ino
    assert time.time() - after.st_mtime < 60


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("size", [1000, MIB + 1])
def test_an_object_has_the_stamp_of_its_putting(tmp_path: Path, size: int, link: str) -> None:
    """However old the file is that was put, the object is new: a gc that has begun leaves it alone."""
    (tmp_path / "source").write_bytes(bytes(size))
    os.utime(tmp_path / "source", (1, 1))
    objects, digest = Objects(tmp_path / "store", link=link), digest_bytes(bytes(size))
    objects.put(tmp_path / "source", digest, size)
    assert time.time() - objects.path(digest).stat().st_mtime < 60


def truncate(path: Path) -> None:
    """Cut the last byte."""
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    """Turn one bit."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def empty(path: Path) -> None:
    """Leave nothing in it."""
    path.write_bytes(b"")


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("size", [1000, MIB + 1])
@pytest.mark.parametrize("damage", [truncate, flip, empty])
def test_a_damaged_object_is_never_given_out(tmp_path: Path, damage: object, size: int, link: str) -> None:
    """A damaged object is set aside with an error, nothing is written, and the object can be stored again."""
    data = os.urandom(size)
    objects, digest = stored(tmp_path, data, link)
    objects.path(digest).chmod(0o644)
    damage(objects.path(digest))
    target = tmp_path / "target"
    with pytest.raises(ObjectCorrupt, match=r"quarantine.*\nhint: "):
        objects.restore(digest, size, target)
    assert files_below(tmp_path) == [f"store/quarantine/{digest}"]
    (tmp_path / "source").write_bytes(data)
    objects.put(tmp_path / "source", digest, size)
    objects.restore(digest, size, target)
    assert target.read_bytes() == data


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_what_another_has_mended_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: str) -> None:
    """Damage that is gone when it is to be set aside is no damage: the sound object is not moved, and is given out."""
    data = b"sound " * 1000
    objects, digest = stored(tmp_path, data, compress=compress)
    path = objects.find(digest, len(data))
    assert path is not None
    sound = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(sound[:-1] + b"?")
    is_sound = Objects._is_sound

    def mended(self: Objects, source: Path, wanted: Digest) -> bool:
        path.write_bytes(sound)
        return is_sound(self, source, wanted)

    monkeypatch.setattr(Objects, "_is_sound", mended)
    objects.restore(digest, len(data), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    assert not (tmp_path / "store/quarantine").exists()


def test_what_another_has_mended_at_the_last_moment_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound object that was moved in the place of a damaged one is moved back, and given out."""
    objects, digest = stored(tmp_path, b"sound")
    path = objects.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"sick!")
    set_aside = Objects.set_aside

    def late(self: Objects, source: Path) -> Path:
        path.write_bytes(b"sound")
        return set_aside(self, source)

    monkeypatch.setattr(Objects, "set_aside", late)
    objects.restore(digest, 5, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == path.read_bytes() == b"sound"
    assert not list((tmp_path / "store/quarantine").iterdir())


def test_damage_that_another_has_moved_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who meet the same damage both say so; the second has nothing left to move."""
    objects, digest = stored(tmp_path, b"sound")
    path = objects.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"sick!")
    monkeypatch.setattr(Objects, "_is_sound", lambda *_: path.unlink())
    with pytest.raises(ObjectCorrupt, match="another has moved it"):
        objects.restore(digest, 5, tmp_path / "out")


def test_an_object_under_anothers_name_is_never_given_out(tmp_path: Path) -> None:
    """Two objects of equal size whose names were swapped are both refused."""
    objects, one = stored(tmp_path, b"one")
    _, two = stored(tmp_path, b"two")
    os.replace(objects.path(one), tmp_path / "third")
    os.replace(objects.path(two), objects.path(one))
    os.replace(tmp_path / "third", objects.path(two))
    for digest in (one, two):
        with pytest.raises(ObjectCorrupt):
            objects.restore(digest, 3, tmp_path / "target")
        assert not objects.has(digest, 3)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("size", [10, MIB + 1])
def test_a_missing_object_is_named(tmp_path: Path, size: int) -> None:
    """An object that was deleted raises ObjectMissing, and leaves no half file."""
    objects, digest = stored(tmp_path, b"x" * size)
    objects.path(digest).unlink()
    assert not objects.has(digest, size)
    with pytest.raises(ObjectMissing, match=digest[2:]):
        objects.restore(digest, size, tmp_path / "target")
    assert files_below(tmp_path) == []


TEXT = b"2024-01-02,10.5,11.0,10.25,10.75,1000\n" * 1000


@pytest.mark.parametrize("link", LINKS)
def test_compressed_where_it_pays(tmp_path: Path, link: str) -> None:
    """Text is kept compressed, and comes back as it was, also to a store that does not compress; noise and crumbs are not."""
    objects, digest = stored(tmp_path, TEXT, link, "zstd")
    packed = Path(f"{objects.path(digest)}.zst")
    assert files_below(tmp_path) == [str(packed.relative_to(tmp_path))]
    assert packed.stat().st_size < len(TEXT) / 10
    assert objects.digest(packed) == digest
    for number, reader in enumerate((objects, Objects(objects.root, link=link))):
        assert reader.has(digest, len(TEXT))
        reader.restore(digest, len(TEXT), tmp_path / str(number))
        assert (tmp_path / str(number)).read_bytes() == TEXT
        reader.put(tmp_path / "not even there", digest, len(TEXT))
    for data in (os.urandom(100_000), TEXT[:1000]):
        _, plain = stored(tmp_path, data, link, "zstd")
        assert objects.path(plain).read_bytes() == data


@pytest.mark.parametrize("damage", [truncate, flip, empty])
def test_a_damaged_compressed_object_is_never_given_out(tmp_path: Path, damage: object) -> None:
    """It is set aside like any other, and can be stored again."""
    objects, digest = stored(tmp_path, TEXT, compress="zstd")
    packed = Path(f"{objects.path(digest)}.zst")
    packed.chmod(0o644)
    damage(packed)
    with pytest.raises(ObjectCorrupt, match=r"quarantine.*\nhint: "):
        objects.restore(digest, len(TEXT), tmp_path / "target")
    assert files_below(tmp_path) == [f"store/quarantine/{digest}.zst"]
    assert not objects.has(digest, len(TEXT))
    assert stored(tmp_path, TEXT, compress="zstd")[0].has(digest, len(TEXT))


def test_every_bit_of_a_compressed_object_counts(tmp_path: Path) -> None:
    """With any bit of it turned it is refused, or it still gives the right bytes."""
    data = TEXT[:4160]
    objects, digest = stored(tmp_path, data, compress="zstd")
    packed = Path(f"{objects.path(digest)}.zst")
    whole = packed.read_bytes()
    for bit in range(len(whole) * 8):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << bit % 8
        packed.unlink(missing_ok=True)
        packed.write_bytes(turned)
        place = tmp_path / str(bit)
        try:
            objects.restore(digest, len(data), place)
        except ObjectCorrupt:
            assert not place.exists()
        else:
            assert place.read_bytes() == data


def test_without_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed object that can't be read for want of the library is left where it is, and the cure is named."""
    objects, digest = stored(tmp_path, TEXT, compress="zstd")
    monkeypatch.setitem(sys.modules, "backports", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    with pytest.raises(StoreError, match=r"pip install 'barmill\[zstd\]'"):
        objects.restore(digest, len(TEXT), tmp_path / "target")
    assert objects.has(digest, len(TEXT))


@pytest.mark.parametrize("size", [10, MIB + 1])
def test_an_object_that_is_stored_again_just_after_it_was_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Whoever finds it missing is told so, also if another has stored it meanwhile: it is restored or built then."""
    data = b"x" * size
    objects, digest = stored(tmp_path, data)
    path = objects.path(digest)
    digest_of = module.digest_file

    def late(name: Path) -> Digest:
        path.rename(tmp_path / "set aside")
        try:
            return digest_of(name)
        finally:
            (tmp_path / "set aside").rename(path)

    monkeypatch.setattr(module, "digest_file", late)
    monkeypatch.setattr(module, "_SMALL", 0)
    with pytest.raises(ObjectMissing):
        objects.restore(digest, size, tmp_path / "out")
    monkeypatch.undo()
    objects.restore(digest, size, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize("way", ["put", "add", "adopt"])
@pytest.mark.parametrize("link", LINKS)
def test_with_fsync_an_object_and_its_folder_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, way: str
) -> None:
    """However an object is stored, its bytes and the name of it and of its new folder are synced; without fsync nothing is."""
    for fsync in (False, True):
        root, data = tmp_path / str(fsync), b"x" * 1000
        digest, synced = digest_bytes(data), []
        objects = Objects(root, link=link, fsync=fsync)
        folder = objects.path(digest).parent
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda file, synced=synced: synced.append(Path(os.readlink(f"/proc/self/fd/{file}"))))
            if way == "add":
                objects.add(memoryview(data), digest)
            else:
                source = tmp_path / "source" if way == "put" else folder / ".new.tmp"
                source.parent.mkdir(parents=True, exist_ok=True)
                source.write_bytes(data)
                objects.put(source, digest, len(data)) if way == "put" else objects.adopt(source, digest, len(data))
        assert (folder in synced) == fsync
        assert any(path.parent == folder for path in synced) == fsync
        assert (folder.parent in synced) == (fsync and way != "adopt")
