"""How the examples are run and judged: for each its guarantee, and the sizes it is run with.

`simulated` gives the trace of a run that has ended by itself. Times in the examples suit a real
network; `hurried` makes them as short as the delays of the simulated one, so that time-outs,
duels and elections happen all the time.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from examples import guarantees as g
from examples.guarantees import Output, Trace
from quorate.worlds.sim import simulate

STEPS_MAX = 5_000  # a run of the sizes below takes 1,200 at most

# What the examples say, in seconds, and what makes them hurry.
HURRY = {
    "RETRY = 0.05, 0.3, 0.4": "RETRY = 0.0013, 0.0012, 0.002",
    "RETRY = 0.05  ": "RETRY = 0.002",
    "self.patience = 0.5": "self.patience = 0.001",
    "tries * random.random()": "tries * random.random() / 1000",
    "PERIOD = 0.02": "PERIOD = 0.001",
    "time.sleep(0.01)": "time.sleep(0.002)",
}


def hurried(text: str) -> str:
    for patient, hasty in HURRY.items():
        text = text.replace(patient, hasty)
    return text


def simulated(
    program: Path | ModuleType, args: Sequence[int], seed: int, **options: Any
) -> list[Output]:
    """What the processes printed; the program has ended by itself, with status 0."""
    words = [str(arg) for arg in args]
    run = simulate(program, words, seed, max_steps=STEPS_MAX, **options)
    assert run.status == 0, f"{run.error!r}, waiting: {run.waiting}"
    return [Output(each.process, tuple(each.values)) for each in run.outputs]


def mutex(trace: Trace, processes: int, rounds: int) -> None:
    g.mutual_exclusion(trace, processes, rounds)


def mutex_in_order(trace: Trace, processes: int, rounds: int) -> None:
    g.mutual_exclusion(trace, processes, rounds)
    g.granted_in_order(trace)


def election(trace: Trace, processes: int, *_: int) -> None:
    g.one_leader(trace, processes)
    g.largest_wins(trace)


def basic_paxos(trace: Trace, proposers: int, acceptors: int, learners: int) -> None:
    g.agreement(trace, learners)
    g.validity(trace)
    g.one_value_chosen(trace, acceptors // 2 + 1)


def byzantine_paxos(trace: Trace, f: int, leaders: int, learners: int) -> None:
    g.agreement(trace, learners)
    g.validity(trace)
    g.one_value_chosen(trace, f + 1)  # of those that do not lie; the liars may complete a quorum


def multi_paxos(
    trace: Trace, acceptors: int, replicas: int, leaders: int, clients: int, requests: int
) -> None:
    g.same_order(trace, "perform")
    names = g.by_process(trace, "response")
    asked = [(name, cid, cid + 1) for name in names for cid in range(requests)]
    g.exactly_the_requests(trace, "perform", asked)
    g.all_answered(trace, "response", clients, range(requests))


def raft(trace: Trace, servers: int, clients: int, requests: int) -> None:
    g.one_leader_a_term(trace)
    g.logs_match(trace, servers)
    g.applied_from_the_log(trace)
    g.same_order(trace, "apply")
    serials = range(1, requests + 1)
    asked = [(name, n, n) for name in g.by_process(trace, "answer") for n in serials]
    g.exactly_the_requests(trace, "apply", asked)
    g.all_answered(trace, "answer", clients, serials)


CHECKS: dict[str, Callable[..., None]] = {
    "ping_pong": g.ping_pong,
    "lamport_mutex": mutex_in_order,
    "lamport_mutex_queue": mutex_in_order,
    "ricart_agrawala": mutex_in_order,
    "ricart_agrawala_token": mutex,
    "suzuki_kasami": mutex,
    "chang_roberts": election,
    "hirschberg_sinclair": election,
    "two_phase_commit": g.atomic_commitment,
    "basic_paxos": basic_paxos,
    "byzantine_paxos": byzantine_paxos,
    "multi_paxos": multi_paxos,
    "multi_paxos_merged": multi_paxos,
    "raft": raft,
    "reliable_broadcast": g.reliable_broadcast,
    "gossip": g.all_know_all,
    "atomic_register": g.read_in_order,
}

# The arguments that each is run with: the defaults first, then the smallest, then more.
SIZES: dict[str, list[tuple[int, ...]]] = {
    "ping_pong": [(1, 3), (1, 0), (3, 2)],
    "lamport_mutex": [(3, 2), (2, 3), (5, 2)],
    "lamport_mutex_queue": [(3, 2), (2, 3), (5, 2)],
    "ricart_agrawala": [(3, 2), (1, 2), (5, 2)],
    "ricart_agrawala_token": [(3, 2), (1, 2), (5, 3)],
    "suzuki_kasami": [(3, 2), (1, 2), (5, 3)],
    "chang_roberts": [(5, 2), (1, 1), (12, 12)],
    "hirschberg_sinclair": [(6,), (1,), (2,), (13,)],
    "two_phase_commit": [(3, 4), (1, 3), (6, 2)],
    "basic_paxos": [(2, 3, 2), (1, 1, 1), (3, 5, 2)],
    "byzantine_paxos": [(1, 2, 2), (0, 1, 1), (2, 2, 1)],
    "multi_paxos": [(3, 2, 2, 2, 3), (1, 1, 1, 1, 2), (3, 3, 3, 3, 2)],
    "multi_paxos_merged": [(3, 2, 2, 2, 3), (1, 1, 1, 1, 2), (3, 3, 3, 3, 2)],
    "raft": [(3, 2, 3), (1, 1, 2), (5, 3, 4)],
    "reliable_broadcast": [(4, 1, 2), (3, 0, 1), (5, 4, 2)],
    "gossip": [(6,), (1,), (10,)],
    "atomic_register": [(3, 2, 3), (1, 1, 1), (5, 3, 4)],
}
