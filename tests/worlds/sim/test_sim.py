"""The simulated world: the same seed gives the same run; another seed another order."""

import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from quorate.core import ambient
from quorate.core import api as core_
from quorate.core.errors import ProgramError
from quorate.worlds.sim import Run, simulate
from quorate.worlds.sim.host import SimulatedHost
from worlds.sim import ring

ARGS = (3, 4)


def program(main: type[core_.Process], **options: Any) -> ModuleType:
    module = ModuleType(main.__module__)
    vars(module).update(main_process_=main, main_config_=options)
    return module


def told(run: Run) -> str:
    return repr((run.outputs, run.status, run.messages, run.processes, run.steps, run.time))


def test_a_run_ends_when_all_but_daemons_have_ended() -> None:
    run = simulate(ring, ARGS)
    assert (run.status, run.error, run.waiting, run.processes) == (0, None, [], 4)
    assert run.messages == 24
    assert run.texts("main") == ["main ends"]
    assert len(run.texts("Client-2")) == 5
    assert run.texts("Client-2")[-1].startswith("{'apple', 'mark 4', 'zebra'} ")


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    assert told(simulate(ring, ARGS, seed)) == told(simulate(ring, ARGS, seed))


def test_seeds_differ() -> None:
    assert len({told(simulate(ring, ARGS, seed)) for seed in range(5)}) == 5


@pytest.mark.parametrize("seed", range(5))
def test_frozen_and_thawed_at_every_step_a_run_is_the_same(seed: int) -> None:
    assert told(simulate(ring, ARGS, seed, refreeze=True)) == told(simulate(ring, ARGS, seed))


@pytest.mark.parametrize("seed", range(3))
def test_so_is_a_program_whose_processes_hold_all_sorts_of_things(seed: int) -> None:
    path = Path(__file__).with_name("everything.da")
    run = simulate(path, seed=seed)
    assert (run.status, run.error) == (0, None)
    assert len(run.texts()) == 6
    assert told(simulate(path, seed=seed, refreeze=True)) == told(run)


IN_ANOTHER_RUN = """
from quorate.worlds.sim import simulate
from worlds.sim import ring
run = simulate(ring, (3, 4), 7)
print(*run.outputs, run.status, run.messages, run.steps, run.time, sep="\\n")
"""


def test_the_same_seed_gives_the_same_run_whatever_the_hashes() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_RUN],
            env={"PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for hashes in ("0", "1", "2")
    }
    assert len(texts) == 1


def test_time_is_virtual() -> None:
    class Sleeps(core_.Process):
        @core_.routine
        class run:
            def call(self) -> Any:
                return {}

            def start(self, frame: Any) -> Any:
                frame.before = core_.time.time()
                return frame.sleep_(self, 3600 * 24, "then")

            def then(self, frame: Any) -> Any:
                self.output(core_.time.time() - frame.before)
                return frame.return_()

    run = simulate(program(Sleeps))
    assert (run.texts(), run.time) == (["86400.0"], 86400.0)


class Receiver(core_.Process):
    def setup(self, n: int) -> None:
        self.n = n
        self.seen: list[Any] = []

    @core_.routine
    class run:
        waits = {"test": (7, "len(seen) == n")}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            return core_.WAIT if len(self.seen) < self.n else frame.leave_(self, "then")

        def then(self, frame: Any) -> Any:
            self.output(*self.seen)
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.seen.append(message)

    own_handlers_ = (core_.Handler("received", receive_1),)


class Sender(core_.Process):
    """Sends ten messages and waits for eleven, if asked to."""

    def run(self) -> Any:
        receiver = self.new(Receiver, (10,))
        self.start(receiver)
        for n in range(10):
            self.send(n, to=receiver)


def test_messages_overtake_each_other() -> None:
    texts = {simulate(program(Sender), seed=seed).texts()[0] for seed in range(5)}
    assert len(texts) == 5
    assert {" ".join(sorted(text.split())) for text in texts} == {"0 1 2 3 4 5 6 7 8 9"}


@pytest.mark.parametrize(
    "options",
    [
        {"channel": "fifo"},
        {"channel": frozenset({"fifo", "reliable"})},
        {"channels": [(["Sender"], None, {"fifo"})]},
        {"channels": [(None, ["Receiver"], {"fifo"}), (["Receiver"], ["Other"], {"unfifo"})]},
    ],
)
def test_fifo_channels_keep_the_order_of_each_pair(options: dict[str, Any]) -> None:
    for seed in range(5):
        assert simulate(program(Sender, **options), seed=seed).texts() == ["0 1 2 3 4 5 6 7 8 9"]


def test_a_narrowed_channel_is_for_the_others_as_before() -> None:
    options = {"channels": [(["Receiver"], None, {"fifo"})]}
    texts = {simulate(program(Sender, **options), seed=seed).texts()[0] for seed in range(5)}
    assert len(texts) == 5


