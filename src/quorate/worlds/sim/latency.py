"""How long messages are under way: distributions, as functions of one uniform number.

Invariant: a delay takes exactly one random number, so that two runs of one seed under different
models draw the same numbers for the same messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

from quorate.lang.faults import Fault

DELAY_SECONDS_MIN = 0.000_1
DELAY_SECONDS_MAX = 0.001


class Latency(NamedTuple):
    """A delay in seconds: `low + spread * u` of a uniform `u` below 1; `curve(u)` if there is one.

    The straight ones are nearly all that is used, and need no call.
    """

    low: float = DELAY_SECONDS_MIN
    spread: float = DELAY_SECONDS_MAX - DELAY_SECONDS_MIN
    curve: Callable[[float], float] | None = None

    def seconds(self, u: float) -> float:
        return self.low + self.spread * u if self.curve is None else self.curve(u)


def latency_of(fault: Fault) -> Latency:
    """What `--latency` says."""
    parameters = fault["parameters"]
    match fault["model"]:
        case "constant":
            return Latency(parameters["value"], 0.0)
        case "uniform":
            return Latency(parameters["min"], parameters["max"] - parameters["min"])
        case "exponential":
            mean, least = parameters["mean"], parameters["min"]
            return Latency(0.0, 0.0, lambda u: least - mean * math.log1p(-u))
        case "lognormal":
            median, sigma = parameters["median"], parameters["sigma"]
            normal = NormalDist().inv_cdf
            return Latency(0.0, 0.0, lambda u: median * math.exp(sigma * normal(u or 2.0**-54)))
    raise AssertionError(fault)
