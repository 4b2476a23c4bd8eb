"""`doit notify`: a command of doit whose failure, or end, is told to somebody; or a notice of one's own."""

import contextlib
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, TextIO

from barmill.commands.base import Command
from barmill.errors import BarmillError, ConfigError
from barmill.report.notices import FAILURE, INFO, KINDS, SUCCESS, Notice, send
from barmill.run.plain import UNTRIED, option
from barmill.run.shown import Shown

_TAIL = 60  # lines of output in a notice


class Notify(Command):
    """Runs another command as it is, and has its exit code."""

    name = "notify"
    doc_purpose = "run a command and send a notice if it fails; or send one"
    doc_usage = "[COMMAND [ARGUMENT…]]"
    doc_description = (
        "`doit notify run`, `doit notify update`, `doit notify health`: the command's output and exit code are passed on, and "
        "where that is not 0 a notice goes to the addresses of BARMILL_NOTIFY or the setting `notify`, with the last lines of "
        "the output. Options of notify stand before the command. Without a command, --message is sent. Exit code 2 if a notice "
        "could not be sent, and the command had not failed."
    )
    cmd_options = (
        option("always", "send a notice also if the command succeeds", default=False),
        option("message", "send this, and run nothing; - for the standard input", short="m"),
        option("kind", f"of a message: {', '.join(KINDS)}", default=INFO),
    )

    def arranged(self, arguments: list[str]) -> list[str]:
        """The arguments as they are; those behind the command's name are the command's."""
        return arguments

    def _execute(self, always: bool, message: str, kind: str, pos_args: list[str]) -> int:
        if bool(message) == bool(pos_args):
            raise ConfigError(
                "doit notify sends a message, or runs a command: one of them", "doit notify run, doit notify -m TEXT"
            )
        if kind not in KINDS:
            raise ConfigError(f"--kind: there is no {kind!r}", f"there are {', '.join(KINDS)}")
        addresses, project = self.plan.settings.notify, Path.cwd().name
        if message:
            text = sys.stdin.read() if message == "-" else message
            send(Notice(f"barmill, {project}: {text.strip().partition(chr(10))[0][:80]}", text, kind), addresses)
            return 0
        if not addresses:
            Shown(sys.stderr).write("warning: nobody is notified: BARMILL_NOTIFY and the setting `notify` are empty\n")
        code, tail, seconds = _run(pos_args, self.outstream)
        if not addresses or not (code or always):
            return code
        ended = f"failed with exit code {code}" if code else "succeeded"
        title = f"barmill, {project}: doit {' '.join(pos_args)[:60]} {ended} after {seconds:.0f} s"
        try:
            send(Notice(title, tail, FAILURE if code else SUCCESS), addresses)
        except BarmillError as error:
            Shown(sys.stderr).write(f"error: {error}\n")
            return code or UNTRIED
        return code


def _run(arguments: list[str], out: TextIO) -> tuple[int, str, float]:
    """Run doit with these arguments and pass on what it prints; its exit code, its last lines, its seconds."""
    tail: deque[str] = deque(maxlen=_TAIL)

    def pass_on(source: IO[str], sink: TextIO) -> None:
        for line in source:  # to its end, whoever listens: else the command would wait for us to read on
            tail.append(line)
            with contextlib.suppress(OSError, ValueError):
                sink.write(line)
                sink.flush()

    start = time.monotonic()
    command = [sys.executable, "-m", "doit", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace") as child:
        assert child.stdout
        assert child.stderr
        complaints = threading.Thread(target=pass_on, args=(child.stderr, sys.stderr))
        complaints.start()
        pass_on(child.stdout, out)
        complaints.join()
        code = child.wait()
    return code if code >= 0 else 128 - code, "".join(tail), time.monotonic() - start
