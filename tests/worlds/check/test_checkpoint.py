"""A search that goes on from a file finds what it finds without a break; others are refused."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from array import array
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.compiler.loader import program_modules
from quorate.core.errors import ProgramError
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check import explore, run
from quorate.worlds.check.checkpoint import Keeper
from quorate.worlds.check.explore import Bounds, Explorer, Reductions
from quorate.worlds.check.reduction import Commuting, Sending
from quorate.worlds.check.run import Checked, check_loaded, load_for_checking
from quorate.worlds.check.saved import MAGIC, Meant, Saved
from quorate.worlds.check.summary import answers_of, words_of
from quorate.worlds.check.symmetry import Symmetry
from quorate.worlds.check.tables import Outcome
from worlds.check.drawn import NothingAsked, Programs

compiled: Any = pytest.importorskip("quorate.worlds.check.compiled")

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"

COUNT = """
class P(process):
    def setup(n): self.k = 0
    def run():
        while k < n:
            -- on
            k += 1
def main():
    start(new(P, (int(sys.argv[1]),), num=3))
import sys
@always
def small():
    return each(p in P, has=p.k < BOUND)
@sometimes
def high():
    return some(p in P, has=p.k == 3)
@eventually
def all_high():
    return each(p in P, has=p.k == HIGH)
"""


def counts(bound: int = 99, high: int = 4) -> str:
    return COUNT.replace("BOUND", str(bound)).replace("HIGH", str(high))


@pytest.fixture(autouse=True)
def _small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches stop within levels, with states that threads have looked at ahead."""
    monkeypatch.setattr(compiled, "processors", lambda: 2)
    monkeypatch.setattr(compiled, "STRIDE", 16)
    monkeypatch.setattr(explore, "CHECKED_SECONDS", 0)


def checked(
    path: Path, args: Any, bounds: Bounds, keeper: Keeper | None = None, **how: Any
) -> Checked:
    with command_line(path, args), surroundings(0):
        return check_loaded(load_for_checking(path), bounds, keeper=keeper, **how)


def found_by(found: Checked) -> Any:
    """All that is found, but for how long it took."""
    graph, tables = found.graph, found.tables
    reached = [(state, each.property.name, str(each.answer)) for state, each in graph.reached]
    wrong = graph.wrong and (graph.wrong[0], graph.wrong[1].property.name)
    graph = replace(graph, seconds=0, loading=0, earlier=0, reached=[], wrong=None)
    told = [(words_of(each.property), each.verdict, each.after) for each in answers_of(found)]
    sizes = len(tables.locals), len(tables.messages), len(tables.outcomes)
    lassos = [(str(each), each.way, each.loop) for each in found.lassos]
    return found.verdict, graph, reached, wrong, told, sizes, lassos


# Any tables.


def explored(
    seed: int, bounds: Bounds, reduces: bool, kernel: bool, keeper: Keeper | None = None
) -> Any:
    tables: Any = Programs(seed, bounds.network == "fifo")
    begins = tables.begin()
    nothing: Any = NothingAsked()
    search = partial(Explorer, tables, nothing)
    if keeper is not None:
        keeper.begin(Meant("test", {}, [], {}))
    if reduces:
        messages = not (bounds.losses or bounds.duplicates)
        commuting = Commuting(tables, bounds.budgets, messages=messages)
        reductions = Reductions(commuting, Sending(tables, bounds.budgets))
        explorer = run._reduced(search, begins, bounds, kernel, reductions, keeper)
    else:
        explorer = run._explored(search(bounds), begins, kernel, keeper)
    graph = replace(explorer.graph, seconds=0, loading=0, earlier=0)
    return graph, len(tables.outcomes), len(tables.known)


@given(
    seed=st.integers(0, 1 << 32),
    network=st.sampled_from(["bag", "fifo", "set"]),
    budgets=st.fixed_dictionaries(
        {name: st.integers(0, 1) for name in ("timeouts", "losses", "duplicates")}
    ),
    reduces=st.booleans(),
    stops=st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=3),
    kernel=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_of_any_tables_the_same_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    network: Any,
    budgets: dict[str, int],
    reduces: bool,
    stops: list[tuple[int, bool]],
    kernel: bool,
) -> None:
    file = str(tmp_path_factory.mktemp("kept") / "file")
    bounds = Bounds(network=network, **budgets, states=2000)
    reduces = reduces and network != "set"
    whole = explored(seed, bounds, reduces, kernel)
    resume = None
    for states, kernel in sorted(stops):
        keeper = Keeper(file, resume=resume)
        explored(seed, replace(bounds, states=states), reduces, kernel, keeper)
        resume = file if keeper.states or resume else None
    assert explored(seed, bounds, reduces, kernel, Keeper(file, resume=resume)) == whole


