"""Each example has properties, and keeps them under the faults that its header says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.headers import PROGRAMS, Claim, claims

SEEDS = int(os.environ.get("QUORATE_SEEDS", "100"))
"""How many each survives; `QUORATE_SEEDS=1000` is what the headers say."""

CLAIMS = [claim for path in PROGRAMS for claim in claims(path) if claim.word != "Needs"]


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.name for path in PROGRAMS])
def test_a_header_says_what_it_survives_and_what_it_needs(path: Path) -> None:
    words = [claim.word for claim in claims(path)]
    assert words in (["Survives", "Needs"], ["Survives", "Safe under", "Needs"])
    for claim in claims(path)[:-1]:
        assert claim.text.startswith("--")
        assert ("--faults-until" in claim.options) == (claim.word == "Survives")


@pytest.mark.timeout(max(120, SEEDS))
@pytest.mark.parametrize("claim", CLAIMS, ids=[f"{each.path.name}: {each.word}" for each in CLAIMS])
def test_it_does_what_its_header_says(claim: Claim) -> None:
    command = [sys.executable, "-m", "quorate", "simulate", "-q", "-j", "1"]
    command += ["--seeds", str(SEEDS), *claim.options, str(claim.path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")
