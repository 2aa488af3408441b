"""`quorate check --checkpoint` and `--resume`: what is said, and what is refused."""

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Quorate = Callable[..., Any]

TURNS = """\
class P(process):
    def setup(): self.n = 0
    def run():
        while n < 3:
            -- on
            n += 1
def main():
    start(new(P, num=2))
@always
def small():
    return each(p in P, has=p.n <= 3)
"""


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("turns.da").write_text(TURNS)


def test_a_search_goes_on_as_it_is_told(quorate: Quorate) -> None:
    options = "--timeouts", "1", "--no-reduction"
    begun = quorate("check", "--checkpoint", "kept", "--states", "6", *options, "turns.da", "a b")
    assert begun.status == 3
    again = "quorate check --resume kept --timeouts 1 --no-reduction turns.da 'a b'"
    *_, kept, help = begun.out.splitlines()
    assert kept == "  6 states are kept in kept"
    assert help == f"  = help: {again}"
    went_on = quorate("check", "--resume", "kept", *options, "turns.da", "a b")
    whole = quorate("check", *options, "turns.da", "a b")
    assert went_on.status == whole.status == 0
    assert [line.split(", depth")[0] for line in went_on.out.splitlines()] == [
        line.split(", depth")[0] for line in whole.out.splitlines()
    ]


def test_the_command_to_go_on_with_names_classes_as_they_were_named(quorate: Quorate) -> None:
    options = "--timeouts", "2,P:1", "--crashes", "P", "--no-deadlock", "--no-reduction"
    begun = quorate("check", "--checkpoint", "kept", "--states", "6", *options, "turns.da")
    *_, help = begun.out.splitlines()
    told = shlex.split(help.removeprefix("  = help: "))
    assert told[told.index("--timeouts") + 1] == "2,P:1"
    assert quorate(*told[1:]).status == 0
    options = "--timeouts", "P:1", "--crashes", "P", "--no-deadlock", "--no-reduction"
    refused = quorate("check", "--resume", "kept", *options, "turns.da")
    assert refused.status == 2
    assert "--timeouts was 2,P:1, and is P:1" in refused.err


def test_a_file_that_is_gone_on_from_is_written_again(quorate: Quorate) -> None:
    quorate("check", "--checkpoint", "kept", "--states", "4", "--no-reduction", "turns.da")
    options = "--states", "8", "--no-reduction"
    again = quorate("check", "--resume", "kept", *options, "turns.da")
    assert "  8 states are kept in kept" in again.out
    other = quorate("check", "--resume", "kept", "--checkpoint", "other", *options, "turns.da")
    assert "quorate check --resume other --no-reduction turns.da" in other.out


def test_data_is_not_mixed_with_what_is_said(quorate: Quorate) -> None:
    ended = quorate("check", "--checkpoint", "kept", "--states", "6", "--json", "turns.da")
    assert json.loads(ended.out)["stopped"] == "states"
    assert "= help: quorate check --resume kept turns.da" in ended.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--every", "5"], "--every is of --checkpoint"),
        (["--checkpoint", "kept", "--exact"], "not of --exact"),
        (["--checkpoint", "kept", "--search", "depth"], "--checkpoint is for --search breadth"),
        (["--resume", "turns.da", "--search", "walks"], "--resume is for --search breadth"),
        (["--resume", "nowhere"], "'nowhere' does not exist"),
        (["--checkpoint", "turns.da"], "turns.da is there, and is no checkpoint"),
        (["--checkpoint", "nowhere/kept"], "nothing can be written to its folder"),
        (["--checkpoint", "pipe"], "pipe is no file that can be replaced"),
        (["--resume", "pipe"], "pipe is no file that can be replaced"),
        (["--resume", "turns.da"], "error[Q146]: turns.da is no checkpoint, or is damaged: it"),
    ],
)
def test_wrong_usage(quorate: Quorate, options: list[str], message: str) -> None:
    os.mkfifo("pipe")
    ended = quorate("check", *options, "turns.da")
    assert ended.status == 2
    assert message in ended.err
    assert Path("turns.da").read_text() == TURNS


def test_another_search_is_refused(quorate: Quorate) -> None:
    quorate("check", "--checkpoint", "kept", "--states", "6", "turns.da")
    kept = Path("kept").read_bytes()
    Path("turns.da").write_text(TURNS.replace("3", "4"))
    ended = quorate("check", "--resume", "kept", "--losses", "1", "turns.da")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error[Q147]: kept is of another search: turns.da has been changed")
    assert "; --losses was 0, and is 1\n  = help: give the program" in ended.err
    assert Path("kept").read_bytes() == kept


def test_what_could_not_be_written_is_said(
    quorate: Quorate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    ended = quorate("check", "--checkpoint", "kept", "--states", "6", "turns.da")
    assert ended.status == 3
    assert "warning: kept could not be written: No space left on device" in ended.out
    assert "--resume" not in ended.out
    assert not list(Path().glob("kept*"))
