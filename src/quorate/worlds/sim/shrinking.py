"""A failing run made short: what does not matter to its failure is taken away.

By delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002,
section 3.2) over what befell a recorded run and what chance decided in it. Invariant: what is kept
is a run that has happened, failed in the same way, and is recorded whole: so it replays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any, TypeGuard, TypeVar

from msgspec.structs import replace

from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.worlds.sim.recording import Events, Recorder
from quorate.worlds.sim.replay import replay
from quorate.worlds.sim.seeds import Plan, Result, run_once

T = TypeVar("T")
Item = ev.Fault | ev.Choice

RUNS_MAX = 500
"""How many runs are spent, where nothing is said."""

KINDS = (
    {"fault"},
    {"loss", "duplicate", "reorder"},
    {"resume"},
    {"by", "retry", "timer"},
    {"delay"},
)
"""What is taken away together, first what makes the run shortest to tell."""


def ddmin(items: Sequence[T], fails: Callable[[list[T]], list[T] | None]) -> list[T]:
    """Those of `items` without any one of which it does not fail, though it does with all.

    `fails` is given some of them, in their order, and answers those that were of any effect, or
    None if it does not fail. It is to fail with all.
    """
    kept, count = list(items), 2
    if (found := fails([])) is not None:
        return found
    while len(kept) > 1:
        parts = _split(kept, count)
        rests = [[each for part in parts if part is not out for each in part] for out in parts]
        if (found := _first(parts, fails)) is not None:
            kept, count = found, 2
        elif count > 2 and (found := _first(rests, fails)) is not None:
            kept, count = found, max(count - 1, 2)
        elif count < len(kept):
            count *= 2
        else:
            break
        count = max(2, min(count, len(kept)))
    return kept


def _split(items: list[T], count: int) -> list[list[T]]:
    """As many parts, whose lengths differ by one at most."""
    ends = [len(items) * number // count for number in range(count + 1)]
    return [items[begin:end] for begin, end in pairwise(ends)]


def _first(parts: Sequence[list[T]], fails: Callable[[list[T]], list[T] | None]) -> list[T] | None:
    return next((found for part in parts if (found := fails(part)) is not None), None)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run has to tell; `seconds` are virtual."""

    faults: int
    choices: int
    processes: int
    messages: int
    seconds: float


def size_of(trace: Trace) -> Size:
    kinds = [type(each) for each in trace.events]
    return Size(
        *(kinds.count(ev.Fault), kinds.count(ev.Choice), kinds.count(ev.Create)),
        messages=kinds.count(ev.Send),
        seconds=max((each.time for each in trace.events if isinstance(each, ev.Over)), default=0.0),
    )


def recorded(plan: Plan, module: ModuleType, begin: ev.Begin) -> tuple[Trace, Result]:
    """The run of a seed, and what came of it; without events if it did not come to run."""
    events = Events()
    result = run_once(plan, module, begin.seed, recorder=Recorder(begin, events.tell))
    return Trace(begin, events[1:]), result


