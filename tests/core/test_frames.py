"""Routines and frames: a call of a suspendable method is a value."""

from typing import Any

import pytest

from quorate.core import api as core_
from quorate.core.frames import PAUSE, RETURN


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


def test_a_routine_is_called_like_the_method_it_was() -> None:
    frame = P.method(PROCESS, 1, z=4)
    assert (frame.x, frame.y, frame.z, frame.block_) == (1, 2, 4, "start")
    assert P.method.__qualname__ == "P.method"
    assert P.method.__doc__ == "Says what it does."
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        P.method(PROCESS)
    assert repr(frame) == "P.method[start](x=1, y=2, z=4)"


def test_blocks_run_until_one_does_more_than_go_to_another() -> None:
    frame = P.method(PROCESS, 1)
    assert frame.advance_(PROCESS, None) is PAUSE
    assert (frame.block_, frame.label_) == ("start", "label")


def test_a_frame_says_where_it_waits() -> None:
    frame = P.method(PROCESS, 1)
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
    frame = P.method(PROCESS, raises(error))
    assert frame.advance_(PROCESS, None) is RETURN
    assert frame.result_ == ("handled", error)


def test_an_exception_in_a_handler_goes_on_outwards() -> None:
    frame = P.method(PROCESS, raises(KeyError("again")))
    assert frame.advance_(PROCESS, None) is RETURN
    assert repr(frame.result_) == "('last', ValueError('in handler'))"


def test_an_exception_of_a_called_frame_goes_where_the_call_stands() -> None:
    frame = P.method(PROCESS, 1)
    error = KeyError(2)
    assert frame.advance_(PROCESS, error) is RETURN
    assert frame.result_ == ("handled", error)


def test_an_exception_that_nobody_handles_leaves_the_frame() -> None:
    frame = P.method(PROCESS, 1)
    frame.block_ = "last"
    with pytest.raises(KeyError):
        frame.advance_(PROCESS, KeyError(3))


def test_a_variable_without_a_value_is_python_s_error() -> None:
    with pytest.raises(UnboundLocalError, match="`nobody`"):
        P.method(PROCESS, 1).nobody


def test_assignments_inside_expressions() -> None:
    frame = P.method(PROCESS, 1)
    assert frame.set_(x=5, w=6)
    assert frame.let_("y", 7) == 7
    assert (frame.x, frame.w, frame.y) == (5, 6, 7)
