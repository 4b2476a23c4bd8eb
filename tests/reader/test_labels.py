"""Labels read back: as their files, without them, and what is not there."""

import pytest

from barmill import read_labels
from barmill.errors import BarsError
from barmill.market.tables import read_parquet
from tests.support import minutes


def project(root, **settings):
    """A built project, with the settings of the small grids in its pyproject.toml."""
    plan = minutes.plan(root, **settings)
    minutes.build(plan, "labels")
    lines = [
        f"{key} = {list(value) if isinstance(value, tuple) else str(value).lower()}" for key, value in minutes.SMALL.items()
    ]
    (root / "pyproject.toml").write_text("\n".join(["[tool.barmill]", *lines, ""]))
    return plan


def test_a_label_is_its_file(tmp_path):
    """Read from the table it is what the file holds."""
    project(tmp_path)
    found = read_labels(minutes.NAME, 10, 5, 60, root=tmp_path)
    file = read_parquet(tmp_path / f"artifacts/labels/{minutes.NAME}/T10_S5_H60.parquet")
    assert found.to_pylist() == file.to_pylist()


def test_a_label_without_a_file(tmp_path):
    """Any two levels of the table and each rule make a label, also where no file was asked for."""
    project(tmp_path, label_files=False)
    found = {tie: read_labels(minutes.NAME, 5, 10, 15, tie, root=tmp_path) for tie in ("stop", "target", "none")}
    assert all(len(table) == 3000 for table in found.values())
    stopped = {tie: table.column("up_outcome").to_pylist().count("stop") for tie, table in found.items()}
    assert stopped["stop"] >= stopped["target"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("forex/1min/USDJPY", 5, 5, 15), "USDJPY"),
        ((minutes.NAME, 7, 5, 15), "level 7"),
        ((minutes.NAME, 5, 5, 16), "horizon 16"),
        ((minutes.NAME, 5, 5, 15, "first"), "tie first"),
    ],
)
def test_what_is_not_there(tmp_path, asked, words):
    """A dataset without labels, a level, horizon or rule that there is not: the error names it, and what there is."""
    project(tmp_path, label_files=False)
    with pytest.raises(BarsError, match=words):
        read_labels(*asked, root=tmp_path)


def test_a_dataset_that_left_research_is_not_read(tmp_path):
    """Labels that an earlier build left are no target's any more; the error says how to have them made again."""
    project(tmp_path, label_files=False)
    text = (tmp_path / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace("forex/*", "crypto/*"))
    with pytest.raises(BarsError, match=f"{minutes.NAME} is not among the datasets of the setting `research`"):
        read_labels(minutes.NAME, 10, 5, 60, root=tmp_path)
