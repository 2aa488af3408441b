"""The checked world: every interleaving of a program, within bounds."""
