"""The flow pass: what methods become, and how the blocks behave."""

import textwrap

from cases import Case, check, each_case
from quorate.compiler.flow import cut, flow_text
from quorate.compiler.passes import Compilation, analyse
from quorate.lang.source import Source

FRAME = """\
class P(process):
    def setup(n, xs): pass
    def ask(x):
        -- asked
        return x
    def tell(*args, **options):
        return args
    def run():
"""


def compiled(text: str) -> Compilation:
    source = Source("prog.da", text)
    compilation = analyse(source, lambda name, level: None)
    cut(compilation.program, compilation.found)
    return compilation


@each_case("flow")
def test_blocks(case: Case) -> None:
    if "(process)" in case.source:
        check(case, flow_text(compiled(case.source).program))
        return
    text = FRAME + textwrap.indent(case.source, " " * 8)
    printed = flow_text(compiled(text).program)
    check(case, textwrap.dedent(printed[printed.index("    def run()") :]))
