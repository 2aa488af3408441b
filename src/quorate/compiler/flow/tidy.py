"""Makes a routine shorter without changing what it does.

Blocks that only go on to another are left out, and a block that one place alone goes to becomes
part of that place. Invariant: where the process can stand, there is a block of its own.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from quorate.compiler.blocks import Goto, Routine, ends, successors, terminators


def tidy(routine: Routine) -> None:
    """Tidy one routine, in place."""
    _thread(routine)
    _merge(routine)
    _drop_unreached(routine)
    for block in routine.blocks:
        _flatten(block.body)


def _thread(routine: Routine) -> None:
    """What leads to a block that only goes on to another leads there itself."""
    onward = {
        block.name: block.body[0].target
        for block in routine.blocks
        if isinstance(block.body[0], Goto) and block.name not in (routine.waits, "start")
        if block.name not in routine.waits
    }

    def final(name: str) -> str:
        seen = set()
        while name in onward and name not in seen:
            seen.add(name)
            name = onward[name]
        return name

    for block in routine.blocks:
        for terminator in terminators(block):
            for key in terminator.next_names:
                setattr(terminator, key, final(getattr(terminator, key)))
    routine.on_error = {name: final(handler) for name, handler in routine.on_error.items()}
    _drop_unreached(routine)


def _merge(routine: Routine) -> None:
    """Put a block in the place of the one Goto that leads to it."""
    by_name = {block.name: block for block in routine.blocks}
    led_to = Counter(
        name for block in routine.blocks for t in terminators(block) for name in successors(t)
    )
    fixed = {"start", *routine.waits, *routine.on_error.values()}
    gone: set[str] = set()
    for block in routine.blocks:
        if block.name in gone:
            continue
        region = routine.on_error.get(block.name)
        waiting = [block.body]
        while waiting:
            for tail in _tails(waiting.pop()):
                jump = tail[-1]
                assert isinstance(jump, Goto)
                name = jump.target
                alone = led_to[name] == 1 and name not in fixed and name != block.name
                alike = routine.on_error.get(name) == region and (
                    routine.handling.get(name) == routine.handling.get(block.name)
                )
                if alone and alike and name not in gone:
                    tail[-1:] = by_name[name].body
                    gone.add(name)
                    waiting.append(tail)
    routine.blocks = [block for block in routine.blocks if block.name not in gone]


def _tails(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The lists in which `body` ends with a Goto, those in `if` and `match` included."""
    match body[-1] if body else None:
        case Goto():
            yield body
        case ast.If(body=one, orelse=two):
            yield from _tails(one)
            yield from _tails(two)
        case ast.Match(cases=cases):
            for case in cases:
                yield from _tails(case.body)


def _drop_unreached(routine: Routine) -> None:
    by_name = {block.name: block for block in routine.blocks}
    reached = ["start"]
    for name in reached:
        onward = [n for t in terminators(by_name[name]) for n in successors(t)]
        if name in routine.on_error:
            onward.append(routine.on_error[name])
        reached += [n for n in dict.fromkeys(onward) if n not in reached]
    known = set(reached)
    routine.blocks = [block for block in routine.blocks if block.name in known]
    routine.on_error = {n: handler for n, handler in routine.on_error.items() if n in known}
    routine.handling = {n: names for n, names in routine.handling.items() if n in known}
    routine.waits = {n: wait for n, wait in routine.waits.items() if n in known}


def _flatten(body: list[ast.stmt]) -> None:
    """What follows an `if` that ends needs no `else`."""
    place = 0
    while place < len(body):
        statement = body[place]
        if isinstance(statement, ast.If):
            last = place == len(body) - 1
            if last and ends(statement.body) and statement.orelse:
                body += statement.orelse
                statement.orelse = []
            _flatten(statement.body)
            _flatten(statement.orelse)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                _flatten(case.body)
        place += 1
