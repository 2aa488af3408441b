"""Quorate: distributed algorithms as short programs that run, simulate and check.

The public names stand here; everything else may change between versions.
Importing this package imports nothing else, so that the command line starts quickly.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
