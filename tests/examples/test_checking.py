"""Every interleaving of examples, as small as they can be: what their headers promise holds."""

from pathlib import Path
from typing import Any

import pytest

from quorate.testing import check

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("example", "args", "bounds", "states"),
    [
        ("ping_pong", (1, 2), {}, 9),
        ("two_phase_commit", (2, 1), {}, 206),
        ("two_phase_commit", (2, 1), {"timeouts": 1}, 657),
        ("two_phase_commit", (2, 1), {"timeouts": 1, "crashes": 1, "deadlocks": False}, 3_326),
        ("basic_paxos", (1, 3, 1), {}, 6_270),
        ("basic_paxos", (1, 2, 1), {"timeouts": 1}, 3_091),
        ("lamport_mutex", (2, 1), {}, 378),
        ("lamport_mutex_queue", (2, 1), {}, 362),
        ("ricart_agrawala", (2, 2), {}, 869),
        ("ricart_agrawala_token", (2, 1), {}, 61),
        ("suzuki_kasami", (2, 1), {}, 61),
        ("chang_roberts", (4, 2), {}, 1_034),
        ("gossip", (2,), {}, 3_258),
        ("atomic_register", (2, 1, 1), {}, 561),
        ("atomic_register", (2, 1, 1), {"timeouts": 1}, 12_149),
    ],
)
def test_an_example_holds_in_every_interleaving(
    example: str, args: tuple[int, ...], bounds: dict[str, Any], states: int
) -> None:
    """With nothing left out there are so many states; which are left out may change."""
    file = EXAMPLES / f"{example}.da"
    assert check(file, *args, **bounds, reduce=False) == states
    assert check(file, *args, **bounds) <= states
