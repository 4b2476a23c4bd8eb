"""What doit shows of each stage's targets: the files that they read as file_dep, and what they write as targets."""

import pytest

from tests.support.market import NASDAQ, MarketProject

SERIES = "forex/1min/EURUSD"
RAW = f"data/stooq/{NASDAQ}/aapl.us.txt"
LISTED = "artifacts/instruments/broker.csv"
CHUNK = f"artifacts/chunks/{SERIES}/2024-01.parquet"
INDEX = ("duplicates.csv", "index.csv", "index.parquet", "rejected.csv")
SHOWN = {
    "index:stooq": (
        ["data/stooq"],
        [f"artifacts/index/{name}" for name in ("duplicates.csv", "index.csv", "index.parquet", "rejected.csv")],
    ),
    "match:tradeable": (["artifacts/index/index.parquet", f"{LISTED}.accepted.csv"], None),
    "reports:tradeable": (["artifacts/export/AAPL.US.json"], None),
    "export:AAPL.US": ([RAW], ["artifacts/export/AAPL.US.csv", "artifacts/export/AAPL.US.json"]),
    "chunks:AAPL.US": (["artifacts/export/AAPL.US.csv"], ["artifacts/chunks/AAPL.US", "artifacts/chunks/AAPL.US.json"]),
    "gaps:AAPL.US": (["artifacts/chunks/AAPL.US/2024.parquet", "artifacts/sessions/XNYS.csv"], ["artifacts/gaps/AAPL.US.json"]),
    "indicators:AAPL.US": (["artifacts/chunks/AAPL.US/2024.parquet"], ["artifacts/indicators/AAPL.US.parquet"]),
    f"universes:{SERIES}/1m_5lb": ([CHUNK], None),
    f"labels:{SERIES}": ([CHUNK], None),
    f"batches:{SERIES}/0": ([CHUNK], [f"artifacts/batches/{SERIES}/results_batch_0.parquet"]),
    f"results:{SERIES}": ([f"artifacts/batches/{SERIES}/results_batch_0.parquet"], None),
}
"""Task → some of the files that it reads, and all that it writes (None: some file)."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> MarketProject:
    """A project of one equity and one currency pair in research, built as far as results."""
    made = MarketProject.make(tmp_path_factory.mktemp("project"))
    made.raw(NASDAQ, "AAPL.US")
    made.listed("broker.csv", [("AAPL", "US0378331005", "NASDAQ", "Apple", "USD")])
    made.series(SERIES, [])
    lines = [f"EURUSD,1,20240102,{hour:02}{minute:02}00,1.1,1.2,1.0,1.1,5,0" for hour in range(8, 10) for minute in range(60)]
    path = made.root / f"data/series/{SERIES}.txt"
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    (made.root / "pyproject.toml").write_text('[tool.barmill]\nresearch = ["forex/1min/EURUSD"]\n')
    result = made.doit(*SHOWN)
    assert result.code == 0, result.out + result.err
    return made


def section(text: str, title: str) -> list[str]:
    """The lines below a title in what `doit info` shows."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(title):
            break
    found = []
    for line in lines:
        if line and not line.startswith(" - "):
            break
        found.append(line.removeprefix(" - "))
    return [line for line in found if line]


@pytest.mark.parametrize("task", SHOWN)
def test_info_shows_what_a_target_reads_and_writes(project: MarketProject, task: str) -> None:
    """`doit info` shows each file that the target reads as file_dep, and each output as a target."""
    reads, writes = SHOWN[task]
    text = project.doit("info", task).out
    assert set(reads) <= set(section(text, "file_dep"))
    assert section(text, "targets") if writes is None else sorted(section(text, "targets")) == sorted(writes)


def test_list_shows_what_each_target_reads(project: MarketProject) -> None:
    """`doit list --all --deps` shows the same files, with and without the status."""
    for options in ((), ("--status",)):
        text = project.doit("list", "--all", "--deps", *options, *{task.partition(":")[0] for task in SHOWN}).out
        shown: dict[str, list[str]] = {}
        reads: list[str] = []
        for line in text.splitlines():
            if line.startswith(" - "):
                reads.append(line.removeprefix(" -  "))
            elif line:
                reads = shown[line.removeprefix("U ").removeprefix("R ").split()[0]] = []
        for task, (expected, _) in SHOWN.items():
            assert set(expected) <= set(shown[task]), task
