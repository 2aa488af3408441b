"""Checking a program: from its file to what holds of all its behaviours within bounds.

Invariant: the same program, arguments and bounds give the same states, in the same order, with
and without the kernel.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, Literal

from quorate.core.errors import ProgramError, PropertyFailed
from quorate.lang.names import nearest
from quorate.worlds.base import command_line, process_classes, properties_of, surroundings
from quorate.worlds.check.checkpoint import Keeper, meant_by
from quorate.worlds.check.counterexample import contradiction_of
from quorate.worlds.check.effects import BUDGETS_MAX
from quorate.worlds.check.explore import Bounds, Explorer, Graph, Reductions
from quorate.worlds.check.liveness import Lasso, Recorder, is_lively, lassos
from quorate.worlds.check.observing import Observer
from quorate.worlds.check.orders import Order
from quorate.worlds.check.reduction import Commuting, Sending
from quorate.worlds.check.selfcheck import Compared, Ends, compared
from quorate.worlds.check.shorten import shorten
from quorate.worlds.check.steps import Steps
from quorate.worlds.check.symmetry import Symmetry
from quorate.worlds.check.tables import BUDGETS, OutOfTime, Tables

HAND_OVER_STATES, LOADED_STATES = 8_000, 1_000
"""From how many on the kernel pays, which is to be loaded first, or is there already."""

SLOWER = 20
"""How many times as long a state takes that is to be brought into order, without the kernel."""

SHORTER_STATES = 300_000
"""Among how many states, without reductions, a shorter way is looked for."""

CUT = ("states", "seconds", "memory")
"""Bounds that end a search at no place that says anything."""

Verdict = Literal["holds", "violated", "inconclusive"]


@dataclass(frozen=True)
class Checked:
    """What has come of checking a program. `graph` has the states, `tables` what they stand for.

    `lassos` contradict what is to hold in the end, which `live` explored for; `contradiction` is
    what the operations of clients tell against, where these are what the search ended by.
    """

    graph: Graph
    tables: Tables
    observer: Observer
    bounds: Bounds
    explorer: Explorer
    order: Order
    live: Recorder | None = None
    lassos: Sequence[Lasso] = ()
    contradiction: PropertyFailed | None = None

    @property
    def verdict(self) -> Verdict:
        if self.graph.is_refuted or self.lassos:
            return "violated"
        graphs = [self.graph] if self.live is None else [self.graph, self.live.graph]
        if any(each.stopped is not None for each in graphs):
            return "inconclusive"
        return "violated" if self.observer.sometimes else "holds"


def check(
    path: str | os.PathLike[str] | ModuleType,
    args: Sequence[Any] = (),
    bounds: Bounds | None = None,
    config: Mapping[str, Any] | None = None,
    tell: Callable[[Graph, int], None] | None = None,
    *,
    deadlocks: bool = True,
    kernel: bool | None = None,
    strong: bool = False,
    order: Order | None = None,
) -> Checked:
    """Check the program at `path`, or one loaded with `branching`, with `args` on its command line.

    What contradicts its properties is told in the result; an error in its text is raised.
    """
    with command_line(path, args), surroundings(0):
        module = path if isinstance(path, ModuleType) else load_for_checking(path)
        how: dict[str, Any] = {"deadlocks": deadlocks, "kernel": kernel, "strong": strong}
        return check_loaded(module, bounds, config, tell, **how, order=order)


def load_for_checking(path: str | os.PathLike[str]) -> ModuleType:
    """The program at `path`, which asks wherever the language leaves something open."""
    from quorate.compiler.loader import load

    return load(os.fspath(path), properties=True, branching=True)


def check_loaded(
    module: ModuleType,
    bounds: Bounds | None = None,
    config: Mapping[str, Any] | None = None,
    tell: Callable[[Graph, int], None] | None = None,
    *,
    deadlocks: bool = True,
    kernel: bool | None = None,
    strong: bool = False,
    order: Order | None = None,
    keeper: Keeper | None = None,
) -> Checked:
    """Explore a program that has been loaded with `branching`, from its `main` on.

    With `strong`, what can happen again and again is owed, not only what can all the time. Nothing
    is left out where the `order` is not breadth first. A `keeper` writes how far it is, and may
    have what to go on from; there is one only for breadth first, by fingerprints.
    """
    order, bounds = order or Order(), bounds or Bounds()
    if order.search != "breadth":
        bounds = replace(bounds, reduce=False)
    if keeper is not None:
        assert order.search == "breadth" and not bounds.exact
        keeper.begin(meant_by(module, bounds, config, deadlocks=deadlocks))
    tables, observer, begins = _prepared(module, bounds, config, deadlocks=deadlocks)
    how = {"tell": tell, "deadlocks": tables.judges_ends}
    search = partial(order.explorer, tables, observer, **how)
    if bounds.reduce:
        reductions = reductions_of(tables, begins, bounds)
        explorer = _reduced(search, begins, bounds, kernel, reductions, keeper)
        if explorer.graph.is_refuted:
            explorer = _shorter(search, begins, bounds, kernel, explorer)
    elif order.search == "breadth":
        explorer = _explored(search(bounds), begins, kernel, keeper)
    else:
        explorer = _explored(search(bounds), begins, kernel=False)
        if explorer.graph.is_refuted:
            shorten(explorer)
    tables.steps.outside.steps_end()
    graph = explorer.graph
    contradiction = contradiction_of(explorer)
    checked = Checked(graph, tables, observer, bounds, explorer, order, contradiction=contradiction)
    is_over = graph.is_refuted or graph.stopped == "interrupted" or not order.is_complete
    if is_over or not is_lively(observer.properties):
        return checked
    live = Recorder(tables, observer, bounds, tell)
    try:
        live.explore(begins, graph.seconds - graph.earlier)
        found = [] if live.graph.is_refuted else lassos(live, strong=strong)
    except KeyboardInterrupt:
        graph.stopped = "interrupted"
        return checked
    if live.graph.is_refuted:
        return replace(checked, graph=live.graph, explorer=live)
    return replace(checked, live=live, lassos=found)


def self_check(
    module: ModuleType,
    bounds: Bounds | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    deadlocks: bool = True,
) -> Compared:
    """Explore a loaded program with reductions and without, in plain Python, and compare."""
    bounds = bounds or Bounds()
    tables, observer, begins = _prepared(module, bounds, config, deadlocks=deadlocks)
    search = partial(Ends, tables, observer, deadlocks=tables.judges_ends)
    reductions = reductions_of(tables, begins, bounds)
    _reduced(search, begins, bounds, False, reductions)
    return compared(search(bounds, reductions=reductions.used()), search(bounds), begins)


def _prepared(
    module: ModuleType, bounds: Bounds, config: Mapping[str, Any] | None, *, deadlocks: bool
) -> tuple[Tables, Observer, tuple[int, ...]]:
    """The tables of a program, who asks its properties, and the outcomes it begins with."""
    from quorate.compiler.loader import main_of

    observer = Observer(properties_of(module), {module.__name__: module})
    config = config_within(bounds, config)
    steps = Steps(module, config, observer.reads_of, restarts=bounds.restart)
    tables = tables_of(steps, observer, bounds, deadlocks=deadlocks)
    return tables, observer, tables.begin(main_of(module))


def tables_of(
    steps: Steps, observer: Observer, bounds: Bounds, *, deadlocks: bool = True
) -> Tables:
    """The tables of these steps, as far as bounds let them be needed.

    Raises ProgramError (Q139).
    """
    for module in steps.modules.given.values():
        _check_classes(bounds, process_classes(module))
    return Tables(
        steps,
        lambda local, process: observer.number(local.slot, local.state, process),
        budgets=bounds.budgets,
        ordered=bounds.network == "fifo",
        deadlocks=deadlocks,
    )


def _check_classes(bounds: Bounds, known: Collection[str]) -> None:
    """Whether bounds name classes of the program alone. `main` is spared crashes."""
    for each in bounds.budgets:
        able = [name for name in known if name != "main" or each.name == "timeouts"]
        if each.kind and each.kind not in able:
            near = nearest(each.kind, able)
            raise ProgramError(
                "Q139",
                f"{each.name} of `{each.kind}`: the program has no such process class",
                f"did you mean `{near}`?" if near else f"it has {', '.join(able)}",
            )
    if len(bounds.budgets) > BUDGETS_MAX:
        few = BUDGETS_MAX - len(BUDGETS)
        help = f"name {few} at most, or say how often for all others: `1,Server:2`"
        raise ProgramError("Q139", "these bounds name too many classes", help)


def config_within(bounds: Bounds, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configuration, by which no process counts on an order of messages that may be upset."""
    keeps_order = bounds.network == "fifo" and not (bounds.duplicates or bounds.restart)
    return {**(config or {}), **({} if keeps_order else {"restarts": True})}


