"""An update on request: the same `doit update` that people run, one at a time, with nothing from the request but names."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from barmill.errors import Busy, SourceError
from barmill.serve.answers import Updated, Wanted

_TIMEOUT = 3600.0
_WENT = (0, 1)  # exit codes of an update that came to its end


class Updates:
    """The updates of the project at `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._at_work = threading.Lock()

    def run(self, wanted: Wanted) -> Updated:
        """Update, and wait for the end.

        Raises:
            Busy: another request's update is at work.
            SourceError: the update did not come to an end that it could tell of.
        """
        if not self._at_work.acquire(blocking=False):
            raise Busy("an update is at work", "ask again when it has ended")
        try:
            done = subprocess.run(
                _command(wanted), cwd=self._root, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"the update did not end within {_TIMEOUT:.0f} s", "look at `doit history`") from None
        finally:
            self._at_work.release()
        if done.returncode not in _WENT:
            raise SourceError(f"doit update ended with {done.returncode}: {done.stderr.strip()[:1000]}", "run it in a terminal")
        return Updated(ok=done.returncode == 0, **json.loads(done.stdout))


def _command(wanted: Wanted) -> list[str]:
    """The command line; each value is glued to its option, so that none can become one."""
    gaps = "--fill-gaps" if wanted.fill_gaps else "--no-fill-gaps"
    names = [f"--symbol={symbol}" for symbol in wanted.symbols]
    return [sys.executable, "-m", "doit", "update", "--json", f"--lookback-days={wanted.lookback_days}", gaps, *names]
