"""Any history of edits, damages and builds ends in the artifacts of a from-scratch build, and then in nothing to do."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from barmill.store.stats import GRAIN_NS
from tests.support.project import Project

NAMES = st.sampled_from(["ant", "bee", "cat", "dog"])
TEXTS = st.sampled_from(["ant\nhas legs\n", "bat\nhas legs\n", "ANT\nHAS LEGS\n", "one line", "", "\n\n"])
SUFFIXES = st.sampled_from(["!", "?", "!!"])
OUTPUTS = st.sampled_from(
    [
        "upper/ant.up",
        "upper/bee.up",
        "join/all.txt",
        "join/empty.txt",
        "split/ant",
        "split/bee",
        "split/ant/0.line",
        "split/cat/new",
    ]
)


class History(RuleBasedStateMachine):
    """A toy project and what should come of it, told in plain Python."""

    @initialize()
    def make(self) -> None:
        """A project that was not built yet."""
        self.folder = Path(tempfile.mkdtemp())
        self.project = Project.make(self.folder / "p")
        self.data = self.project.root / "data"
        self.texts = {path.stem: path.read_text() for path in self.data.iterdir()}
        self.times, self.suffix, self.idle = 1, "!", 0

    def expected(self) -> dict[str, bytes]:
        """What a from-scratch build writes."""
        names = sorted(self.texts)
        upper = {name: (self.texts[name].upper() + self.suffix) * self.times for name in names}
        found = {f"upper/{name}.up": text for name, text in upper.items()}
        listed = ",".join(f"{name}.txt" for name in names)
        found["join/all.txt"] = "".join(upper[name] + "\n" for name in names) + listed
        if not names:
            found["join/empty.txt"] = "nothing to join"
        for name, text in upper.items():
            found |= {f"split/{name}/{number}.line": line for number, line in enumerate(text.splitlines())}
        return {path: text.encode() for path, text in found.items()}

    @rule(name=NAMES, text=TEXTS, restore=st.booleans())
    def write(self, name: str, text: str, restore: bool) -> None:
        """Write or edit an input; perhaps put its mtime back."""
        path = self.data / f"{name}.txt"
        before = path.stat() if path.exists() else None
        path.write_text(text)
        if before and restore:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.texts[name] = text

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """Delete an input."""
        (self.data / f"{name}.txt").unlink(missing_ok=True)
        self.texts.pop(name, None)

    @rule(one=NAMES, two=NAMES)
    def rename(self, one: str, two: str) -> None:
        """Rename an input, perhaps over another."""
        if one in self.texts and one != two:
            os.replace(self.data / f"{one}.txt", self.data / f"{two}.txt")
            self.texts[two] = self.texts.pop(one)

    @rule(name=NAMES)
    def touch(self, name: str) -> None:
        """Touch an input."""
        if name in self.texts:
            os.utime(self.data / f"{name}.txt")

    @rule(path=OUTPUTS, text=st.sampled_from(["", "by hand", "ANT\nHAS LEGS\n!"]))
    def damage(self, path: str, text: str) -> None:
        """Edit, truncate or add an output, perhaps a file in the place of a folder."""
        place = self.project.root / "artifacts" / path
        if place.parent.is_dir():
            if place.is_dir():
                shutil.rmtree(place)
            place.write_text(text)

    @rule(path=OUTPUTS)
    def remove(self, path: str) -> None:
        """Delete an output."""
        place = self.project.root / "artifacts" / path
        if place.is_dir():
            shutil.rmtree(place)
        elif place.parent.is_dir():
            place.unlink(missing_ok=True)

    @rule(times=st.integers(0, 2))
    def parameter(self, times: int) -> None:
        """Change a parameter."""
        self.times = times
        (self.project.root / "times").write_text(str(times))

    @rule(suffix=SUFFIXES)
    def code(self, suffix: str) -> None:
        """Change the code, perhaps back to what it was."""
        self.project.edit("helpers.py", f'SUFFIX = "{self.suffix}"', f'SUFFIX = "{suffix}"')
        self.suffix = suffix

    @rule()
    def comment(self) -> None:
        """Add a comment and an unused function to the code."""
        self.idle += 1
        with open(self.project.root / "helpers.py", "a") as file:
            file.write(f"\n\ndef idle{self.idle}():\n    # nobody calls it\n    return {self.idle}\n")

    @rule()
    def lose_the_state(self) -> None:
        """Delete the state file."""
        for path in (self.project.root / "artifacts").glob("state.sqlite*"):
            path.unlink()

    @precondition(lambda self: (self.project.root / "artifacts").exists())
    @rule(kind=st.sampled_from(["objects", "actions"]), number=st.integers(0, 50), cut=st.booleans())
    def rot(self, kind: str, number: int, cut: bool) -> None:
        """Damage a file of the store."""
        found = sorted(path for path in (self.project.root / "artifacts/store" / kind).rglob("*") if path.is_file())
        if found:
            path = found[number % len(found)]
            data = path.read_bytes()
            path.chmod(0o644)
            path.write_bytes(data[:-1] if cut else data[:-1] + bytes([data[-1] ^ 1]) if data else b"x")

    @rule(what=st.sampled_from(["upper", "join", "--all"]))
    def forget(self, what: str) -> None:
        """Have targets forgotten."""
        self.project.good("forget", what)

    @rule(what=st.sampled_from(["upper", "join"]))
    def build_a_part(self, what: str) -> None:
        """Build a stage only: its outputs are right."""
        self.project.good(what)
        expected, found = self.expected(), self.project.artifacts()
        assert {path: text for path, text in expected.items() if path.startswith(f"{what}/")}.items() <= found.items()

    @rule(workers=st.sampled_from([(), (), ("-n", "2")]))
    def build(self, workers: tuple[str, ...]) -> None:
        """Build and prune: the artifacts are those of a from-scratch build, nothing is left to do, and `status` agrees."""
        self.project.good(*workers)
        self.project.good("prune")
        assert self.project.artifacts() == self.expected()
        assert sorted(path.name for path in (self.project.root / "artifacts/split").glob("*")) == sorted(self.texts)
        self.project.assert_fresh()
        self.project.good("status")

    @rule()
    def settle(self) -> None:
        """Build, and look once more when the clock has moved on, so that stamps and digests are remembered."""
        self.build(())
        time.sleep(2 * GRAIN_NS / 1e9)
        self.project.assert_fresh()

    def teardown(self) -> None:
        """Build once more; clear the folder."""
        if hasattr(self, "project"):
            self.build(())
            shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
