"""All outcomes of a program that asks: it is run again and again, each time by other answers.

Invariant: every sequence of answers is tried once, and one that is given up has no outcome.
"""

from collections.abc import Callable
from typing import Any

from quorate.core.ambient import here
from quorate.core.choosing import GivenUp


def outcomes(run: Callable[[], Any]) -> list[Any]:
    """What `run` answers for each sequence of answers, in the order of these."""
    return [outcome for _, outcome in scripts(run)]


def scripts(run: Callable[[], Any]) -> list[tuple[list[int], Any]]:
    """The same with the answers that led there."""
    found: list[tuple[list[int], Any]] = []
    waiting: list[list[int]] = [[]]
    while waiting:
        script = waiting.pop()
        asked: list[tuple[int, int]] = []  # (answer, of how many)

        def answer(count: int, script: list[int] = script, asked: Any = asked) -> int:
            place = len(asked)
            asked.append((script[place] if place < len(script) else 0, count))
            return asked[-1][0]

        here.choose = answer
        try:
            found.append(([], run()))
            found[-1][0].extend(each for each, _ in asked)
        except GivenUp:
            pass
        finally:
            here.choose = None
        answers = [each for each, _ in asked]
        for place in range(len(script), len(asked)):
            others = range(asked[place][1] - 1, 0, -1)
            waiting += [[*answers[:place], other] for other in others]
    return found
