"""Transcripts: what is done is kept, what happens is compared."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.testing.transcripts import TranscriptError, played

PROGRAM = """
class Echo(process):
    def setup(): pass
    def run():
        await(False)
    def receive(msg=('say', x), from_=p):
        send(('said', x), to=p)

def main():
    echo = new(Echo, ())
    start(echo)
    for x in range(2):
        send(('say', x), to=echo)
    await(some(received(('said', 1))))
    assert not some(received(('said', 0)))
    end(echo)
"""


def transcript(folder: Path, *lines: str) -> Path:
    (folder / "echo.da").write_text(PROGRAM)
    path = folder / "echo.transcript"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_what_happens_is_written_below_what_is_done(tmp_path: Path) -> None:
    path = transcript(
        tmp_path, "Prose.", "", "> start echo.da", "  old", "> deliver main>Echo-1#2", "", "End."
    )
    assert played(path).splitlines() == [
        "Prose.",
        "",
        "> start echo.da",
        "  main sends ('say', 0) to Echo-1 as main>Echo-1#1",
        "  main sends ('say', 1) to Echo-1 as main>Echo-1#2",
        "> deliver main>Echo-1#2",
        "  Echo-1 sends ('said', 1) to main as Echo-1>main#1",
        "",
        "End.",
    ]


def test_a_failure_is_told_as_what_happens(tmp_path: Path) -> None:
    path = transcript(tmp_path, "> start echo.da", "> run")
    assert "  main fails: AssertionError" in played(path)


def test_another_start_begins_another_run(tmp_path: Path) -> None:
    path = transcript(tmp_path, "> start echo.da", "> run", "> start echo.da", "> messages")
    assert played(path).endswith("> messages\n  main>Echo-1#1\n  main>Echo-1#2\n")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("delivr main>Echo-1", "did you mean `deliver`"),
        ("tick soon", "no length of time"),
        ("tick", "no length of time"),
        ("start", "names no program"),
        ("start nothing.da", "there is no program nothing.da"),
        ("crash Nobody-1", "Nobody-1"),
        ("partition Echo-1", "partition"),
        ("deliver main>Echo-9", "no message main>Echo-9"),
        ("run main>Echo-1", "takes no names"),
        ("", "there is no command"),
    ],
)
def test_a_command_that_is_wrong_is_told_with_its_line(
    command: str, message: str, tmp_path: Path
) -> None:
    path = transcript(tmp_path, "> start echo.da", f"> {command}")
    with pytest.raises(TranscriptError, match=message) as raised:
        played(path)
    assert f"{path}:2:" in str(raised.value)


def test_nothing_is_done_before_a_start(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="nothing has been started"):
        played(transcript(tmp_path, "> run"))


COMMANDS = st.sampled_from(["deliver", "drop", "duplicate", "run", "tick 1s", "crash Echo-1", "x"])


@given(st.lists(COMMANDS))
def test_playing_again_changes_nothing(tmp_path_factory, commands: list[str]) -> None:
    done = ["prose" if each == "x" else f"> {each}" for each in commands]
    path = transcript(tmp_path_factory.mktemp("t"), "> start echo.da", *done)
    once = played(path)
    path.write_text(once)
    assert played(path) == once
    kept = [line for line in once.splitlines() if not line.startswith("  ")]
    assert kept == ["> start echo.da", *done]
