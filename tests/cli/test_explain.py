"""`quorate explain` finds every code, in the ways people write them."""

from collections.abc import Callable

import pytest

from quorate.lang.codes import codes


def test_lists_all_codes(quorate: Callable) -> None:
    outcome = quorate("explain")
    assert outcome.status == 0
    assert [line.split("  ")[0] for line in outcome.out.splitlines()] == list(codes())


@pytest.mark.parametrize("code", ["Q012", "q12", "12"])
def test_explains(quorate: Callable, code: str) -> None:
    outcome = quorate("explain", code)
    assert outcome.status == 0
    assert outcome.out.startswith("Q012: ")


@pytest.mark.parametrize("code", ["Q999", "", "-", "Q²", "hello"])
def test_an_unknown_code(quorate: Callable, code: str) -> None:
    outcome = quorate("explain", code)
    assert outcome.status == 2
    assert f"There is no code '{code}'" in outcome.err
