"""The random numbers of the checked world: whatever can be drawn is an outcome.

Of finitely many, each is; of a continuous distribution what worlds/check/undecided.py says. A seed
changes nothing, for another could have been given. Invariant: a generator has one state for ever,
so that processes which differ in nothing else are equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from quorate.worlds.check.undecided import Undecided, one_of


class Chance(Random):
    """The twin of `random.Random`. ProgramError (Q128) where too many outcomes would be tried."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(0)

    # Of finitely many.

    def _randbelow(self, n: int) -> int:
        return one_of(n)  # what `randrange`, `choice` and `shuffle` draw by

    def getrandbits(self, k: int) -> int:
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        return one_of(1 << k)

    def choices(
        self,
        population: Any,
        weights: Any = None,
        *,
        cum_weights: Any = None,
        k: int = 1,
    ) -> list[Any]:
        """Whatever has a weight is as good as anything else."""
        super().choices(population, weights, cum_weights=cum_weights, k=0)  # complains as it does
        before = [0.0, *cum_weights] if cum_weights is not None else []
        weights = [b - a for a, b in pairwise(before)] or weights
        possible = [
            each for place, each in enumerate(population) if weights is None or weights[place] > 0
        ]
        return [self.choice(possible) for _ in range(k)]

    def sample(self, population: Any, k: int, *, counts: Iterable[int] | None = None) -> list[Any]:
        """One after the other, never by drawing again what has been drawn."""
        if not isinstance(population, Sequence):
            raise TypeError("Population must be a sequence.  For dicts or sets, use sorted(d).")
        times = [1] * len(population) if counts is None else counts
        pool = [each for each, n in zip(population, times, strict=True) for _ in range(n)]
        if not 0 <= k <= len(pool):
            raise ValueError("Sample larger than population or is negative")
        return [pool.pop(one_of(len(pool))) for _ in range(k)]

    def binomialvariate(self, n: int = 1, p: float = 0.5) -> int:
        if n < 0 or not 0 <= p <= 1:
            raise ValueError("n must be non-negative, and p from 0 to 1")
        return one_of(n + 1) if 0 < p < 1 else n * int(p)

    # Continuous: `uniform` draws by `random`.

    def random(self) -> Any:
        return Undecided.between(0.0, 1.0)

    def uniform(self, a: float, b: float) -> Any:
        return a + (b - a) * self.random()

    def triangular(self, low: float = 0.0, high: float = 1.0, mode: float | None = None) -> Any:
        return self.uniform(low, high)

    def betavariate(self, alpha: float, beta: float) -> Any:
        return self.random()

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> Any:
        return mu + sigma * Undecided.between(-math.inf, math.inf)

    def normalvariate(self, mu: float = 0.0, sigma: float = 1.0) -> Any:
        return self.gauss(mu, sigma)

    def lognormvariate(self, mu: float, sigma: float) -> Any:
        return Undecided.between(0.0, math.inf) if sigma else math.exp(mu)

    def expovariate(self, lambd: float = 1.0) -> Any:
        return Undecided.between(0.0, math.inf) / lambd

    def gammavariate(self, alpha: float, beta: float) -> Any:
        return beta * Undecided.between(0.0, math.inf)

    def weibullvariate(self, alpha: float, beta: float) -> Any:
        return alpha * Undecided.between(0.0, math.inf)

    def paretovariate(self, alpha: float) -> Any:
        return Undecided.between(1.0, math.inf)

    def vonmisesvariate(self, mu: float, kappa: float) -> Any:
        return self.uniform(0.0, math.tau)
