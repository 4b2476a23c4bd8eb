"""The cache: what is in place stays, what was ever built is restored, everything else is built, and nothing is ever wrong."""

import dataclasses
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from barmill import files
from barmill.errors import InputError, InputMoved, OutputError, TargetError
from barmill.store.stats import GRAIN_NS
from tests.store import builds
from tests.store.builds import CALLS, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place where `upper` was built once."""
    place = Place(tmp_path / "place")
    assert place.ensure() == "built"
    CALLS.clear()
    return place


def objects(place: Place) -> list[Path]:
    """Every object of the store."""
    return sorted(path for path in (place.store / "objects").rglob("*") if path.is_file())


def records(place: Place) -> list[Path]:
    """Every record of the store."""
    return sorted((place.store / "actions").rglob("*.json"))


def test_built_then_fresh(place: Place) -> None:
    """What is in place is left alone: not even its stamps change."""
    before = place.out.stat()
    assert place.ensure() == "fresh"
    assert place.out.stat() == before
    assert CALLS == []


@pytest.mark.parametrize("link", ["reflink", "copy", "hardlink"])
def test_a_former_state_is_restored(tmp_path: Path, link: str) -> None:
    """Going back to a former input or parameter restores its result without building."""
    place = Place(tmp_path / "place", link=link)
    place.ensure()
    place.text.write_text("two")
    assert place.ensure() == "built"
    assert place.ensure(params={"times": 2}) == "built"
    place.text.write_text("one")
    CALLS.clear()
    assert place.ensure() == "restored"
    assert place.tree() == {"": "ONE"}
    assert CALLS == []


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": lambda out: out.unlink(),
    "truncated": lambda out: out.write_text(""),
    "edited": lambda out: out.write_text("TWO"),
    "a folder": lambda out: (out.unlink(), out.mkdir(), (out / "file").write_text("x")),
    "an empty folder": lambda out: (out.unlink(), out.mkdir()),
    "a link to nothing": lambda out: (out.unlink(), out.symlink_to(out.parent / "nowhere")),
    "a link to a folder": lambda out: (out.unlink(), out.symlink_to(out.parent)),
    "a pipe": lambda out: (out.unlink(), os.mkfifo(out)),
    "folder deleted": lambda out: (out.unlink(), (out.parent / "state.sqlite").unlink()),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_outputs_are_restored(place: Place, name: str) -> None:
    """An output that was deleted, edited or replaced by anything is restored without building."""
    DAMAGES[name](place.out)
    assert place.ensure() == "restored"
    assert place.tree() == {"": "ONE"}
    assert not place.out.is_symlink()
    assert CALLS == []


def test_an_edit_of_equal_size_with_its_mtime_put_back(place: Place) -> None:
    """An output edited at equal length, its mtime put back, is restored."""
    time.sleep(0.07)
    assert place.ensure() == "fresh"
    before = place.out.stat()
    place.out.write_text("TWO")
    os.utime(place.out, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.ensure() == "restored"


def test_restored_outputs_do_not_share_with_the_store(place: Place) -> None:
    """An edit in place of a restored output does not reach the store."""
    place.out.unlink()
    place.ensure()
    for _ in range(2):
        with open(place.out, "r+") as file:
            file.write("XXX")
        assert place.ensure() == "restored"


def test_a_hard_linked_output_edited_in_place(tmp_path: Path) -> None:
    """With `link = "hardlink"` such an edit (root may do it) is one of the object in the store: found, and built again."""
    place = Place(tmp_path / "p", link="hardlink")
    assert place.ensure() == "built"
    place.out.unlink()
    assert place.ensure() == "restored"
    assert place.out.stat().st_nlink == 2
    place.out.chmod(0o644)
    with open(place.out, "r+b") as file:
        file.write(b"BAD")
    assert place.ensure() == "built"
    assert place.tree() == {"": "ONE"}


@pytest.mark.parametrize("size", [3, (1 << 20) + 1])
def test_a_damaged_object_is_built_again(tmp_path: Path, size: int) -> None:
    """When an object has rotted, was cut or was deleted, its target is built again, and then restored from a good one."""
    place = Place(tmp_path / "place")
    place.text.write_text("x" * size)
    place.ensure()
    for damage in (lambda path: path.write_bytes(b"y" * size), lambda path: path.write_bytes(b""), os.unlink):
        (path,) = objects(place)
        path.chmod(0o644)
        damage(path)
        place.out.unlink()
        assert place.ensure() == "built"
        place.out.unlink()
        assert place.ensure() == "restored"
        assert place.tree() == {"": "X" * size}


def test_a_rotted_object_is_told(place: Place) -> None:
    """The outcome warns of a damaged object."""
    (path,) = objects(place)
    path.chmod(0o644)
    path.write_text("TWO")
    place.out.unlink()
    outcome = place.cache.ensure(place.target())
    assert outcome.origin == "built"
    assert "quarantine" in outcome.warning


def test_a_damaged_record_is_built_again(place: Place) -> None:
    """Without a record that can be believed the target is built, whatever lies in its place."""
    (path,) = records(place)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3])
    assert place.ensure() == "built"
    assert place.ensure() == "fresh"


def test_a_lost_state_costs_no_build(place: Place) -> None:
    """Another cache over the same store, with no state, finds everything in place."""
    again = Place(place.root / "elsewhere", place.store)
    assert again.ensure() == "restored"
    assert again.tree() == {"": "ONE"}


def test_a_garbage_state_costs_no_build(place: Place) -> None:
    """A garbage code entry in the state is worked out again."""
    for garbage in ("{", "[]", "{}", '{"python": 1}', "null"):
        place.cache.state.codes = dict.fromkeys(place.cache.state.codes, garbage)
        place.cache.codes._known.clear()
        assert place.ensure() == "fresh"


@pytest.mark.parametrize(
    ("build", "outputs", "words"),
    [
        (builds.forgetful, ("out", "second"), "did not write its output second"),
        (builds.untidy, ("out",), r"wrote stray\.txt, which is no output"),
        (builds.linking, ("out",), "link to a folder"),
    ],
)
def test_outputs_must_be_as_declared(place: Place, build: object, outputs: tuple[str, ...], words: str) -> None:
    """A build that wrote too little, too much, or a link is an error; the old outputs stay and nothing is stored."""
    stored = objects(place), records(place)
    with pytest.raises(OutputError, match=words):
        place.ensure(build, outputs={role: place.root / "artifacts" / role for role in outputs})
    assert place.tree() == {"": "ONE"}
    assert (objects(place), records(place)) == stored
    assert place.left_behind() == []


def test_an_exception_keeps_the_old_outputs(place: Place) -> None:
    """A build that raises leaves the old outputs, no half file, and nothing in the store."""
    stored = objects(place), records(place)
    with pytest.raises(RuntimeError, match="half-way"):
        place.ensure(builds.failing)
    assert place.tree() == {"": "ONE"}
    assert (objects(place), records(place)) == stored
    assert place.left_behind() == []


def test_an_input_edited_while_it_is_read(place: Place) -> None:
    """A build whose input moved is not recorded and not published; the next one reads the new input."""
    stored = records(place)
    with pytest.raises(InputMoved, match=f"{place.text} changed while it was read"):
        place.ensure(builds.editing)
    assert place.tree() == {"": "ONE"}
    assert records(place) == stored
    assert place.ensure(builds.editing) == "built"
    assert place.tree() == {"": "one!"}


def test_an_input_that_is_put_back_is_seen(place: Place) -> None:
    """What a build made of an input that was another for a moment is not kept."""
    stored = records(place)
    with pytest.raises(InputMoved, match=re.escape(f"{place.text} changed while it was read")):
        place.ensure(builds.flickering)
    assert (place.tree(), records(place)) == ({"": "ONE"}, stored)
    place.text.write_text("three")
    assert place.ensure(builds.flickering) == "built"


@pytest.mark.parametrize("link", ["copy", "hardlink"])
@pytest.mark.parametrize("group", [False, True])
def test_input_rewritten_in_place_with_its_size_and_mtime_kept_becomes_no_result(
    tmp_path: Path, link: str, group: bool
) -> None:
    """The ctime says that something happened to the input, and its digest that it was written to: nothing is kept."""
    place = Place(tmp_path / "place", link=link)
    place.ensure()
    stored = records(place)
    inputs = {"texts": [place.text]} if group else {"text": place.text}
    build = builds.rewritten_group if group else builds.rewritten
    with pytest.raises(InputMoved, match=f"{re.escape(str(place.text))} changed while it was read"):
        place.ensure(build, inputs=inputs)
    assert (place.tree(), records(place), place.text.read_text()) == ({"": "ONE"}, stored, "eno")


def test_input_that_gets_a_second_name_while_it_is_read_is_a_result(place: Place) -> None:
    """A hard link and a chmod change the ctime, not the content: the build is kept."""
    assert place.ensure(builds.linked) == "built"
    assert place.tree() == {"": "one"}


def test_stamp_is_saved_only_for_the_digests_that_were_compared(place: Place) -> None:
    """A target that was compared with what its input was before is not remembered under the input's present stamp."""
    target = place.target()
    time.sleep(1.2 * GRAIN_NS / 1e9)
    place.cache.forget_outputs(target)
    line = place.cache.look(target)
    place.text.write_text("six")
    time.sleep(1.2 * GRAIN_NS / 1e9)
    assert place.cache.stats.digest(place.text) != place.cache.stats.digest_once(place.text)  # as another target's build looks
    place.cache.save_stamp(target, "task", place.cache.stamp(target), line)
    assert place.cache.state.stamps == {}
    place.text.write_text("one")
    time.sleep(1.2 * GRAIN_NS / 1e9)
    place.cache.stats.digest(place.text)
    stamp = place.cache.stamp(target)
    place.cache.save_stamp(target, "task", "0" * 32, line)
    assert place.cache.state.stamps == {}  # something changed after that stamp was taken
    place.cache.save_stamp(target, "task", stamp, line)
    assert list(place.cache.state.stamps) == ["task"]


