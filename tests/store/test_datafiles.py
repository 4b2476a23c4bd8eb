"""Data files that code reads from its own place: which of them count for its digest."""

from pathlib import Path

import pytest

from tests.store.package import reach, write

HERE = (
    "from pathlib import Path\nimport os, glob, pkgutil\nfrom importlib import resources\n"
    "HERE = Path(__file__).parent / 'data'\n"
)
READS = {
    "constant folder": "(HERE / 'table.v1.csv').read_text()",
    "name with two dots": "Path(__file__).parent.joinpath('data', 'table.v1.csv').read_text()",
    "with_name": "Path(__file__).with_name('table.v1.csv').read_text()",
    "with_name after a folder": "(HERE / 'other.csv').with_name('table.v1.csv').read_text()",
    "with_suffix": "(HERE / 'table.v1.txt').with_suffix('.csv').read_text()",
    "f-string": "(HERE / f'table.{version}.csv').read_text()",
    "f-string of a path": "open(f'{HERE}/table.{version}.csv').read()",
    "sum of texts": "(HERE / ('table.' + version + '.csv')).read_text()",
    "unknown name": "(HERE / version).read_text()",
    "glob": "[p.read_text() for p in HERE.glob('t*.csv')]",
    "rglob": "[p.read_text() for p in Path(__file__).parent.rglob('t*.csv')]",
    "glob of the library": "[open(p).read() for p in glob.glob(str(HERE / '*.csv'))]",
    "glob over a joined path": "[open(p).read() for p in glob.glob(os.path.join(os.path.dirname(__file__), 'data', '*.csv'))]",
    "iterdir": "[p.read_text() for p in HERE.iterdir()]",
    "listdir": "[open(os.path.join(HERE, n)).read() for n in os.listdir(HERE)]",
    "folder handed on": "helper(HERE)",
    "os.path": "open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'table.v1.csv')).read()",
    "parents": "(Path(__file__).resolve().parents[1] / 'pkg' / 'data' / 'table.v1.csv').read_text()",
    "resources of a package": "resources.files('pkg').joinpath('data/table.v1.csv').read_text()",
    "resources of a package's folder": "(resources.files('pkg.data') / 'table.v1.csv').read_text()",
    "resources of the own package": "(resources.files(__package__) / 'data' / 'table.v1.csv').read_text()",
    "resources of a module": "resources.files(pkg).joinpath('data', 'table.v1.csv').read_text()",
    "resources with an unknown name": "resources.files(pkg).joinpath('data', version).read_text()",
    "read_text of resources": "resources.read_text('pkg.data', 'table.v1.csv')",
    "get_data": "pkgutil.get_data(__package__, 'data/table.v1.csv')",
    "constant of another module": "(places.DATA / 'table.v1.csv').read_text()",
    "function with a name": "table('table.v1.csv')",
    "class attribute": "Tables().read('table.v1.csv')",
    "either of two": "(HERE / ('table.v1.csv' if version else 'other.csv')).read_text()",
}
REST = (
    "\nimport pkg\nfrom pkg import places\ndef helper(folder):\n"
    "    return [p.read_text() for p in folder.iterdir()]\n"
    "def table(name):\n    return (HERE / name).read_text()\n"
    "class Tables:\n    PLACE = Path(__file__).parent / 'data'\n    def read(self, name):\n"
    "        return (self.PLACE / name).read_text()\n"
)


def package(expression: str) -> dict[str, str]:
    """A package whose build reads by this expression."""
    return {
        "pkg/__init__.py": "",
        "pkg/stage.py": f"{HERE}{REST}def build(out, version):\n    return {expression}\n",
        "pkg/places.py": "from pathlib import Path\nDATA = Path(__file__).parent / 'data'\n",
        "pkg/data/table.v1.csv": "1",
        "pkg/table.v1.csv": "1",
        "pkg/data/other.csv": "1",
    }


@pytest.mark.parametrize("name", READS)
def test_edit_of_a_data_file_that_is_read_changes_the_digest(tmp_path: Path, name: str) -> None:
    """However the path is worked out from the module's place, the file's content counts, and its place does not."""
    for root in ("one", "two [x]"):
        write(tmp_path / root, package(READS[name]))
    before = reach(tmp_path / "one").digest()
    assert reach(tmp_path / "two [x]").digest() == before
    write(tmp_path / "one", {"pkg/data/table.v1.csv": "2", "pkg/table.v1.csv": "2"})
    assert reach(tmp_path / "one").digest() != before


@pytest.mark.parametrize("name", ["constant folder", "f-string", "glob", "os.path", "resources of a package", "get_data"])
def test_edit_of_another_data_file_keeps_the_digest(tmp_path: Path, name: str) -> None:
    """Where the name or a part of it is known, other files beside it do not count."""
    write(tmp_path, package(READS[name]))
    before = reach(tmp_path).digest()
    write(tmp_path, {"pkg/data/other.csv": "2", "pkg/new.csv": "2"})
    assert reach(tmp_path).digest() == before


@pytest.mark.parametrize("name", ["f-string", "unknown name", "glob", "iterdir", "folder handed on"])
def test_new_file_that_a_pattern_matches_changes_the_digest(tmp_path: Path, name: str) -> None:
    """A file that appears where a build looks for files by pattern counts, hidden and compiled ones do not."""
    write(tmp_path, package(READS[name]))
    before = reach(tmp_path)
    write(tmp_path, {"pkg/data/.hidden.csv": "1", "pkg/data/__pycache__/table.x.csv": "1"})
    assert reach(tmp_path).digest() == before.digest()
    write(tmp_path, {"pkg/data/table.v2.csv": "1"})
    after = reach(tmp_path)
    assert after.digest() != before.digest()
    assert after.listings != before.listings


def test_missing_file_is_awaited(tmp_path: Path) -> None:
    """A file whose path is known and that is not there is named, so that its appearance is seen."""
    write(tmp_path, package("(HERE / 'late.v1.csv').read_text()"))
    assert tmp_path / "pkg/data/late.v1.csv" in reach(tmp_path).absent


def test_module_beside_a_project_takes_its_own_folder_only(tmp_path: Path) -> None:
    """A module that is in no package counts the files beside it, not those in the project's other folders."""
    stage = "from pathlib import Path\ndef build(out, name):\n    return (Path(__file__).parent / name).read_text()\n"
    write(tmp_path, {"loose.py": stage, "a.csv": "1", "data/prices.csv": "1"})
    before = reach(tmp_path, "loose").digest()
    write(tmp_path, {"data/prices.csv": "2"})
    assert reach(tmp_path, "loose").digest() == before
    write(tmp_path, {"a.csv": "2"})
    assert reach(tmp_path, "loose").digest() != before