class Shrinker:
    """Shrinks the run of `trace`, of which `result` came. `kept` is the shortest one so far.

    At most `runs_max` runs are spent on it; `told` is called after each, and may raise Spent.
    """

    def __init__(
        self,
        trace: Trace,
        result: Result,
        module: ModuleType,
        runs_max: int = RUNS_MAX,
        told: Callable[[Shrinker], None] = lambda _: None,
    ) -> None:
        self.kept = trace
        self.result = result
        self.runs = 0
        self._whole = trace
        self._first = size_of(trace)
        self._module = module
        self._runs_max = runs_max
        self._told = told

    def go(self) -> None:
        """Take away what can be, until nothing more can, or all runs are spent."""
        with suppress(Spent):
            self._go()

    def _go(self) -> None:
        before = None
        while before is not self.kept:
            before = self.kept
            self._take_rates()
            self._take_late()
            self._take_together()
            for kinds in KINDS:
                self._take(kinds)
            self._hasten()
            self._lessen_arguments()

    # What is tried.

    def _take_rates(self) -> None:
        """Let the run know of fewer faults that chance may bring about."""

        def fails(faults: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
            return faults if self._fails(_items(self.kept), faults=faults) else None

        if self.kept.begin.faults:
            ddmin(self.kept.begin.faults, fails)

    def _take_late(self) -> None:
        """Let nothing befall the run from some time on, and chance decide nothing."""
        least, most = 0, len(_items(self.kept))
        while least < most:
            middle = (least + most) // 2
            if self._fails(_items(self.kept)[:middle]):
                most = min(middle, len(_items(self.kept)))
            else:
                least = middle + 1

    def _take_together(self) -> None:
        """Let chance decide nothing of a kind; then of a kind of messages; then between two."""
        said = {e.message: _word(e.value) for e in self.kept.events if isinstance(e, ev.Send)}
        keys: tuple[Callable[[ev.Choice], Hashable], ...] = (
            lambda choice: choice.what,
            lambda choice: (choice.what, said.get(choice.of)),
            lambda choice: (choice.what, choice.of.partition("#")[0]),
        )
        for key in keys:
            groups = dict.fromkeys(key(each) for each in self.kept.events if _is_choice(each))
            for group in groups:
                items = _items(self.kept)
                rest = [each for each in items if not _is_choice(each) or key(each) != group]
                if len(rest) < len(items):
                    self._fails(rest)

    def _take(self, kinds: set[str]) -> None:
        """Let less befall the run, and chance decide less, of these kinds."""

        def mine() -> list[Item]:
            return [each for each in _items(self.kept) if _kind(each) in kinds]

        def fails(part: list[Item]) -> list[Item] | None:
            others = [each for each in _items(self.kept) if _kind(each) not in kinds]
            return mine() if self._fails([*others, *part]) else None

        if items := mine():
            ddmin(items, fails)

    def _hasten(self) -> None:
        """Have faults come sooner, and last shorter, as long as that makes the run shorter.

        A run that has to come to its end after all faults has as long for it as before.
        """
        while any(isinstance(each, ev.Fault) for each in self.kept.events):
            begin = self.kept.begin
            changes: dict[str, Any] = {}
            if begin.calm is not None and begin.until is not None:
                changes = {"calm": begin.calm / 2, "until": begin.until - begin.calm / 2}
            for names in (("time", "seconds"), ("time",), ("seconds",)):
                items = [_halved(each, names) for each in _items(self.kept)]
                if self._fails(items, _is_sooner_over, **changes):
                    break
            else:
                return

    def _lessen_arguments(self) -> None:
        """Give the program smaller whole numbers: fewer processes, fewer operations.

        What is kept of chance may not fit them; so all that there was at first is tried too.
        """
        for place in range(len(self.kept.begin.arguments)):
            while self._lessen(place):
                pass

    def _lessen(self, place: int) -> bool:
        arguments = self.kept.begin.arguments
        text = arguments[place]
        if not (text.isascii() and text.isdecimal()) or int(text) <= 1:
            return False
        for number in dict.fromkeys((int(text) // 2, int(text) - 1)):
            less = [*arguments[:place], str(number), *arguments[place + 1 :]]
            for trace in (self.kept, self._whole):
                if self._fails(_items(trace), arguments=less):
                    return True
        return False

    def _fails(
        self,
        items: Sequence[Item],
        is_shorter: Callable[[Size, Size], bool] | None = None,
        **changes: Any,
    ) -> bool:
        """Whether the run fails in the same way with these items alone, and has less to tell; if
        so it is kept.

        `changes` are of what the run begins with. One that takes much longer is cut short. Raises
        Spent.
        """
        if self.runs >= self._runs_max:
            raise Spent
        self.runs += 1
        begin = self.kept.begin
        steps_max = begin.steps_max
        if self.result.code != "Q118":
            steps = sum(isinstance(each, ev.Step) for each in self.kept.events)
            steps_max = min(2 * steps + 1000, steps_max or 2 * steps + 1000)
        events = Events()
        tried = Trace(replace(begin, steps_max=steps_max, **changes), list(items))
        result = replay(tried, self._module, events.tell)
        found = bool(events) and result.way == self.result.way
        if found:
            kept = Trace(replace(tried.begin, steps_max=begin.steps_max), events[1:])
            found = (is_shorter or self._is_less)(size_of(kept), size_of(self.kept))
            if found:
                self.kept, self.result = kept, result
        self._told(self)
        return found

    def _is_less(self, one: Size, other: Size) -> bool:
        """Whether there are fewer faults or choices, and not many more messages; or no more."""
        if one.messages <= other.messages or one.faults < other.faults:
            return True
        return one.choices < other.choices and one.messages <= 2 * self._first.messages


class Spent(Exception):
    """No more runs are to be made."""


def _word(tree: Any) -> Any:
    """What a message begins with, which mostly says of which kind it is."""
    match tree:
        case {"#tup": [str() as word, *_]}:
            return word
    return None


def _is_choice(event: ev.Event) -> TypeGuard[ev.Choice]:
    return isinstance(event, ev.Choice)


def _items(trace: Trace) -> list[Item]:
    return [each for each in trace.events if isinstance(each, Item)]


def _kind(item: Item) -> str:
    return item.what if isinstance(item, ev.Choice) else "fault"


def _is_sooner_over(one: Size, other: Size) -> bool:
    return one.seconds < 0.99 * other.seconds


def _halved(item: Item, names: Sequence[str]) -> Item:
    if isinstance(item, ev.Choice):
        return item
    values = {name: getattr(item, name) for name in names}
    return replace(item, **{name: value and value / 2 for name, value in values.items()})