def test_output_edited_after_it_was_compared_is_not_remembered_as_fresh(place: Place) -> None:
    """As for inputs: another reader of the output has seen the edit, the line that was compared has not."""
    target, out = place.target(), next(iter(place.target().outputs.values()))
    line = place.cache.look(target)
    out.chmod(0o644)
    out.write_text("TWO")
    time.sleep(1.2 * GRAIN_NS / 1e9)
    place.cache.stats.digest(out)
    place.cache.stats.digest(place.text)
    place.cache.save_stamp(target, "task", place.cache.stamp(target), line)
    assert place.cache.state.stamps == {}


def test_stamp_of_a_target_whose_input_is_gone_is_not_saved(place: Place) -> None:
    """An input that goes after the comparison is left to the next run to report; nothing is remembered, nothing raises."""
    target = place.target()
    line, stamp = place.cache.look(target), place.cache.stamp(target)
    place.text.unlink()
    place.cache.save_stamp(target, "task", stamp, line)
    assert place.cache.state.stamps == {}


@pytest.mark.parametrize("young", ["input", "input in a group", "output", "file in an output folder"])
def test_stamp_is_not_saved_while_a_file_is_young(place: Place, young: str) -> None:
    """A file that could still be edited without a new stamp, whichever role it has, keeps the stamp from being saved."""
    inputs = {"texts": [place.root / "old", place.text]} if young == "input in a group" else {"text": place.text}
    (place.root / "old").write_text("old")
    if young == "file in an output folder":
        place.out.unlink()
        (place.out / "deep").mkdir(parents=True)
        (place.out / "deep/file").write_text("made")
    target = place.target(builds.whatever, inputs=inputs)
    path = {"output": place.out, "file in an output folder": place.out / "deep/file"}.get(young, place.text)
    path.chmod(0o644)
    time.sleep(1.2 * GRAIN_NS / 1e9)

    def saved() -> bool:  # as a new run that looks at every path
        place.cache.forget_outputs(target)
        for _, name in target.spelled_out():
            place.cache.stats.forget(name)
        line = place.cache.look(target)
        place.cache.save_stamp(target, "task", place.cache.stamp(target), line)
        return place.cache.state.stamps.pop("task", None) is not None

    assert saved()
    os.utime(path)
    assert not saved()


