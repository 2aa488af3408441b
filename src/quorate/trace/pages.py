"""How pages begin that are one file each, need no connection, and may hold hostile text.

Invariant: the policy of a page stands before all that comes of data. It forbids whatever would be
loaded, and every script but the page's own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; --text: #1c2530; --page: #fff; --line: #d5dae0; --faint: #66707b;
  --good: #17653a; --bad: #a51d2d; --doubt: #8a5a00; --bad-fill: #fbdfe0; --blue: #4b7fbf;
  --blue-fill: #dbe9fb; --grey: #8b939c; --grey-fill: #f2f2f2 }
@media (prefers-color-scheme: dark) { :root { --text: #dde3ea; --page: #14181d; --line: #39424c;
  --faint: #98a2ad; --good: #6fcf97; --bad: #ff8a93; --doubt: #e0b050; --bad-fill: #5c1f26;
  --blue: #6d9fdc; --blue-fill: #1e3a5c; --grey: #8b939c; --grey-fill: #2a3037 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em;
  color: var(--text); background: var(--page) }
h1 { font-size: 1.35em } h2 { font-size: 1.05em }
svg text { font: 12.3px ui-monospace, monospace; fill: var(--text) }
table { border-collapse: collapse } td, th { text-align: left; padding: .15em 1.2em .15em 0 }
td, pre { font-family: ui-monospace, monospace; font-size: .87em; vertical-align: top }
pre { white-space: pre-wrap } footer { margin-top: 2.5em; color: var(--faint); font-size: .87em }
"""


def head_of(title: str, style: str, kind: str, script: str = "") -> Iterator[str]:
    """The lines of a page of this class, down to where its body begins."""
    policy = _POLICY
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
    yield "<!doctype html>"
    yield f'<html lang="en" class="{kind}">'
    yield '<head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>"
    yield f"<style>{STYLE}{style}</style></head>"
