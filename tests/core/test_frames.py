"""Routines and frames: a call of a suspendable method is a value."""

import functools
from typing import Any

import pytest

from quorate.core import api as core_
from quorate.core.frames import PAUSE, RETURN
from stage import Stage


class P(core_.Process):
    @core_.routine
    class method:
        """Says what it does."""

        waits = {"wait": (3, "x > 1")}
        on_error = {"start": "handler", "handler": "last"}

        def call(self, x: Any, y: Any = 2, *rest: Any, z: Any = 3, **more: Any) -> Any:
            "Says what it does."
            return {"x": x, "y": y, "z": z}

        def start(self, frame: Any) -> Any:
            return frame.x(frame) if callable(frame.x) else "wait"

        def wait(self, frame: Any) -> Any:
            return frame.pause_("label", "start")

        def handler(self, frame: Any) -> Any:
            if frame.error_.args == ("again",):
                raise ValueError("in handler")
            return frame.return_(("handled", frame.error_))

        def last(self, frame: Any) -> Any:
            return frame.return_(("last", frame.error_))


PROCESS: Any = None


def call(*args: Any, **kwargs: Any) -> Any:
    return core_.begin(P.method, (PROCESS, *args), kwargs)


def test_a_routine_is_called_like_the_method_it_was() -> None:
    frame = call(1, z=4)
    assert (frame.x, frame.y, frame.z, frame.block_) == (1, 2, 4, "start")
    assert P.method.__qualname__ == "P.method"
    assert P.method.__doc__ == "Says what it does."
    with pytest.raises(TypeError, match=r"P\.method\(\) missing 1 required .* argument: 'x'"):
        call()
    assert repr(frame) == "P.method[start](x=1, y=2, z=4)"


def test_blocks_run_until_one_does_more_than_go_to_another() -> None:
    frame = call(1)
    assert frame.advance_(PROCESS, None) is PAUSE
    assert (frame.block_, frame.label_) == ("start", "label")


def test_a_frame_says_where_it_waits() -> None:
    frame = call(1)
    assert frame.place_() == (0, "")
    frame.block_ = "wait"
    assert frame.place_() == (3, "x > 1")


def raises(error: BaseException) -> Any:
    def block(frame: Any) -> Any:
        frame.block_ = "lost"  # as pause_ and its kin do before they end the block
        raise error

    return block


def test_an_exception_goes_where_its_block_says() -> None:
    error = KeyError(1)
    frame = call(raises(error))
    assert frame.advance_(PROCESS, None) is RETURN
    assert frame.result_ == ("handled", error)


def test_an_exception_in_a_handler_goes_on_outwards() -> None:
    frame = call(raises(KeyError("again")))
    assert frame.advance_(PROCESS, None) is RETURN
    assert repr(frame.result_) == "('last', ValueError('in handler'))"


def test_an_exception_of_a_called_frame_goes_where_the_call_stands() -> None:
    frame = call(1)
    error = KeyError(2)
    assert frame.advance_(PROCESS, error) is RETURN
    assert frame.result_ == ("handled", error)


def test_an_exception_that_nobody_handles_leaves_the_frame() -> None:
    frame = call(1)
    frame.block_ = "last"
    with pytest.raises(KeyError):
        frame.advance_(PROCESS, KeyError(3))


class Caller(core_.Process):
    """Calls what waits, and what does not, where nothing can wait."""

    @core_.routine
    class ask:
        waits = {"after": (9, "-- here")}
        on_error = {"after": "lost"}

        def call(self, x: Any) -> Any:
            return {"x": x}

        def start(self, frame: Any) -> Any:
            return frame.pause_("here", "after") if frame.x is None else frame.return_(frame.x + 1)

        def after(self, frame: Any) -> Any:
            raise AssertionError("nothing comes back to it")

        def lost(self, frame: Any) -> Any:
            return frame.return_(frame.error_)

    @core_.routine
    class twice:
        on_error = {"start": "caught"}

        def call(self, x: Any) -> Any:
            return {"x": x}

        def start(self, frame: Any) -> Any:
            return frame.call_(self.ask, "then", frame.x)

        def then(self, frame: Any) -> Any:
            return frame.return_(frame.result_ * 2)

        def caught(self, frame: Any) -> Any:
            raise KeyError from frame.error_


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Any:
    process = Caller(core_.ProcessId("P", (1,)), core_.ProcessId("Q", (2,)), Stage())
    monkeypatch.setattr(core_.here, "process", process)
    return process


def test_a_call_where_nothing_can_wait_runs_to_its_end(caller: Any) -> None:
    assert list(map(caller.ask, [1, 2])) == [2, 3]
    assert max([3, 4], key=caller.twice) == 4


def test_it_is_an_error_to_wait_there_and_the_method_may_clean_up(caller: Any) -> None:
    error = caller.ask(None)
    assert isinstance(error, core_.ProgramError)
    assert str(error).startswith("[Q115] `ask` waits, and is called where nothing can wait")
    with pytest.raises(KeyError):
        caller.twice("text")


@pytest.mark.parametrize(
    "called",
    [
        lambda caller: caller.ask,
        lambda caller: functools.partial(caller.ask),
        lambda caller: functools.partial(Caller.ask, caller),
    ],
)
def test_what_only_hands_on_may_wait(called: Any, caller: Any) -> None:
    frame = core_.begin(called(caller), (None,))
    assert frame.advance_(caller, None) is PAUSE


def test_a_decorator_of_python_s_own_may_not(caller: Any) -> None:
    @functools.wraps(Caller.ask)
    def logged(*args: Any) -> Any:
        return Caller.ask(*args)

    error = core_.begin(logged, (caller, None))
    assert isinstance(error, core_.ProgramError)


def test_a_variable_without_a_value_is_python_s_error() -> None:
    with pytest.raises(UnboundLocalError, match="`nobody`"):
        call(1).nobody


def test_assignments_inside_expressions() -> None:
    frame = call(1)
    assert frame.set_(x=5, w=6)
    assert frame.let_("y", 7) == 7
    assert (frame.x, frame.w, frame.y) == (5, 6, 7)