def test_stamp_is_saved_as_it_was_given(place: Place) -> None:
    """The entry of the task is its stamp, as JSON text."""
    target = place.target()
    time.sleep(1.2 * GRAIN_NS / 1e9)
    place.cache.forget_outputs(target)
    for _, name in target.spelled_out():  # as in a new run, which looks at files that are older than a grain
        place.cache.stats.forget(name)
    stamp = place.cache.stamp(target)
    place.cache.save_stamp(target, "task", stamp, place.cache.look(target))
    assert place.cache.state.stamps == {"task": f'"{stamp}"'}


def test_stamps_of_targets_that_differ_in_anything_differ(place: Place) -> None:
    """Role, path, grouping and order of inputs, role and path of outputs, function: each has its own stamp."""
    one, two, out, other = place.text, place.root / "two", place.out, place.root / "other"
    os.link(one, two)
    os.link(out, other)
    kinds: list[dict[str, object]] = [
        {"inputs": {"text": one}, "outputs": {"out": out}},
        {"inputs": {"name": one}, "outputs": {"out": out}},
        {"inputs": {"text": two}, "outputs": {"out": out}},
        {"inputs": {"text": [one]}, "outputs": {"out": out}},
        {"inputs": {"text": [one, two]}, "outputs": {"out": out}},
        {"inputs": {"text": [two, one]}, "outputs": {"out": out}},
        {"inputs": {}, "outputs": {"out": out}},
        {"inputs": {"text": one}, "outputs": {"output": out}},
        {"inputs": {"text": one}, "outputs": {"out": other}},
        {"inputs": {"text": one}, "outputs": {"out": out, "other": other}},
        {"inputs": {"text": one}, "outputs": {"out": out}, "params": {"times": 1}},
        {"inputs": {"text": one}, "outputs": {"out": out}, "params": {"times": 1.0}},
        {"inputs": {"text": one}, "outputs": {"out": out}, "pieces": {"half": builds.upper}},
        {"inputs": {"text": one}, "outputs": {"out": out}, "pieces": {"rest": builds.upper}},
        {"inputs": {"text": one}, "outputs": {"out": out}, "pieces": {"half": builds.split}},
    ]
    stamps = [place.cache.stamp(place.target(builds.whatever, **kind)) for kind in kinds]
    stamps.append(place.cache.stamp(place.target(builds.another, **kinds[0])))
    assert len(set(stamps)) == len(kinds) + 1
    assert stamps[:-1] == [place.cache.stamp(place.target(builds.whatever, **kind)) for kind in kinds]


