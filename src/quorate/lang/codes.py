"""The catalogue of everything Quorate can complain about: code, title, explanation.

The catalogue itself is the text beside this module, codes.md: one section a code, headed
`## Q012: title`. Q0xx is found by the compiler (some again while running, where only the values
tell), Q1xx while running, Q2xx by lint, Q3xx in histories of operations. Invariant: a code, once
published, keeps its meaning.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

_HEADING = re.compile(r"^## (Q\d{3}): (.+)\n", re.MULTILINE)


@functools.cache
def _catalogue() -> dict[str, tuple[str, str]]:
    """Code -> (title, explanation), in the order of the text."""
    text = Path(__file__).with_name("codes.md").read_text("utf-8")
    parts = _HEADING.split(text)
    sections = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {code: (title, body.strip()) for code, title, body in sections}


def codes() -> dict[str, str]:
    """Every code with its title, in order."""
    return {code: title for code, (title, _) in _catalogue().items()}


def explain(code: str) -> str | None:
    """The title and the explanation of a code (`q12`, `12` and `Q012` are the same), as Markdown.

    None when there is no such code.
    """
    digits = code.strip().upper().removeprefix("Q")
    name = f"Q{int(digits):03}" if digits.isascii() and digits.isdigit() else code
    found = _catalogue().get(name)
    return found and f"{name}: {found[0]}\n\n{found[1]}\n"
