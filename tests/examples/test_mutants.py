"""The guarantees can fail: each example with one step of its algorithm broken is caught.

A mutant is caught if, for one of the seeds at least, the run fails or its trace breaks the
guarantee of the example. It shows that the runs of `test_examples` reach what they judge. Of some,
a property of the example finds it too, so that what the headers claim says something.
"""

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from examples.headers import EXAMPLES
from examples.runs import CHECKS, STEPS_MAX, hurried, simulated
from quorate.compiler.loader import load
from quorate.core.errors import PropertyFailed
from quorate.worlds.sim import simulate

SEEDS = range(40)


class Mutant(NamedTuple):
    """In `example`, run with `args`, `old` becomes `new`: `what` is then wrong.

    `property` is the one of the example that says so, if any does.
    """

    what: str
    example: str
    args: tuple[int, ...]
    old: str
    new: str
    property: str = ""


# fmt: off
MUTANTS = [
    Mutant("answers with the next number", "ping_pong", (1, 2),
           "send(('pong', i)", "send(('pong', i + 1)", "answers"),
    Mutant("does not wait for the answer", "ping_pong", (1, 2),
           "await(received(", "await(True or received(", "one_at_a_time"),
    Mutant("ignores earlier requests", "lamport_mutex", (3, 2),
           "(c, self) < (c2, p)", "True", "alone"),
    Mutant("does not wait for answers", "lamport_mutex", (3, 2),
           "has=some(received(_, from_=_p, clk=c2), has=c2 > c)", "has=True"),
    Mutant("without the order of messages", "lamport_mutex", (3, 2),
           "channel='fifo', ", ""),
    Mutant("ignores the queue", "lamport_mutex_queue", (3, 2),
           "(c, self) == min(queue)", "True", "alone"),
    Mutant("without the order of messages", "lamport_mutex_queue", (3, 2),
           "channel='fifo', ", ""),
    Mutant("never defers a reply", "ricart_agrawala", (3, 2),
           "requesting and (ours", "False and (ours", "alone"),
    Mutant("repeats numbers", "ricart_agrawala", (1, 2),
           "ours = highest = highest + 1", "ours = highest + 1"),
    Mutant("keeps the token", "ricart_agrawala_token", (3, 2),
           "token = None\n", "pass\n", "one_token"),
    Mutant("passes the token on while inside", "ricart_agrawala_token", (3, 2),
           "token is not None and not using", "token is not None"),
    Mutant("keeps the privilege", "suzuki_kasami", (3, 2),
           "privileged = False", "pass", "one_token"),
    Mutant("passes the privilege on while inside", "suzuki_kasami", (3, 2),
           "not requesting and RN", "RN"),
    Mutant("a smaller number wins", "chang_roberts", (5, 5),
           "elif k == number", "elif k <= number", "largest_wins"),
    Mutant("larger numbers are stopped", "chang_roberts", (5, 5),
           "if k > number:", "if k > number + 10:", "all_know"),
    Mutant("passes smaller numbers on", "hirschberg_sinclair", (6,),
           "k > number and hops", "hops", "largest_wins"),
    Mutant("one yes is enough", "two_phase_commit", (3, 4),
           "await(each(p in sites, has=received(('vote'",
           "await(some(p in sites, has=received(('vote'", "validity"),
    Mutant("decides without asking", "two_phase_commit", (3, 4),
           "elif timeout(5)", "elif timeout(0.0001)"),
    Mutant("insists on its own value", "basic_paxos", (3, 3, 2),
           "send(('accept', n, v)", "send(('accept', n, value)"),
    Mutant("breaks its promise", "basic_paxos", (3, 3, 2),
           "has=m <= n", "has=True", "agreement"),
    Mutant("proposes without a majority", "basic_paxos", (3, 3, 2),
           "lenof(a, received(('promise', _n, _), from_=a)) > len(acceptors) / 2",
           "some(received(('promise', _n, _)))"),
    Mutant("learns from anyone", "byzantine_paxos", (1, 2, 2),
           "has=lenof(a, received(('2b', _b, _v), from_=a)) > 2 * f", "has=True", "validity"),
    Mutant("believes any vote", "byzantine_paxos", (1, 2, 2),
           "has=bound(b, v))", "has=v is not None)", "validity"),
    Mutant("performs a request twice", "multi_paxos", (3, 2, 2, 2, 3),
           "if not some(received(('decision', s, _command)), has=s < slot_out):", "if True:"),
    Mutant("takes nothing over", "multi_paxos", (3, 2, 3, 2, 3),
           "proposals[s] = c\n            for s", "pass\n            for s", "agreement"),
    Mutant("performs a request twice", "multi_paxos_merged", (3, 2, 2, 2, 3),
           "if not some(received(('decision', s, _c)), has=s < slot_out):", "if True:"),
    Mutant("takes nothing over", "multi_paxos_merged", (3, 2, 3, 2, 3),
           "if each((b2, _s, _) in accepted, has=b2 <= b):", "if False:", "agreement"),
    Mutant("puts nothing instead of what it drops", "raft", (5, 3, 4),
           "if i == len(log):", "elif i == len(log):"),
    Mutant("votes twice in a term", "raft", (5, 3, 4),
           "and voted_for in (None, candidate)", "", "election_safety"),
    Mutant("votes for old logs", "raft", (5, 3, 4),
           "(last_term, last_index) >= (log[-1][0], len(log) - 1)", "True", "state_machine_safety"),
    Mutant("commits what one server has", "raft", (5, 3, 4),
           "and majority(lenof(p, p in peers, match_index[p] >= n))", "", "state_machine_safety"),
    Mutant("applies repetitions", "raft", (5, 3, 4),
           "if serial > answers.get(client, (0, 0))[0]:", "if True:"),
    Mutant("does not pass messages on", "reliable_broadcast", (4, 1, 2),
           "if origin != self:", "if False:", "agreement"),
    Mutant("delivers every copy", "reliable_broadcast", (4, 1, 2),
           "if (origin, seq) not in delivered:",
           "if origin == self or (origin, seq) not in delivered:"),
    Mutant("stores what is older", "atomic_register", (3, 2, 3),
           "if l > label:", "if True:", "linearizable"),
    Mutant("is content too early", "gossip", (6,),
           "len(known) == len(ps)", "len(known) == len(ps) - 1", "all_know"),
]
# fmt: on
FOUND = [mutant for mutant in MUTANTS if mutant.property]


