"""Runs of `doit` without its start: a process that has imported everything forks for each run, which then ends as doit does."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.project import Project, Result


class Forks:
    """A process that forks for each run; a context manager, which ends it."""

    def __init__(self) -> None:
        self.runs = 0
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.forks"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "CI": "true", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(timeout=60)

    def doit(self, project: Project, *arguments: str) -> Result:
        """Run `doit` in a project."""
        self.runs += 1
        self._server.stdin.write(json.dumps([str(project.root), str(project.log), *arguments]) + "\n")
        self._server.stdin.flush()
        return Result(*json.loads(self._server.stdout.readline()))


def serve() -> None:
    """Answer a request a line, until there are no more; a fork leaves this function and becomes a doit."""
    import doit.doit_cmd

    import barmill.run.backend
    import barmill.run.commands.run
    import barmill.run.commands.verify
    import barmill.run.reporter
    import barmill.run.tasks  # noqa: F401 imported once, for all forks

    replies = os.fdopen(os.dup(1), "w")
    for line in iter(sys.stdin.readline, ""):
        root, log, *arguments = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if not child:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(root)
                del sys.path[0]  # the folder of `python -m`
                os.environ["BUILT_LOG"] = log
                sys.exit(doit.doit_cmd.DoitMain().run(arguments))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read())
        replies.write(json.dumps([code, *texts]) + "\n")
        replies.flush()


if __name__ == "__main__":
    serve()
