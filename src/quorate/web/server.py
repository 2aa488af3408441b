"""The explorer over HTTP: its page, and what the page asks, for whoever knows its address.

It listens to this machine alone. The address holds a token, so that no other page can guess it; the
name that a request calls the machine by is checked, so that no other name can be made to mean it
(DNS rebinding). Invariants: what is asked about the program is done by one thread, one after the
other; whatever a request holds, the answer is one of ours.
"""

from __future__ import annotations

import _thread
import contextlib
import queue
import re
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from quorate.core.errors import ProgramError
from quorate.trace import chart
from quorate.trace.pages import STYLE
from quorate.web.answers import Exploration

HOST = "127.0.0.1"

BODY_BYTES_MAX = 1 << 14
LINE_BYTES_MAX = 1 << 15
"""The most of what is sent with a request, and of its first line."""

SECONDS, WAIT_SECONDS = 30, 0.5
"""How long a request may take to come, and how long a signal may have to wait for its effect."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says of itself."""

_FOLDER = Path(__file__).parent


class Refused(Exception):
    """A request that is none of ours: Q142."""

    def __init__(self, status: HTTPStatus, message: str, help: str) -> None:
        super().__init__(message)
        self.status, self.message, self.help = status, message, help


class Answer(NamedTuple):
    body: bytes
    kind: str = "application/json"
    status: HTTPStatus = HTTPStatus.OK


class Told(msgspec.Struct):
    """What is answered where something is wrong."""

    code: str
    message: str
    help: str


class Empty(msgspec.Struct, forbid_unknown_fields=True):
    """A request that says nothing but what it is."""


class Seek(msgspec.Struct, forbid_unknown_fields=True):
    """A search for what is true of a state, from the state of the link `at` on."""

    expression: str
    at: str = ""


