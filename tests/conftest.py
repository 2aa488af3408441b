"""What every test shares: the option --update, and the rule that it runs in one process."""

import os

import pytest

import cases

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite the expected parts of tests/data/*.test by what the tests see",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--update"):
        return
    if getattr(config.option, "numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        raise pytest.UsageError("--update rewrites files and runs in one process: use it with -n 0")
    cases.start_updating()
