"""Only those agree who know the same cookie, run the same program, and are who they seem to be."""

from __future__ import annotations

import contextlib
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net.meeting import Party, Side, agree, carry, meet
from quorate.net import handshake
from quorate.net.handshake import Handshake, Refused, Why
from quorate.net.records import plain


@given(st.integers(1, 300))
@settings(max_examples=30)
def test_two_agree_on_keys_and_names_however_bytes_come(size: int) -> None:
    a, b = meet(Party("a"), Party("b"), size)
    here, there = a.handshake.agreed, b.handshake.agreed
    assert here and there
    assert (here.peer, here.incarnation, there.peer) == ("b", 7, "a")
    assert (here.datagrams_out, here.datagrams_in) == (there.datagrams_in, there.datagrams_out)
    assert here.datagrams_out != here.datagrams_in
    for one, other in ((here, there), (there, here)):
        assert other.opener.open(one.sealer.seal(b"hello")[4:]) == b"hello"


def test_a_wrong_cookie_tells_nothing_and_learns_nothing() -> None:
    one, other = Party("a"), Party("b")
    a, b = meet(one, other, cookie=b"wrong")
    assert b.refused and b.refused.why is Why.COOKIE and not b.refused.told
    assert a.refused and a.refused.why is Why.COOKIE and a.refused.told
    assert not (a.handshake.proved or b.handshake.proved or one.introduced or other.introduced)


def test_one_who_lets_everybody_in_is_not_believed() -> None:
    """A listener that does not know the cookie, and accepts any proof."""
    dialer = Side(Party("a"), "b", 1)
    liar = Side(Party("b"), None, 2, b"another")
    liar.feed(bytes(dialer.out))
    dialer.out.clear()
    dialer.feed(bytes(liar.out))
    liar.handshake._believe(liar.handshake._derive(b"proof of dialer"))
    dialer.feed(liar.handshake._sending())
    assert dialer.refused and dialer.refused.why is Why.COOKIE
    assert not dialer.party.introduced


def test_all_that_was_said_once_is_of_no_use_again() -> None:
    a, b = meet(Party("a"), Party("b"))
    again = Side(Party("b"), None, 3)
    again.feed(a.said)
    assert not agree(again) and not again.party.introduced
    assert again.refused and again.refused.why is Why.COOKIE
    again = Side(Party("a"), "b", 4)
    again.feed(b.said)
    assert not agree(again) and not again.party.introduced


def test_what_a_node_says_is_not_taken_back_from_a_mirror() -> None:
    """One without a cookie sends each side what that side, or another of the same node, says."""
    mirrored = Side(Party("a"), "a", 1)
    carry(mirrored, mirrored)
    assert not agree(mirrored)
    listener = Side(Party("b"), None, 2)
    oracle = Side(Party("b"), "b", 3)  # dials itself, by way of the attacker
    carry(oracle, listener)
    assert listener.refused and listener.refused.why is Why.TAKEN
    assert str(listener.refused) == "there is another node of the name b, this one"
    assert not (agree(listener) or agree(oracle))


def test_a_proof_of_one_role_is_none_of_the_other() -> None:
    """The attacker has two listeners of one cookie prove themselves to each other."""
    one, other = Side(Party("a"), None, 1), Side(Party("b"), None, 2)
    one.feed(Side(Party("b"), "a", 2).said)
    other.feed(Side(Party("a"), "b", 1).said)
    carry(one, other)
    assert not (agree(one) or agree(other) or one.handshake.proved or other.handshake.proved)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whoever_changes_a_byte_on_the_way_is_noticed(data: st.DataObject) -> None:
    a, b = Side(Party("a"), "b", 1), Side(Party("b"), None, 2)
    victim, source = (a, b) if data.draw(st.booleans()) else (b, a)
    total = len(_said_by(source is a))
    place, by = data.draw(st.integers(0, total - 1)), data.draw(st.integers(1, 255))
    passed = 0
    while a.out or b.out:
        for here, there in ((a, b), (b, a)):
            piece = bytearray(here.out)
            here.out.clear()
            if here is source:
                if passed <= place < passed + len(piece):
                    piece[place - passed] ^= by
                passed += len(piece)
            there.feed(bytes(piece))
    assert not agree(victim)


def _said_by(dialer: bool) -> bytes:
    a, b = meet(Party("a"), Party("b"))
    return a.said if dialer else b.said