class Server(socketserver.ThreadingTCPServer):
    """Serves one exploration. `serve` does the work that requests ask for, until `stop`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, exploration: Exploration, port: int = 0) -> None:
        """Raises ProgramError (Q143) where it cannot listen at the port; 0 is any that is free."""
        self.exploration = exploration
        self.token = secrets.token_urlsafe(16)
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._stopped = self._busy = False
        self._searches_to_stop = 0
        self._thread: threading.Thread | None = None
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            what = f"the explorer cannot listen at port {port}: {error.strerror or error}"
            help = "choose another one, or leave out --port: then it is one that is free"
            raise ProgramError("Q143", what, help) from None

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Answer requests, until `stop` is called."""
        threading.Thread(target=partial(self.serve_forever, 0.05), daemon=True).start()
        self._thread = threading.current_thread()
        while not self._stopped:
            with contextlib.suppress(queue.Empty):  # a signal may just miss it
                self._do(*self._work.get(timeout=WAIT_SECONDS))
        self.shutdown()
        self.server_close()

    def stop(self) -> None:
        """End it, when it has done what it is at."""
        self._stopped = True
        self._work.put((lambda: None, Future()))

    def stop_search(self) -> None:
        """End the search that is under way, if there is one, be it in the middle of a step."""
        progress = self.exploration.progress
        progress.stopping = progress.running
        if progress.stopping and self._thread is threading.main_thread():
            self._searches_to_stop += 1
            _thread.interrupt_main()

    def interrupt(self, *_: Any) -> None:
        """Of signals to the thread that serves: end it at once, or the search alone.

        What it is at is broken off; between two requests nothing is raised, which none would catch.
        """
        if self._searches_to_stop:
            self._searches_to_stop -= 1
        else:
            self.stop()
        if self._busy:
            raise KeyboardInterrupt

    def ask(self, work: Callable[[], Any]) -> Any:
        """What comes of work, which the one thread does when it comes to it."""
        future: Future[Any] = Future()
        self._work.put((work, future))
        return future.result()

    def _do(self, work: Callable[[], Any], future: Future[Any]) -> None:
        try:
            self._busy = True
            answer = work()
            self._busy = False
        except (Exception, KeyboardInterrupt) as error:
            self._busy = False
            if isinstance(error, KeyboardInterrupt):
                status, help = HTTPStatus.SERVICE_UNAVAILABLE, "ask again, or start it again"
                error = Refused(status, "the explorer was interrupted", help)
            future.set_exception(error)
        else:
            future.set_result(answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone before the answer came, or never asked: that is no fault."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = SECONDS

    def version_string(self) -> str:
        return "quorate"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told of requests."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Of what http.server itself refuses: that is no HTTP, or too long, or no known method."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        what = plain_ascii(message or status.phrase)
        self._send(_refusal(Refused(status, f"this request cannot be read: {what}", _OPEN)))

    def do_GET(self) -> None:
        self._send(self._answered("GET"))

    def do_POST(self) -> None:
        self._send(self._answered("POST"))
        self._pass_over()

    def _pass_over(self) -> None:
        """Read what was sent beside a request that was refused: or else the answer may be lost."""
        self.connection.settimeout(0.2)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(16):
                if not self.rfile.read1(BODY_BYTES_MAX):
                    break

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _answered(self, method: str) -> Answer:
        try:
            return self._answer(method)
        except Refused as refused:
            return _refusal(refused)
        except ProgramError as error:
            told = Told(error.code, error.message, error.help)
            return Answer(msgspec.json.encode(told), status=HTTPStatus.UNPROCESSABLE_ENTITY)
        except Exception as error:
            told = Told("Q900", f"{type(error).__name__}: {error}", "This is a bug in Quorate.")
            return Answer(msgspec.json.encode(told), status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self, method: str) -> Answer:
        host = self._host()
        what, rest = self._asked()
        if what in _FILES and not rest:
            self._only("GET", method)
            return _FILES[what]()
        self._check_page(f"http://{host}")
        if what in _ASKED and (not rest or what == "state"):
            self._only("GET", method)
            return self._read(what, rest)
        if what in _DONE and not rest:
            self._only("POST", method)
            return self._done(what)
        raise Refused(HTTPStatus.NOT_FOUND, "nothing is found at this address", _OPEN)

    def _only(self, allowed: str, method: str) -> None:
        if method != allowed:
            message = f"this is asked by {allowed}, not by {method}"
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, message, _OPEN)

    def _host(self) -> str:
        """What the request calls this machine, which may be reached through another port."""
        if len(self.requestline) > LINE_BYTES_MAX:
            message = "the address is too long"
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, message, "begin with fewer steps")
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d+)?", hosts[0]) is None:
            message = "this machine is called otherwise by the request"
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, message, _OPEN)
        return str(hosts[0])

    def _check_page(self, own: str) -> None:
        """What is not only to be shown is asked by the explorer's own page."""
        origins = self.headers.get_all("Origin", [])
        sites = self.headers.get_all("Sec-Fetch-Site", [])
        if {*origins} - {own} or {*sites} - {"same-origin", "none"}:
            message = "the request comes from another page"
            raise Refused(HTTPStatus.FORBIDDEN, message, _OPEN)

    def _asked(self) -> tuple[str, str]:
        """What is asked for, by /TOKEN/what or /TOKEN/what/rest."""
        first, _, path = self.path.removeprefix("/").partition("/")
        known = self.server.token.encode()
        if not secrets.compare_digest(first.encode("utf-8", "surrogateescape"), known):
            message = "this address is of no explorer, or of one that has ended"
            help = (
                "open the address that `quorate explore` prints; what stands after # goes with it"
            )
            raise Refused(HTTPStatus.NOT_FOUND, message, help)
        what, _, rest = path.partition("/")
        return what, rest

    def _read(self, what: str, rest: str) -> Answer:
        exploration = self.server.exploration
        if what == "progress":  # of what is done meanwhile
            return Answer(msgspec.json.encode(exploration.progress))
        asked = partial(exploration.state, rest) if what == "state" else exploration.about
        return Answer(msgspec.json.encode(self.server.ask(asked)))

    def _done(self, what: str) -> Answer:
        exploration = self.server.exploration
        body = self._body(Seek if what == "seek" else Empty)
        if what == "stop":
            self.server.stop_search()
            return Answer(b"{}")
        work: Callable[[], Any] = exploration.violation
        if isinstance(body, Seek):
            work = partial(exploration.seek, body.expression, body.at)
        return Answer(msgspec.json.encode(self.server.ask(work)))

    def _body(self, kind: type[msgspec.Struct]) -> msgspec.Struct:
        if self.headers.get_content_type() != "application/json":
            message = "what is sent is to be application/json"
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, _OPEN)
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdecimal()):
            message = "the request says no length of what is sent, or several"
            raise Refused(HTTPStatus.LENGTH_REQUIRED, message, _OPEN)
        if len(lengths[0]) > 9 or int(lengths[0]) > BODY_BYTES_MAX:
            message = f"more is sent than {BODY_BYTES_MAX:,} bytes"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, "ask less at once")
        try:
            sent = self.rfile.read(int(lengths[0]))
        except TimeoutError:
            message = "what is sent does not come"
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, message, _OPEN) from None
        try:
            return msgspec.json.decode(sent, type=kind)
        except (msgspec.DecodeError, UnicodeError) as error:
            message = f"what is sent cannot be read: {error}"
            raise Refused(HTTPStatus.BAD_REQUEST, message, _OPEN) from None


_OPEN = "open the address that `quorate explore` prints, and use its page"

_ASKED = ("about", "state", "progress")
_DONE = ("seek", "violation", "stop")


def _refusal(refused: Refused) -> Answer:
    told = Told("Q142", refused.message, refused.help)
    return Answer(msgspec.json.encode(told), status=refused.status)


def plain_ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def _file(name: str, kind: str) -> Answer:
    return Answer((_FOLDER / name).read_bytes(), kind)


def _style() -> Answer:
    own = (_FOLDER / "explorer.css").read_text("utf-8")
    return Answer("\n".join([STYLE, chart.STYLE, own]).encode(), "text/css")


_FILES: dict[str, Callable[[], Answer]] = {
    "": partial(_file, "explorer.html", "text/html"),
    "explorer.js": partial(_file, "explorer.js", "text/javascript"),
    "explorer.css": _style,
}
"""The page and its parts, which hold nothing of the program."""
