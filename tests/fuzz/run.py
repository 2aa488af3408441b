"""Fuzz what takes bytes from strangers, guided by coverage (libFuzzer, by way of atheris).

    pip install atheris; python tests/fuzz/run.py decoder --inputs 10_000_000

Status 0 when all inputs have been tried: none raised anything, took longer than SECONDS_MAX, or
made the memory grow. Otherwise the input is written to crash-*, and repeated by naming that file.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["quorate.net", "quorate.core"]):
    from fuzz.targets import TARGETS

SECONDS_MAX = 10
GROWTH_MIB_MAX = 64
WARM_INPUTS = 100_000
"""After which memory is not to grow: by then all is loaded, and what is cached is there."""


class Watched:
    """A target whose memory is looked at now and then."""

    def __init__(self, name: str) -> None:
        self._take = TARGETS[name].take
        self._inputs = 0
        self._begun = 0.0

    def __call__(self, data: bytes) -> None:
        self._take(data)
        self._inputs += 1
        if self._inputs % WARM_INPUTS == 0:
            self._begun = self._begun or resident_mib()
            grown = resident_mib() - self._begun
            sys.stderr.write(f"{self._inputs:,} inputs, {self._begun:.0f} MiB and {grown:+.0f}\n")
            assert grown < GROWTH_MIB_MAX, "memory grows"


def resident_mib() -> float:
    """The memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    options = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    options.add_argument("target", choices=TARGETS)
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--bytes", type=int, default=2048, help="of an input, at most")
    options.add_argument("files", nargs="*", help="try these only")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(TARGETS[chosen.target].seeds):
            Path(corpus, str(number)).write_bytes(seed)
        words = [f"-runs={chosen.inputs}", f"-seed={chosen.seed}", f"-max_len={chosen.bytes}"]
        words += [f"-timeout={SECONDS_MAX}", "-rss_limit_mb=2048", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *words, *(chosen.files or [corpus])], Watched(chosen.target))
        atheris.Fuzz()  # which ends the process


if __name__ == "__main__":
    main()
