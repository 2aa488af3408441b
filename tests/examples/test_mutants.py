"""The guarantees can fail: each example with one step of its algorithm broken is caught.

A mutant is caught if, for one of the seeds at least, the run fails or its trace breaks the
guarantee of the example. It shows that the runs of `test_examples` reach what they judge.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from examples.runs import CHECKS, EXAMPLES, hurried, simulated

SEEDS = range(40)


class Mutant(NamedTuple):
    """In `example`, run with `args`, `old` becomes `new`: `what` is then wrong."""

    what: str
    example: str
    args: tuple[int, ...]
    old: str
    new: str


# fmt: off
MUTANTS = [
    Mutant("answers with the next number", "ping_pong", (1, 2),
           "send(('pong', i)", "send(('pong', i + 1)"),
    Mutant("does not wait for the answer", "ping_pong", (1, 2),
           "await(received(", "await(True or received("),
    Mutant("ignores earlier requests", "lamport_mutex", (3, 2),
           "(c, self) < (c2, p)", "True"),
    Mutant("does not wait for answers", "lamport_mutex", (3, 2),
           "has=some(received(_, from_=_p, clk=c2), has=c2 > c)", "has=True"),
    Mutant("without the order of messages", "lamport_mutex", (3, 2),
           "channel='fifo', ", ""),
    Mutant("ignores the queue", "lamport_mutex_queue", (3, 2),
           "(c, self) == min(queue)", "True"),
    Mutant("without the order of messages", "lamport_mutex_queue", (3, 2),
           "channel='fifo', ", ""),
    Mutant("never defers a reply", "ricart_agrawala", (3, 2),
           "requesting and (ours", "False and (ours"),
    Mutant("repeats numbers", "ricart_agrawala", (1, 2),
           "ours = highest = highest + 1", "ours = highest + 1"),
    Mutant("keeps the token", "ricart_agrawala_token", (3, 2),
           "token = None\n", "pass\n"),
    Mutant("passes the token on while inside", "ricart_agrawala_token", (3, 2),
           "token is not None and not using", "token is not None"),
    Mutant("keeps the privilege", "suzuki_kasami", (3, 2),
           "privileged = False", "pass"),
    Mutant("passes the privilege on while inside", "suzuki_kasami", (3, 2),
           "not requesting and RN", "RN"),
    Mutant("a smaller number wins", "chang_roberts", (5, 5),
           "elif k == number", "elif k <= number"),
    Mutant("larger numbers are stopped", "chang_roberts", (5, 5),
           "if k > number:", "if k > number + 10:"),
    Mutant("passes smaller numbers on", "hirschberg_sinclair", (6,),
           "k > number and hops", "hops"),
    Mutant("one yes is enough", "two_phase_commit", (3, 4),
           "await(each(p in sites, has=received(('vote'",
           "await(some(p in sites, has=received(('vote'"),
    Mutant("decides without asking", "two_phase_commit", (3, 4),
           "elif timeout(5)", "elif timeout(0.0001)"),
    Mutant("insists on its own value", "basic_paxos", (3, 3, 2),
           "send(('accept', n, v)", "send(('accept', n, value)"),
    Mutant("breaks its promise", "basic_paxos", (3, 3, 2),
           "has=m <= n", "has=True"),
    Mutant("proposes without a majority", "basic_paxos", (3, 3, 2),
           "lenof(a, received(('promise', _n, _), from_=a)) > len(acceptors) / 2",
           "some(received(('promise', _n, _)))"),
    Mutant("learns from anyone", "byzantine_paxos", (1, 2, 2),
           "has=lenof(a, received(('2b', _b, _v), from_=a)) > 2 * f", "has=True"),
    Mutant("believes any vote", "byzantine_paxos", (1, 2, 2),
           "has=bound(b, v))", "has=v is not None)"),
    Mutant("performs a request twice", "multi_paxos", (3, 2, 2, 2, 3),
           "if not some(received(('decision', s, _command)), has=s < slot_out):", "if True:"),
    Mutant("takes nothing over", "multi_paxos", (3, 2, 3, 2, 3),
           "proposals[s] = c\n            for s", "pass\n            for s"),
    Mutant("performs a request twice", "multi_paxos_merged", (3, 2, 2, 2, 3),
           "if not some(received(('decision', s, _c)), has=s < slot_out):", "if True:"),
    Mutant("takes nothing over", "multi_paxos_merged", (3, 2, 3, 2, 3),
           "if each((b2, _s, _) in accepted, has=b2 <= b):", "if False:"),
    Mutant("puts nothing instead of what it drops", "raft", (5, 3, 4),
           "if i == len(log):", "elif i == len(log):"),
    Mutant("votes twice in a term", "raft", (5, 3, 4),
           "and voted_for in (None, candidate)", ""),
    Mutant("votes for old logs", "raft", (5, 3, 4),
           "(last_term, last_index) >= (log[-1][0], len(log) - 1)", "True"),
    Mutant("commits what one server has", "raft", (5, 3, 4),
           "and majority(lenof(p, p in peers, match_index[p] >= n))", ""),
    Mutant("applies repetitions", "raft", (5, 3, 4),
           "if serial > answers.get(client, (0, 0))[0]:", "if True:"),
    Mutant("does not pass messages on", "reliable_broadcast", (4, 1, 2),
           "if origin != self:", "if False:"),
    Mutant("delivers every copy", "reliable_broadcast", (4, 1, 2),
           "if (origin, seq) not in delivered:",
           "if origin == self or (origin, seq) not in delivered:"),
    Mutant("is content too early", "gossip", (6,),
           "len(known) == len(ps)", "len(known) == len(ps) - 1"),
]
# fmt: on


def caught(path: Path, mutant: Mutant, seed: int) -> bool:
    try:
        CHECKS[mutant.example](simulated(path, mutant.args, seed), *mutant.args)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("mutant", MUTANTS, ids=[f"{m.example}: {m.what}" for m in MUTANTS])
def test_it_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    text = hurried((EXAMPLES / f"{mutant.example}.da").read_text(encoding="utf-8"))
    assert text.count(mutant.old) == 1, f"{text.count(mutant.old)} places to change"
    path = tmp_path / f"{mutant.example}_mutant.da"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    assert any(caught(path, mutant, seed) for seed in SEEDS)


def test_every_example_has_a_mutant() -> None:
    assert {mutant.example for mutant in MUTANTS} == set(CHECKS)
