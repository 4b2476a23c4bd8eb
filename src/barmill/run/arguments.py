"""Arguments of the command line with `=` in them: doit takes them for variables, and here those that are names come back."""

import re
import sys
from collections.abc import Sequence

from doit import get_var

from barmill.target import escaped

_TASK = re.compile(r"\w+:")


def restored(arguments: Sequence[str]) -> list[str]:
    """All arguments of a command as they were typed, each in its place.

    doit removes every `x=y` before a command sees its arguments; what stands behind the command is found again in `sys.argv`.

    Args:
        arguments: what doit left of them.
    """
    line = sys.argv[1:]
    left = [at for at, word in enumerate(line) if not _is_removed(word)]
    first = len(left) - len(arguments)
    if first < 0 or [line[at] for at in left[first:]] != list(arguments):
        return list(arguments)  # a program has called doit: this is not its command line
    return line[left[first - 1] + 1 if first else 0 :]


def removed_tasks() -> list[str]:
    """The tasks and paths that doit removed, names of tasks spelled as doit knows them.

    `NAME=VALUE` stays a variable where NAME is a word of letters, digits and `_`.
    """
    words = (word for word in sys.argv[1:] if _is_removed(word) and not word.partition("=")[0].isidentifier())
    return [escaped(word, typed=True) if _TASK.match(word) else word for word in words]


def _is_removed(word: str) -> bool:
    name, sign, value = word.partition("=")
    return bool(sign) and not word.startswith("-") and get_var(name) == value
