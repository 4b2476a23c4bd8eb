"""How paths are spelled."""

import os


def relative(name: str) -> str:
    """A path given as absolute or with `./`, as targets name it: from the project's root, where doit runs."""
    if os.sep not in name:
        return name
    path = os.path.relpath(name)
    return name if path.startswith(os.pardir) else path
