"""The simulated world: one operating-system process, virtual time, one seeded generator."""

from quorate.worlds.sim.run import Adversity, Output, Run, simulate

__all__ = ["Adversity", "Output", "Run", "simulate"]
