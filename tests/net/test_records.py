"""Records arrive as they were sealed, or not at all."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.net.records import BadRecord, Opener, Sealer, Splitter

bodies = st.lists(st.binary(max_size=40), max_size=6)


@given(bodies, st.lists(st.integers(0, 30), min_size=1))
def test_records_may_come_in_pieces(bodies: list[bytes], sizes: list[int]) -> None:
    sealer, opener, splitter = Sealer(b"key"), Opener(b"key"), Splitter(60)
    data = b"".join(sealer.seal(body[:9], body[9:]) for body in bodies)
    came = []
    for size in itertools.chain(sizes, itertools.repeat(1)):
        piece, data = data[:size], data[size:]
        splitter.feed(piece)
        while (record := splitter.next()) is not None:
            came.append(opener.open(record))
        if not data:
            break
    assert came == bodies


@given(st.data(), st.lists(st.binary(min_size=1, max_size=9), min_size=2, max_size=5, unique=True))
def test_a_record_opens_only_as_it_is_and_in_its_place(
    data: st.DataObject, bodies: list[bytes]
) -> None:
    sealer, opener = Sealer(b"key"), Opener(b"key")
    records = [sealer.seal(body)[4:] for body in bodies]
    place = data.draw(st.integers(0, len(records) - 1))
    for record in records[:place]:
        opener.open(record)
    wrong = [each for n, each in enumerate(records) if n != place]  # repeated, or left out
    bit = data.draw(st.integers(0, 8 * len(records[place]) - 1))
    changed = bytearray(records[place])
    changed[bit // 8] ^= 1 << bit % 8
    for record in (*wrong, bytes(changed), records[place][:-1], b"", Sealer(b"other").seal(b"x")):
        with pytest.raises(BadRecord):
            opener.open(record)
    assert opener.open(records[place]) == bodies[place], "what was refused has changed nothing"


@pytest.mark.parametrize("length", [101, 1 << 30, (1 << 32) - 1])
def test_a_length_that_is_too_great_is_not_waited_for(length: int) -> None:
    splitter = Splitter(100)
    splitter.feed(length.to_bytes(4, "little"))
    with pytest.raises(BadRecord, match=f"{length} bytes, at most 100"):
        splitter.next()
