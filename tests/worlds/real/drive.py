"""Runs a module in the shape of compiled programs in the real world, as `quorate run` would.

Usage: python drive.py MODULE.py OPTIONS-AS-JSON [ARGS...]; prints a line of JSON last, on stderr.
"""

import importlib.util
import json
import os
import sys

from quorate.worlds.real.node import run
from quorate.worlds.real.program import Options, Program, own_modules


def main() -> int:
    path, options = sys.argv[1], json.loads(sys.argv[2])
    sys.argv = [path, *sys.argv[3:]]
    name = os.path.basename(path).removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    program = Program(module.main_process_, own_modules(os.path.dirname(os.path.abspath(path))))
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
