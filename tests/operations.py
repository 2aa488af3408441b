"""Programs whose clients' operations are followed: worlds/check/clients.da, with any guarantee."""

from functools import cache
from pathlib import Path
from types import ModuleType

from hypothesis import strategies as st

from quorate.worlds.check.run import load_for_checking

PROGRAM = (Path(__file__).parent / "worlds" / "check" / "clients.da").read_text()

GUARANTEES = ["linearizable", "sequential", "sessions"]

SCRIPTS = st.one_of(
    st.lists(st.text("wr", min_size=1, max_size=1), min_size=3, max_size=3),
    st.lists(st.text("wr", min_size=1, max_size=2), min_size=1, max_size=2),
    st.lists(st.text("wrufl", min_size=1, max_size=2), min_size=2, max_size=2),
)

ARGS = st.tuples(
    st.sampled_from(["none", "stale", "lost"]),
    st.sampled_from([1, 1, 2]),
    st.sampled_from([0, 0, 1]),
    SCRIPTS,
).map(lambda args: (*args[:3], *args[3]))
"""Faults, servers, whether clients write the same, and what each of them does."""


@cache
def program(guarantee: str, folder: Path) -> ModuleType:
    path = folder / f"{guarantee}.da"
    path.write_text(PROGRAM.replace("\nlinearizable(", f"\n{guarantee}("))
    return load_for_checking(path)
