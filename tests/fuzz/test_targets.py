"""The fuzzer's targets take what they are to take, and hold what they say under small changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import INTRODUCED, REGISTRY, SAID, TARGETS
from quorate.net.codec import Decoder
from quorate.net.guarded import GuardedDecoder

CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), max_size=4)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_a_target_holds(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    seed = bytearray(data.draw(st.sampled_from(target.seeds)))
    for where, change in data.draw(CHANGES):
        seed[where % len(seed)] ^= change
    target.take(bytes(seed) + data.draw(st.binary(max_size=40)))


def test_what_is_said_well_is_taken() -> None:
    """So the fuzzer begins with bytes that go all the way."""
    for decoder in (Decoder(REGISTRY), GuardedDecoder(REGISTRY, here="a", there="b")):
        assert len(decoder.feed(INTRODUCED + SAID)) == 13
        assert getattr(decoder, "refused", 0) == 0
