"""Runs by hand: what is chosen happens, and nothing else."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.consistency import read
from quorate.testing import Cluster, Failed, NotUnderWay

PROGRAM = """
class Server(process):
    def setup(n):
        self.seen = []

    def run():
        if await(len(seen) == n): pass
        elif timeout(5): output('waited')
        assert 'bad' not in seen

    def receive(msg=('note', x), from_=p):
        seen.append(x)
        send(('noted', x), to=p)

def main():
    server = new(Server, (3,))
    start(server)
    for x in ('a', 'b', 'bad'):
        send(('note', x), to=server)
    await(some(received(('noted', 'bad'))))
"""
FIRST, SECOND, THIRD = (f"main>Server-1#{n}" for n in (1, 2, 3))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "notes.da"
    path.write_text(PROGRAM)
    return path


def test_only_what_is_chosen_arrives(program: Path) -> None:
    with Cluster(program) as cluster:
        assert cluster.under_way == [FIRST, SECOND, THIRD]
        cluster.deliver(SECOND, FIRST)
        assert cluster["Server-1"].seen == ["b", "a"]
        assert cluster.under_way == [THIRD, "Server-1>main#1", "Server-1>main#2"]


def test_without_a_number_the_first_comes(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.deliver("main>Server-1", "main>Server-1")
        assert cluster["Server-1"].seen == ["a", "b"]


def test_what_is_lost_never_comes_and_what_is_doubled_comes_twice(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.drop(THIRD)
        cluster.duplicate(FIRST)
        cluster.deliver(FIRST, SECOND)
        assert cluster.under_way == [f"{FIRST}+", "Server-1>main#1", "Server-1>main#2"]
        cluster.deliver(f"{FIRST}+")
        assert cluster.under_way[2:] == ["Server-1>main#3"]
        cluster.run()
        assert not cluster.under_way
        assert not cluster.over


def test_a_channel_that_keeps_order_lets_nothing_overtake(program: Path) -> None:
    with Cluster(program, config={"channel": "fifo"}) as cluster:
        with pytest.raises(NotUnderWay, match="keeps order"):
            cluster.deliver(SECOND)
        cluster.deliver(FIRST, SECOND)
        assert cluster["Server-1"].seen == ["a", "b"]


def test_nothing_crosses_a_partition_until_it_heals(program: Path) -> None:
    program.write_text(
        PROGRAM.replace("start(server)", "other = new(Server, (1,))\n    start({server, other})")
        .replace("send(('noted', x), to=p)", "pass")
        .replace("def run():", "def run():\n        send(('note', self), to=peer())")
        .replace("    def run", "    def peer(): return set()\n\n    def run")
    )
    text = program.read_text().replace("return set()", "return {self}")
    program.write_text(text)
    with Cluster(program) as cluster:
        own = "Server-1>Server-1#1"
        cluster.befall("partition {Server-1} | {Server-2}")
        cluster.deliver(own)  # nobody is cut off from itself
        cluster.befall("heal")
        cluster.deliver(FIRST)
        assert len(cluster["Server-1"].seen) == 2


def test_a_crash_takes_what_comes_then_and_a_restart_begins_anew(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.deliver(FIRST)
        cluster.befall("crash Server-1")
        cluster.deliver(SECOND)
        cluster.befall("restart Server-1")
        assert cluster["Server-1"].seen == []
        assert f"{SECOND} is gone: receiver crashed" in cluster.told()
        assert cluster.under_way == [THIRD, "Server-1>main#1"]


def test_time_passes_only_when_it_is_let(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.deliver(FIRST)
        cluster.tick(4.9)
        assert cluster.outputs == []
        cluster.tick(0.2)
        assert cluster.outputs == [("Server-1", "waited")]


def test_a_pause_and_what_a_fault_has_begun_end_with_time(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.befall("crash Server-1 for 1s")
        with pytest.raises(KeyError, match="Server-1"):
            cluster["Server-1"]
        cluster.tick(1.0)
        assert cluster["Server-1"].seen == []


def test_a_failure_is_raised_where_it_happens(program: Path) -> None:
    with Cluster(program) as cluster:
        cluster.deliver(FIRST, SECOND)
        with pytest.raises(Failed, match="line 9, in run"):
            cluster.deliver(THIRD)


CLIENTS = """
class Store(process):
    def setup():
        self.value = None
    def receive(msg=('write', v), from_=p):
        value = v
        send(('written', v), to=p)
    def receive(msg=('read',), from_=p):
        send(('value', value), to=p)