# Programs.

MISCHIEF = {"timeouts": 1, "crashes": 1, "losses": 1, "duplicates": 1}
RUNS: list[tuple[str, list[int], dict[str, Any]]] = [
    ("chang_roberts.da", [3, 1], {}),  # what its processes draw is drawn in every way
    ("two_phase_commit.da", [2, 1], {"timeouts": 1, "crashes": 1}),
    ("two_phase_commit.da", [1, 1], {**MISCHIEF, "network": "set"}),
    ("ping_pong.da", [1, 2], MISCHIEF),
    ("lamport_mutex.da", [2, 1], {"network": "fifo"}),
    ("atomic_register.da", [2, 1, 1], {}),  # what clients see is followed
    ("raft.da", [2, 1, 1], {"timeouts": 1}),
]


@pytest.mark.parametrize("reduce", [True, False])
@pytest.mark.parametrize(("file", "args", "bounds"), RUNS)
def test_of_a_program_the_same_is_found(
    tmp_path: Path, file: str, args: list[int], bounds: dict[str, Any], reduce: bool
) -> None:
    kept = str(tmp_path / "kept")
    within = Bounds(**bounds, reduce=reduce)
    find = partial(checked, EXAMPLES / file, args, deadlocks=False)
    whole = find(within)
    states = whole.graph.states
    resume = None
    for stop, kernel in ((1, False), (states // 3, True), (states // 2, False)):
        keeper = Keeper(kept, resume=resume)
        part = find(replace(within, states=stop), keeper, kernel=kernel)
        assert part.graph.stopped == "states"
        assert keeper.states == part.graph.states
        resume = kept
    for kernel in (True, False):
        assert found_by(find(within, Keeper(kept, resume=kept), kernel=kernel)) == found_by(whole)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one program that there is, as on the command line."""
    for each in program_modules():
        monkeypatch.delitem(sys.modules, each.__name__)
    path = tmp_path / "counts.da"
    path.write_text(counts())
    return path


@pytest.mark.parametrize("reduce", [True, False])
@pytest.mark.parametrize("text", [counts(bound=4), counts(), counts(high=7)])
def test_a_verdict_is_the_same(program: Path, text: str, reduce: bool) -> None:
    """By a property that fails, by what fails in the end, and by neither."""
    program.write_text(text)
    kept = str(program.with_name("kept"))
    within = Bounds(reduce=reduce)
    whole = checked(program, [4], within)
    checked(program, [4], replace(within, states=8), Keeper(kept))
    found = checked(program, [4], within, Keeper(kept, resume=kept))
    assert found_by(found) == found_by(whole)
    explorers = found.explorer, whole.explorer
    ends = [each.graph.end for each in explorers]
    assert ends[0] == ends[1]
    if ends[0] is not None:
        assert explorers[0].way_to(*ends[0]) == explorers[1].way_to(*ends[0])


def test_what_is_to_hold_in_the_end_is_looked_at_without_all_again(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(program.with_name("kept"))
    whole = checked(program, [4], Bounds(), Keeper(kept))
    monkeypatch.setattr(Explorer, "_expand", lambda *_: pytest.fail("it is looked at again"))
    again = checked(program, [4], Bounds(), Keeper(kept, resume=kept))
    assert found_by(again) == found_by(whole)
    assert again.graph.earlier > 0


def test_a_search_goes_deeper(program: Path) -> None:
    kept = str(program.with_name("kept"))
    within = Bounds(reduce=False)
    part = checked(program, [4], replace(within, depth=3), Keeper(kept))
    assert part.graph.stopped == "depth"
    found = checked(program, [4], within, Keeper(kept, resume=kept))
    assert found_by(found) == found_by(checked(program, [4], within))


@pytest.mark.parametrize("kernel", [True, False])
def test_a_search_that_has_enough_states_does_not_go_on(program: Path, kernel: bool) -> None:
    kept = str(program.with_name("kept"))
    within = Bounds(states=30, reduce=False)
    part = checked(program, [4], within, Keeper(kept))
    again = checked(program, [4], within, Keeper(kept, resume=kept), kernel=kernel)
    assert found_by(again) == found_by(part)


def test_seconds_are_those_of_the_run_and_are_told_in_all(program: Path) -> None:
    kept = str(program.with_name("kept"))
    checked(program, [4], Bounds(states=8), Keeper(kept))
    header, *rest = sealed(kept)
    header["seconds"] = 1000.0
    seal(kept, header, *rest)
    found = checked(program, [4], Bounds(seconds=500), Keeper(kept, resume=kept))
    assert found.verdict == "holds"
    assert 1000 < found.graph.seconds < 1500


# Interrupted.


def at(states: int, do: Any) -> Any:
    """A function that does something once there are so many states."""
    left = iter([do])

    def tell(graph: Any, waiting: int) -> None:
        if graph.states >= states:
            next(left, lambda: None)()

    return tell


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kernel", [True, False])
def test_an_interrupted_search_goes_on(program: Path, kernel: bool, number: int) -> None:
    kept = str(program.with_name("kept"))
    within, before = Bounds(reduce=False), signal.getsignal(number)
    tell = at(30, lambda: signal.raise_signal(number))
    part = checked(program, [4], within, Keeper(kept), tell=tell, kernel=kernel)
    assert (part.verdict, part.graph.stopped) == ("inconclusive", "interrupted")
    assert signal.getsignal(number) == before
    found = checked(program, [4], within, Keeper(kept, resume=kept), kernel=kernel)
    assert found_by(found) == found_by(checked(program, [4], within))
    assert part.graph.states < found.graph.states


def test_an_interrupt_is_heard_while_a_search_is_taken_up(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(program.with_name("kept"))
    within = Bounds(reduce=False)
    part = checked(program, [4], replace(within, states=30), Keeper(kept))
    ask_again = Saved.ask_again

    def interrupted(self: Saved, *which: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        ask_again(self, *which)

    monkeypatch.setattr(Saved, "ask_again", interrupted)
    again = checked(program, [4], within, Keeper(kept, resume=kept))
    assert again.graph.stopped == "interrupted"
    assert again.graph.parents == part.graph.parents


def test_a_second_interrupt_waits_for_nothing(program: Path) -> None:
    keeper = Keeper(str(program.with_name("kept")))

    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    part = checked(program, [4], Bounds(reduce=False), keeper, tell=at(30, twice))
    assert part.graph.stopped == "interrupted"
    assert keeper.states is None


KILLED = """
import os, signal, sys
from quorate.cli import status_of
from quorate.worlds.check import checkpoint, explore
explore.CHECKED_SECONDS = checkpoint.EVERY_SECONDS = 0
real, left = os.fsync, [5]
def fsync(handle):
    left[0] -= 1
    if not left[0]:
        os.truncate(handle, 100)  # as if no more of it had been written
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)
os.fsync = fsync
status_of(sys.argv[1:])
"""


def test_whatever_kills_a_search_leaves_a_whole_file(program: Path) -> None:
    kept = str(program.with_name("kept"))
    words = "check", "--no-reduction", "--checkpoint", kept, str(program), "5"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        timeout=60,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert os.path.getsize(f"{kept}.new") == 100
    found = checked(program, [5], Bounds(reduce=False), Keeper(kept, resume=kept))
    assert found_by(found) == found_by(checked(program, [5], Bounds(reduce=False)))
    assert found.graph.earlier > 0


def test_a_full_disk_leaves_the_file_that_was_there(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = program.with_name("kept")
    checked(program, [4], Bounds(states=8), Keeper(str(kept)))
    before = kept.read_bytes()

    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    keeper = Keeper(str(kept), resume=str(kept))
    part = checked(program, [4], Bounds(states=16), keeper)
    assert (part.verdict, keeper.trouble) == ("inconclusive", "No space left on device")
    assert keeper.states is None
    assert kept.read_bytes() == before
    assert not program.with_name("kept.new").exists()


# Files that are refused.


def sealed(kept: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the numbers of a file."""
    saved = Saved(kept)
    numbers = {name: saved._all(name) for name in saved._places}
    saved.close()
    return json.loads(Path(kept).read_bytes().splitlines()[1]), numbers


def seal(kept: str, header: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Write others, as somebody would who wants them to be believed."""
    data = MAGIC + json.dumps(header).encode() + b"\n"
    data += b"".join(each.tobytes() for each in numbers.values())
    Path(kept).write_bytes(data + hashlib.sha256(data).digest())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a search that has seen some states, beside the program."""
    path = tmp_path_factory.mktemp("whole") / "kept"
    path.with_name("counts.da").write_text(counts())
    bounds = Bounds(states=30, reduce=False)
    checked(path.with_name("counts.da"), [4], bounds, Keeper(str(path)))
    header, _ = sealed(str(path))
    assert header["level"]["states"]
    assert header["next"]["states"]
    return path


def refusal_of(data: bytes, folder: Path) -> ProgramError:
    path = folder / "damaged"
    path.write_bytes(data)
    with pytest.raises(ProgramError) as raised:
        Saved(str(path))
    return raised.value


@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_a_file_with_another_byte_is_refused(whole: Path, where: float, change: int) -> None:
    data = bytearray(whole.read_bytes())
    data[int(where * len(data))] ^= change
    assert refusal_of(bytes(data), whole.parent).code == "Q146"


@given(where=st.floats(0, 1, exclude_max=True))
@settings(max_examples=50, deadline=None)
def test_a_file_that_is_cut_short_is_refused(whole: Path, where: float) -> None:
    data = whole.read_bytes()
    assert refusal_of(data[: int(where * len(data))], whole.parent).code == "Q146"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it does not begin with `quorate checkpoint 1`"),
        (b"quorate checkpoint 2\n{}\n", "it does not begin with"),
        (MAGIC + b"{}\n", "its header cannot be read: "),
        (MAGIC + b"[" * 100_000, "its header cannot be read: "),
        (MAGIC + b"\xff\n", "its header cannot be read: "),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, data: bytes, why: str) -> None:
    error = refusal_of(data, tmp_path)
    assert error.code == "Q146"
    assert why in error.message


@pytest.mark.parametrize("more", [b"x", b"\0" * 4096])
def test_a_file_with_more_behind_it_is_refused(whole: Path, more: bytes) -> None:
    error = refusal_of(whole.read_bytes() + more, whole.parent)
    assert "bytes, and is to have" in error.message


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProgramError, match="it is no file"):
        Saved(str(tmp_path / "pipe"))


