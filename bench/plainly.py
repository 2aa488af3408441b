"""A program of the original's benchmarks, as one that runs by itself under both.

Its multi-Paxos, written as a specification, is started by a controller that lies beside it, and
says `await(c, timeout=t)`, which the original's compiler refuses by now. Here the controller is
taken away, the await is written as that compiler wants it, and clients say when they are done, as
they do in da/examples. Nothing of the algorithm is changed.
"""

from __future__ import annotations

import re
from pathlib import Path

PAXOS = "vrpaxos/spec.da"

DONE = "each(c in clients, has=received(('done',), from_=c))"
EDITS = (
    (r"^controller = .*\n", ""),
    (r", controller\.Controllee", ""),
    (r"^ *@controller\.run\n", ""),
    (r"^ *ctl = new\(.*\n *nprocs = .*\n *setup\(ctl.*\n *start\(ctl\)\n", ""),
    (r"def setup\(ctl\):\n *super\(\)\.setup\(ctl\)\n(?=\n)", "def setup(): pass\n"),
    (r"^ *super\(\)\.setup\(ctl\)\n", ""),
    (r"\(ctl(?:, |,?(?=\)))", "("),
    (
        r"^( *)await\(False, timeout=(.*)\)$",
        r"\1if await(False): pass\n\1elif timeout(\2): pass",
    ),
    (r"^( *)(output\('terminating'\))$", r"\1\2\n\1send(('done',), to=parent())"),
    (r"^( *)(start\(clients\))$", rf"\1\2\n\1await({DONE})\n\1end(acceptors | replicas | leaders)"),
)
"""Patterns, each of which has to be found, and what stands in their place."""


def write(source: Path, target: Path) -> None:
    """The program at `source`, able to run by itself, as the file `target`.

    Raises ValueError where it is not as it was: then the edits are to be looked at again.
    """
    text = source.read_text()
    for pattern, replacement in EDITS:
        text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        if not found:
            raise ValueError(f"{source} has changed: nothing in it is like {pattern}")
    target.write_text(text)
