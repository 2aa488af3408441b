"""Programs are the same where their files are, wherever their folders are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from quorate.worlds.real.membership import Fingerprint

TAKE = """
import json, os, sys
from quorate.compiler.loader import load
from quorate.worlds.real.fingerprint import fingerprint_of
sys.path.append('../beside')
found = fingerprint_of(load(*sys.argv[1:]), '1.0')
print(json.dumps([found.compiler, found.files, found.digest]))
"""

FILES = {
    "one/program.da": "import helper, far, other.part, json\ndef main(): pass\n",
    "one/helper.py": "N = 1\n",
    "one/unused.py": "N = 1\n",
    "one/other/__init__.py": "",
    "one/other/part.da": "class P(process):\n    def run(): pass\n",
    "beside/far.da": "M = 2\n",
    "beside/near.py": "M = 2\n",
}


def written(root: Path, **changes: str) -> Path:
    for name, text in {**FILES, **changes}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / "one"


def taken(folder: Path, *program: str) -> tuple[Fingerprint, str]:
    command = [sys.executable, "-c", TAKE, *program]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    compiler, files, digest = json.loads(done.stdout)
    return Fingerprint(compiler, files), digest


def test_what_a_program_is_made_of(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    found, digest = taken(here, "program.da")
    own = ["far.da", "helper.py", "other/__init__.py", "other/part.da", "program.da"]
    assert sorted(found.files) == own
    assert found.compiler.startswith("1.0 (")
    there = written(tmp_path / "there" / "deep")
    os.utime(there / "helper.py", (0, 0))
    assert taken(there, str(there / "program.da")) == (found, digest)


def test_what_differs_is_named(tmp_path: Path) -> None:
    one, digest = taken(written(tmp_path / "here"), "program.da")
    there = written(tmp_path / "there", **{"one/other/part.da": "N = 2\n"})
    two, other = taken(there, "program.da")
    assert one.difference(two) == "other/part.da differs"
    assert digest != other
    assert one.difference(one) == ""
    less, _ = taken(written(tmp_path / "less", **{"one/program.da": ""}), "program.da")
    assert one.difference(less) == "far.da is missing there"
    assert less.difference(one) == "far.da is missing here"


def test_a_module_of_a_package(tmp_path: Path) -> None:
    here = written(tmp_path)
    found, _ = taken(here, str(here / "other" / "part.da"), "other.part")
    assert sorted(found.files) == ["other/__init__.py", "other/part.da"]
