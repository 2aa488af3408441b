"""Quorate: distributed algorithms as short programs that run, simulate and check.

The public names stand here; everything else may change between versions.
Importing this package imports nothing else, so that the command line starts quickly.
"""

__version__ = "0.1.0"

__all__ = ["__version__", "install"]


def install() -> None:
    """Make .da modules importable in this Python, as `quorate run` does for a program.

    A module that does not compile raises a subclass of SyntaxError when it is imported.
    """
    from quorate.compiler.loader import install

    install()