class Client(process):
    def setup(store, writes): pass
    def run():
        if writes:
            invoke('write', 1)
            send(('write', 1), to=store)
            await(received(('written', 1)))
            returned()
        else:
            invoke('read')
            send(('read',), to=store)
            await(some(received(('value', v))))
            returned(v)
linearizable('register')
def main():
    store = new(Store, (), daemon=True)
    start({store, new(Client, (store, True)), new(Client, (store, False))})
"""


def test_operations_are_judged_as_they_return(tmp_path: Path) -> None:
    path = tmp_path / "clients.da"
    path.write_text(CLIENTS)
    asked, answered = ("Client-2>Store-1", "Client-3>Store-1"), "Store-1>Client-3"
    with Cluster(path) as cluster:
        cluster.deliver(*asked, answered)
        told = [str(each) for each in read(cluster.history).operations]
        assert told == ["write(1) unknown", "read() -> 1"]
    path.write_text(CLIENTS.replace("returned(v)", "returned(v and 2)"))
    with Cluster(path) as cluster:
        cluster.deliver(*asked)
        with pytest.raises(Failed, match=r"`linearizable` does not hold .* Client-3 took"):
            cluster.deliver(answered)
        assert "nothing explains read() -> 2 of Client-3: by then" in cluster.told()[-1]
    with Cluster(path) as cluster:
        cluster.deliver(asked[1], answered, asked[0])  # it was read before it was written


@pytest.mark.parametrize("act", [Cluster.deliver, Cluster.drop, Cluster.duplicate])
def test_a_message_that_is_not_there_is_told_with_those_that_are(act, program: Path) -> None:
    with Cluster(program) as cluster, pytest.raises(NotUnderWay, match="main>Server-1#2, main"):
        act(cluster, "main>Server-7#1")


def test_what_polls_for_ever_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "polls.da"
    path.write_text("def main():\n    while True:\n        -- here\n")
    with pytest.raises(Failed, match="no rest"):
        Cluster(path)


def test_a_program_sees_its_arguments_and_leaves_the_tests_theirs(tmp_path: Path) -> None:
    import sys

    before = sys.argv
    path = tmp_path / "args.da"
    path.write_text("import sys\ndef main():\n    output(*sys.argv[1:])\n")
    with Cluster(path, "one", 2) as cluster:
        assert cluster.outputs == [("main", "one 2")]
        assert cluster.over
    assert sys.argv is before


def test_a_copy_of_a_copy_has_a_name_of_its_own(program: Path) -> None:
    with Cluster(program) as cluster:
        for name in (FIRST, FIRST, f"{FIRST}+"):
            cluster.duplicate(name)
        copies = [each for each in cluster.under_way if each.startswith(FIRST)]
        assert copies == [FIRST, f"{FIRST}+", f"{FIRST}++", f"{FIRST}+++"]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_hand_sees_what_a_list_of_messages_would_do(program: Path, data: st.DataObject) -> None:
    sent = dict(zip((FIRST, SECOND, THIRD), ("a", "b", "bad"), strict=True))
    under_way, seen, copies = [*sent], [], Counter()
    with Cluster(program) as cluster:
        for _ in range(5):
            there = [each for each in cluster.under_way if each.startswith("main")]
            assert there == under_way
            act = data.draw(st.sampled_from(["deliver", "drop", "duplicate"]))
            if not there or (act == "deliver" and len(seen) == 2):  # with the third it is over
                break
            name = data.draw(st.sampled_from(there))
            getattr(cluster, act)(name)
            if act == "duplicate":
                first = name.rstrip("+")
                copies[first] += 1
                under_way.append(first + "+" * copies[first])
                sent[under_way[-1]] = sent[name]
            else:
                under_way.remove(name)
                seen += [sent[name]] if act == "deliver" else []
            assert cluster["Server-1"].seen == seen
