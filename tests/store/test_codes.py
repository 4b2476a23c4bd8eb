"""Code digests between runs: kept in the state, and worked out again when a file they came from is another."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from barmill.errors import InputMoved
from barmill.store import code as module
from barmill.store import source
from barmill.store.code import Code, Codes, Reached
from barmill.store.state import State

FILES = {
    "pkg/__init__.py": "",
    "pkg/h.py": "import xxhash\ndef f(): return 1\n",
    "pkg/stage.py": "from pkg.h import f\ntry:\n    import fastf\nexcept ImportError:\n    fastf = None\n"
    "def build(out):\n    return f(), fastf.x, 'names.csv', f.xxhash, xxhash.y\nimport xxhash\n",
}


def forget_modules() -> None:
    """As in a new process."""
    for name in [name for name in sys.modules if name.partition(".")[0] in {"pkg", "fastf"}]:
        del sys.modules[name]
    source.parse.cache_clear()
    source.find.cache_clear()
    module._version.cache_clear()
    module._distribution.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the package in it, in which modules are looked for."""
    root = tmp_path / "root"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(root)
    forget_modules()
    yield root
    forget_modules()


def look(state: Path) -> tuple[Code, bool]:
    """The code of pkg.stage.build in a new process, and whether it was worked out rather than remembered."""
    forget_modules()
    build = importlib.import_module("pkg.stage").build
    known = State(state)
    with mock.patch.object(module, "Reached", wraps=Reached) as worked_out:
        found = Codes(known).of(build)
    known.commit()
    return found, worked_out.called


def test_remembered_while_nothing_changed(root: Path) -> None:
    """The second look takes the digest from the state."""
    state = root / "state.sqlite"
    first, second = look(state), look(state)
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert first[0].versions.keys() == {"python", "fastf", "xxhash"}


def test_worked_out_again_after_a_comment(root: Path) -> None:
    """A comment has the code worked out again, with the same digest."""
    before, _ = look(root / "state.sqlite")
    with open(root / "pkg/h.py", "a") as file:
        file.write("# a comment\n")
    assert look(root / "state.sqlite") == (before, True)


def test_a_copied_state_does_not_speak_for_the_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a project was copied with its state, an edit of the copy's code is seen though the original has not changed."""
    before, _ = look(root / "state.sqlite")
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    monkeypatch.syspath_prepend(copy)
    assert look(copy / "state.sqlite") == (before, True)
    (copy / "pkg/h.py").write_text(FILES["pkg/h.py"].replace("1", "2"))
    assert look(copy / "state.sqlite")[0].digest != before.digest


def test_a_damaged_memory_is_not_believed(root: Path) -> None:
    """A remembered digest with a digit turned is worked out again."""
    state = root / "state.sqlite"
    before, _ = look(state)
    known = State(state)
    ((name, text),) = known.codes.items()
    known._db.execute("UPDATE codes SET entry = ?", (text.replace(before.digest, "0" * 32),))
    assert name == "pkg.stage.build"
    assert look(state) == (before, True)


def test_a_data_file_that_appears_is_seen(root: Path) -> None:
    """A file that the code names and that was not there counts once it is."""
    before, _ = look(root / "state.sqlite")
    (root / "pkg/names.csv").write_text("a")
    assert look(root / "state.sqlite")[0].digest != before.digest


def test_a_file_that_a_pattern_matches_and_that_appears_is_seen(root: Path) -> None:
    """A new file where a build looks for files by a pattern has the code worked out again; until then it is remembered."""
    stage = root / "pkg/stage.py"
    stage.write_text(
        stage.read_text() + "from pathlib import Path\ndef build(out):\n    return list(Path(__file__).parent.glob('t*.csv'))\n"
    )
    before, _ = look(root / "state.sqlite")
    assert look(root / "state.sqlite") == (before, False)
    (root / "pkg/table.csv").write_text("1")
    after, worked_out = look(root / "state.sqlite")
    assert (after.digest != before.digest, worked_out) == (True, True)


def test_a_module_that_appears_is_seen(root: Path) -> None:
    """A module that could not be imported counts once it can."""
    before, _ = look(root / "state.sqlite")
    (root / "fastf.py").write_text("x = 1\n")
    assert look(root / "state.sqlite")[0].digest != before.digest


def test_versions_of_libraries(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a library that is used is another code."""
    before, _ = look(root / "state.sqlite")
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: "99.9")
    after, worked_out = look(root / "state.sqlite")
    assert after.versions == before.versions | {"xxhash": "99.9", "fastf": "99.9"}
    assert (after.digest, worked_out) == (before.digest, False)


def test_a_library_that_came_under_another_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which distribution a library came with is looked for once; later its version is asked for directly."""
    versions = {"slow-f": "1.0", "xxhash": "3.0"}

    def version(name: str) -> str:
        try:
            return versions[name]
        except KeyError:
            raise module.importlib.metadata.PackageNotFoundError(name) from None

    search = mock.Mock(return_value={"fastf": ["slow-f"]})
    monkeypatch.setattr(module.importlib.metadata, "version", version)
    monkeypatch.setattr(module.importlib.metadata, "packages_distributions", search)
    (root / "fastf.py").unlink(missing_ok=True)
    before, _ = look(root / "state.sqlite")
    assert (before.versions["fastf"], search.call_count) == ("1.0", 1)
    versions["slow-f"] = "1.1"
    after, worked_out = look(root / "state.sqlite")
    assert (after.versions["fastf"], worked_out, search.call_count) == ("1.1", False, 1)
    del versions["slow-f"]
    search.return_value = {}
    assert look(root / "state.sqlite")[0].versions["fastf"] == "unknown"


def test_another_python_is_another_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another Python the code is worked out again, and its version differs."""
    before, _ = look(root / "state.sqlite")
    monkeypatch.setattr(module, "_PYTHON", "3.99")
    after, worked_out = look(root / "state.sqlite")
    assert worked_out
    assert (before.versions["python"], after.versions["python"]) == (module.sys.version[:4].rstrip("."), "3.99")


def test_code_edited_after_it_was_loaded_is_an_error(root: Path) -> None:
    """A module edited between its import and the look at its source would lend the new digest to the old code: an error."""
    build = importlib.import_module("pkg.stage").build
    codes = Codes(State(root / "state.sqlite"))
    (root / "pkg/h.py").write_text(FILES["pkg/h.py"].replace("1", "2"))
    with pytest.raises(InputMoved, match=r"pkg/h.py was edited after this run had loaded it"):
        codes.of(build)


def test_a_module_without_source_counts_by_its_bytes(root: Path) -> None:
    """An extension module of ours counts by the bytes of its file."""
    digests = []
    for content in (b"one", b"two"):
        (root / "pkg/ext.cpython-311-x86_64-linux-gnu.so").write_bytes(content)
        (root / "pkg/ext.abi3.so").write_bytes(content)
        (root / "pkg/stage.py").write_text("def build(out):\n    from pkg import ext\n    ext.f()\n")
        forget_modules()
        reached = Reached("pkg.stage")
        reached.follow("pkg.stage", "build")
        digests.append(reached.digest())
    assert digests[0] != digests[1]
