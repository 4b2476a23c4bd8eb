"""Text for cron and systemd that keeps a project up to date: they have the clock, `doit due` has the calendars."""

import shlex
import sys
from pathlib import Path


def crontab(root: Path) -> str:
    """Lines for `crontab -e`: every hour what is due is fetched and all is built, every morning the health is told.

    Args:
        root: the project's folder.
    """
    where = f"cd {shlex.quote(str(root))}"
    lines = [
        f"# the prices in {root}: add these lines with `crontab -e`",
        "# m h dom mon dow  command",
        f"17 * * * *  {where} && {{ {_update()}; }}",
        f"0 7 * * 1-5  {where} && {_health()}",
    ]
    return "".join(line.replace("%", r"\%") + "\n" for line in lines)  # cron takes % for the end of the line


def systemd(root: Path) -> str:
    """A service and a timer for each of the same two, as files of `~/.config/systemd/user`.

    Args:
        root: the project's folder.
    """
    units = (("update", "Update and build", _update(), "hourly"), ("health", "Tell the health of", _health(), "Mon..Fri 07:00"))
    return "\n".join(_service(root, *unit[:3]) + "\n" + _timer(root, unit[0], unit[1], unit[3]) for unit in units) + (
        "\n# systemctl --user daemon-reload"
        "\n# systemctl --user enable --now barmill-update.timer barmill-health.timer"
        "\n# loginctl enable-linger  # to run while you are not logged in\n"
    )


def _service(root: Path, name: str, what: str, command: str) -> str:
    script = command.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return (
        f"# ~/.config/systemd/user/barmill-{name}.service\n"
        f"[Unit]\nDescription={what} the prices in {_plain(root)}\n\n"
        f'[Service]\nType=oneshot\nWorkingDirectory={_plain(root)}\nExecStart=/bin/sh -c "{script}"\n'
    )


def _timer(root: Path, name: str, what: str, when: str) -> str:
    return (
        f"# ~/.config/systemd/user/barmill-{name}.timer\n"
        f"[Unit]\nDescription={what} the prices in {_plain(root)}\n\n"
        f"[Timer]\nOnCalendar={when}\nRandomizedDelaySec=5min\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _update() -> str:
    doit = _doit()
    return f"{doit} due --xargs | xargs -r {doit} notify update; {doit} notify run"


def _health() -> str:
    return f"{_doit()} notify health"


def _doit() -> str:
    """This environment's doit."""
    program = Path(sys.executable).parent / "doit"
    return shlex.quote(str(program)) if program.exists() else f"{shlex.quote(sys.executable)} -m doit"


def _plain(path: Path) -> str:
    return str(path).replace("%", "%%")
