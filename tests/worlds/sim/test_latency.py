"""The distributions of latency are those that they are called."""

import math
from random import Random

import pytest

from quorate.lang.faults import fault_of
from quorate.worlds.sim.latency import Latency, latency_of

DRAWS = [Random(1).random() for _ in range(1)] + [(i + 0.5) / 10_000 for i in range(10_000)]


def delays(text: str) -> list[float]:
    latency = latency_of(fault_of("latency", text))
    return sorted(map(latency.seconds, DRAWS))


def test_without_any_it_is_uniform() -> None:
    assert Latency().seconds(0.0) == 0.000_1
    assert Latency().seconds(0.5) == pytest.approx(0.000_55)


def test_constant_and_uniform() -> None:
    assert set(delays("5ms")) == {0.005}
    found = delays("1ms..5ms")
    assert (found[0], found[-1]) == pytest.approx((0.001, 0.005), abs=1e-5)
    assert found[len(found) // 2] == pytest.approx(0.003, abs=1e-5)


def test_exponential() -> None:
    found = delays("exponential:mean=5ms,min=1ms")
    assert found[0] >= 0.001
    assert sum(found) / len(found) == pytest.approx(0.006, rel=0.01)
    assert found[len(found) // 2] == pytest.approx(0.001 + 0.005 * math.log(2), rel=0.01)


def test_lognormal() -> None:
    found = delays("lognormal:median=2ms,sigma=1")
    assert found[len(found) // 2] == pytest.approx(0.002, rel=0.01)
    mean = 0.002 * math.exp(0.5)
    assert sum(found) / len(found) == pytest.approx(mean, rel=0.02)
    assert latency_of(fault_of("latency", "lognormal:median=2ms")).seconds(0.0) > 0.0
