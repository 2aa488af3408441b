"""What a process class is known to have: fields, methods and setup, those of its bases included.

Invariant: the bases of a class are learnt of before the class.
"""

from __future__ import annotations

import ast

from quorate.lang import nodes
from quorate.lang.scopes import aliases, field_names, stored_names
from quorate.lang.setups import united_setup


def learn(process: nodes.ProcessClass) -> None:
    """Fill in the `info` of a class; one without a setup gets that of all its bases."""
    info = process.info
    if not info.open and "setup" not in stored_names(process.body)[0]:
        process.body += united_setup(info.bases, process)
    info.fields |= field_names(process)
    methods = [m for m in process.body if isinstance(m, ast.FunctionDef)]
    info.aliases = aliases(process)
    info.methods |= {m.name for m in methods} | info.aliases.keys()
    info.static |= {m.name for m in methods if nodes.is_static(m)}
    info.fields -= info.methods
    for base in info.bases:
        info.fields |= base.fields - info.methods
        info.methods |= base.methods
        info.static |= base.static - {m.name for m in methods}
        info.open |= base.open
        info.strange |= base.strange
    setup = [m for m in process.body if isinstance(m, ast.FunctionDef) and m.name == "setup"]
    if setup:
        info.setup = setup[0].args
    else:
        info.setup = next((base.setup for base in info.bases if base.setup is not None), None)