def mutated(mutant: Mutant, folder: Path, *, properties: bool) -> ModuleType:
    """The program of a mutant, loaded with its properties or without."""
    text = hurried((EXAMPLES / f"{mutant.example}.da").read_text(encoding="utf-8"))
    assert text.count(mutant.old) == 1, f"{text.count(mutant.old)} places to change"
    path = folder / f"{mutant.example}_mutant.da"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return load(str(path), cache=False, properties=properties)


def caught(program: ModuleType, mutant: Mutant, seed: int) -> bool:
    try:
        CHECKS[mutant.example](simulated(program, mutant.args, seed), *mutant.args)
    except AssertionError:
        return True
    return False


def names(mutants: list[Mutant]) -> list[str]:
    return [f"{mutant.example}: {mutant.what}" for mutant in mutants]


@pytest.mark.parametrize("mutant", MUTANTS, ids=names(MUTANTS))
def test_it_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    program = mutated(mutant, tmp_path, properties=False)
    assert any(caught(program, mutant, seed) for seed in SEEDS)


@pytest.mark.parametrize("mutant", FOUND, ids=names(FOUND))
def test_a_property_finds_it(mutant: Mutant, tmp_path: Path) -> None:
    program = mutated(mutant, tmp_path, properties=True)
    runs = (simulate(program, mutant.args, seed, max_steps=STEPS_MAX) for seed in SEEDS)
    errors = (str(run.error) for run in runs if isinstance(run.error, PropertyFailed))
    assert next(errors, "").split("`")[1:2] == [mutant.property]


def test_every_example_has_a_mutant_that_a_property_finds() -> None:
    assert {mutant.example for mutant in FOUND} == set(CHECKS)
