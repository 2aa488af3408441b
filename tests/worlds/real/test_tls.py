"""Nodes with certificates: of one authority, for their names, and nothing below TLS 1.3."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
import uvloop

from quorate.core.errors import ProgramError
from quorate.core.ids import main_id
from quorate.worlds.real import dialing
from quorate.worlds.real.parting import part
from quorate.worlds.real.tls import TlsFiles, contexts
from worlds.real.peering import Node, Proxy, Scene, is_alive, listening, play

Files = Callable[..., TlsFiles]
LONG_AGO = datetime.datetime(2001, 1, 1)
DISTRUSTS = "its certificate is not trusted: .*(issuer|self.signed|signature).*"
DISTRUSTED = "it does not trust the certificate of this node: unknown ca"


@pytest.fixture(scope="module")
def authorities() -> dict[str, trustme.CA]:
    return {name: trustme.CA() for name in ("ours", "another")}


@pytest.fixture(autouse=True)
def _dials_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "AGAIN_SECONDS", 0.001)


@pytest.fixture
def files(tmp_path: Path, authorities: dict[str, trustme.CA]) -> Files:
    def make(
        *names: str, by: str = "ours", trusts: str = "ours", expired: bool = False
    ) -> TlsFiles:
        folder = tmp_path / "-".join((by, trusts, *names, str(expired)))
        folder.mkdir(exist_ok=True)
        dates = {"not_before": LONG_AGO, "not_after": LONG_AGO} if expired else {}
        issued = authorities[by].issue_cert(*names, **dates)
        made = TlsFiles(*(str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem")))
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(made.cert, append=number > 0)
        issued.private_key_pem.write_to_path(made.key)
        Path(made.key).chmod(0o600)
        authorities[trusts].cert_pem.write_to_path(made.ca)
        return made

    return make


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize("cookie", [b"shared", None])
def test_nodes_talk_over_tls(files: Files, new_loop: Callable[[], object], cookie: bytes) -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files("b"), cookie=cookie)
        proxy = Proxy(b.me.address)
        b.me.known["a"] = proxy.address  # type: ignore[index]
        a = scene.node("a", tls=files("a", "other"), cookie=cookie, known={"b": proxy.address})
        a.send("b", *range(1000), "a secret")
        b.send("a", "x" * 2_000_000)
        await scene.until(lambda: len(b.messages) == 1001 and a.messages)
        assert b.messages == [*range(1000), "a secret"] and a.messages == ["x" * 2_000_000]
        assert not any(b"secret" in said for said in proxy.said)
        a.peers.link("b").add_unreliable(main_id("b"), "by stream", main_id("a"), None)
        await scene.until(lambda: b.messages[-1] == "by stream")
        await scene.until_left(a)
        await proxy.close()

    play(act, new_loop)  # type: ignore[arg-type]


def test_connections_that_break_lose_nothing_over_tls(files: Files) -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files("b"))
        proxy = Proxy(b.me.address, [*range(0, 6000, 500), 7001, 8003])
        a = scene.node("a", tls=files("a"), known={"b": proxy.address})
        b.me.known["a"] = proxy.address  # type: ignore[index]
        sent = 0
        while proxy.count <= len(proxy.cuts):
            a.send("b", *range(sent, sent + 50))
            sent += 50
            seen = proxy.count, len(b.messages)
            while (proxy.count, len(b.messages)) == seen:
                await asyncio.sleep(0.001)
        await scene.until(lambda: len(b.messages) == sent)
        assert b.messages == list(range(sent))
        await proxy.close()

    play(act)


@pytest.mark.parametrize(
    ("dialer", "listener", "reason"),
    [
        ({"by": "another"}, {}, DISTRUSTED),
        ({}, {"by": "another"}, DISTRUSTS),
        ({"by": "another", "trusts": "another"}, {}, DISTRUSTS),
    ],
)
def test_another_authority_is_refused(
    files: Files, dialer: dict[str, str], listener: dict[str, str], reason: str
) -> None:
    other = {DISTRUSTS: DISTRUSTED, DISTRUSTED: DISTRUSTS}[reason]

    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files("b", **listener))
        a = scene.node("a", b, tls=files("a", **dialer))
        a.send("b", "a secret")
        await scene.until(lambda: a.events and b.reports)
        [(what, node, why)] = a.events
        assert (what, node) == ("lost", "b") and re.fullmatch(reason, why)
        assert not b.events and not b.messages
        [report] = b.reports
        assert re.fullmatch(rf"warning\[Q154\]: .*127\.0\.0\.1.*: {other}", report)

    play(act)


@pytest.mark.parametrize("expired", ["a", "b"])
def test_a_certificate_that_has_expired_is_said_to_be_its_node_s(
    files: Files, expired: str
) -> None:
    own = "it does not trust the certificate of this node: certificate expired"
    others = "its certificate is not trusted: certificate has expired"

    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files("b", expired=expired == "b"))
        a = scene.node("a", b, tls=files("a", expired=expired == "a"))
        await scene.until(lambda: a.events and b.reports)
        assert a.events == [("lost", "b", own if expired == "a" else others)]
        [report] = b.reports
        assert report.endswith(f": {own if expired == 'b' else others}")

    play(act)


@pytest.mark.parametrize(
    ("name", "expired", "reason"),
    [("b", False, "the certificate is not for the name a"), ("a", True, "certificate has expired")],
)
def test_a_certificate_of_no_use_to_its_own_node(
    files: Files, name: str, expired: bool, reason: str
) -> None:
    made = files(name, expired=expired)
    assert contexts(files("a", "other"), "a") and contexts(files("a", "other"), "other")
    assert contexts(files("a", by="another"), "a"), "others may trust another authority"
    with pytest.raises(ProgramError, match=f"cert.pem .*cannot be used for TLS: {reason}") as it:
        contexts(made, "a")
    assert it.value.code == "Q144"


def test_a_key_is_a_secret(files: Files) -> None:
    made = files("a")
    Path(made.key).chmod(0o640)
    with pytest.raises(ProgramError, match=r"key\.pem can be read or written by others") as it:
        contexts(made)
    assert it.value.code == "Q153"
    assert it.value.help == f"let nobody else read it: chmod 600 {made.key}"


@pytest.mark.parametrize("wrong", ["a", "b"])
def test_a_certificate_is_for_the_name_of_its_node(files: Files, wrong: str) -> None:
    names = {"a": "a", "b": "b", wrong: "c"}

    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files(names["b"]))
        a = scene.node("a", b, tls=files(names["a"]))
        await scene.until(lambda: a.events)
        [(what, node, why)] = a.events
        own = "it says that the certificate of this node is not for the name a"
        others = "its certificate is not for the name b"
        assert (what, node, why) == ("lost", "b", own if wrong == "a" else others)
        if wrong == "a":
            await scene.until(lambda: b.reports)
            assert b.reports[0].endswith(": its certificate is not for the name a")
        assert not b.events

    play(act)


@pytest.mark.parametrize("dialer", [True, False])
def test_tls_on_one_side_only_is_refused_at_once(files: Files, dialer: bool) -> None:
    has_tls = "it speaks TLS, and this node does not (--tls-cert)"
    has_none = "it speaks no TLS, and this node does"

    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=None if dialer else files("b"), patience=1000.0)
        a = scene.node("a", b, tls=files("a") if dialer else None, patience=1000.0)
        await scene.until(lambda: a.events and b.reports)
        assert a.events == [("lost", "b", has_none if dialer else has_tls)]
        said = (
            f"warning[Q154]: refused a connection of 127.0.0.1: {has_tls if dialer else has_none}"
        )
        assert b.reports == [said] and b.peers.refused == 1 and not b.events

    play(act)


def test_an_older_tls_is_refused(files: Files) -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b", tls=files("b"))
        context = contexts(files("a")).dialer
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert await asyncio.to_thread(_is_refused, b, context)
        await scene.until(lambda: b.reports)
        assert b.peers.refused == 1
        friend = scene.node("friend", b, tls=files("friend"))
        friend.send("b", "hello")
        await scene.until(lambda: b.messages)

    play(act)


def _is_refused(node: Node, context: ssl.SSLContext) -> bool:
    with socket.create_connection(node.me.address) as end:
        with contextlib.suppress(ssl.SSLError):
            context.wrap_socket(end)
            return False
    return True


@pytest.mark.parametrize("name", ["cert.pem", "key.pem", "ca.pem"])
@pytest.mark.parametrize("missing", [True, False])
def test_files_that_are_of_no_use(files: Files, name: str, missing: bool) -> None:
    made = files("a")
    path = Path(made.cert).parent / name
    if missing:
        path.unlink()
    else:
        path.write_text("no certificate")
    reason = "No such file" if missing else "not PEM|no certificate"
    with pytest.raises(ProgramError, match=f"{name}.* cannot be used for TLS: .*({reason})") as it:
        contexts(made)
    assert it.value.code == "Q144"


def test_a_key_that_is_not_of_the_certificate(files: Files) -> None:
    made = files("a")._replace(key=files("b").key)
    with pytest.raises(ProgramError, match="key values mismatch"):
        contexts(made)


def test_a_key_with_a_password_is_not_asked_for(files: Files) -> None:
    from cryptography.hazmat.primitives import serialization

    made = files("a")
    key = serialization.load_pem_private_key(Path(made.key).read_bytes(), None)
    Path(made.key).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    with pytest.raises(ProgramError, match="locked with a password"):
        contexts(made)


@pytest.mark.parametrize("cookie", [b"shared", b"another"])
def test_a_node_whose_gateway_has_died_says_so_to_whom_it_knows(
    files: Files, cookie: bytes
) -> None:
    async def act(scene: Scene) -> None:
        with listening() as listener:
            b = scene.node("b", tls=files("b"), listener=listener.dup())
            a = scene.node("a", b, tls=files("a"), patience=1000.0)
            await scene.until(lambda: a.events)
            scene.stop(b)
            await asyncio.to_thread(part, replace(b.me, cookie=cookie), listener)
        gone = ("lost", "b", "it has given up on this node, or has left")
        assert a.events[1:] == [gone] * (cookie == b"shared")

    play(act)


def test_one_without_tls_still_lives(files: Files) -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        scene.node("a", b, tls=files("a"), patience=0.2)
        await scene.until(lambda: b.reports)
        await is_alive(scene, b)

    play(act)