Search = Callable[..., Explorer]
"""Begins a search within bounds, with these reductions."""


def _reduced(
    search: Search,
    begins: Sequence[int],
    bounds: Bounds,
    kernel: bool | None,
    reductions: Reductions,
    keeper: Keeper | None = None,
) -> Explorer:
    """A search that leaves out what comes to the same; all guesses of that proved right.

    Where it is cut short, nobody asks whether they did.
    """
    begun, left = time.perf_counter(), bounds

    def begin() -> Explorer:
        return search(left, reductions=reductions.used())

    if keeper is not None:
        for explorer in keeper.ask_again(lambda: _begin(begin(), begins)):
            reductions.refute(explorer, begins)
    while True:
        explorer = _explored(begin(), begins, kernel, keeper)
        graph = explorer.graph
        is_cut = graph.stopped in CUT and not graph.is_refuted
        if bounds.seconds is not None:
            explorer.tables.until = begun + bounds.seconds
        try:
            if is_cut or graph.stopped == "interrupted" or not reductions.refute(explorer, begins):
                return explorer
        except OutOfTime:
            graph.wrong = graph.failed = graph.stuck = None  # nobody knows whether it really is
            graph.stopped = "seconds"
            return explorer
        except KeyboardInterrupt:
            if graph.is_refuted:
                raise  # nobody knows whether it really is
            graph.stopped = "interrupted"
            return explorer
        finally:
            explorer.tables.until = None
        if keeper is not None:
            keeper.settle(explorer)
        if bounds.seconds is not None:
            left = replace(bounds, seconds=bounds.seconds - (time.perf_counter() - begun))


