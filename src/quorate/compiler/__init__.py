"""From the tree of a program to a Python module: the passes, in the order of passes.py."""
