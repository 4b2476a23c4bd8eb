"""What a command says of options that it does not know, and what it does when nobody reads on."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand

from barmill.errors import nearest

_VALUE = re.compile(r"Error parsing parameter '(\w+)' <class '(\w+)'>\..*?('[^']*')$")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
PIPE_CLOSED = 141
"""The exit code of a command whose reader has closed the pipe: that of a program which SIGPIPE ends."""


def refusal(command: str, error: CmdParseError, options: Iterable[Any]) -> InvalidCommand:
    """The error that an option is unknown, or its value wrong, in one line; its hint names the nearest option.

    Args:
        command: the name of the command.
        error: doit's, which goes on with the representation of every option.
        options: doit's options of the command.
    """
    known = {each.name: f"--{each.long}" for each in options if each.long}
    text = " ".join(str(error).partition(" (parsing options")[0].removeprefix("Error parsing Command: ").split())
    if value := _VALUE.match(text):
        name, kind, wrong = value.groups()
        text = f"option {known.get(name, name)}: {wrong} is not {_KINDS.get(kind, kind)}"
    given = next((word.rstrip(":") for word in text.split() if word.startswith("--")), "")
    longer = [word for word in known.values() if given and (given.startswith(word) or word.startswith(given))]
    near = "" if given in known.values() else nearest(given, known.values()) or ", ".join(longer)
    also = f"the nearest is {near}; " if near else ""
    return InvalidCommand(f"doit {command}: {text}\nhint: {also}doit help {command} lists its options")


def until_nobody_reads(work: Callable[[], int]) -> int:
    """The exit code of some work, or `PIPE_CLOSED` where the reader of the standard output has left, as `head` does."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code
