"""The header of an example, as a person reads it, and what it claims to survive.

    # Survives: --loss 10% --crash Server:1,for=ever --faults-until 20s
    # Safe under: --channel unreliable --loss 10%
    # Needs: ...

are options of `quorate simulate`. Under the first the program keeps its properties and comes to its
end; under the second it keeps those, and may come to a standstill.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.da"))

_LINE = re.compile(r"^# (Survives|Safe under|Needs): (.*(?:\n#  +.*)*)$", re.MULTILINE)


class Claim(NamedTuple):
    """What one line of the header of an example says of it."""

    path: Path
    word: str
    text: str

    @property
    def options(self) -> list[str]:
        return shlex.split(self.text)


def header(path: Path) -> str:
    """The comment that the file begins with."""
    text = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    assert all(line.startswith("#") for line in text.splitlines()), text
    return text


def unwrapped(text: str) -> str:
    """Lines of a comment as one line."""
    return " ".join(line.lstrip("# ") for line in text.splitlines())


def claims(path: Path) -> list[Claim]:
    """What the header of an example says of faults, in its order."""
    return [Claim(path, word, unwrapped(text)) for word, text in _LINE.findall(header(path))]