def test_another_program_is_named_on_both_sides() -> None:
    a, b = meet(Party("a"), Party("b", {"pong.da": "99"}))
    for side in (a, b):
        assert side.refused and side.refused.proved
        assert str(side.refused) == "its program is another: pong.da differs"


def test_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    dialer = Side(Party("a"), "b", 1)
    monkeypatch.setattr(handshake, "VERSION", 2)
    listener = Side(Party("b"), None, 2)
    carry(dialer, listener)
    assert str(listener.refused) == "it speaks another version of the protocol: 1, and here it is 2"
    said = "it says that this node speaks another version of the protocol"
    assert str(dialer.refused) == said


def test_who_answers_is_who_was_dialed() -> None:
    a = Side(Party("a"), "c", 1)
    b = Side(Party("b"), None, 2)
    carry(a, b)
    assert str(a.refused) == "a node of another name is there: b"
    assert not b.party.introduced


def test_a_certificate_is_for_the_name() -> None:
    a, b = Side(Party("a"), "b", 1), Side(Party("b"), None, 2)
    b.handshake.certified = lambda name: name == "z"
    carry(a, b)
    assert str(b.refused) == "its certificate is not for the name a"
    assert str(a.refused) == "it says that the certificate of this node is not for the name a"
    assert a.refused and a.refused.told and not b.party.introduced


@pytest.mark.parametrize("why", Why)
def test_a_reason_reads_from_the_side_that_reads_it(why: Why) -> None:
    """What one says of its peer is told to that in words about "this node", or with its name."""
    a = Side(Party("a"), "b", 1)
    a.feed(plain(handshake._encode(handshake.Denial(why))))
    assert a.refused and a.refused.told and a.refused.why is why
    found, told = str(Refused(why, "detail")), str(a.refused)
    assert "{" not in found + told and "detail" not in told
    if why is not Why.CROSSED:
        assert found != told and re.search("this node|name a$|than a$", told)


@pytest.mark.parametrize("wanted", [None, "b"])
@pytest.mark.parametrize(
    "data",
    [bytes.fromhex("16030100f8010000f40303"), bytes.fromhex("15030300020246")],
    ids=["hello", "alert"],
)
def test_tls_is_recognised(data: bytes, wanted: str | None) -> None:
    side = Side(Party("a"), wanted, 1)
    before = len(side.said)
    side.feed(data)
    assert str(side.refused) == "it speaks TLS, and this node does not (--tls-cert)"
    peer = Side(Party("b"), None, 2)
    peer.feed(side.said[before:])
    assert peer.refused and peer.refused.why is Why.TLS and peer.refused.told


def test_what_only_looks_like_tls_is_nonsense() -> None:
    a, b = Side(Party("a"), "b", 1), Side(Party("b"), None, 2)
    b.feed(bytes(a.out))
    b.feed(bytes.fromhex("16030100f8010000f40303"))  # after a hello
    assert b.refused and b.refused.why is Why.NONSENSE


@pytest.mark.parametrize("dials", [True, False])
def test_what_a_node_refuses_the_other_is_told(dials: bool) -> None:
    one, other = Party("a"), Party("b")
    (one if dials else other).refuses = Why.TAKEN
    for side in meet(one, other):
        assert side.refused and side.refused.why is Why.TAKEN and side.refused.proved


HOSTILE = [
    b"GET / HTTP/1.1\r\n\r\n",
    (1 << 30).to_bytes(4, "little"),
    pickle.dumps(["quorate", 1]),
    b"\x04\x00\x00\x00" + pickle.dumps(1)[:4],
    b"\x00" * 64,
    b"\xff" * 64,
    (900).to_bytes(4, "little") + b"\x91" * 900,  # nested as deep as it is long
]


@given(st.sampled_from(HOSTILE) | st.binary(max_size=200), st.sampled_from([None, "b"]))
@settings(max_examples=200, deadline=None)
def test_nonsense_is_refused_or_waited_for(data: bytes, wanted: str | None) -> None:
    hello = Side(Party("z"), "b", 1).said
    for before in (b"", hello, Side(Party("b"), None, 1).said):
        side = Handshake(Party("b" if wanted is None else "a"), b"c", bytes(32), wanted)
        side.begin()
        with contextlib.suppress(Refused):
            side.feed(before + data)
        assert not side.proved and side.agreed is None
