"""`quorate consistency FILE`: is a history of operations what a model allows?"""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quorate.cli.status import Status
from quorate.cli.written import check_overwritable
from quorate.consistency.judgement import GUARANTEES, judge
from quorate.consistency.models import MODELS as KNOWN

if TYPE_CHECKING:
    from quorate.consistency import History, Limits, Model
    from quorate.consistency.judgement import Judgement

MODELS = (*KNOWN, "transactions")


@click.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--model", required=True, metavar="MODEL", help=f"{', '.join(MODELS)}, or FILE.py:NAME."
)
@click.option(
    "--guarantee",
    type=click.Choice(GUARANTEES),
    help="What the history has to be; linearizable unless it is said.",
)
@click.option("--html", type=click.Path(), metavar="FILE", help="Write a page that shows why.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Give up after so long; 60.")
@click.option(
    "--configurations",
    type=click.IntRange(min=1),
    help="Give up when so many are remembered, some 250 bytes each; 2,000,000.",
)
def consistency(
    file: str,
    model: str,
    guarantee: str | None,
    html: str | None,
    as_json: bool,
    seconds: float | None,
    configurations: int | None,
) -> Status:
    """Judge a history of operations.

    FILE has JSON lines, one for each event, or is - for stdin; see docs/consistency.md.
    Exit status: 0 it holds, 1 it does not, 2 the history cannot be read, 3 it is not known.
    """
    from quorate.consistency import HistoryError, Limits
    from quorate.consistency.judgement import data_of
    from quorate.consistency.limits import CONFIGURATIONS, SECONDS
    from quorate.consistency.page import page_of
    from quorate.consistency.text import text_of

    limits = Limits(
        SECONDS if seconds is None else seconds,
        CONFIGURATIONS if configurations is None else configurations,
    )
    if html is not None:
        check_overwritable(html, "html")
    judge = _judge_of(model, guarantee)
    try:
        found = judge(_read(file), limits)
    except HistoryError as error:
        raise Unreadable(file, error) from None
    if html is not None:
        _write(html, page_of(found, file))
    if as_json:
        click.echo(json.dumps(data_of(found), indent=2, ensure_ascii=True))
    else:
        click.echo(text_of(found), nl=False)
    return _STATUSES[found.verdict.value]


_STATUSES = {"holds": Status.DONE, "violated": Status.FAILED, "unknown": Status.UNDECIDED}


class Unreadable(click.ClickException):
    """A history that cannot be judged; shown as the errors of programs are."""

    def __init__(self, file: str, error: Exception) -> None:
        super().__init__(str(error))
        self.file = file
        self.error = error

    def show(self, file: object = None) -> None:
        from quorate.consistency import HistoryError

        assert isinstance(self.error, HistoryError)
        line = "" if self.error.line is None else f":{self.error.line}"
        click.echo(f"error[{self.error.code}]: {self.error.message}", err=True)
        click.echo(f" --> {click.format_filename(self.file)}{line}", err=True)
        click.echo(f"  = help: {self.error.help}", err=True)


def _read(file: str) -> "History":
    from quorate.consistency.reading import read_file, read_stream

    return read_stream(sys.stdin.buffer) if file == "-" else read_file(file)


def _write(path: str, page: str) -> None:
    try:
        Path(path).write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None


def _judge_of(model: str, guarantee: str | None) -> "Callable[[History, Limits], Judgement]":
    """What judges by this model."""
    from quorate.consistency import check_transactions

    if model == "transactions":
        if guarantee is not None:
            message = "transactions are judged for all levels of isolation at once"
            raise click.BadOptionUsage("guarantee", f"{message}; leave out --guarantee")
        return check_transactions
    chosen, meant = _model(model), guarantee or GUARANTEES[0]
    return lambda history, limits: judge(history, chosen, meant, limits)


def _model(name: str) -> "Model":
    """The model of this name, or the class NAME of FILE.py:NAME."""
    from quorate.consistency.objects import model_of
    from quorate.lang.names import nearest

    if name in KNOWN:
        return model_of(name)
    path, colon, attribute = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        meant = nearest(name, MODELS)
        hint = f"did you mean '{meant}'?" if meant else f"models are {', '.join(MODELS)}"
        raise click.BadParameter(f"there is no model '{name}'; {hint}", param_hint="--model")
    spec = importlib.util.spec_from_file_location("model", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = getattr(module, attribute)
    except Exception as error:
        message = f"{name} cannot be loaded: {type(error).__name__}: {error}"
        raise click.BadParameter(message, param_hint="--model") from error
    if not isinstance(found, type):
        raise click.BadParameter(f"{name} is no class", param_hint="--model")
    return model_of(found)
