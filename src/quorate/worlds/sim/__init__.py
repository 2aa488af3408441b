"""The simulated world: one operating-system process, virtual time, one seeded generator."""

from quorate.worlds.sim.run import Output, Run, simulate

__all__ = ["Output", "Run", "simulate"]
