"""Searching the states of a program: for what an expression says, and for what contradicts it.

An expression is a property of the program, as if it stood at the end of its text. Invariant: what
is found is found after as few steps as lead there.
"""

from __future__ import annotations

import ast
import builtins
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from msgspec import Struct

from quorate.compiler.loader import load_with
from quorate.core.errors import ProgramError
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.source import Source
from quorate.worlds.base import properties_of
from quorate.worlds.check.browsing import Browser, Events, Position
from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.effects import share_of_seen
from quorate.worlds.check.explore import Bounds, Graph, State
from quorate.worlds.check.network import MASK
from quorate.worlds.check.observing import Observer
from quorate.worlds.check.run import check_loaded
from quorate.worlds.check.summary import complaints_of, lines_of, several

NOTHING = -1
"""Of the state that a search begins with: no action led to it."""

STATES_MAX = 300_000
"""Among how many states something is searched for, unless it is said."""

EXPRESSION_MAX = 2_000
"""How long an expression may be, in characters."""

HARMLESS = {
    *("abs", "all", "any", "bool", "chr", "dict", "divmod", "enumerate", "filter", "float"),
    *("frozenset", "int", "isinstance", "issubclass", "len", "list", "map", "max", "min", "ord"),
    *("range", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
}
"""What an expression may call of Python."""

Tell = Callable[[Graph, int], None]


class Sought(Struct, frozen=True):
    """What a search has come to: a link to a state, if there is one, and what to say of it.

    The last steps of the link, `loop` of them, are taken again and again.
    """

    link: str | None
    told: list[str]
    loop: int = 0
    stopped: str | None = None


class _Seeker(Browser):
    """Explores until the one property that is asked is refuted. What fails leads nowhere."""

    def _expand(self, state: State) -> None:
        super()._expand(state)
        self.graph.failed = None

    def begin_at(self, at: Position) -> None:
        """Begin with one state alone, in place of the first states of the program."""
        self.begun = self.looked = time.perf_counter()
        row = (*(max(left, 0) for left in at.left), *at.locals)
        print = self._print_of(row, at.net)
        seen = sum(share_of_seen(self.tables.observed[local]) for local in at.locals) & MASK
        self.graph.parents.append(-1)
        self.graph.actions.append(NOTHING)
        self.visited.add(print)
        self.asked.add(seen)
        if at.failed is None:
            self.next.append(State(row, at.net, print, seen, 0))
        self._ask(row, 0)


def seek(
    browser: Browser, source: Source, expression: str, link: str = "", tell: Tell | None = None
) -> Sought:
    """A shortest way from the state of a link to one of which an expression is true.

    `source` is the text that the program was loaded from. Raises ProgramError (Q140, Q141).
    """
    before = [browser.events.taken(step.effect.action) for step, _ in browser.follow(link)]
    seeker = _seeker(browser, source, expression)
    seeker.tell = tell
    try:
        if before:
            seeker.begin_at(seeker.follow(seeker.link_to(before))[-1][1])
        else:
            seeker.begin(seeker.begins)
        graph = seeker.go_on()
    except KeyboardInterrupt:
        graph = seeker.graph
        graph.stopped = "interrupted"
    where = f"{several(graph.states, 'state')}, to depth {graph.depth:,}, {graph.seconds:.1f} s"
    if graph.wrong is None:
        stop = {None: "in none of", "interrupted": "interrupted: in none of"}.get(
            graph.stopped, f"stopped by --{graph.stopped}: in none of"
        )
        return Sought(None, [f"{stop} {where}"], stopped=graph.stopped)
    state, found = graph.wrong
    if found.error is not None:
        raise _unfit(f"{type(found.error).__name__}: {found.error}", "ask what every state can say")
    way = [action for action in graph.way_to(state) if action != NOTHING]
    told = f"after {several(len(way), 'more step' if before else 'step')}, the first of {where}"
    return Sought(browser.link_to([*before, *map(seeker.events.taken, way)]), [told])


def _seeker(browser: Browser, source: Source, expression: str) -> _Seeker:
    """A search for states of which an expression is true."""
    _check(expression, vars(browser.module))
    name = "sought"
    while name in source.text:
        name += "_"
    more = f"\n\n@always\ndef {name}():\n    return not (\n{expression}\n)\n"
    try:
        module = load_with(browser.module, source.text, more)
    except QuorateSyntaxError as error:
        first = error.diagnostics[0]
        raise _unfit(first.message, first.help or f"see `quorate explain {first.code}`") from None
    found = next((each for each in properties_of(module) if each.name == name), None)
    if found is None or not any(q.over or q.inside for q in found.questions):
        raise _unfit("it says nothing of any process", "write `some(p in P, has=p.field == 1)`")
    bounds = replace(browser.bounds, reduce=False, states=browser.bounds.states or STATES_MAX)
    observer = Observer([found], {module.__name__: module})
    return _Seeker(module, bounds, browser.tables.steps.place.config, observer)


def _check(expression: str, names: Mapping[str, Any]) -> None:
    """Hold an expression to what one may be. Raises ProgramError (Q141)."""
    if len(expression) > EXPRESSION_MAX:
        raise _unfit(f"it has more than {EXPRESSION_MAX:,} characters", "ask less at once")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise _unfit(what, "write one expression, as a property returns it") from None
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name.startswith("_"):
                raise _unfit(f"`{name}` is nothing of the program's", "ask fields and messages")
            case ast.Name(id=name) if not _is_harmless(name, names):
                raise _unfit(
                    f"`{name}` is none of the program's own names",
                    "ask fields and messages of processes, by what the program itself defines",
                )


def _is_harmless(name: str, names: Mapping[str, Any]) -> bool:
    """Whether a name may be used: the program itself has it, or it can only compute."""
    if name.startswith("__"):
        return False
    if name not in names:
        return name in HARMLESS or not hasattr(builtins, name)
    value = names[name]
    own = getattr(value, "__module__", None) in (names["__name__"], None)
    return not isinstance(value, ModuleType) and (own or not callable(value))


def _unfit(what: str, help: str) -> ProgramError:
    return ProgramError("Q141", f"this cannot be searched for: {what}", help)


def violation(browser: Browser, bounds: Bounds, tell: Tell | None = None, **how: Any) -> Sought:
    """What a check of the program finds within bounds; `how` is what `check_loaded` takes."""
    config = browser.tables.steps.place.config
    checked = check_loaded(browser.module, bounds, config, tell, **how)
    told = [*complaints_of(checked), *lines_of(checked)]
    found = counterexample_of(checked)
    if found is None:
        return Sought(None, told, stopped=checked.graph.stopped)
    link = browser.link_to(map(Events(checked.tables).taken, found.way))
    return Sought(link, [found.text, *told], found.loop)