def _shorter(
    search: Search,
    begins: Sequence[int],
    bounds: Bounds,
    kernel: bool | None,
    found: Explorer,
) -> Explorer:
    """The same with a shortest way to what contradicts, if there are not too many states."""
    within = replace(bounds, depth=found.graph.depth, states=SHORTER_STATES)
    reached = found.observer.sometimes
    again = _explored(search(within), begins, kernel)
    if again.graph.is_refuted:
        return again
    found.observer.sometimes = reached
    return found


def _explored(
    explorer: Explorer, begins: Sequence[int], kernel: bool | None, keeper: Keeper | None = None
) -> Explorer:
    """A search that has come to its end. Ctrl-C stops it like any bound."""
    _begin(explorer, begins)
    explorer.keeper = keeper
    try:
        with nullcontext() if keeper is None else keeper.stopping(explorer.graph):
            explore(explorer, kernel)
    except KeyboardInterrupt:
        explorer.graph.stopped = "interrupted"
    return explorer


def _begin(explorer: Explorer, begins: Sequence[int]) -> Explorer:
    explorer.observer.begin()
    explorer.begin(begins)
    return explorer


def explore(twin: Explorer, kernel: bool | None = None) -> Graph:
    """Explore from the first states on, or from those of its keeper, with the kernel or without.

    None: with it where numba is installed, once there are so many states that it pays.
    """
    saved = None if twin.keeper is None else twin.keeper.take(twin)
    if twin.bounds.exact:
        kernel = False
    if kernel is None:
        if saved is None or saved.states < _enough(twin):
            if saved is not None:
                saved.restore(twin)
                saved = None
            twin.go_on(_enough(twin))
            if twin.is_over:
                return twin.graph
        kernel = importlib.util.find_spec("numba") is not None
    explorer = _compiled(twin) if kernel else twin
    if saved is not None:
        saved.restore(explorer)
    return explorer.go_on()


def _enough(twin: Explorer) -> int:
    """How many states are enough for the kernel to pay."""
    is_loaded = "quorate.worlds.check.compiled" in sys.modules
    states = LOADED_STATES if is_loaded else HAND_OVER_STATES
    return states // SLOWER if twin.symmetry is not None else states


def _compiled(twin: Explorer) -> Explorer:
    begun = time.perf_counter()
    from quorate.worlds.check.compiled import CompiledExplorer

    explorer = CompiledExplorer(twin)
    explorer.graph.loading = time.perf_counter() - begun
    return explorer


def reductions_of(tables: Tables, begins: Sequence[int], bounds: Bounds) -> Reductions:
    """What need not be explored, by guess. In a set, messages are taken again and again."""
    symmetry = Symmetry(tables, begins)
    if bounds.network == "set":
        return Reductions(symmetry=symmetry)
    messages = not (bounds.losses or bounds.duplicates)
    commuting = Commuting(tables, bounds.budgets, messages=messages)
    return Reductions(commuting, Sending(tables, bounds.budgets), symmetry)
