"""The other nodes of a run, as this one knows them: whether they are over, and which are lost.

A run is over when the mains of all nodes that are connected are, and all that came from them.
It is stuck when nothing can happen any more on any node: the node of the least name that has a
main counts them all, as it counts its own workers. Invariant: a node that is lost or has left
is waited for by nobody, and what came from its main does not come back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Protocol

from quorate.worlds.real import control as ct
from quorate.worlds.real import notes
from quorate.worlds.real.census import Census, Change, Lifetimes
from quorate.worlds.real.lines import ERROR, INFO
from quorate.worlds.real.membership import Membership

SHOWN_MAX = 20

_HELP = "`config(on_node_loss='continue')` in `main` has a program go on without a node"
_HELP_AT_FIRST = (
    "see that it runs, and listens where it is looked for; `quorate nodes` lists those of "
    "this machine"
)


class Home(Protocol):
    """What others ask of this node."""

    def tell_node(self, node: str, note: notes.Note) -> None: ...
    def report(self, text: str, level: int = ERROR) -> None: ...
    def fail(self, text: str, reason: str) -> None:
        """Report an error, and end the run; others hear the reason."""
        ...

    def failed_there(self, text: str) -> None:
        """A process of this run has failed on another node."""
        ...

    def count(self) -> None:
        """Begin the next round of the workers' census, if it is time."""
        ...

    def stands_for(self, node: str) -> None:
        """Tell another node where processes stand, as soon as all workers have said so."""
        ...

    def stuck(self) -> None:
        """Nothing can happen any more, on no node."""
        ...


