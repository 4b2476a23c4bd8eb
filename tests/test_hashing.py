"""Digests of bytes, files and JSON values."""

import collections
import enum
import json
import os
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from barmill.hashing import canonical, digest_bytes, digest_file, digest_record, json_fault

MIB = 1 << 20
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("size", [0, 1, 4095, 65536, MIB - 1, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 3 * MIB + 7])
def test_file_digest_is_xxh3_128_of_its_bytes(tmp_path: Path, size: int) -> None:
    """A file's digest is xxh3-128 of all its bytes, whatever its size is to the blocks it is read in."""
    data = bytes(index * 7 % 251 for index in range(257)) * (size // 257 + 1)
    path = tmp_path / "file"
    path.write_bytes(data[:size])
    assert xxhash.xxh3_128(data[:size]).hexdigest() == digest_file(path) == digest_bytes(data[:size])


def test_digest_of_no_bytes_is_the_published_one() -> None:
    """The digest of no bytes is the published test value of xxh3-128 with seed 0."""
    assert digest_bytes(b"") == "99aa06d3014798d86001c324468d497f"


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """The digest of a file that is not there raises FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        digest_file(tmp_path / "none")


@pytest.mark.parametrize("size", [0, 1, 2 * MIB])
def test_a_file_that_was_digested_is_closed(tmp_path: Path, size: int) -> None:
    """A digest leaves no file open, whether it is worked out at once or in blocks, or the reading fails."""
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "file").write_bytes(bytes(size))
    digest_file(tmp_path / "file")
    with pytest.raises(IsADirectoryError):
        digest_file(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_numbers_texts_and_booleans_differ() -> None:
    """1, 1.0, "1", true, null and [1] have six digests, alone and nested."""
    values = [1, 1.0, "1", True, None, [1]]
    assert len({digest_record(value) for value in values}) == 6
    assert len({digest_record({"a": [value]}) for value in values}) == 6


def test_order_of_keys_does_not_count() -> None:
    """Two mappings that differ in the order of keys, at any depth, have one digest; the order of a list counts."""
    assert canonical({"b": {"y": 1, "x": 2}, "a": 3}) == canonical({"a": 3, "b": {"x": 2, "y": 1}})
    assert digest_record([1, 2]) != digest_record([2, 1])


def test_canonical_form_and_its_digest_are_those_of_every_version() -> None:
    """The bytes are fixed: another order, blank or escape would give every result in every store another key."""
    value = {"b": [1, 2.5, "é\n", None, True], "a": {}, "B": 1e-9}
    assert canonical(value) == b'{"B":1e-09,"a":{},"b":[1,2.5,"\\u00e9\\n",null,true]}'
    assert digest_record(value) == xxhash.xxh3_128(canonical(value)).hexdigest()


@pytest.mark.parametrize("value", [Path("a"), b"bytes", {1, 2}, object(), {"a": [1, {"b": Path("c")}]}, {(1, 2): 3}])
def test_what_is_not_json_is_a_type_error(value: object) -> None:
    """A value that JSON can't hold, at any depth, raises TypeError."""
    with pytest.raises(TypeError):
        canonical(value)


class _Color(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1: "a"}, "the key 1 of {1: 'a'} is not text"),
        ({"a": [{True: 1}]}, "the key True"),
        ({"a": ({None: 1},)}, "the key None"),
        ({1.5: 1, "1.5": 2}, "the key 1.5"),
        (_Color.RED, "_Color.RED: 'red'> is a "),
        ({_Color.RED: 1}, "is not text"),
        ([enum.IntEnum("Size", "S M").S], "<Size.S: 1> is a "),
        (np.float64(1.5), "is a numpy.float64"),
        (Path("a"), "is a pathlib.PosixPath"),
        (collections.OrderedDict(a=1), "is a collections.OrderedDict"),
    ],
)
def test_value_that_json_would_take_for_another_has_a_fault(value: object, words: str) -> None:
    """A key that is not text and a subclass of a plain value are named, at any depth."""
    assert words in json_fault(value)


@given(JSON)
def test_json_value_without_a_fault_is_what_it_is_read_back_as(value: object) -> None:
    """Every plain value is without a fault, and its canonical form is read back as an equal value of the same types."""
    assert json_fault(value) == ""
    assert repr(json.loads(canonical(value))) == repr(json.loads(json.dumps(value, sort_keys=True)))


@given(JSON)
def test_canonical_form_reads_back(value: object) -> None:
    """The canonical form is ASCII JSON of the same value, and writing what was read gives it again."""
    text = canonical(value)
    assert text.isascii()
    assert canonical(json.loads(text)) == text


@given(JSON, JSON)
def test_equal_forms_are_equal_values(one: object, two: object) -> None:
    """Two values have one canonical form only if they are equal."""
    if canonical(one) == canonical(two):
        assert one == two
