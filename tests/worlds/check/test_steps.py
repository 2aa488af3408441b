"""Local states: the same where a process does the same from there on."""

from pathlib import Path

from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import check

WAITING = """
class P(process):
    def setup():
        self.fired = 0

    def run():
        while fired < 3:
            if await(False): pass
            elif timeout(1):
                fired += CHANGE
                again = fired

def main():
    start(new(P, ()))

@sometimes
def fires():
    return some(p in P, has=p.fired == HOWEVER)
"""


def waiting(folder: Path, change: int, however: int) -> Path:
    path = folder / "waiting.da"
    path.write_text(WAITING.replace("CHANGE", str(change)).replace("HOWEVER", str(however)))
    return path


def test_one_timer_after_another_fires(tmp_path: Path) -> None:
    assert check(waiting(tmp_path, 1, 3), (), Bounds(timeouts=3)).verdict == "holds"


def test_a_timer_that_is_set_again_is_the_same(tmp_path: Path) -> None:
    assert check(waiting(tmp_path, 0, 0), (), Bounds(timeouts=3)).graph.states == 1


CALLING = """
class P(process):
    def setup():
        self.called = False

    def run():
        -- call
        if not called:
            wait()
        await(False)

    def wait():
        called = True
        await(timeout(1))

def main():
    start(new(P, ()))

@sometimes
def calls():
    return some(p in P, has=p.called)
"""


def test_a_method_that_waits_is_called_after_a_label(tmp_path: Path) -> None:
    path = tmp_path / "calling.da"
    path.write_text(CALLING)
    assert check(path, (), Bounds(timeouts=1)).verdict == "holds"
