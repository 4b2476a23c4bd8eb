"""What travels to a worker of a cluster: one action by names and digests, without a path of the machine that asks for it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from barmill.hashing import Digest
from barmill.store.cache import Read
from barmill.target import Target

Wanted = tuple[Digest, int, str]
"""An object: digest, size in bytes, SHA-256 of its bytes or ""."""


@dataclass(frozen=True)
class Spec:
    """An action as a worker is told of it.

    Attributes:
        task: its name in messages and records.
        build: dotted name of the build function.
        params: role → JSON value.
        pieces: name of a piece → dotted name of its function.
        inputs: role → (file name, object) of each of its files.
        groups: the input roles that are groups of files.
        outputs: role → file name.
        optional: the output roles that may be left unwritten.
        key: the action's key where it is asked for: the worker's must be equal.
        manifest: what that key is the digest of, to tell what differs.
        kin: keys of records that hold pieces of it.
        force: build it, whatever the worker's store has.
    """

    task: str
    build: str
    params: Mapping[str, Any]
    pieces: Mapping[str, str]
    inputs: Mapping[str, list[tuple[str, Wanted]]]
    groups: frozenset[str]
    outputs: Mapping[str, str]
    optional: frozenset[str]
    key: Digest
    manifest: Mapping[str, Any]
    kin: tuple[Digest, ...] = ()
    force: bool = False

    def objects(self) -> list[Wanted]:
        """The content of its inputs."""
        return [wanted for entries in self.inputs.values() for _, wanted in entries]


@dataclass(frozen=True)
class Action:
    """One target, as of now, that is to be built elsewhere.

    Attributes:
        task: its name in messages and records.
        target: what to build.
        key: digest of `manifest`.
        manifest: see `Cache.manifest`.
        read: its inputs as (role, path, digest).
        force: build it, whatever stores have.
        absent: the remote was asked for it already, in vain.
    """

    task: str
    target: Target
    key: Digest
    manifest: Mapping[str, Any]
    read: Read
    force: bool = False
    absent: bool = False

    @property
    def stage(self) -> str:
        """The stage that it is of."""
        return self.task.partition(":")[0]

    def spec(self, told: Mapping[Digest, tuple[int, str]], kin: tuple[Digest, ...] = ()) -> Spec:
        """What is sent of it.

        Args:
            told: digest → (size, SHA-256) of each input.
            kin: keys of records that hold pieces of it.
        """
        inputs: dict[str, list[tuple[str, Wanted]]] = {role: [] for role in self.target.inputs}
        for role, path, digest in self.read:
            inputs[role].append((os.path.basename(path), (digest, *told[digest])))
        return Spec(
            self.task,
            dotted(self.target.build),
            self.target.params,
            {name: dotted(function) for name, function in self.target.pieces.items()},
            inputs,
            frozenset(role for role in self.target.inputs if self.target.is_group(role)),
            {role: path.name for role, path in self.target.outputs.items()},
            self.target.optional,
            self.key,
            self.manifest,
            kin,
            self.force,
        )


def dotted(function: Callable[..., Any]) -> str:
    """The name by which a worker finds a function."""
    return f"{function.__module__}.{function.__qualname__}"
