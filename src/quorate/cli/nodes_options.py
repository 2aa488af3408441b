"""The options of `quorate run` that make a run one node among others.

Invariant: what is wrong with them is said before the program is loaded or anything listens, and
without a name there is no node: nothing listens then.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.program import Number
from quorate.cli.status import Status
from quorate.core.errors import ProgramError
from quorate.worlds.real.membership import QUEUE_MAX, UNSENT_BYTES_MAX

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.worlds.real.directory import Directory, Entry
    from quorate.worlds.real.membership import Address, Membership
    from quorate.worlds.real.nodelist import Written
    from quorate.worlds.real.program import Options
    from quorate.worlds.real.tls import Contexts

_FILE = click.Path(exists=True, dir_okay=False)


class Seconds(click.FloatRange):
    """A time that passes."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


_OPTIONS = {
    "node": click.option(
        *("-n", "--node"),
        metavar="NAME[@HOST[:PORT]]",
        help="Be the node NAME among others; where they reach it, if not on this machine alone.",
    ),
    "idle": click.option(
        "-D",
        "--idle",
        is_flag=True,
        help="Run no main: a place where others start processes, until it is interrupted.",
    ),
    "bind": click.option(
        "--bind",
        metavar="HOST[:PORT]",
        help="Listen there, if it is not where others reach this node; by default on this machine "
        "alone, on a port that is free.",
    ),
    "join": click.option(
        "--join",
        multiple=True,
        metavar="NAME@HOST:PORT",
        help="Connect with a node that runs, and with those that it knows.",
    ),
    "nodes": click.option(
        "--nodes", type=_FILE, metavar="FILE", help="Connect with the nodes of a file, one a line."
    ),
    "cookie_file": click.option(
        "--cookie-file",
        type=_FILE,
        metavar="FILE",
        help="The secret that all nodes share, in a file that nobody else can read.",
    ),
    "cookie": click.option(
        "--cookie", metavar="TEXT", help="The secret itself; QUORATE_COOKIE is not shown to others."
    ),
    **{
        f"tls_{name}": click.option(f"--tls-{name}", type=_FILE, metavar="FILE", help=help)
        for name, help in {
            "cert": "Connect by TLS: the certificate of this node,",
            "key": "its key,",
            "ca": "and the authority that has signed those of all nodes.",
        }.items()
    },
    "node_timeout": click.option(
        "--node-timeout",
        type=Seconds(min=0, max=86_400),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="A node that cannot be reached for so long is lost.",
    ),
    "unsent_max": click.option(
        "--unsent-max",
        type=Number(1),
        default=UNSENT_BYTES_MAX,
        show_default=True,
        metavar="BYTES",
        help="Have processes wait while so much has not arrived at another node.",
    ),
    "queue_max": click.option(
        "--queue-max",
        type=Number(1),
        default=QUEUE_MAX,
        show_default=True,
        metavar="N",
        help="Take no more from other nodes while so many messages wait.",
    ),
}

_BOUNDS = ("unsent_max", "queue_max")


class Refused(click.ClickException):
    """A node that may not be: shown with its code, as the errors of programs are."""

    exit_code = Status.MISUSED

    def __init__(self, error: ProgramError) -> None:
        super().__init__(f"error[{error.code}]: {error.message}\n  = help: {error.help}")

    def show(self, file: object = None) -> None:
        click.echo(self.message, err=True)


