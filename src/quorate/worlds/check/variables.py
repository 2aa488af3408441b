"""Which variables of a frame are live: those that may be read before they are given a value again.

Backwards over the code of the blocks, as compilers do (Aho, Lam, Sethi and Ullman, Compilers, 2nd
edition, 2006, section 9.2.5). Invariant: a variable is dead only if no way from where the process
stands, exceptions included, reads it first; where code does not tell, it is live.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import CodeType
from typing import Any

from quorate.core.frames import Routine

COMPREHENSIONS = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})

JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
LEAVES = ("JUMP_FORWARD", "JUMP_BACKWARD", "RETURN_", "RAISE_VARARGS", "RERAISE")
"""How the names of instructions begin that never go on with the next."""

Names = frozenset[str]


@functools.cache
def live_names(routine: Routine, *blocks: str) -> Names:
    """The variables of a frame that are live where it is to go on with one of `blocks`."""
    live = _live(routine)
    return _always(routine).union(*(live[name] for name in blocks if name in live))


def code_of(block: Any) -> CodeType:
    """The code of a block, be it wrapped or not."""
    code: CodeType = getattr(block, "__wrapped__", block).__code__
    return code


@functools.cache
def _always(routine: Routine) -> Names:
    """Iterators, and what functions read that may be called when their block is long over."""
    inner = [each for block in routine.blocks.values() for each in _inside(code_of(block))]
    functions = [each for each in inner if each.co_name not in COMPREHENSIONS]
    return frozenset(routine.iterators).union(*map(_reads, functions))


@functools.cache
def _live(routine: Routine) -> dict[str, Names]:
    """The variables that are live where each block begins."""
    codes = {name: _Code(code_of(block)) for name, block in routine.blocks.items()}
    live: dict[str, Names] = dict.fromkeys(codes, frozenset())
    todo = list(codes)
    while todo:
        name = todo.pop()
        caught = live.get(routine.on_error.get(name, ""), frozenset())
        found = codes[name].live(live, caught) | _handled(routine.blocks[name])
        if found != live[name]:
            live[name] = found
            todo = list(codes)
    return live


def _handled(block: Any) -> Names:
    """The names of variables that what a block is wrapped in reads."""
    cells = [cell.cell_contents for cell in block.__closure__ or ()]
    return frozenset(name for each in cells if isinstance(each, tuple) for name in each)


class _Code:
    """The instructions of a block, and what each reads and sets of the frame."""

    def __init__(self, code: CodeType) -> None:
        all_of_them = list(dis.get_instructions(code))
        self.names = [_names(each) for each in all_of_them]
        self.reads = [_read(each) for each in all_of_them]
        frame = code.co_varnames[1]
        self.sets = [_set(*pair, frame) for pair in pairwise([None, *all_of_them])]
        self.places = {each.offset: place for place, each in enumerate(all_of_them)}
        self.next = list(map(self._next, all_of_them))
        self.handlers = list(self._handlers(code))

    def live(self, blocks: Mapping[str, Names], caught: Names) -> Names:
        """What is live before the code, if so much is before each block that it can answer.

        `caught` is live where an exception is handled that may leave it at any place.
        """
        live: list[Names] = [caught] * len(self.next)
        named = [[blocks[name] for name in names if name in blocks] for names in self.names]
        changed = True
        while changed:
            changed = False
            for place in reversed(range(len(live))):
                onward = [live[way] for way in self.next[place]]
                raised = [live[way] for way in self.handlers[place]]
                found = caught.union(*onward) - self.sets[place]
                found = found.union(self.reads[place], caught, *raised, *named[place])
                if found != live[place]:
                    live[place], changed = found, True
        return live[0]

    def _next(self, each: dis.Instruction) -> list[int]:
        """Where code goes on after an instruction: places of others, none at its end."""
        found = [self.places[each.argval]] if each.opcode in JUMPS else []
        if not each.opname.startswith(LEAVES):
            found.append(self.places[each.offset] + 1)
        return found

    def _handlers(self, code: CodeType) -> Iterator[list[int]]:
        """Where code goes on, for each instruction, if that raises an exception."""
        entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
        for offset in self.places:
            around = [each for each in entries if each.start <= offset < each.end]
            yield [self.places[each.target] for each in around]


def _set(before: dis.Instruction | None, each: dis.Instruction | None, frame: str) -> Names:
    """The variable that an instruction gives a value, where the one before loads the frame."""
    if before is None or each is None or each.opname != "STORE_ATTR":
        return frozenset()
    loaded = before.argval[-1] if isinstance(before.argval, tuple) else before.argval
    is_of_frame = before.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) and loaded == frame
    return frozenset([str(each.argval)] if is_of_frame else ())


def _names(each: dis.Instruction) -> list[str]:
    """The strings that an instruction has as constants, be they in a tuple or in code."""
    todo, found = [each.argval] if each.opcode in dis.hasconst else [], []
    for value in todo:
        if isinstance(value, str):
            found.append(value)
        else:
            todo += value.co_consts if isinstance(value, CodeType) else ()
            todo += value if isinstance(value, tuple) else ()
    return found


def _read(each: dis.Instruction) -> Names:
    """The attributes that an instruction reads, of whatever object; also in code that it loads."""
    if isinstance(each.argval, CodeType):
        return _reads(each.argval)
    is_read = each.opname.startswith(("LOAD_ATTR", "LOAD_METHOD", "DELETE_ATTR"))
    return frozenset([str(each.argval)] if is_read else ())


def _reads(code: CodeType) -> Names:
    return frozenset[str]().union(*map(_read, dis.get_instructions(code)))


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)