class Others:
    """The nodes that are connected, of which those that are idle have no main."""

    def __init__(
        self, me: Membership, lives: Lifetimes, workers: Census, goes_on: bool, home: Home
    ) -> None:
        self.stands: dict[str, notes.Stands] = {}
        self._silent: set[str] = set()  # of those that are asked where processes stand
        self._me = me
        self._lives = lives
        self._workers = workers
        self._goes_on = goes_on  # though a node is lost
        self._home = home
        self._met: dict[str, bool] = {}  # whether it is idle
        self._sought: set[str] = set()
        self._expected = {*me.known} - {me.name}
        self._has_met = False
        self._has_said = False  # that it waits for the first of others
        self._told: Counter[str] = Counter()  # Lives, by whom they were for
        self._taken: Counter[str] = Counter()  # Lives, by who has told them
        self._over: dict[str, int] = {}  # by those that are: after how many that they were told
        self._said: dict[str, int] = {}  # the same of this node, as others know it
        self._nodes = Census()
        self._nodes.join((me.name,))
        self._asked: list[tuple[str, int]] = []  # who has, and in which round

    @property
    def are_there(self) -> bool:
        return bool(self._met)

    # The end of all.

    @property
    def over(self) -> bool:
        """Whether all is over, here and elsewhere."""
        return (
            self._is_over
            and not self._expected
            and all(
                idle or self._over.get(node) == self._told[node] for node, idle in self._met.items()
            )
        )

    @property
    def _is_over(self) -> bool:
        return self._lives.over and not self._me.idle

    def pass_on(self, changes: list[Change]) -> None:
        """Changes in the lives of processes that come from other mains."""
        sorted_out: defaultdict[str, list[Change]] = defaultdict(list)
        for change in changes:
            sorted_out[change.origin].append(change)
        for node, own in sorted_out.items():
            self._told[node] += 1
            self._home.tell_node(node, notes.Lives(own))

    def failed(self, origin: str, text: str) -> None:
        """A process has failed here that comes from another main."""
        self._home.tell_node(origin, notes.Failed(text))

    def look(self) -> None:
        """To be called when anything may have changed."""
        if self._is_over:
            for node in self._met:
                if self._said.get(node) != self._taken[node]:
                    self._said[node] = self._taken[node]
                    self._home.tell_node(node, notes.Over(self._taken[node]))
        if self._asked and not self._workers.waits:
            self._answer(busy=True)
        if self._counts_all and self._may_begin and self._nodes.next_round():
            for node in self._met:
                self._home.tell_node(node, notes.Ask(self._nodes.round))
            self._ask(self._me.name, self._nodes.round)
        if self._counts_all:
            self._seek()

    def _seek(self) -> None:
        """Connect with nodes that others have to do with, as all are to be counted."""
        for place in self._nodes.unknown():
            node = str(place[0])
            if node not in self._sought:
                self._sought.add(node)
                self._home.tell_node(node, notes.Ask(0))

    # Whether anything can happen.

    @property
    def _counts_all(self) -> bool:
        mains = [node for node, idle in self._met.items() if not idle]
        return not self._me.idle and self._me.name <= min(mains, default=self._me.name)

    @property
    def _may_begin(self) -> bool:
        """Not as long as nodes that the command line names may still come, or the first at all."""
        return self._has_met and not self._expected

    def quiet(self) -> None:
        """On this node nothing can happen but by others."""
        if self._asked:
            self._answer(busy=False)
            return
        if not (self._me.idle or self._has_met or self._expected or self._has_said):
            self._has_said = True
            self._home.report("quorate: nothing can happen here before another node connects", INFO)
        counts = self._workers.beyond()
        for node in self._met:
            self._home.tell_node(node, notes.quiet(0, False, counts))
        self._nodes.idle((self._me.name,), counts)

    def _ask(self, node: str, round: int) -> None:
        self._asked.append((node, round))
        if self._workers.again():
            self._home.count()
        else:
            self._answer(busy=True)

    def _answer(self, busy: bool) -> None:
        asked, self._asked = self._asked, []
        for node, round in asked:
            answer = notes.quiet(round, busy, {} if busy else self._workers.beyond())
            if node == self._me.name:
                self._take_answer(node, answer)
            else:
                self._home.tell_node(node, answer)

    def _take_answer(self, node: str, answer: notes.Quiet) -> None:
        counts = notes.counts_of(answer)
        if answer.round:
            self._nodes.answer((node,), answer.round, answer.busy, counts)
        elif not answer.busy:
            self._nodes.idle((node,), counts)
        if self._counts_all and self._nodes.stuck:
            self.stands.clear()
            self._silent = set(self._met)
            for other in self._met:
                self._home.tell_node(other, notes.Where())
            self._home.stuck()

    @property
    def all_stand(self) -> bool:
        """Whether all others have said where their processes stand."""
        return not self._silent

    # What comes from them.

    def take(self, message: ct.Message) -> None:
        match message:
            case ct.Met(node, idle):
                self._met[node] = idle
                self._has_met = True
                self._expected.discard(node)
                self._lives.meet(node)
                self._nodes.join((node,))
            case ct.Left(node, status, reason):
                lost = self._forget(node)
                if lost:
                    what = f"has left: {reason or f'its status is {status}'}"
                    self._lose(node, what, lost, _HELP)
            case ct.Lost(node, reason, code, help):
                was_there = node in self._met
                what = "is lost" if was_there or not help else "cannot be joined"
                help = help or (_HELP if was_there else _HELP_AT_FIRST)
                self._lose(node, f"{what}: {reason}", self._forget(node), help, code)
            case ct.Note(node, data):
                self._hear(node, notes.decoded(data, node, self._me.name))

    def _hear(self, node: str, note: notes.Note) -> None:
        match note:
            case notes.Lives(changes):
                self._taken[node] += 1
                for change in changes:
                    self._lives.take(change)
            case notes.Failed(text):
                self._home.failed_there(f"{text}\n  = on node {node}")
            case notes.Over(told):
                self._over[node] = told
            case notes.Quiet():
                self._take_answer(node, note)
            case notes.Ask(round):
                self._ask(node, round)
            case notes.Where():
                self._home.stands_for(node)
            case notes.Stands():
                self.stands[node] = note
                self._silent.discard(node)

    def _forget(self, node: str) -> list[str]:
        """A node is no more: answers what was running there that came from this one's main."""
        for counts in (self._told, self._taken, self._said):
            counts.pop(node, None)
        lost = self._lives.lose(node)
        is_over = self._over.pop(node, None) is not None
        if not (self._met.pop(node, True) or is_over):
            lost.insert(0, f"main@{node}")
        self._asked = [each for each in self._asked if each[0] != node]
        self._nodes.lose((node,))
        self._silent.discard(node)
        self._expected.discard(node)
        self._sought.discard(node)
        return lost

    def _lose(self, node: str, what: str, lost: list[str], help: str, code: str = "Q149") -> None:
        if self._me.idle:
            self._home.report(f"quorate: node {node} {what}", INFO)
            return
        more = f" and {len(lost) - SHOWN_MAX} more" if len(lost) > SHOWN_MAX else ""
        shown = ", ".join(lost[:SHOWN_MAX]) + more
        where = "running there" if code == "Q149" else "was to run there"
        said = f"[{code}]: node {node} {what}\n  = {where}: {shown or 'no process'}"
        if self._goes_on:
            self._home.report(f"warning{said}")
        else:
            self._home.fail(f"error{said}\n  = help: {help}", f"node {node} {what}")