class Stuck(Sender, core_.Process):
    def run(self) -> Any:
        receiver = self.new(Receiver, (11,))
        self.start(receiver)
        self.send("one", to=receiver)


def test_a_quiescent_run_says_where_processes_wait() -> None:
    run = simulate(program(Stuck))
    assert run.status == 1
    assert run.error is None
    (standing,) = run.waiting
    assert repr(standing.process) == "Receiver-1"
    assert standing.places[-1][2:] == (7, "len(seen) == n")


def test_a_failure_is_the_end() -> None:
    class Fails(core_.Process):
        def run(self) -> Any:
            self.output("before")
            self.send(1, to=None)

    run = simulate(program(Fails))
    assert run.status == 1
    assert isinstance(run.error, ProgramError)
    assert run.texts() == ["before"]


def test_the_status_is_the_first_exit_code_that_is_not_zero() -> None:
    class Exits(core_.Process):
        def run(self) -> Any:
            self.start(self.new(Leaf, (3,)))
            self.start(self.new(Leaf, (0,)))
            self.exit()

    class Leaf(core_.Process):
        def setup(self, code: int) -> None:
            self.code = code

        def run(self) -> Any:
            self.exit(self.code)

    assert simulate(program(Exits)).status == 3


def test_a_run_can_be_ended_by_time_or_by_a_condition() -> None:
    run = simulate(ring, ARGS, until=0.02)
    assert (run.status, run.time <= 0.02, len(run.waiting)) == (0, True, 3)
    run = simulate(ring, ARGS, until=lambda run: len(run.outputs) == 3)
    assert (run.status, len(run.outputs)) == (0, 3)


def test_a_run_that_goes_on_for_ever_is_cut_off() -> None:
    class Polls(core_.Process):
        @core_.routine
        class run:
            def call(self) -> Any:
                return {}

            def start(self, frame: Any) -> Any:
                return frame.pause_(None, "start")

    run = simulate(program(Polls), max_steps=100)
    assert (run.status, run.steps) == (1, 100)
    assert "100 steps" in str(run.error)
    assert run.time > 0.0


def test_processes_are_found_by_name() -> None:
    class Names(core_.Process):
        def run(self) -> Any:
            self.new(Receiver, (1,), num=["alice", "bob"])
            self.start([self.resolve("bob"), self.resolve("alice")])
            for name in ("alice", "bob"):
                self.send(f"hello {name}", to=name)

    run = simulate(program(Names))
    assert sorted((each.process, each.text) for each in run.outputs) == [
        ("Receiver-alice", "hello alice"),
        ("Receiver-bob", "hello bob"),
    ]


def test_messages_to_a_process_that_is_still_to_be_made_wait_for_it() -> None:
    class Early(core_.Process):
        @core_.routine
        class run:
            def call(self) -> Any:
                return {}

            def start(self, frame: Any) -> Any:
                frame.other = self.id_.child(1, "Receiver")
                self.send("early", to=frame.other)
                return frame.sleep_(self, 1.0, "then")

            def then(self, frame: Any) -> Any:
                self.start(self.new(Receiver, (1,)))
                return frame.return_()

    assert simulate(program(Early)).texts() == ["early"]


def test_what_stands_outside_of_processes_is_fixed_too() -> None:
    class Asks(core_.Process):
        def run(self) -> Any:
            self.output(outside(), core_.random.random())

    def outside() -> Any:
        process, ambient.here.process = ambient.here.process, None
        try:
            return core_.time.time(), core_.time.monotonic(), core_.random.random()
        finally:
            ambient.here.process = process

    texts = [simulate(program(Asks), seed=seed).texts()[0] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("(1600000000.0, 0.0, ")


def test_arguments_are_those_of_the_program_and_only_while_it_runs() -> None:
    class Shows(core_.Process):
        def run(self) -> Any:
            self.output(*sys.argv[1:])

    before = sys.argv
    assert simulate(program(Shows), (1, "two")).texts() == ["1 two"]
    assert sys.argv is before


def test_a_host_has_few_attributes() -> None:
    """More than 30, and CPython looks each up in a slower way: a message costs twentieths more."""
    assert len(vars(SimulatedHost(0, {}, lambda *_: None))) <= 30


def test_modules_of_python_draw_by_the_seed(tmp_path: Path) -> None:
    (tmp_path / "draws.py").write_text("import random\ndef draw(): return random.random()\n")
    (tmp_path / "drawing.da").write_text("import draws\ndef main(): output(draws.draw())\n")
    before = random.getstate()
    one, two, other = (simulate(tmp_path / "drawing.da", seed=n).texts() for n in (3, 3, 4))
    assert one == two != other
    assert random.getstate() == before  # whoever simulates goes on with other numbers
