"""Programs over two hosts whose network is cut, heals, is slow, and loses what may be lost."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples import guarantees as g
from examples.guarantees import Output
from nodes.network import Network, NotPermitted

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    for path in (*PROGRAMS.iterdir(), *(ROOT / "examples").glob("*.da")):
        shutil.copy(path, tmp_path)
    try:
        made = Network(tmp_path)
    except NotPermitted as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.close()


class Run:
    """A program whose main is on host `a`, with an idle node on `b`."""

    def __init__(self, network: Network, *words: str, options: tuple[str, ...] = ()) -> None:
        self._b = network.node("b", *options, "--idle", words[0])
        self._a = network.node("a", *options, "--join", "b@10.77.0.2", *words)
        self._lines: list[str] = []

    def until(self, text: str) -> None:
        """Wait until a process on `a` has printed this."""
        for line in self._a.out:
            self._lines.append(line)
            if text in line:
                return
        raise AssertionError(f"nobody says {text!r}: {self._a.end()}")

    def over(self) -> tuple[int, str]:
        """How the run has ended, and what it has said of that."""
        self._lines += self._a.out
        status, said = self._a.end()
        _, more = self._b.end(signal.SIGINT)
        self._lines += self._b.out
        return status, said + more

    def end(self) -> list[Output]:
        """What all processes have printed, when the run is over, which has to end well."""
        status, said = self.over()
        assert status == 0, said
        return [_output(line.strip()) for line in self._lines]


def _output(line: str) -> Output:
    found = re.fullmatch(r"\[[\d:.]+\] (\S+): (.*)", line)
    assert found, line
    words = found[2].split()
    return Output(found[1], tuple(int(word) if word.isdigit() else word for word in words))


def _round_and_tag(each: Output) -> tuple[int, str]:
    """An order of what two hosts have printed, in which a ping comes before its pong."""
    return each.values[1], each.tag


def test_ping_pong(network: Network) -> None:
    trace = Run(network, "ping_pong_on_two.da", "2", "50").end()
    pongs = [each for each in trace if each.tag == "pong"]
    assert [each.values[1] for each in pongs if each.process == "Pinger-2@a"] == [*range(50)]
    assert {each.process for each in trace if each.tag == "ping"} == {"Ponger-a.1@b"}
    assert network.wire.carried["b"] > 50
    g.ping_pong(sorted(trace, key=_round_and_tag), 2, 50)


def check_multi_paxos(trace: list[Output], requests: int) -> None:
    g.same_order(trace, "perform")
    names = g.by_process(trace, "response")
    asked = [(name, cid, cid + 1) for name in names for cid in range(requests)]
    g.exactly_the_requests(trace, "perform", asked)
    g.all_answered(trace, "response", 2, range(requests))


def check_raft(trace: list[Output], requests: int) -> None:
    g.one_leader_a_term(trace)
    g.same_order(trace, "apply")
    serials = range(1, requests + 1)
    asked = [(name, n, n) for name in g.by_process(trace, "answer") for n in serials]
    g.exactly_the_requests(trace, "apply", asked)
    g.all_answered(trace, "answer", 2, serials)


CHECKS = {"multi_paxos_on_two.da": check_multi_paxos, "raft_on_two.da": check_raft}


CUTS = {
    f"{program.partition('_on_')[0]}-{''.join(senders)}": (program, senders)
    for program, ways in {
        "multi_paxos_on_two.da": [("a", "b"), ("a",)],
        "raft_on_two.da": [("a", "b"), ("b",)],
    }.items()
    for senders in ways
}


@pytest.mark.parametrize(("program", "senders"), CUTS.values(), ids=CUTS)
def test_consensus_while_the_network_is_cut(
    network: Network, program: str, senders: tuple[str, ...]
) -> None:
    """Nothing passes in these directions for a while; then it goes on, and nothing is amiss."""
    run = Run(network, program, "20")
    run.until(": response" if "paxos" in program else ": answer")
    network.wire.cut_for(2, *senders)
    trace = run.end()
    CHECKS[program](trace, 20)
    assert {each.process.partition("@")[2] for each in trace} == {"a", "b"}


MESSAGES, STEP = 100_000, 10_000


def test_everything_arrives_once_and_in_order(network: Network) -> None:
    """Both ways, over a network that is cut in all ways, and connections that are broken."""
    run = Run(network, "stream.da", str(MESSAGES), str(STEP))
    broken = 0
    for step, senders in enumerate([("a", "b"), ("a",), ("b",)]):
        run.until(f": got {(2 * step + 1) * STEP}")
        network.wire.cut_for(2, *senders)
        run.until(f": got {(2 * step + 2) * STEP}")
        broken += network.break_connections()
    trace = run.end()
    for receiver in ("Receiver-1@a", "Receiver-a.3@b"):
        assert [each.values for each in trace if each.process == receiver] == [
            *(("got", got) for got in range(STEP, MESSAGES + 1, STEP)),
            ("all", MESSAGES),
        ]
    if not broken:
        pytest.skip("the kernel ends no connections for us (INET_DIAG_DESTROY): cuts only")


def test_a_slow_network(network: Network) -> None:
    network.wire.delay = 0.05
    begin = time.monotonic()
    trace = Run(network, "ping_pong_on_two.da", "1", "10").end()
    assert time.monotonic() - begin > 10 * 2 * network.wire.delay
    g.ping_pong(sorted(trace, key=_round_and_tag), 1, 10)


def test_datagrams_are_lost_and_never_come_twice(network: Network) -> None:
    """Of those that the network loses none is sent again, and what it carries is taken."""
    network.wire.delay, network.wire.loss = 0.05, 0.2
    [(_, got, different)] = [each.values for each in Run(network, "datagrams.da", "500").end()]
    assert got == different == 500 - network.wire.lost["b"]
    assert 50 < network.wire.lost["b"] < 150


def test_a_host_that_is_gone(network: Network) -> None:
    """A cut that does not heal: the node is lost, by name, and the run ends."""
    run = Run(network, "stream.da", "10_000_000", str(STEP), options=("--node-timeout", "1"))
    run.until(": got")
    network.wire.cut()
    status, said = run.over()
    assert status == 1
    assert "error[Q149]: node b is lost" in said
    assert "Sender-a.2@b" in said
