"""Stands in for the generator of a process."""
from random import Random


class Chance(Random):
    pass
