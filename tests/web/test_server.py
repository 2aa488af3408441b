"""What the explorer answers over HTTP, and what it refuses: whatever is sent, by whomever."""

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from quorate.core.errors import ProgramError
from quorate.web.server import BODY_BYTES_MAX, LINE_BYTES_MAX, Refused, Server
from serving import post, request, serving


def test_the_page_and_its_parts(server: Server) -> None:
    for name, kind in (("", "html"), ("explorer.js", "javascript"), ("explorer.css", "css")):
        reply = request(server, "GET", name)
        assert (reply.status, reply.headers["Content-Type"]) == (200, f"text/{kind}; charset=utf-8")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"


def test_it_listens_to_this_machine_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 20


def test_a_walk(server: Server) -> None:
    assert request(server, "GET", "about").data["bounds"]["timeouts"] == 1
    [begin] = request(server, "GET", "state/").data["state"]["steps"]
    answer = request(server, "GET", f"state/{begin['name']}").data
    assert [each["name"] for each in answer["state"]["processes"]][:2] == ["main", "Server-1"]
    assert answer["diagram"]["rows"] == [1] * 9
    assert answer["diagram"]["lines"].startswith('<svg class="chart"')
    assert any(place.endswith("lock.da:20") for place in answer["ran"])


def test_what_is_sought_and_a_violation(server: Server) -> None:
    found = post(server, "seek", {"expression": "some(p in Client, has=p.inside)"}).data
    state = request(server, "GET", f"state/{found['link']}").data["state"]
    assert any(
        field == {"name": "inside", "value": "True", "was": "False"}
        for each in state["processes"]
        for field in each["fields"]
    )
    found = post(server, "violation", {}).data
    assert found["told"][0].startswith("error[Q120]: `alone` does not hold")
    state = request(server, "GET", f"state/{found['link']}").data["state"]
    assert [each["holds"] for each in state["properties"]] == [False]
    assert request(server, "GET", "progress").data["running"] is False


def test_errors_have_codes(server: Server) -> None:
    reply = request(server, "GET", "state/nowhere")
    assert (reply.status, reply.data["code"]) == (422, "Q140")
    reply = post(server, "seek", {"expression": "some(p in Cliant)"})
    assert (reply.status, reply.data["code"]) == (422, "Q141")
    assert "`Cliant` is defined nowhere" in reply.data["message"]
    assert reply.data["help"]


def refused(reply: Any, status: int) -> bool:
    return bool(reply.status == status and reply.data["code"] == "Q142" and reply.data["help"])


def test_the_machine_is_called_by_its_own_name(server: Server) -> None:
    port = server.port
    for host in (
        *("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "", "0.0.0.0"),
        *(f"user@127.0.0.1:{port}", "127.0.0.1:", f"127.0.0.1:{port}/", "localhost.evil.example"),
    ):
        assert refused(request(server, "GET", "about", Host=host), 421)
        assert refused(request(server, "GET", "", Host=host), 421)
    assert refused(request(server, "GET", "about", Host=None), 421)
    for host in (f"localhost:{port}", "127.0.0.1:8080"):  # as through a tunnel
        assert request(server, "GET", "about", Host=host, Origin=f"http://{host}").status == 200


def test_other_pages_are_refused(server: Server) -> None:
    for headers in (
        *({"Origin": "http://evil.example"}, {"Origin": "null"}),
        *({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}),
    ):
        assert refused(request(server, "POST", "violation", b"{}", **headers), 403)
        assert refused(request(server, "GET", "about", **headers), 403)
        assert request(server, "GET", "", **headers).status == 200  # which a link leads to
    origin = f"http://127.0.0.1:{server.port}"
    reply = request(server, "POST", "stop", b"{}", Origin=origin, Sec_Fetch_Site="same-origin")
    assert reply.status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/favicon.ico", "/wrong/about", "/TOKENx/about", "/token", "/%00/about"),
        *("/TOKEN/nothing", "/TOKEN/about/more", "/TOKEN/seek/more", "/TOKEN/../about"),
        *("/TOKEN/server.py", "/TOKEN/explorer.js/x", "/TOKEN/about?x=1", "/TOKEN/%2e%2e/about"),
    ],
)
def test_paths_that_are_not_there(server: Server, path: str) -> None:
    path = path.replace("TOKEN", server.token).replace("/token", f"/{server.token[:-1]}")
    assert refused(request(server, "GET", path), 404)


def test_methods(server: Server) -> None:
    for what in ("seek", "violation", "stop"):
        assert refused(request(server, "GET", what), 405)
    for what in ("", "about", "state/", "progress"):
        assert refused(request(server, "POST", what, b"{}"), 405)
    for method in ("PUT", "DELETE", "OPTIONS", "BREW"):
        assert refused(request(server, method, "about"), 405)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"expression": 7}', 400),
        (b'{"expression": "x", "more": 1}', 400),
        (b'{"expression": "\\ud800"}', 400),
        (b"[" * 10_000, 400),
        (b'{"expression": "' + b"x" * BODY_BYTES_MAX + b'"}', 413),
    ],
)
def test_bodies(server: Server, body: bytes, status: int) -> None:
    assert refused(request(server, "POST", "seek", body), status)


def test_what_is_said_of_a_body(server: Server) -> None:
    for headers, status in (
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "two"}, 411),
        ({"Content_Length": "9" * 400}, 413),
        ({"Content_Length": None, "Transfer_Encoding": "chunked"}, 411),
    ):
        assert refused(request(server, "POST", "violation", b"{}", **headers), status)


