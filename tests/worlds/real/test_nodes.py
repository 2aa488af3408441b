"""Programs on several nodes, each a `quorate run` of its own, do what they do on one."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.real.program import cores
from worlds.real.conftest import Node, beginning

Begin = Callable[..., Node]


@pytest.fixture(scope="module")
def idle(folder: Path) -> Iterator[tuple[Node, Node]]:
    """Two idle nodes, b and c, which all tests of this module use one after another."""
    with beginning(folder) as begin:
        b, c = (begin(name, "nodes", idle=True, workers=1 + (name == "c")) for name in "bc")
        yield b, c
        for node in (b, c):
            node.signal(signal.SIGINT)
            node.end()
            assert node.status == 130
            assert "quorate: interrupted" in node.errors


def test_processes_on_two_nodes_talk(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    for _ in range(2):  # the second run finds nothing of the first
        a = begin_node("a", "nodes", "pingpong", "b", "c").end()
        assert (a.status, a.shown) == (0, []), a.errors
        b, c = idle
        b.read_until("pongs")
        assert b.shown[-1].endswith("Pong-a.1@b: pongs 20 from pinger made by main@a")
        c.read_until("pings")
        assert c.shown[-1].endswith("Ping-pinger@c: pings 20 to Pong-a.1@b on main@b")


def test_a_process_makes_others_elsewhere(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    a = begin_node("a", "nodes", "maker", "b", "c").end()
    assert a.status == 0
    idle[0].read_until("child")
    assert idle[0].shown[-1].endswith("Maker-a.1@b: child {Waiter-a.1.1@c} on main@c")


def test_the_exit_code_of_a_process_elsewhere(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    assert begin_node("a", "nodes", "exit", "b").end().status == 3


def test_daemons_elsewhere_end_with_the_run(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    a = begin_node("a", "nodes", "daemons", "b", "c", verbose=True).end()
    assert a.status == 0
    assert a.shown[-1].endswith("main@a: waiters on {main@b, main@c}")
    for node in idle:
        assert standing(node) == []


def standing(node: Node) -> list[str]:
    """The processes on a node, once it has been asked where they stand."""
    node.drain()
    node.signal(signal.SIGQUIT)
    while (line := node.next_error()).startswith("quorate: node "):
        pass
    return re.findall(r"^\S+@\w+ waits", line)


def test_a_failure_elsewhere_ends_the_run(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    a = begin_node("a", "nodes", "fail", "b", "c").end()
    assert a.status == 1
    head, *rest = a.errors.splitlines()[1:-1]
    assert head == "error[Q100]: Waiter-a.1@b failed: ZeroDivisionError: division by zero"
    assert rest[1].startswith('  File "programs/nodes.da", line ')
    assert rest[-1] == "  = on node b"
    idle[0].hear("ZeroDivisionError")
    for node in idle:
        assert standing(node) == []


def test_nothing_can_happen_any_more_on_any_node(
    begin_node: Begin, idle: tuple[Node, Node]
) -> None:
    a = begin_node("a", "nodes", "wait", "b", "c").end()
    assert a.status == 1
    assert "error[Q107]: nothing can happen any more, and 5 processes have not ended" in a.errors
    waiting = re.findall(r"^(\S+) waits", a.errors, re.MULTILINE)
    waiters = ["Waiter-a.1@b", "Waiter-a.2@b", "Waiter-a.3@c", "Waiter-a.4@c"]
    assert sorted(waiting) == [*waiters, "main@a"]


def test_a_run_that_is_interrupted_leaves_nothing_elsewhere(
    begin_node: Begin, idle: tuple[Node, Node]
) -> None:
    a = begin_node("a", "nodes", "long", "b", "c")
    a.read_until("waiters on")
    assert standing(idle[0])
    a.signal(signal.SIGINT)
    a.end()
    assert a.status == 130
    assert "error" not in a.errors
    for node in idle:
        assert standing(node) == []


def test_a_node_that_nobody_knows(begin_node: Begin, idle: tuple[Node, Node]) -> None:
    a = begin_node("a", "nodes", "nowhere").end()
    assert a.status == 1
    assert "error[Q089]: main@a failed: `at='nowhere'`: no node of that name" in a.errors
    assert "the nodes known here are a, b, c" in a.errors


def test_two_nodes_with_a_main_each(begin_node: Begin) -> None:
    """The first waits until there is another; neither ends before the other has ended too."""
    d = begin_node("d", "nodes", "hello")
    d.hear("quorate: nothing can happen here before another node connects")
    e = begin_node("e", "nodes", "hello", "d")
    for node, other in ((d, "e"), (e, "d")):
        node.end()
        assert (node.status, len(node.shown)) == (0, 1), node.errors
        assert node.shown[0].endswith(f"main@{node.name}: hello from main@{other}")


def test_a_node_that_is_killed(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True)
    a = begin_node("a", "nodes", "long", "d", node_timeout=0.2)
    a.read_until("waiters on")
    d.signal(signal.SIGKILL)
    a.end()
    assert a.status == 1
    head, running = a.errors.splitlines()[1:3]
    assert head.startswith("error[Q149]: node d is lost: it cannot be reached: ")
    assert running == "  = running there: Waiter-a.1@d, Waiter-a.2@d"
    d.end()


def test_a_worker_of_a_node_is_killed(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True, workers=2)
    a = begin_node("a", "nodes", "long", "d", node_timeout=0.2)
    a.read_until("waiters on")
    worker = max(children_of(d.popen.pid))  # begun last: not the one that others are connected to
    os.kill(worker, signal.SIGKILL)
    assert (d.end().status, a.end().status) == (1, 1)
    assert f"error[Q110]: worker 1 (process {worker}) was killed by SIGKILL\n" in d.errors
    assert "  = running there: what other nodes have made\n" in d.errors
    assert "error[Q149]: node d has left: " in a.errors


@pytest.mark.parametrize("workers", [1, 2])
def test_the_worker_that_is_connected_with_others_is_killed(
    begin_node: Begin, workers: int
) -> None:
    """They do not wait for the node as for one that says nothing."""
    d = begin_node("d", "nodes", idle=True, workers=workers)
    a = begin_node("a", "nodes", "long", "d", node_timeout=600)
    a.read_until("waiters on")
    os.kill(min(children_of(d.popen.pid)), signal.SIGKILL)
    assert (d.end().status, a.end().status) == (1, 1)
    assert "error[Q149]: node d is lost: it has given up on this node, or has left\n" in a.errors


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in found.split()]


def test_a_node_that_is_stopped_is_waited_for(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True)
    a = begin_node("a", "nodes", "halts", "d", node_timeout=0.2)
    a.read_until("halting")
    os.killpg(d.popen.pid, signal.SIGSTOP)
    a.read_until("waited longer than a node that is lost")
    os.killpg(d.popen.pid, signal.SIGCONT)
    assert a.end().status == 0, a.errors
    d.signal(signal.SIGINT)
    d.end()


def test_workers_end_with_their_node_though_they_are_stopped(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True, workers=2)
    a = begin_node("a", "nodes", "long", "d", node_timeout=0.2)
    a.read_until("waiters on")
    os.killpg(d.popen.pid, signal.SIGSTOP)
    d.signal(signal.SIGKILL)
    d.end()
    assert a.end().status == 1
    assert "error[Q149]: node d is lost: it cannot be reached: " in a.errors


def test_a_run_ends_only_when_those_it_was_to_join_have_been_there(begin_node: Begin) -> None:
    a = begin_node("a", "nodes", "nothing", join="b@127.0.0.1:1", node_timeout=0.2).end()
    assert a.status == 1
    assert "error[Q149]: node b is lost: it cannot be reached: 127.0.0.1:1: " in a.errors
    assert "  = help: see that it runs, " in a.errors


def test_an_idle_node_says_that_it_could_not_join(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True, join="b@127.0.0.1:1", node_timeout=0.2)
    d.hear("quorate: node b is lost: it cannot be reached: 127.0.0.1:1: ")
    d.signal(signal.SIGHUP)
    assert d.end().status == 130


def test_a_node_that_leaves(begin_node: Begin) -> None:
    d = begin_node("d", "nodes", idle=True)
    a = begin_node("a", "nodes", "long", "d")
    a.read_until("waiters on")
    d.signal(signal.SIGTERM)
    assert d.end().status == 130
    assert a.end().status == 1
    assert "error[Q149]: node d has left: it was interrupted\n  = running there: Wai" in a.errors


def test_a_program_may_go_on_without_a_node(begin_node: Begin) -> None:
    b, c = (begin_node(name, "losses", idle=True) for name in ("x", "y"))
    a = begin_node("a", "losses", node_timeout=0.2)
    a.read_until("all answer")
    b.signal(signal.SIGKILL)
    a.end()
    assert a.status == 0
    assert "warning[Q149]: node x is lost: it cannot be reached: " in a.errors
    assert "\n  = running there: Echo-a.1@x, Echo-a.2@x\n" in a.errors
    assert a.shown[-1].endswith("main@a: without {main@x} but with {main@y}")
    b.end()
    c.signal(signal.SIGINT)
    c.end()


def test_what_was_on_a_lost_node_is_not_waited_for_on_the_next_of_its_name(
    begin_node: Begin, tmp_path: Path
) -> None:
    lost = tmp_path / "lost"
    before = begin_node("x@127.0.0.1:0", "anew", idle=True)
    a = begin_node("a@127.0.0.1:0", "anew", address_of(before), str(lost), node_timeout=0.2)
    a.hear("listens on")
    a.read_until("there")
    before.signal(signal.SIGKILL)
    before.end()
    a.hear("node x is lost")
    lost.touch()
    after = begin_node(f"x@{address_of(before)}", "anew", idle=True, join=f"a@{address_of(a)}")
    a.end()
    assert a.status == 0, a.errors
    assert a.shown[-1].endswith("main@a: there again")
    after.signal(signal.SIGINT)
    after.end()


def address_of(node: Node) -> str:
    """As the first line that it says has it."""
    return node.errors.splitlines()[0].split()[-1]


def test_nodes_that_have_much_to_do_get_more_workers(
    begin_node: Begin, idle: tuple[Node, Node]
) -> None:
    d = begin_node("d", "nodes", idle=True)
    a = begin_node("a", "nodes", "busy", "d", 3 if cores() > 1 else 2).end()
    assert a.status == 0, a.errors
    assert standing(d) == []


@pytest.mark.parametrize("places", [{"workers": 3}, {"isolate": True}], ids=str)
def test_several_workers_on_every_node(begin_node: Begin, places: dict[str, Any]) -> None:
    nodes = [begin_node(name, "nodes", idle=True, **places) for name in ("u", "v")]
    for _ in range(2):
        a = begin_node("a", "nodes", "maker", "u", "v", **places).end()
        assert a.status == 0, a.errors
        a = begin_node("a", "nodes", "pingpong", "u", "v", **places).end()
        assert a.status == 0, a.errors
    a = begin_node("a", "nodes", "wait", "u", "v", **places).end()
    assert "error[Q107]: nothing can happen any more, and 5 processes have not ended" in a.errors
    for node in nodes:
        assert standing(node) == []
        node.signal(signal.SIGINT)
        assert node.end().status == 130


def test_a_node_that_runs_another_program(begin_node: Begin) -> None:
    d = begin_node("d", "losses", idle=True)
    a = begin_node("a", "nodes", "wait", "d").end()
    assert a.status == 1
    assert "error[Q151]: node d cannot be joined: its program is another: losses.da is " in a.errors
    d.signal(signal.SIGINT)
    assert d.end().status == 130
