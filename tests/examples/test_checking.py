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
        ("two_phase_commit", (2, 1), {}, 111),
        ("two_phase_commit", (2, 1), {"timeouts": 1}, 351),
        ("two_phase_commit", (2, 1), {"timeouts": 1, "crashes": 1, "deadlocks": False}, 1_674),
        ("basic_paxos", (1, 3, 1), {}, 259),
        ("basic_paxos", (1, 2, 1), {"timeouts": 1}, 980),
        ("lamport_mutex", (2, 1), {}, 378),
        ("lamport_mutex_queue", (2, 1), {}, 362),
        ("ricart_agrawala", (2, 2), {}, 776),
        ("ricart_agrawala_token", (2, 1), {}, 55),
        ("suzuki_kasami", (2, 1), {}, 55),
        ("chang_roberts", (4, 2), {}, 763),
        ("gossip", (2,), {}, 1_951),
    ],
)
def test_an_example_holds_in_every_interleaving(
    example: str, args: tuple[int, ...], bounds: dict[str, Any], states: int
) -> None:
    assert check(EXAMPLES / f"{example}.da", *args, **bounds) == states