def test_a_body_that_does_not_come(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.web.server.Handler.timeout", 0.05)
    reply = request(server, "POST", "violation", b"{}", Content_Length="3")
    assert refused(reply, 408)


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_request(server: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.makefile("rb").read()
        except ConnectionResetError:
            answer = b""
    assert b"Traceback" not in answer
    assert b" 200 " not in answer
    assert request(server, "GET", "about").status == 200


def test_an_address_that_is_too_long(server: Server) -> None:
    assert refused(request(server, "GET", "state/" + "a" * LINE_BYTES_MAX), 414)


def test_several_ask_at_once(server: Server) -> None:
    names: list[str] = []

    def walk() -> None:
        link = ""
        for _ in range(6):
            steps = request(server, "GET", f"state/{link}").data["state"]["steps"]
            link = f"{link}.{steps[-1]['name']}".lstrip(".")
        names.append(link)

    tabs = [threading.Thread(target=walk) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(30)
    assert len(names) == 4
    assert len(set(names)) == 1


ENDLESS = """\
class P(process):
    def setup(): self.n = 0
    def run():
        while True:
            n += 1
            -- on
def main(): start(new(P, ()))
"""


def test_a_search_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "endless.da"
    path.write_text(ENDLESS)
    with serving(path, states=10**9) as server:
        found: list[Any] = []

        def seek() -> None:
            found.append(post(server, "seek", {"expression": "some(p in P, has=p.n < 0)"}).data)

        search = threading.Thread(target=seek)
        search.start()
        while not request(server, "GET", "progress").data["states"]:
            pass
        assert request(server, "GET", "progress").data["running"]
        assert post(server, "stop", {}).status == 200
        search.join(30)
        assert found[0]["stopped"] == "interrupted"
        assert found[0]["link"] is None
        assert not request(server, "GET", "progress").data["running"]


def test_a_signal_is_raised_in_a_request_alone(tmp_path: Path) -> None:
    path = tmp_path / "program.da"
    path.write_text(ENDLESS)
    with serving(path) as server:
        with pytest.raises(Refused, match="interrupted"):
            server.ask(server.interrupt)
        server.interrupt()


def test_a_port_that_is_taken(server: Server) -> None:
    with pytest.raises(ProgramError) as raised:
        Server(server.exploration, server.port)
    assert raised.value.code == "Q143"


def test_the_link_of_the_page_on_exploring_leads_where_it_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "exploring.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```da lock.da\n(.*?)```", page, re.DOTALL)
    [expressions] = re.findall(r"```text expressions\n(.*?)```", page, re.DOTALL)
    [link] = re.findall(r"^    #(\S+)$", page, re.MULTILINE)
    path = tmp_path / "lock.da"
    path.write_text(program)
    with serving(path, "3", timeouts=1) as server:
        state = request(server, "GET", f"state/{link}").data["state"]
        [alone] = [each for each in state["properties"] if each["name"] == "alone"]
        assert alone["holds"] is False
        assert post(server, "violation", {}).data["link"] == link
        for expression in expressions.splitlines():
            assert post(server, "seek", {"expression": expression}).data["link"], expression


# The command.


WITHOUT_END = """\
class P(process):
    def setup(): self.n = 0
    def run():
        -- begins
        while True: n = 1
def main(): start(new(P, ()))
"""


class Command(NamedTuple):
    """`quorate explore` as another process; `ask` sends it a request, and reads no answer yet."""

    process: subprocess.Popen[str]
    port: int
    token: str

    def ask(self, method: str, what: str, body: str = "") -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, f"/{self.token}/{what}", body or None, headers)
        return connection

    def read(self, method: str, what: str, body: str = "") -> Any:
        with closing(self.ask(method, what, body)) as connection:
            return msgspec.json.decode(connection.getresponse().read())


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[[str], Command]]:
    with ExitStack() as ends:

        def start(text: str) -> Command:
            (tmp_path / "program.da").write_text(text)
            words = ["explore", "--no-browser", "--states", "1000000000", "program.da"]
            process = ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "quorate", *words],
                    cwd=tmp_path,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            ends.callback(process.kill)
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"Exploring program\.da: http://127\.0\.0\.1:(\d+)/(.+)/\n", line)
            assert found is not None, line
            return Command(process, int(found[1]), found[2])

        yield start


def ends(command: Command, signal: int) -> None:
    assert command.process.stdout is not None
    command.process.send_signal(signal)
    assert command.process.stdout.read() == "Ctrl-C ends it.\n"
    assert command.process.wait(30) == 0


SEEK = '{"expression": "some(p in P, has=p.n < 0)"}'


def test_the_command_is_ended_while_it_searches(command: Callable[[str], Command]) -> None:
    explorer = command(ENDLESS)
    with closing(explorer.ask("POST", "seek", SEEK)):
        while not explorer.read("GET", "progress")["states"]:
            pass
        ends(explorer, signal.SIGINT)


def test_a_search_is_stopped_in_a_step_without_an_end(command: Callable[[str], Command]) -> None:
    explorer = command(WITHOUT_END)
    with closing(explorer.ask("POST", "seek", SEEK)) as search:
        while not explorer.read("GET", "progress")["running"]:
            pass
        explorer.read("POST", "stop", "{}")
        assert msgspec.json.decode(search.getresponse().read())["stopped"] == "interrupted"
    assert explorer.read("GET", "about")["program"] == "program.da"
    ends(explorer, signal.SIGTERM)
