"""What the examples guarantee, as functions over what their processes printed.

A trace lists the outputs of a run in the order in which they happened: the name of the process,
and the tuple of values that it gave to `output`. Each function returns nothing, and raises
`Violation` with a sentence that names the processes if the guarantee does not hold.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Output(NamedTuple):
    """One call of `output`: who, and what."""

    process: str
    values: tuple[Any, ...]

    @property
    def tag(self) -> Any:
        return self.values[0] if self.values else None


Trace = Sequence[Output]


class Violation(AssertionError):
    """A guarantee that does not hold; the text says which, where and how."""


def demand(holds: bool, text: str) -> None:
    if not holds:
        raise Violation(text)


def tagged(trace: Trace, tag: str) -> list[Output]:
    """The outputs whose first value is `tag`."""
    return [each for each in trace if each.tag == tag]


def by_process(trace: Trace, tag: str) -> dict[str, list[tuple[Any, ...]]]:
    """Process -> the values after `tag`, in the order in which it printed them."""
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for each in tagged(trace, tag):
        found[each.process].append(each.values[1:])
    return dict(found)


def name_key(process: str) -> tuple[tuple[int, str], ...]:
    """Sorts `P-2` before `P-10`."""
    parts = re.split(r"(\d+)", process)
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in parts)


# --- Conversation


def ping_pong(trace: Trace, pingers: int, rounds: int) -> None:
    """Each ping is answered once, by the same number, before the next; all rounds are played."""
    pongs = by_process(trace, "pong")
    demand(len(pongs) == (pingers if rounds else 0), f"{len(pongs)} of {pingers} pingers got pongs")
    for process, numbers in pongs.items():
        expected = [(i,) for i in range(rounds)]
        demand(numbers == expected, f"{process} got the pongs {numbers}")
    pings = Counter(each.values[1] for each in tagged(trace, "ping"))
    answered: Counter[Any] = Counter()
    for each in trace:
        if each.tag in ("ping", "pong"):
            answered[each.values[1]] += 1 if each.tag == "ping" else -1
            demand(answered[each.values[1]] >= 0, f"{each.process} got a pong before its ping")
    expected_pings = Counter(dict.fromkeys(range(rounds), pingers))
    demand(pings == expected_pings, f"pings answered: {dict(pings)}")


# --- Mutual exclusion


def mutual_exclusion(trace: Trace, processes: int, rounds: int) -> None:
    """No two critical sections overlap, and each process has exactly `rounds` of them."""
    inside: Output | None = None
    for each in trace:
        if each.tag == "enter":
            demand(inside is None, f"{each.process} enters while {inside and inside.process} is in")
            inside = each
        elif each.tag == "leave":
            demand(
                inside is not None
                and (inside.process, inside.values[1:]) == (each.process, each.values[1:]),
                f"{each.process} leaves what it did not enter",
            )
            inside = None
    demand(inside is None, f"{inside and inside.process} never leaves")
    turns = by_process(trace, "enter")
    demand(len(turns) == (processes if rounds else 0), f"only {sorted(turns)} ever enter")
    for process, values in turns.items():
        demand([v[0] for v in values] == list(range(rounds)), f"{process} enters {values}")


def granted_in_order(trace: Trace) -> None:
    """Critical sections follow one another by (time stamp of the request, process)."""
    entered = [(each.values[2], name_key(each.process)) for each in tagged(trace, "enter")]
    for before, after in pairwise(entered):
        demand(before < after, f"the request {after} is granted after {before}")


# --- Leader election


def one_leader(trace: Trace, processes: int) -> None:
    """All processes learn one leader, once."""
    learned = by_process(trace, "leader")
    demand(len(learned) == processes, f"{len(learned)} of {processes} learn a leader")
    for process, values in learned.items():
        demand(len(values) == 1, f"{process} learns {values}")
    leaders = {values[0][0] for values in learned.values()}
    demand(len(leaders) == 1, f"leaders: {sorted(leaders)}")


def largest_wins(trace: Trace) -> None:
    """The leader is the largest of the numbers that the processes have: ("leader", its, own)."""
    leaders = {each.values[1] for each in tagged(trace, "leader")}
    numbers = {each.values[2] for each in tagged(trace, "leader")}
    demand(leaders == {max(numbers)}, f"of {sorted(numbers)}, {sorted(leaders)} won")


# --- Atomic commitment


def atomic_commitment(trace: Trace, sites: int, transactions: int, in_time: bool = True) -> None:
    """All decide alike and once; commit only with all votes yes; with all yes `in_time`, commit."""
    votes: dict[Any, list[str]] = defaultdict(list)
    for each in tagged(trace, "vote"):
        votes[each.values[1]].append(each.values[2])
    decisions: dict[Any, list[tuple[str, str]]] = defaultdict(list)
    for each in tagged(trace, "decide"):
        decisions[each.values[1]].append((each.process, each.values[2]))
    demand(sorted(decisions) == list(range(transactions)), f"decided: {sorted(decisions)}")
    for t, made in decisions.items():
        deciders = [process for process, _ in made]
        demand(len(set(deciders)) == len(deciders) == sites + 1, f"{t} is decided by {deciders}")
        outcomes = {decision for _, decision in made}
        demand(len(outcomes) == 1, f"{t} is decided {sorted(outcomes)}")
        demand(outcomes <= {"commit", "abort"}, f"{t} is decided {outcomes}")
        all_yes = votes[t] == ["yes"] * sites
        demand(all_yes or outcomes == {"abort"}, f"{t} commits on the votes {votes[t]}")
        if in_time:
            demand(not all_yes or outcomes == {"commit"}, f"{t} aborts although all voted yes")


# --- Consensus


def agreement(trace: Trace, learners: int) -> None:
    """All learners learn one value, once."""
    learned = by_process(trace, "learned")
    demand(len(learned) == learners, f"{len(learned)} of {learners} learn a value")
    for process, values in learned.items():
        demand(len(values) == 1, f"{process} learns {values}")
    values_all = {values[0] for values in learned.values()}
    demand(len(values_all) == 1, f"learned: {sorted(values_all)}")


def one_value_chosen(trace: Trace, quorum: int) -> None:
    """No two values are accepted by `quorum` acceptors in one ballot each; learned is that one."""
    acceptors: dict[tuple[str, Any], set[str]] = defaultdict(set)
    for each in tagged(trace, "accept"):
        acceptors[str(each.values[1]), each.values[2]].add(each.process)
    chosen = {value for (_, value), voters in acceptors.items() if len(voters) >= quorum}
    demand(len(chosen) <= 1, f"chosen: {sorted(chosen)}")
    for each in tagged(trace, "learned"):
        demand(each.values[1] in chosen, f"{each.process} learned {each.values[1]!r}, not chosen")


def validity(trace: Trace) -> None:
    """What is learned was proposed."""
    proposed = {each.values[1] for each in tagged(trace, "propose")}
    for each in tagged(trace, "learned"):
        demand(each.values[1] in proposed, f"{each.process} learned {each.values[1]!r}, unproposed")


# --- Replication


def same_order(trace: Trace, tag: str) -> None:
    """Of any two processes, one performed a prefix of what the other did, slots included."""
    performed = sorted(by_process(trace, tag).items(), key=lambda item: len(item[1]))
    for process, values in performed:
        slots = [value[0] for value in values]
        demand(slots == sorted(set(slots)), f"{process} performs the slots {slots}")
    for (one, short), (other, long) in pairwise(performed):
        demand(long[: len(short)] == short, f"{one} performs {short}, and {other} {long}")


def exactly_the_requests(trace: Trace, tag: str, requests: Iterable[Hashable]) -> None:
    """Each process performs each request at most once, nothing else, and some process all.

    A request is (client, serial, operation), the client by its name.
    """
    expected = set(requests)
    longest: set[Hashable] = set()
    for process, values in by_process(trace, tag).items():
        done = [(str(client), *rest) for _, client, *rest in values]
        demand(len(set(done)) == len(done), f"{process} performs a request twice: {done}")
        demand(set(done) <= expected, f"{process} performs {set(done) - expected}, never asked for")
        longest = max(longest, set(done), key=len)
    demand(longest == expected, f"nobody performs {expected - longest}")


def all_answered(trace: Trace, tag: str, clients: int, serials: Sequence[int]) -> None:
    """Each client gets the answers to its requests, in turn, and sums that only grow."""
    answers = by_process(trace, tag)
    demand(len(answers) == (clients if serials else 0), f"{len(answers)} of {clients} get answers")
    for process, values in answers.items():
        demand([v[0] for v in values] == list(serials), f"{process} gets {values}")
        results = [v[1] for v in values]
        demand(results == sorted(set(results)), f"{process} gets the sums {results}")


def one_leader_a_term(trace: Trace) -> None:
    """No term has two leaders (Raft: election safety); there is a leader at all."""
    leaders: dict[int, str] = {}
    for each in tagged(trace, "leader"):
        term = each.values[1]
        demand(term not in leaders, f"{leaders.get(term)} and {each.process} lead term {term}")
        leaders[term] = each.process
    demand(bool(leaders), "nobody ever leads")


def logs_match(trace: Trace, servers: int) -> None:
    """Logs with the same term at an index are the same up to it (Raft: log matching)."""
    logs = {each.process: list(each.values[1]) for each in tagged(trace, "log")}
    demand(len(logs) == servers, f"{len(logs)} of {servers} servers show their logs")
    for process, log in logs.items():
        terms = [term for term, _ in log]
        demand(terms == sorted(terms), f"the terms in the log of {process} fall: {terms}")
    names = sorted(logs, key=name_key)
    for one, other in pairwise(names):
        for index in range(min(len(logs[one]), len(logs[other])) - 1, -1, -1):
            if logs[one][index][0] == logs[other][index][0]:
                same = logs[one][: index + 1] == logs[other][: index + 1]
                demand(same, f"the logs of {one} and {other} differ before {index}")
                break


def applied_from_the_log(trace: Trace) -> None:
    """What a server applied is what stands at that index in its log."""
    logs = {each.process: list(each.values[1]) for each in tagged(trace, "log")}
    for process, values in by_process(trace, "apply").items():
        for index, *command in values:
            stands = logs[process][index][1]
            demand(
                stands == tuple(command), f"{process} applies {command} at {index}, not {stands}"
            )


# --- Broadcast and gossip


def reliable_broadcast(trace: Trace, processes: int, faulty: int, messages: int) -> None:
    """All but the `faulty`, which stop, deliver once each message that anyone began to send."""
    correct, stopped = by_process(trace, "broadcast"), by_process(trace, "stop")
    demand(len(stopped) == faulty, f"{len(stopped)} of {faulty} stop")
    demand(len(correct) == processes - faulty, f"only {sorted(correct)} broadcast")
    for process, sent in correct.items():
        demand(sent == [(seq,) for seq in range(messages)], f"{process} broadcasts {sent}")
    expected = {
        (process, seq)
        for senders in (correct, stopped)
        for process in senders
        for (seq,) in senders[process]
    }
    delivered = by_process(trace, "deliver")
    for process in correct:
        got = [(str(origin), seq) for origin, seq in delivered.get(process, [])]
        demand(len(set(got)) == len(got), f"{process} delivers twice: {got}")
        demand(set(got) == expected, f"{process} delivers {got}, not {expected}")
    for process, values in delivered.items():
        extra = {(str(origin), seq) for origin, seq in values} - expected
        demand(not extra, f"{process} delivers {extra}, never broadcast")


def all_know_all(trace: Trace, processes: int) -> None:
    """Every process comes to know exactly the rumors that the processes started with."""
    rumors = sorted(each.values[1] for each in tagged(trace, "start"))
    demand(len(rumors) == processes, f"{len(rumors)} of {processes} start")
    complete = by_process(trace, "complete")
    demand(len(complete) == processes, f"{len(complete)} of {processes} know everything")
    for process, values in complete.items():
        demand(len(values) == 1, f"{process} is complete {len(values)} times")
        demand(list(values[0][1]) == rumors, f"{process} knows {values[0][1]}")


# --- A register


def read_in_order(trace: Trace, servers: int, readers: int, operations: int) -> None:
    """All operations end; nobody reads what is older than what it has read before."""
    written = [value for values in by_process(trace, "wrote").values() for (value,) in values]
    demand(written == [*range(1, operations + 1)], f"{written} is written")
    read = by_process(trace, "read")
    demand(len(read) == readers, f"{len(read)} of {readers} read")
    for process, values in read.items():
        got = [value or 0 for (value,) in values]
        demand(len(got) == operations, f"{process} reads {len(got)} times")
        demand(got == sorted(got) and got[-1] <= operations, f"{process} reads {got}")
