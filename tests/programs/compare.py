"""Runs one program by the compiler and by the interpreter, and says where they differ.

Invariant: the comparison sees all that a program can show: outputs and ends in order, errors by
kind and line, fields at the end, where processes wait, the number of steps, and virtual time.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

from programs.driver import Driver
from programs.interpreter import Endless, interpret
from programs.values import Run
from quorate.compiler.loader import compile_module
from quorate.compiler.modules import Modules
from quorate.compiler.passes import analyse, translate
from quorate.lang.source import Source

PATH = str(Path(__file__).with_name("random_program.da"))
SECONDS_MAX = 10
SHOWN = 8


def run_compiled(source: Source, *, frozen: bool = False, branching: bool = False) -> Run:
    """What the compiled program does; raises SyntaxError where the compiler refuses it.

    With `frozen`, its processes are frozen and made again after each step; with `branching`, it
    asks where the language allows several outcomes, and nobody answers.
    """
    tree = translate(analyse(source, Modules(source.path).find), branching=branching)
    module = ModuleType("random_program")
    module.__file__ = source.path
    exec(compile_module(tree, source.path), module.__dict__)
    return Driver(module, frozen=frozen).run()


@contextmanager
def limited() -> Iterator[None]:
    """Ends by an exception what has computed for SECONDS_MAX, which only a wrong loop does."""

    def stop(*_: object) -> None:
        raise TimeoutError

    was = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, was)


def attempt(run: Callable[[Source], Run], source: Source) -> Run:
    """The run; where there is none, an empty one that says why."""
    try:
        return run(source)
    except Exception as error:
        return Run(refused=f"{type(error).__name__}: {error}")


def differs(
    text: str, *, frozen: bool = False, branching: bool = False, path: str = PATH
) -> tuple[Run, Run] | None:
    """(interpreted, compiled) where they disagree on a program that is one; None otherwise.

    An exception that is frozen while a `finally` waits has no traceback after it, hence no line.
    """
    if "\ndef main():\n" not in text:
        return None
    source = Source(path, text)
    try:
        meant = attempt(interpret, source)
    except Endless:
        return None
    if meant.refused.startswith("QuorateSyntaxError"):
        return None
    with limited():
        done = attempt(partial(run_compiled, frozen=frozen, branching=branching), source)
    lines = not frozen
    same = meant.comparable(lines=lines) == done.comparable(lines=lines)
    return None if same and not (meant.refused or done.refused) else (meant, done)


def kind_of(found: tuple[Run, Run] | None) -> str:
    """What a smaller program must have in common with the one that it is made of."""
    if found is None:
        return ""
    meant, done = found
    refused = meant.refused or done.refused
    return refused[:30] if refused else f"differs, {meant.failed} {done.failed}"


def report(text: str, meant: Run, done: Run) -> str:
    """The program, and the first places where the two runs differ."""
    lines = [f"{number:3} {line}" for number, line in enumerate(text.splitlines(), 1)]
    for run, name in ((meant, "interpreted"), (done, "compiled")):
        if run.refused:
            lines.append(f"{name}: {run.refused}")
    lines += ["", "trace (- interpreted, + compiled):"]
    pairs = list(zip_longest(meant.trace, done.trace))
    same = next((i for i, (one, two) in enumerate(pairs) if one != two), len(pairs))
    lines += [f"    {one}" for one, _ in pairs[max(same - SHOWN, 0) : same]]
    for one, two in pairs[same : same + 1]:
        lines += [f"  - {one}", f"  + {two}"]
    for name in sorted({*meant.fields, *done.fields}):
        one, two = meant.fields.get(name, {}), done.fields.get(name, {})
        for field in sorted({*one, *two}):
            if one.get(field) != two.get(field):
                lines += [f"{name}.{field}", f"  - {one.get(field)}", f"  + {two.get(field)}"]
    for name in ("waiting", "steps", "now"):
        if getattr(meant, name) != getattr(done, name):
            lines.append(f"{name}: - {getattr(meant, name)}  + {getattr(done, name)}")
    return "\n".join(lines)


# Shrinking ------------------------------------------------------------------------------------


def shrunk(text: str, wanted: Callable[[str], bool]) -> str:
    """`text` with as many statements left out as leaves it `wanted`."""
    lines = [line for line in text.splitlines() if line.strip()]
    going = True
    while going:
        going = False
        place = 0
        while place < len(lines):
            for smaller in _smaller(lines, place):
                if wanted("\n".join(smaller) + "\n"):
                    lines, going = smaller, True
                    break
            else:
                place += 1
    return "\n".join(lines) + "\n"


def _smaller(lines: list[str], place: int) -> list[list[str]]:
    """Without the statement at `place`; with `pass` for it; with its body in its place."""
    end = place + 1
    while end < len(lines) and _depth(lines[end]) > _depth(lines[place]):
        end += 1
    before, after = lines[:place], lines[end:]
    found = [before + after]
    if lines[place].strip() != "pass":
        found.append([*before, " " * _depth(lines[place]) + "pass", *after])
    if end > place + 1:
        step = _depth(lines[place + 1]) - _depth(lines[place])
        found.append([*before, *(line[step:] for line in lines[place + 1 : end]), *after])
    return found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
