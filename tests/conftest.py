"""What every test shares: the same random examples, and the option --update, in one process."""

import os
import signal

import pytest
from hypothesis import settings

import cases

pytest_plugins = ["pytester", "recorded", "pages"]

# The same examples in every run, unless more of them are asked for: then ever new ones.
settings.register_profile("quorate", derandomize="QUORATE_EXAMPLES" not in os.environ)
settings.load_profile("quorate")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite the expected parts of tests/data/*.test, and transcripts, by what is seen",
    )


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has it ignored,
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # or nohup: what tests start would ignore it too
    if not config.getoption("--update"):
        return
    if getattr(config.option, "numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        raise pytest.UsageError("--update rewrites files and runs in one process: use it with -n 0")
    cases.start_updating()
    config.option.quorate_update = True