def with_node_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that make a node."""
    for option in reversed(_OPTIONS.values()):
        function = option(function)
    return function


def membership_of(options: dict[str, Any]) -> Membership | None:
    """The node that these options ask for, all taken out of `options` but the bounds.

    Raises click.UsageError, Refused, and QuorateSyntaxError for a file of nodes.
    """
    given = {name: options.pop(name) for name in _OPTIONS if name not in _BOUNDS}
    if given["node"] is None:
        _refuse_without_name()
        return None
    from quorate.worlds.real.membership import Fingerprint, Membership
    from quorate.worlds.real.nodelist import read_list

    me = _read(given["node"], "-n")
    listed = {} if given["nodes"] is None else read_list(given["nodes"])
    if listed and not (me.name in listed or me.host or given["bind"]):
        help = f"add it, or say where it is: -n {me.name}@HOST:PORT"
        raise click.UsageError(f"node {me.name} is not in {given['nodes']}: {help}")
    address, bound = _places(me, given["bind"], listed.pop(me.name, None))
    tls = _tls(me.name, *(given[f"tls_{name}"] for name in ("cert", "key", "ca")))
    directory = _directory()
    return Membership(
        *(me.name, address, secrets.randbits(63), Fingerprint("", {})),
        idle=given["idle"],
        bound=bound,
        known=_joined(me.name, listed, given["join"]),
        find=directory.find,
        names=directory.names,
        cookie=_cookie(given, bound, directory, has_tls=tls is not None),
        tls=tls,
        patience=given["node_timeout"],
    )


def _refuse_without_name() -> None:
    context = click.get_current_context()
    for name in _OPTIONS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag} is for a node, which has a name: add -n NAME")


def _read(text: str, option: str) -> Written:
    from quorate.worlds.real.nodelist import NodeError, read_node

    try:
        return read_node(text)
    except NodeError as error:
        raise click.UsageError(f"{option}: {error}") from None


def _places(me: Written, bind: str | None, listed: Address | None) -> tuple[Address, Address]:
    """(where others reach this node, where it listens, in numbers)."""
    from quorate.worlds.real.listening import is_wildcard
    from quorate.worlds.real.membership import PORT_DEFAULT, Address
    from quorate.worlds.real.nodelist import NodeError, read_place

    address = listed
    if me.host:
        address = Address(me.host, PORT_DEFAULT if me.port is None else me.port)
    if bind is None:
        address = address or Address("127.0.0.1", 0)
        return address, _resolved(address)
    try:
        host, port = read_place(bind)
    except NodeError as error:
        raise click.UsageError(f"--bind: {error}") from None
    if port is None:
        port = PORT_DEFAULT if address is None else address.port
    bound = _resolved(Address(host, port))
    if address is None and is_wildcard(bound):
        raise click.UsageError(f"others cannot reach {host}: say where, -n {me.name}@HOST:PORT")
    return address or Address(host, port), bound


def _resolved(address: Address) -> Address:
    from quorate.worlds.real.listening import resolved

    try:
        return resolved(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise click.UsageError(f"there is no host {address.host}: {reason}") from None


def _joined(me: str, listed: Mapping[str, Address], join: tuple[str, ...]) -> dict[str, Address]:
    """The nodes that are connected with from the beginning."""
    from quorate.worlds.real.nodelist import NodeError

    known = dict(listed)
    for text in join:
        node = _read(text, "--join")
        try:
            address = node.address
        except NodeError as error:
            raise click.UsageError(f"--join: {error}") from None
        if node.name == me:
            raise click.UsageError(f"--join: {me} is this node itself")
        if known.setdefault(node.name, address) != address:
            raise click.UsageError(f"node {node.name} is given two addresses")
    return known


def _tls(name: str, *files: str | None) -> Contexts | None:
    """What the certificates of this node say."""
    from quorate.worlds.real.tls import TlsFiles, contexts

    given = [file for file in files if file is not None]
    if not given:
        return None
    if len(given) < len(files):
        raise click.UsageError("--tls-cert, --tls-key and --tls-ca go together")
    try:
        return contexts(TlsFiles(*given), name)
    except ProgramError as error:
        raise Refused(error) from None


def _directory() -> Directory:
    from quorate.worlds.real.directory import Directory

    return Directory()


def _cookie(
    given: Mapping[str, Any], bound: Address, directory: Directory, *, has_tls: bool
) -> bytes | None:
    """The secret of this node: what is given, or on this machine alone that of its user."""
    from quorate.worlds.real.cookies import VARIABLE, cookie_given
    from quorate.worlds.real.listening import is_loopback

    if given["cookie"] is not None:
        if given["cookie_file"] is not None:
            raise click.UsageError("--cookie-file and --cookie are two secrets: leave one out")
        seen = "others on this machine can see what --cookie says"
        click.echo(f"quorate: warning: {seen}: use --cookie-file or {VARIABLE}", err=True)
    try:
        cookie = cookie_given(given["cookie_file"], given["cookie"], os.environ)
        if cookie is None and not has_tls and is_loopback(bound):
            return directory.cookie()
    except OSError as error:
        raise click.UsageError(f"cannot read {error.filename}: {error.strerror}") from None
    except ProgramError as error:
        raise Refused(error) from None
    return cookie


@contextlib.contextmanager
def as_node(
    options: Options, module: ModuleType, path: str, say: Callable[[str], None]
) -> Iterator[Options]:
    """The options of a run while it is a node: it listens, and is in the directory.

    Raises click.UsageError where it cannot listen, or is there already; Refused where it may not.
    """
    if options.membership is None:
        yield options
        return
    from quorate import __version__
    from quorate.worlds.real.directory import NameTaken
    from quorate.worlds.real.fingerprint import fingerprint_of
    from quorate.worlds.real.listening import listen, settled

    me = replace(options.membership, fingerprint=fingerprint_of(module, __version__))
    try:
        listener = listen(me)
    except OSError as error:
        place = me.bound or me.address
        help = f"say another port: -n {me.name}@HOST:PORT"
        raise click.UsageError(f"cannot listen on {place}: {error.strerror}: {help}") from None
    except ProgramError as error:
        raise Refused(error) from None
    with contextlib.ExitStack() as stack:
        stack.callback(listener.close)
        me = settled(me, listener)
        try:
            stack.callback(_directory().enter(_entry(me, path)).close)
        except NameTaken as taken:
            raise click.UsageError(_taken(taken.name, taken.other)) from None
        except ProgramError as error:
            raise Refused(error) from None
        say(f"quorate: node {me.name} listens on {me.bound or me.address}")
        yield replace(options, membership=me, listener=listener)


def _entry(me: Membership, path: str) -> Entry:
    from quorate.worlds.real.directory import Entry
    from quorate.worlds.real.listening import is_loopback

    program = os.fsencode(os.path.abspath(path)).decode(errors="replace")
    bound = me.bound or me.address
    local = is_loopback(bound)
    facts = (*(bound if local else me.address), os.getpid(), program, me.fingerprint.digest)
    return Entry(me.name, *facts, idle=me.idle, local=local)


def _taken(name: str, other: Entry | None) -> str:
    who = "" if other is None else f" (process {other.pid}, {other.address})"
    return f"node {name} runs on this machine already{who}: give this one another name"
