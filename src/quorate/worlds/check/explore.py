"""Exploring all states, breadth first, in plain Python: the twin of the kernel (kernel.py).

Visited are fingerprints of 64 bits, which are sums of shares, so that the one after a step costs a
few additions, and most steps lead to what is known. Invariant: states have the numbers of the order
in which they are found, `parents` tell a shortest way to each, and both explorers find the same.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from quorate.lang.faults import OTHERS
from quorate.worlds.check.effects import SHARES, Effect, Effects, share_of_local, share_of_seen
from quorate.worlds.check.network import MASK, NETWORKS, Kind, Net
from quorate.worlds.check.observing import Found, Observer
from quorate.worlds.check.progress import Progress, Waiting, parts_of, states_in, waiting_of
from quorate.worlds.check.reduction import Commuting, Explored, Sending, receivers
from quorate.worlds.check.symmetry import Symmetry
from quorate.worlds.check.tables import BUDGETS, FREE, NOBODY, Budget, Tables, happens

if TYPE_CHECKING:
    from quorate.worlds.check.checkpoint import Keeper

CHECKED_SECONDS = 0.25
"""How often the clock is looked at, and progress told."""

STATE_BYTES, FINGERPRINT_BYTES = 600, 100
"""About what a state that is still to be looked at takes here, and one that is only remembered."""


Times = int | Mapping[str, int]
"""How often something may happen; or to processes of which classes, those of OTHERS all others."""


@dataclass(frozen=True)
class Bounds:
    """What is looked at: how often what may happen, and how much before giving up (None: all)."""

    timeouts: Times = 0
    crashes: Times = 0
    restarts: Times = 0
    losses: int = 0
    duplicates: int = 0
    network: Kind = "bag"
    reduce: bool = True
    exact: bool = False  # states are told apart by all they are, not by fingerprints
    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    memory: int | None = None  # bytes

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """First those of all processes, in the order of BUDGETS, then those of classes."""
        given = ((name, getattr(self, name)) for name in BUDGETS)
        times = {name: {OTHERS: of} if isinstance(of, int) else of for name, of in given}
        classes = [(name, kind) for name, of in times.items() for kind in of if kind != OTHERS]
        of_classes = [Budget(name, times[name][kind], kind) for name, kind in classes]
        return (*(Budget(name, of.get(OTHERS, 0)) for name, of in times.items()), *of_classes)

    @property
    def restart(self) -> bool:
        """Whether any process may begin anew."""
        return happens("restarts", self.budgets)


class Reductions(NamedTuple):
    """What need not be explored, if anything: see reduction.py and symmetry.py."""

    commuting: Commuting | None = None
    sending: Sending | None = None
    symmetry: Symmetry | None = None

    def used(self) -> Reductions:
        """Without what has nothing to say, or not yet."""
        symmetry = self.symmetry if self.symmetry and self.symmetry.swaps else None
        sending = self.sending if self.sending and self.sending.masks else None
        return Reductions(self.commuting, sending, symmetry)

    def refute(self, explorer: Explorer, begins: Sequence[int]) -> bool:
        """Hold the guesses to what was explored; whether any was wrong.

        A way that contradicts is one whatever need not have been explored, but not if processes
        are not alike. To whom can be sent is only guessed when the other guesses are settled.
        """
        effects = explorer.effects
        explored = Explored(list(effects.moves), list(effects.deliveries))
        told = Explored(explored.locals, [*explored.pairs, *effects.followings])
        wrong = self.symmetry is not None and self.symmetry.refute(told, begins)
        if not explorer.graph.is_refuted:
            wrong |= self.commuting is not None and self.commuting.refute(explored)
            wrong = wrong or (self.sending is not None and self.sending.refute(explored))
        return wrong


class State(NamedTuple):
    """A state that is still to be looked at; `seen` stands for what properties can tell of it."""

    row: tuple[int, ...]
    net: Net
    print: int
    seen: int
    number: int


Step = tuple[Effect, int]
"""An effect, and the fingerprint of the state in which it leaves another."""


@dataclass
class Graph:
    """What has been found so far. `parents` and `actions` say how each state was first reached.

    Of the `seconds` it took, `loading` went into loading the kernel; `earlier` are those that the
    search took from which it goes on.
    `stopped` says which bound ended the search early, `short` which budgets kept something from
    happening, `stuck` is a state where nothing can happen any more and somebody waits, `failed` one
    from which an outcome fails, `wrong` one that contradicts a property; `reached` are witnesses.
    `forgotten` is how many more states were found than have a way here.
    """

    parents: array[int] = field(default_factory=lambda: array("i"))
    actions: array[int] = field(default_factory=lambda: array("i"))
    forgotten: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    loading: float = 0.0
    earlier: float = 0.0
    stopped: str | None = None
    short: set[int] = field(default_factory=set)
    stuck: int | None = None
    failed: tuple[int, int] | None = None
    wrong: tuple[int, Found] | None = None
    reached: list[tuple[int, Found]] = field(default_factory=list)

    @property
    def states(self) -> int:
        return len(self.parents) + self.forgotten

    @property
    def is_refuted(self) -> bool:
        return self.end is not None

    @property
    def end(self) -> tuple[int] | tuple[int, int] | None:
        """The state where what contradicts is, and the action that fails there, if one does."""
        if self.wrong is not None:
            return (self.wrong[0],)
        if self.failed is not None:
            return self.failed
        return None if self.stuck is None else (self.stuck,)

    def states_to(self, state: int) -> list[int]:
        """The states on the way to a state, from the first on."""
        found = []
        while state >= 0:
            found.append(state)
            state = self.parents[state]
        return found[::-1]

    def way_to(self, state: int) -> list[int]:
        """The actions that lead to a state from the beginning, that of the beginning first."""
        return [self.actions[each] for each in self.states_to(state)]


class Explorer:
    """Explores the states of a program whose steps are in `tables`."""

    def __init__(
        self,
        tables: Tables,
        observer: Observer,
        bounds: Bounds,
        tell: Callable[[Graph, int], None] | None = None,
        *,
        deadlocks: bool = True,
        reductions: Reductions | None = None,
    ) -> None:
        """`tell` is called now and then, with how many states are still to be looked at."""
        self.tables = tables
        self.observer = observer
        self.bounds = bounds
        self.tell = tell
        self.deadlocks = deadlocks
        self.clients = tables.clients
        commuting, self.sending, self.symmetry = reductions or Reductions()
        self.network = NETWORKS[bounds.network](tables.channel)
        self.budgets = bounds.budgets
        self.effects = Effects(tables, bounds.network, self.budgets, commuting, self.symmetry)
        self.head = len(self.budgets)  # so many numbers of a row come before the local states
        self.timeouts = {i for i, each in enumerate(self.budgets) if each.name == "timeouts"}
        self.graph = Graph()
        self.visited: set[int] = set()
        self.asked: set[int] = set()
        self.whole: dict[Any, int] = {}  # the numbers of states, and of what properties see
        self.now: list[State] = []  # those of the level under way, of which so many are done
        self.done = 0
        self.next: list[State] = []
        self.keeper: Keeper | None = None

    def begin(self, begins: Sequence[int]) -> None:
        """Find the first states, those that the outcomes `begins` lead to."""
        self.begun = self.looked = time.perf_counter()
        before = self.before_all
        effects = self._followed(before.row, [self.effects.of(each) for each in begins])
        self._happen(before, effects)
        self._stop_if_full()

    @property
    def before_all(self) -> State:
        """That nothing has happened yet, and no client has done anything."""
        row = tuple(each.times for each in self.budgets)
        if self.clients is not None:
            row = (*row, *[NOBODY] * self.clients, self.tables.clients_at_first)
        return State(row, (), self._print_of(row, ()), 1, -1)

    @property
    def is_over(self) -> bool:
        waits = self._left() or self._width()
        return not waits or self.graph.is_refuted or self.graph.stopped is not None

    def go_on(self, states: int | None = None) -> Graph:
        """Explore level by level, to the end or until there are so many states."""
        graph = self.graph
        while not self.is_over and (states is None or graph.states < states):
            if not self._left():
                if self.bounds.depth is not None and graph.depth >= self.bounds.depth:
                    graph.stopped = "depth"
                    break
                graph.depth += 1
                self._begin_level()
            self._go_through()
        graph.seconds = graph.earlier + time.perf_counter() - self.begun
        if self.keeper is not None and self.is_over:
            self.keeper.end(self)
        return graph

    def _width(self) -> int:
        """How many states the next level has so far."""
        return len(self.next)

    def _left(self) -> int:
        """How many states of the level are still to be looked at."""
        return len(self.now) - self.done

    def _begin_level(self) -> None:
        self.now, self.next, self.done = self.next, [], 0

    def _go_through(self) -> None:
        """Look at what is left of a level, or at as many states as the bounds let."""
        level = self.now
        for place in range(self.done, len(level)):
            self._expand(level[place])
            self.done = place + 1
            self._stop_if_full()
            if not place & 255:
                self._look_at_time(len(level) - place + len(self.next))
            if self.graph.is_refuted or self.graph.stopped:
                return

    def _stop_if_full(self) -> None:
        if self.bounds.states is not None and self.graph.states >= self.bounds.states:
            self.graph.stopped = "states"

    def _look_at_time(self, waiting: int) -> None:
        """Tell how far it is, every now and then, and stop when what is allowed is used up."""
        graph, now = self.graph, time.perf_counter()
        if now <= self.looked + CHECKED_SECONDS:
            return
        self.looked = now
        graph.seconds = graph.earlier + now - self.begun
        if self.tell is not None:
            self.tell(graph, waiting)
        if self.bounds.seconds is not None and now - self.begun > self.bounds.seconds:
            graph.stopped = graph.stopped or "seconds"
        self._stop_if_large()
        if self.keeper is not None and not self.is_over:
            self.keeper.look(self)

    def _stop_if_large(self) -> None:
        if self.bounds.memory is not None and self._memory() > self.bounds.memory:
            self.graph.stopped = self.graph.stopped or "memory"

    def _memory(self) -> int:
        """About how many bytes the states take."""
        waiting, whole = len(self.next), len(self.whole)
        return (waiting + whole) * STATE_BYTES + self.graph.states * FINGERPRINT_BYTES

    # One state.

    def _expand(self, state: State) -> None:
        """Find all that can happen next in a state."""
        self._happen(state, self._events(state.row, state.net))

    def _events(self, row: Sequence[int], net: Net) -> list[Effect]:
        """All that may happen in a state, in order."""
        move, deliver = self.effects.move, self.effects.deliver
        todo: list[Effect] = []
        for local in row[self.head :]:
            todo += move(local)
        to, size = self.tables.to, len(row)
        for message in self.network.first(net):
            place = self.head + to[message]
            todo += deliver(row[place] if place < size else NOBODY, message)
        return self._followed(row, todo)

    def _followed(self, row: Sequence[int], effects: list[Effect]) -> list[Effect]:
        """Effects with what is made of the operations that they tell of."""
        if self.clients is None:
            return effects
        told = row[self.head + self.clients]
        followed = self.effects.followed
        return [followed(each, told) if each.record >= 0 else each for each in effects]

    def _rest(self, state: State) -> None:
        """Nothing can happen any more: somebody may wait for what can no longer come."""
        if self.deadlocks and any(self.tables.waits[local] for local in state.row[self.head :]):
            self.graph.stuck = state.number

    def _happen(self, state: State, effects: Iterable[Effect]) -> None:
        """Let effects come of a state."""
        found, visited = self._possible(state, effects), self.visited
        if self.effects.commuting is not None:
            found = self._without_others(state, found)
        self.graph.transitions += len(found)
        for effect, print in found:
            if print not in visited:
                visited.add(print)
                self.next.append(self._add(state, effect, print))

    def _possible(self, state: State, effects: Iterable[Effect]) -> list[Step]:
        """Those of all effects that change a state, which is judged by them."""
        found, goes_on = self._steps(state, effects)
        if not goes_on:
            self._rest(state)
        return found

    def _steps(self, state: State, effects: Iterable[Effect]) -> tuple[list[Step], bool]:
        """Those effects that change a state, within budgets, and whether it need not be the last.

        It need not if any moves, or a timer could run out.
        """
        row, net, before, _, number = state
        graph, depends = self.graph, self.bounds.network != "bag"
        moved = False
        held: set[int] = set()
        found: list[Step] = []
        for effect in effects:
            _, cost, fails, moves, delta, _, taken, sent, *_ = effect
            if cost >= 0 and not row[cost]:
                held.add(cost)
                continue
            if fails:
                graph.failed = graph.failed or (number, effect.action)
                moved = True
                continue
            if self.bounds.exact:
                print = self._number_of(*self._made_of(row, net, effect))
            else:
                if depends and (sent or taken >= 0):
                    delta += self.network.delta(net, taken, sent)
                print = (before + delta) & MASK
            if print != before:
                moved |= moves
                if self.symmetry is not None:
                    print = self._print_of(*self._after(state, effect))
                found.append((effect, print))
        graph.short |= held
        return found, moved or not held.isdisjoint(self.timeouts)

    def _without_others(self, state: State, found: list[Step]) -> list[Step]:
        """The effects that are enough, where these lead to what is new.

        So that nothing is put off for ever (Bosnacki, Leue and Lluch Lafuente, STTT 11(2), 2009).
        """
        for effect, print in found:
            if effect.first and print not in self.visited:
                return [(effect, print)]
        if self.sending is None:
            return found
        masks = list(map(self.sending.mask, state.row[self.head :]))
        once, twice = receivers(masks)
        for slot, mask in enumerate(masks):
            if twice >> slot & 1 or (once & ~mask) >> slot & 1:
                continue
            own = [each for each in found if each[0].slot == slot]
            new = any(print not in self.visited for _, print in own)
            if new and all(effect.quiet for effect, _ in own):
                return own
        return found

    def _add(self, state: State, effect: Effect, print: int) -> State:
        """A state that has not been found before, in which an effect leaves another."""
        row, net = self._after(state, effect)
        number = len(self.graph.parents)
        seen = (state.seen + effect.seen) & MASK
        if self.bounds.exact:
            seen = self._number_of(self.observed(row))
        elif self.symmetry is not None:
            seen = sum(map(share_of_seen, self.observed(row))) & MASK
        self.graph.parents.append(state.number)
        self.graph.actions.append(effect.action)
        if seen not in self.asked:
            self.asked.add(seen)
            self._ask(row, number)
        return State(tuple(row), net, print, seen, number)

    def _after(self, state: State, effect: Effect) -> tuple[list[int], Net]:
        """The row and the network that an effect leaves, in order where processes are alike."""
        return self._arranged(*self._made_of(state.row, state.net, effect))

    def _made_of(self, before: Sequence[int], net: Net, effect: Effect) -> tuple[list[int], Net]:
        row = list(before)
        if effect.cost != FREE:
            row[effect.cost] -= 1
        for place, local in effect.puts:
            if place >= len(row):
                row += [NOBODY] * (place + 1 - len(row))
            row[place] = local
        if effect.sent or effect.taken >= 0:
            net = self.network.after(net, effect.taken, effect.sent)
        return row, net

    # A search that goes on from where another was.

    def progress(self) -> Progress:
        """What there is beside the graph, between two states."""
        sets = parts_of(self.visited), parts_of(self.asked)
        now, next = self.now[self.done :], self.next
        waiting = waiting_of(now, self.head), waiting_of(next, self.head)
        return Progress(*waiting, len(self.asked), *sets)

    def restore(self, progress: Progress) -> None:
        """Have what another search had, whose graph is here."""
        self.visited, self.asked = set(), set()
        for known, parts in ((self.visited, progress.visited), (self.asked, progress.asked)):
            for part in parts:
                known.update(part)
        first = self.graph.states - len(progress.next.lengths)
        self.next = _states_of(progress.next, self.head, first)
        self.now = _states_of(progress.level, self.head, first - len(progress.level.lengths))
        self.done = 0
        self._stop_if_full()

    # Ways.

    def row_of(self, state: int) -> Sequence[int]:
        """The row of a state, by the way that leads to it."""
        known: tuple[Sequence[int], Net] = (self.before_all.row, ())
        for action in self.graph.way_to(state):
            effect = self._effect(*known, action)
            known = self._arranged(*self._made_of(*known, effect))
        return known[0]

    def way_to(self, state: int, last: int | None = None) -> list[int]:
        """The actions that lead to a state from the beginning, that of the beginning first.

        `last` is one more, of an outcome that fails. Where processes that are alike have changed
        places on the way, these are the actions without that.
        """
        way = [*self.graph.way_to(state), *(() if last is None else (last,))]
        if self.symmetry is None:
            return way
        known: tuple[Sequence[int], Net] = (self.before_all.row, ())
        real = known
        found: list[int] = []
        for action in way:
            effect = self._effect(*known, action)
            known = self._arranged(*self._made_of(*known, effect))
            for each in self._events(*real) or [effect]:
                row, net = self._made_of(*real, each)
                if each.fails == effect.fails and self._arranged([*row], net) == known:
                    break
            found.append(each.action)
            real = row, net
        return found

    def _effect(self, row: Sequence[int], net: Net, action: int) -> Effect:
        """What an action does in a state; the first of all begins the program."""
        events = self._events(row, net) or self._followed(row, [self.effects.of(action)])
        return next(each for each in events if each.action == action)

    def _arranged(self, row: list[int], net: Net) -> tuple[list[int], Net]:
        """A state in order, where processes are alike."""
        if self.symmetry is not None:
            net = self.symmetry.arranged(row, net, self.head, self.network)
        return row, net

    def _print_of(self, row: Sequence[int], net: Net) -> int:
        """The fingerprint of a state, or its number."""
        if self.bounds.exact:
            return self._number_of(row, net)
        print = sum(left * share for left, share in zip(row[: self.head], SHARES, strict=False))
        print += sum(map(share_of_local, row[self.head :])) + self.network.fingerprint(net)
        return print & MASK

    def _number_of(self, *what: Sequence[int]) -> int:
        """A number that stands for this alone, above 0."""
        return self.whole.setdefault(tuple(map(tuple, what)), len(self.whole) + 1)

    def _ask(self, row: Sequence[int], state: int) -> None:
        """Ask the properties about a state that they have not seen the like of."""
        numbers = self.observed(row)
        found = self.observer.refuted(numbers)
        if found is not None and self.graph.wrong is None:
            self.graph.wrong = state, found
        if self.observer.sometimes:
            self.graph.reached += [(state, each) for each in self.observer.reached(numbers)]

    def observed(self, row: Sequence[int]) -> list[int]:
        """What properties can tell of a state."""
        return [self.tables.observed[local] for local in row[self.head :]]


def _states_of(waiting: Waiting, head: int, first: int) -> list[State]:
    """States that wait, whose numbers are from `first` on."""
    return [State(*each, number) for number, each in enumerate(states_in(waiting, head), first)]