def test_stamp_is_empty_only_if_a_needed_output_is_missing(place: Place) -> None:
    """A missing output means that the target can't be what it was, unless an output may be left out."""
    outputs = {"out": place.out, "extra": place.root / "none"}
    assert place.cache.stamp(place.target(builds.whatever, outputs=outputs)) == ""
    optional = place.target(builds.whatever, outputs=outputs, optional=frozenset({"extra"}))
    assert len(place.cache.stamp(optional)) == 32
    assert len(place.cache.stamp(place.target())) == 32


@pytest.mark.parametrize("part", ["name", "code", "versions", "params"])
def test_stamp_contains_what_is_not_a_file(place: Place, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Another version of a library, another digest of the code, another parameter: another stamp, though no file changed."""
    target = place.target()
    before = place.cache.stamp(target)
    code = place.cache.codes.of(target.build)
    if part == "params":
        target = place.target(params={"times": 2})
    else:
        changes = {"name": {"name": "other.build"}, "code": {"digest": "f" * 32}, "versions": {"versions": {"numpy": "9"}}}
        new = dataclasses.replace(code, **changes[part])
        monkeypatch.setattr(place.cache.codes, "of", lambda build: new)
    assert place.cache.stamp(target) != before


@pytest.mark.parametrize("inputs", ["file", "group"])
def test_a_missing_input_is_named(place: Place, inputs: str) -> None:
    """An input that is not there is an error with its role, path and a cure."""
    missing = place.root / "none"
    with pytest.raises(InputError, match=rf"{missing} does not exist\nhint: "):
        if inputs == "file":
            place.ensure(inputs={"text": missing})
        else:
            place.ensure(builds.joined, inputs={"texts": [place.text, missing]})


def test_an_input_below_a_file_is_missing(place: Place) -> None:
    """An input whose folder turned into a file is missing, not a crash."""
    with pytest.raises(InputError, match="does not exist"):
        place.ensure(inputs={"text": place.text / "below"})


def test_force_builds_again(place: Place) -> None:
    """Under force a target is built though everything is in place, without a warning if it came out the same."""
    outcome = place.cache.ensure(place.target(), force=True)
    assert (outcome.origin, outcome.warning, CALLS) == ("built", "", ["upper"])


def test_a_build_that_is_not_deterministic_is_told(place: Place) -> None:
    """Under force a build that gives other bytes for the same key is told of, and the new bytes count."""
    place.ensure(builds.random)
    outcome = place.cache.ensure(place.target(builds.random), force=True)
    assert "not deterministic" in outcome.warning
    assert place.ensure(builds.random) == "fresh"


def test_names_and_order_of_a_group_count(tmp_path: Path) -> None:
    """Another order, another name, one file more or less: each is another action; another folder is not."""
    place = Place(tmp_path / "place")
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_text("same")
    a, b, c = paths
    (tmp_path / "sub").mkdir()
    shutil.copy(a, tmp_path / "sub/a")
    groups = [[a, b], [b, a], [a, c], [a], [a, b, c], [a, a], []]
    assert [place.ensure(builds.joined, inputs={"texts": group}) for group in groups] == ["built"] * 7
    assert place.ensure(builds.joined, inputs={"texts": [tmp_path / "sub/a", b]}) == "restored"
    assert place.tree() == {"": "a=same;b=same;"}


@pytest.mark.parametrize(("one", "two"), [(1, 1.0), (1, True), (0, False), ([1], [1.0]), ("1", 1), (None, 0), ([], {})])
def test_parameters_that_python_calls_equal_differ(place: Place, one: object, two: object) -> None:
    """1, 1.0 and true are three parameters, though Python calls them equal."""
    keys = [place.cache.look(place.target(params={"times": value})) for value in (one, two)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("table", [{1: "a"}, {"a": {2: 3}}, [{None: 1}]])
def test_parameter_that_is_not_json_is_refused_by_name(place: Place, table: object) -> None:
    """`{1: …}` and `{"1": …}` can't share a key: the first is an error that names the target, the parameter and the value."""
    with pytest.raises(TargetError, match=r"one: parameter times: the key .* is not text\nhint: "):
        place.ensure(params={"times": table})


def test_parameter_that_contains_itself_is_refused(place: Place) -> None:
    """It has no end, so it has no digest."""
    table: list[object] = []
    table.append(table)
    with pytest.raises(TargetError, match="parameter times: the value contains itself"):
        place.cache.key_once(place.target(params={"times": table}))


def test_the_place_does_not_count(place: Place) -> None:
    """The same content elsewhere has the same key: a project can move, and two can share a store."""
    other = Place(place.root.parent / "other", place.store)
    assert other.ensure() == "restored"
    assert len(records(place)) == 1


def test_leftovers_of_killed_builds_are_swept(place: Place) -> None:
    """What is in staging when a run begins goes; so does nothing else, and the next build finds its folder."""
    place.ensure()
    (place.cache.staging / "1-killed").mkdir()
    (place.cache.staging / "1-killed/out.half").write_text("half")
    place.cache.sweep()
    assert not place.cache.staging.exists()
    assert place.out.exists()
    assert place.ensure(params={"times": 2}) == "built"


def test_a_leftover_of_the_same_process_number_does_no_harm(place: Place) -> None:
    """A staging folder that an earlier process of this number left (usual in containers) is in nobody's way."""
    for number in range(50):
        (place.cache.staging / f"{os.getpid()}-{number}").mkdir(parents=True)
    outcome = place.cache.ensure(place.target(params={"times": 3}))
    assert outcome.origin == "built"


def test_a_sweep_that_was_killed_is_ended_by_the_next(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier runs left is set aside, then removed: nothing of it stays, whenever the one who does so is killed."""
    left = place.cache.staging / "1-abc/out.big"
    left.parent.mkdir(parents=True)
    left.write_text("big")

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            place.cache.sweep()
    assert list(place.root.rglob("out.big"))
    place.cache.sweep()
    assert list(place.root.rglob("out.big")) == []
