"""Machines for tests: network namespaces on a switch of their own, each with a folder that the others do not see."""

import contextlib
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.host import Host

# in the mount namespace that `ip netns exec` makes: everything below the network's folder is hidden but the machine's own home
_ALONE = """
set -e
mount --bind "$2" /mnt
mount -t tmpfs none "$1"
mkdir -p "$2"
mount --move /mnt "$2"
cd "$PWD"
shift 2
exec "$@"
"""


@dataclass
class Network:
    """Machines on one switch, none of which reaches, or is reached from, anything else; all gone when the context is left.

    Attributes:
        root: has their homes.
        switch: the network namespace of the switch.
        spaces: those of the machines.
        netem: what `tc` has the cables to further machines do to packets; skips the test where the kernel can't.
    """

    root: Path
    switch: str
    spaces: list[str] = field(default_factory=list)
    netem: str = ""

    def add(self, name: str) -> Host:
        """Another machine."""
        space, home = f"{self.switch}-{name}", self.root / name
        home.mkdir()
        self.spaces.append(space)
        address = f"10.77.0.{len(self.spaces)}"
        _ip(f"netns add {space}")
        _ip(f"-n {self.switch} link add {name} up master switch type veth peer name eth0 netns {space}")
        _ip(f"-n {space} address add {address}/24 dev eth0")
        for link in ("lo", "eth0"):
            _ip(f"-n {space} link set {link} up")
        if self.netem:
            _or_skip(f"tc -n {self.switch} qdisc add dev {name} root netem {self.netem}")
        alone = ("ip", "netns", "exec", space, "sh", "-c", _ALONE, "alone", str(self.root), str(home))
        return Host(address, home, alone, {"HOME": str(home)})

    def cut(self, name: str) -> None:
        """Take a machine's cable out: packets to and from it vanish, and nobody is told."""
        _ip(f"-n {self.switch} link set {name} down")

    def mend(self, name: str) -> None:
        """Put it in again."""
        _ip(f"-n {self.switch} link set {name} up")


@contextlib.contextmanager
def network(root: Path) -> Iterator[Network]:
    """A switch, and no machine yet; skips the test where network namespaces can't be made."""
    if not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("there is no ip, or no tc, here (Debian: iproute2)")
    root.mkdir()
    made = Network(root, f"barmill-{secrets.token_hex(4)}")
    _or_skip(f"ip netns add {made.switch}")
    try:
        _or_skip(f"ip -n {made.switch} link add switch up type bridge")
        yield made
    finally:
        for space in (*made.spaces, made.switch):
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)


def _or_skip(command: str) -> None:
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command}: {done.stderr.strip()}")