def test_room_is_made_for_nothing_that_is_not_there(whole: Path, tmp_path: Path) -> None:
    header, numbers = sealed(str(whole))
    header["states"] = 1 << 60
    seal(str(tmp_path / "large"), header, numbers)
    with pytest.raises(ProgramError, match="and is to have 18,446,744,073,7"):
        Saved(str(tmp_path / "large"))


OTHERS = [
    (section, place, number)
    for section in ("parents", "actions", "level rows", "next rows", "next lengths", "round 0")
    for number in (1 << 30, -(1 << 30), -1)
    for place in (0, -1)
    if number != -1 or section not in ("parents", "round 0")  # which may be there
]
"""Numbers that no search has written, where they stand."""


@pytest.mark.parametrize(("section", "place", "number"), OTHERS)
def test_numbers_of_nothing_are_refused(
    whole: Path, tmp_path: Path, section: str, place: int, number: int
) -> None:
    header, numbers = sealed(str(whole))
    numbers[section][place] = number
    kept = str(tmp_path / "forged")
    seal(kept, header, numbers)
    program, keeper = whole.with_name("counts.da"), Keeper(kept, resume=kept)
    with pytest.raises(ProgramError) as raised:
        checked(program, [4], Bounds(reduce=False), keeper)
    assert raised.value.code in ("Q146", "Q147")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rounds": [{"questions": 0}]}, "Q146"),  # there are more numbers than that
        ({"rounds": []}, "Q146"),
        ({"reached": [10**6]}, "Q146"),
        ({"reached": [0]}, "Q146"),
        ({"short": ["patience"]}, "Q146"),
        ({"states": -1}, "Q146"),
        ({"seconds": "long"}, "Q146"),
        ({"tables": "0"}, "Q147"),
        ({"more": 1}, "Q146"),
    ],
)
def test_a_header_of_nothing_is_refused(
    whole: Path, tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    header, numbers = sealed(str(whole))
    kept = str(tmp_path / "forged")
    seal(kept, header | change, numbers)
    program, keeper = whole.with_name("counts.da"), Keeper(kept, resume=kept)
    with pytest.raises(ProgramError) as raised:
        checked(program, [4], Bounds(reduce=False), keeper)
    assert raised.value.code == code


def test_a_way_of_nothing_is_refused(whole: Path, tmp_path: Path) -> None:
    header, numbers = sealed(str(whole))
    numbers["actions"] = array("i", bytes(numbers["actions"].itemsize * header["states"]))
    kept = str(tmp_path / "forged")
    seal(kept, header | {"reached": [29]}, numbers)
    program, keeper = whole.with_name("counts.da"), Keeper(kept, resume=kept)
    with pytest.raises(ProgramError, match="a way leads nowhere"):
        checked(program, [4], Bounds(reduce=False), keeper)


def test_rows_that_cannot_be_brought_into_order_are_refused(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel would ask again and again what becomes of them."""
    kept = str(program.with_name("kept"))
    checked(program, [4], Bounds(states=10), Keeper(kept))
    close = Symmetry.close

    def forget(self: Symmetry, outcome: Outcome) -> None:
        close(self, outcome)
        for known in self.locals:
            known.clear()

    monkeypatch.setattr(Symmetry, "close", forget)
    keeper = Keeper(kept, resume=kept)
    with pytest.raises(ProgramError, match="rows are of another search"):
        checked(program, [4], Bounds(), keeper, kernel=False)


@pytest.mark.parametrize(
    ("args", "how", "why"),
    [
        ([5], {}, "the arguments were `4`, and are `5`"),
        ([4], {"timeouts": 1}, "--timeouts was 0, and is 1"),
        ([4], {"network": "fifo"}, "--network was bag, and is fifo"),
        ([4], {"reduce": True}, "--no-reduction was given, and is not given"),
        ([4], {"deadlocks": False}, "--no-deadlock was not given, and is given"),
    ],
)
def test_another_search_is_told_by(whole: Path, args: Any, how: dict[str, Any], why: str) -> None:
    deadlocks = how.get("deadlocks", True)
    limits = {name: bound for name, bound in how.items() if name != "deadlocks"}
    bounds = Bounds(**{"reduce": False, **limits})
    program, keeper = whole.with_name("counts.da"), Keeper(str(whole), resume=str(whole))
    with pytest.raises(ProgramError) as raised:
        checked(program, args, bounds, keeper, deadlocks=deadlocks)
    assert raised.value.code == "Q147"
    assert raised.value.message == f"{whole} is of another search: {why}"


def test_a_program_that_has_been_changed_is_told_by_name(program: Path) -> None:
    kept = str(program.with_name("kept"))
    program.with_name("more.da").write_text("class Q(process): pass\n")
    program.write_text(counts() + "import more\n")
    checked(program, [4], Bounds(states=8), Keeper(kept))
    program.with_name("more.da").write_text("class Q(process): pass\n\n")
    sys.modules.pop("more")
    with pytest.raises(ProgramError, match=r": more\.da has been changed\n") as raised:
        checked(program, [4], Bounds(), Keeper(kept, resume=kept))
    sys.modules.pop("more")
    assert raised.value.code == "Q147"


def test_a_program_that_reads_what_has_been_changed_is_found_out(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(program.with_name("kept"))
    program.write_text("import os\n" + counts().replace("k < n", "k < int(os.environ['LIMIT'])"))
    monkeypatch.setenv("LIMIT", "4")
    checked(program, [4], Bounds(states=30), Keeper(kept))
    monkeypatch.setenv("LIMIT", "1")
    keeper = Keeper(kept, resume=kept)
    with pytest.raises(ProgramError, match="steps of the program come out otherwise") as raised:
        checked(program, [4], Bounds(), keeper)
    assert raised.value.code == "Q147"
