"""What all tests share: signals that interrupt, and which modules are left out of a plain `pytest`.

A plain `pytest` runs what takes a second or less. The modules below build whole projects, start servers or kill processes:
`pytest -m long` runs them, `pytest -m harness` those of them that take minutes for themselves, and a file or folder that is
named is run as a whole.
"""

import signal
from pathlib import Path

import pytest

_LONG = {
    ".": "bench edits incremental portability price_store research seed_faults",
    "market": "kernels regular",
    "market/indicators": "ta",
    "reader": "labels",
    "run": "arguments edited_meanwhile gc_command hostile_disk hostile_remote interruptions other_projects plain_tasks remote"
    " select standing two_at_once verify_command",
    "serve": "contract",
    "sources": "merge",
    "stages": "declared indicators labels one_bad_file panel patterns prefixes regimes short_series universes",
    "store": "stats_oracle",
}
_LONG_FOLDERS = ("commands", "reliability", "remote", "run/cluster")
_HARNESSES = (
    "reliability/test_races", "remote/test_second_machine", "run/cluster/test_faults", "run/cluster/test_network",
    "run/cluster/test_servers", "run/cluster/test_trust", "stages/test_short_series", "test_bench", "test_incremental",
)  # fmt: skip
_HERE = Path(__file__).parent
_PLACES = {_HERE / folder / f"test_{name}.py" for folder, names in _LONG.items() for name in names.split()}
_PLACES |= {_HERE / folder for folder in _LONG_FOLDERS}


def pytest_configure(config: pytest.Config) -> None:
    """Let signals interrupt the tests' processes, and leave out the long tests where no others are asked for."""
    for each, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(each) is signal.SIG_IGN:  # by a shell that started pytest in the background, or by nohup
            signal.signal(each, handler)
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.markexpr:
        config.option.markexpr = "not long"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the long modules, and the harnesses among them."""
    harnesses = {_HERE / f"{name}.py" for name in _HARNESSES}
    for item in items:
        if item.path in harnesses:
            item.add_marker("harness")
        if not _PLACES.isdisjoint({item.path, *item.path.parents}):
            item.add_marker("long")
