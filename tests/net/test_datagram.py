"""Each datagram is taken at most once, and only from who has written it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.net import datagram
from quorate.net.datagram import BadDatagram, DatagramOpener, DatagramSealer


def opened(opener: DatagramOpener, text: bytes) -> bytes | None:
    try:
        return opener.open(text)
    except BadDatagram:
        return None


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 12))
def test_the_window_is_a_set_of_numbers(order: list[int], window: int) -> None:
    sealer, opener = DatagramSealer(b"key"), DatagramOpener(b"key")
    sent = [sealer.seal(f"{number}".encode()) for number in range(41)]
    came: set[int] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datagram, "WINDOW", window)
        for number in order:
            new = number not in came and (not came or number > max(came) - window)
            assert opened(opener, sent[number]) == (f"{number}".encode() if new else None)
            came |= {number} if new else set()


@given(st.data(), st.binary(max_size=20))
def test_what_was_changed_is_refused(data: st.DataObject, body: bytes) -> None:
    text, opener = DatagramSealer(b"key").seal(body), DatagramOpener(b"key")
    bit = data.draw(st.integers(8 * datagram.TAG_BYTES, 8 * len(text) - 1))
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    for wrong in (bytes(changed), text[:-1], b"", DatagramSealer(b"other").seal(body)):
        assert opened(opener, wrong) is None
    assert text.startswith(opener.tag) and opened(opener, text) == body
