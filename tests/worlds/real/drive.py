"""Runs a program, or a module in the shape of a compiled one, in the real world.

Usage: python drive.py PROGRAM OPTIONS-AS-JSON [ARGS...]; prints a line of JSON last, on stderr.
"""

import importlib.util
import json
import os
import sys
from types import ModuleType

from quorate.compiler.loader import load, main_of
from quorate.worlds.real import worker
from quorate.worlds.real.node import run
from quorate.worlds.real.program import Growth, Options, Program, own_modules


def as_compiled(path: str) -> ModuleType:
    """A module that is what a compiler would have written."""
    name = os.path.basename(path).removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    path, options = sys.argv[1], json.loads(sys.argv[2])
    sys.argv = [path, *sys.argv[3:]]
    module = load(path, cache=False) if path.endswith(".da") else as_compiled(path)
    program = Program(main_of(module), own_modules(os.path.dirname(os.path.abspath(path))))
    if options.pop("grows", False):  # as soon as another worker would have something to do
        options["growth"] = [0, 0]
        worker.SLICE_SECONDS, worker.CHUNK_MAX = 1e-9, 1
    if "growth" in options:
        options["growth"] = Growth(*options["growth"])
    outcome = run(
        program,
        Options(**{"workers": 2, "seed": 1, **options}),
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    facts = {name: getattr(outcome, name) for name in outcome.__slots__}
    print("outcome", json.dumps(facts), file=sys.stderr)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
