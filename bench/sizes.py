"""Prints how long each example is, and the limit that its algorithm keeps, by one counting rule.

The rule: lines that are neither blank nor only a comment count; docstrings count. Properties are
counted apart, as they say what is to hold and the original has none; whatever else is there for
them, as a field that only they read, is of the algorithm.
With --original DIR, a checkout of the original DistAlgo, its own programs stand beside.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).parent.parent / "examples"


class Row(NamedTuple):
    """An example: its file, the most lines of its algorithm, and its like in the original."""

    file: str
    lines_max: int | None = None
    original: str | None = None


ROWS = [
    Row("lamport_mutex.da", 29, "lamutex/spec_lam.da"),
    Row("lamport_mutex_queue.da", 38, "lamutex/orig.da"),
    Row("ricart_agrawala.da", 41, "ramutex/orig.da"),
    Row("ricart_agrawala_token.da", 48, "ratoken/spec.da"),
    Row("suzuki_kasami.da", 49, "sktoken/orig.da"),
    Row("chang_roberts.da", 29, "crleader/orig.da"),
    Row("hirschberg_sinclair.da", 41, "hsleader/spec.da"),
    Row("two_phase_commit.da", 47, "2pcommit/spec.da"),
    Row("basic_paxos.da", 66, "lapaxos/orig.da"),
    Row("byzantine_paxos.da", 76, "clpaxos/spec.da"),
    Row("multi_paxos.da", 162, "vrpaxos/orig.da"),
    Row("multi_paxos_merged.da", 100),
    Row("raft.da", 199, "raft/orig.da"),
    Row("reliable_broadcast.da"),
    Row("gossip.da"),
    Row("atomic_register.da"),
    Row("ping_pong.da", None, "pingpong/ping.da"),
]


def count_lines(text: str) -> int:
    """The number of lines of `text` that hold more than blanks and a comment."""
    return sum(1 for line in text.splitlines() if line.strip() and line.strip()[0] != "#")


_PROPERTY = re.compile(
    r"^@(?:always|sometimes|eventually|leads_to)\b.*\ndef .*\n(?:[ \t]+\S.*\n)*", re.MULTILINE
)


def sizes(path: Path) -> tuple[int, int]:
    """(lines of the algorithm, lines of its properties)."""
    text = path.read_text(encoding="utf-8")
    properties = sum(map(count_lines, _PROPERTY.findall(text)))
    return count_lines(text) - properties, properties


def table(original: Path | None = None) -> str:
    """The table as text: example, its lines, the limit, and the original's lines if asked for."""
    header = f"{'example':28}{'algorithm':>9}{'limit':>7}{'properties':>12}"
    header += "" if original is None else "  original"
    lines = [header, "-" * len(header)]
    for row in ROWS:
        algorithm, properties = sizes(EXAMPLES / row.file)
        line = f"{row.file:28}{algorithm:9}{row.lines_max or '-':>7}{properties:12}"
        if original is not None:
            path = row.original and original / "da" / "examples" / row.original
            line += f"{sizes(path)[0]:10}  {row.original}" if path else f"{'-':>10}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--original", type=Path, metavar="DIR", help="a checkout of the original")
    sys.stdout.write(table(parser.parse_args(argv).original))
    too_long = [r.file for r in ROWS if r.lines_max and sizes(EXAMPLES / r.file)[0] > r.lines_max]
    if too_long:
        sys.stderr.write(f"longer than the limit: {', '.join(too_long)}\n")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
