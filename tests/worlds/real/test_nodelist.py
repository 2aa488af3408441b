"""Nodes as people write them, and files of such lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.worlds.real.membership import Address
from quorate.worlds.real.nodelist import NodeError, read_list, read_node, read_place

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", fullmatch=True)
HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True),
    st.ip_addresses().map(str),
)


@given(NAMES, HOSTS, st.integers(1, 65_535))
def test_what_is_written_is_read(name: str, host: str, port: int) -> None:
    address = Address(host, port)
    assert read_node(f"{name}@{address}") == (name, host, port)
    assert read_node(f"{name}@{address}").address == address
    assert read_node(name) == (name, "", None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("b.example", ("b.example", None)),
        ("192.0.2.7:1", ("192.0.2.7", 1)),
        ("[::1]", ("::1", None)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65_535)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_places(text: str, place: tuple[str, int | None]) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`` is no name of a node"),
        ("-n", "`-n` is no name of a node"),
        (".b", "`.b` is no name of a node"),
        ("b c", "`b c` is no name of a node"),
        ("b\n", "is no name of a node"),
        ("../b", "`../b` is no name of a node"),
        ("bé@host", "`bé` is no name of a node"),
        ("x" * 65, "is no name of a node"),
        ("@host:1", "`` is no name of a node"),
        ("b@", "there is no host in ``"),
        ("b@:7420", "there is no host in `:7420`"),
        ("b@a@c", "`a@c` is no host"),
        ("b@a/c", "`a/c` is no host"),
        ("b@host:", "`` is no port"),
        ("b@host:-1", "`-1` is no port"),
        ("b@host:65536", "`65536` is no port"),
        ("b@host:٣", "`٣` is no port"),
        ("b@host:1:2", "`host:1:2` is no address"),
        ("b@::1", "`::1` is no address"),
        ("b@[::1", "`[::1` is no address"),
        ("b@[::1]7", "`[::1]7` is no address"),
        ("b@[host]:7", "`[host]:7` is no address"),
    ],
)
def test_what_is_no_node(text: str, said: str) -> None:
    with pytest.raises(NodeError) as raised:
        read_node(text)
    assert said in raised.value.message
    assert raised.value.help


def test_what_cannot_be_dialed() -> None:
    assert read_node("b@host").address == Address("host", 7420)
    with pytest.raises(NodeError, match="`b` has no address"):
        _ = read_node("b").address
    with pytest.raises(NodeError, match="port 0 of `b`"):
        _ = read_node("b@host:0").address


LIST = """\
# the nodes of the first floor
a@192.0.2.1:7420
  b@[2001:db8::7]  # and its neighbour

c@c.example:1
"""

WRONG = """\
a@192.0.2.1:7420
b@192.0.2.2:port
a@192.0.2.3
  c@192.0.2.1  # on the same machine
d
"""


def test_a_list(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text(LIST)
    assert read_list(str(tmp_path / "nodes")) == {
        "a": Address("192.0.2.1", 7420),
        "b": Address("2001:db8::7", 7420),
        "c": Address("c.example", 1),
    }


def test_all_that_is_wrong_with_a_list_is_said(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text(WRONG)
    with pytest.raises(QuorateSyntaxError) as raised:
        read_list(str(tmp_path / "nodes"))
    found = [(each.code, each.span.line, each.message) for each in raised.value.diagnostics]
    assert found == [
        ("Q152", 2, "`port` is no port"),
        ("Q152", 3, "this node is here twice"),
        ("Q152", 4, "this address is here twice"),
        ("Q152", 5, "`d` has no address"),
    ]
    assert "4 |   c@192.0.2.1  # on the same machine" in str(raised.value)
    assert "|   ^^^^^^^^^^^" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"a@\xff:1\n", "Q002"), (b"a@b:1\0\n", "Q002"), (None, "Q001"), (b"# a\n", "Q152")],
)
def test_a_list_that_cannot_be_read(tmp_path: Path, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / "nodes").write_bytes(content)
    with pytest.raises(QuorateSyntaxError) as raised:
        read_list(str(tmp_path / "nodes"))
    assert [each.code for each in raised.value.diagnostics] == [code]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    text = data.decode("latin-1")
    try:
        node = read_node(text)
    except NodeError:
        return
    place = f"@{Address(node.host, node.port or 0)}" if node.host else ""
    assert text.startswith(node.name)
    assert read_node(f"{node.name}{place}").host == node.host
