"""`quorate simulate FILE`: run a program in virtual time, under faults, with many seeds."""

from __future__ import annotations

import _thread
import contextlib
import math
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quorate.cli.program import (
    Number,
    load_program,
    module_option,
    program_argument,
    program_command,
    program_of,
    told_as_json,
    words_given,
)
from quorate.cli.settings import Settings
from quorate.cli.shrunk import SHRUNK, shrink
from quorate.cli.status import Status
from quorate.cli.written import check_overwritable, written
from quorate.lang.configuration import CONTRADICTIONS, KEYS
from quorate.lang.faults import FAULTS, FaultError, duration, fault_of
from quorate.lang.names import nearest

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.worlds.sim.scenario import Line
    from quorate.worlds.sim.seeds import Plan

SEEDS = 1000
"""How many are run, where nothing is said."""

F = TypeVar("F", bound=Callable[..., Any])


def _time(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A length of virtual time; of `--faults-until`, a share of the run too."""
    if value is None or (parameter.name == "faults_until" and re.fullmatch(r"[\d.]+%", value)):
        return value
    try:
        duration(value)
    except FaultError as error:
        raise click.BadParameter(f"{error.message}: {error.help}") from None
    return value


def _channel(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Words for a channel, with commas between them."""
    words = [] if value is None else [word.strip() for word in value.lower().split(",")]
    for word in words:
        if word not in KEYS["channel"]:
            near = nearest(word, KEYS["channel"])
            known = ", ".join(KEYS["channel"])
            help = f"did you mean '{near}'?" if near else f"there are {known}, and several at once"
            raise click.BadParameter(f"'{word}' is no kind of channel: {help}")
    for pair in CONTRADICTIONS:
        if set(pair) <= set(words):
            raise click.BadParameter(f"a channel is not both {pair[0]} and {pair[1]}")
    return ",".join(words) or None


def _fault(
    _context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Faults of one name, as lang/faults.py reads them."""
    try:
        return tuple(fault_of(str(parameter.name), text).text for text in texts)
    except FaultError as error:
        raise click.BadParameter(f"{error.message}: {error.help}") from None


def _fault_options(command: F) -> F:
    """One option for each fault, in the order of the table."""
    for name, kind in reversed(FAULTS.items()):
        about = f"{kind.about[0].upper()}{kind.about[1:]}: {kind.example}"
        option = click.option(
            f"--{name}", name, multiple=True, callback=_fault, metavar="...", help=about
        )
        command = option(command)
    return command


@program_command
@module_option
@click.option("--seeds", type=Number(1), metavar="N", help=f"How many: {SEEDS}, unless --seed.")
@click.option("--seed", type=Number(0), metavar="N", help="The first one; without --seeds alone.")
@click.option("--until", default="60s", callback=_time, show_default=True, help="End of each run.")
@click.option("-j", "jobs", type=Number(1, 4096), metavar="N", help="Cores to use: all of them.")
@click.option("--channel", callback=_channel, help="As in `config`, and before it: unreliable.")
@_fault_options
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, exists=True),
    metavar="FILE",
    help="Faults by the clock: lines such as `at 3s crash Server-2 for 1s`.",
)
@click.option("--swarm", is_flag=True, help="Let each seed draw which of the faults are on.")
@click.option(
    "--faults-until",
    callback=_time,
    help="From then on there are no faults, and the program must come to its end: 30s, or 50%.",
)
@click.option("--no-faults", is_flag=True, help="Leave out the faults of the program itself.")
@click.option("--keep-going", is_flag=True, help="Run all seeds, and show each kind of failure.")
@click.option("--steps", type=Number(1), default=1_000_000, metavar="N", help="At most, in a run.")
@click.option("--selfcheck", is_flag=True, help="Run each seed twice: all must be the same.")
@click.option(
    "--trace",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write down all that happens in a single run, as JSON lines.",
)
@click.option(
    "--history",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the operations of the clients of a single run, for `quorate consistency`.",
)
@click.option("--shrink", is_flag=True, help="Make the first failure short, and write its trace.")
@click.option("--shrink-runs", type=Number(1), metavar="N", help="At most, to shrink: 500.")
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug output of a single run.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but failures.")
@program_argument
@click.pass_context
def simulate(
    context: click.Context,
    /,
    args: tuple[str, ...],
    module: str | None,
    no_cache: bool,
    as_json: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """Run a program in virtual time, under faults, with many seeds.

    Options stand before FILE, and what follows it is for the program. The same seed and options
    give the same run, whatever the machine; a failure is shown with the command that repeats it.
    With --seed alone, what that run prints is shown. Without faults nothing befalls the program
    but that messages overtake each other.

    Exit status: 0 no seed failed; 1 one did; 2 wrong usage, or it does not compile; 130
    interrupted.
    """
    settings = context.find_object(Settings) or Settings()
    settings.verbose = settings.verbose or verbose
    with_fixed_hashes(settings)
    collect_seldom(settings)
    path, name, arguments = program_of(module, args)
    seeds = _seeds(options["seed"], options["seeds"])
    single = options["seed"] is not None and options["seeds"] is None
    _check_written(options, single=single)
    plan = _plan(path, arguments, _scenario(options["scenario"]), options, outputs=single)
    with interruptible():
        try:
            loaded = load_program(
                *(path, name, arguments, seeds[0]),
                cache=not no_cache,
                views=True,
                marks=True,
                properties=True,
            )
        except SyntaxError as error:
            if as_json and told_as_json(error):
                return Status.MISUSED
            raise
        _check_names(plan, loaded)
        from quorate.cli.simulated import Report, Style

        told = (options["quiet"], 10 if verbose else 20, options["keep_going"])
        style = Style(as_json, *told, shrinks=options["shrink"])
        traced = None if options["shrink"] else options["trace"]
        with written(plan, name, traced, options["history"]) as plan:
            report = Report(plan, _again(context, args), style)
            status = report.show(loaded, seeds, options["jobs"])
        if options["shrink"] and report.failures and not report.interrupted:
            from quorate.worlds.sim.shrinking import RUNS_MAX

            where = options["trace"] or SHRUNK
            runs_max = options["shrink_runs"] or RUNS_MAX
            seed = report.first_failure.seed
            return shrink(*(plan, loaded, name, seed, where, runs_max), quiet=options["quiet"])
        return status


def with_fixed_hashes(settings: Settings) -> None:
    """Begin again with hashes of strings that are the same in every run.

    Otherwise loops of the program over its sets would go another way each time.
    """
    if settings.own_process and sys.flags.hash_randomization:
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def collect_seldom(settings: Settings) -> None:
    from quorate.worlds import base

    if settings.own_process:
        base.collect_seldom()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does, and neither is lost where Python drops what is raised.

    That is where it looks for garbage, and tells of that (worlds/base/collector.py), or an object
    is gone. From this thread it would be sent again too soon: before that is over.
    """

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_thread.interrupt_main, (signal.SIGTERM,))
        else:
            tell(what)

    before, tell = signal.signal(signal.SIGTERM, interrupt), sys.unraisablehook
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        sys.unraisablehook = tell
        signal.signal(signal.SIGTERM, before)


def _check_written(options: Mapping[str, Any], *, single: bool) -> None:
    """Whether there is one run to be recorded, or of which a history is written, and where to."""
    if options["history"] is not None:
        if not single:
            raise click.UsageError("--history is of a single run: say which, with --seed N")
        check_overwritable(options["history"], "history")
    shrinks = options["shrink"]
    if options["shrink_runs"] is not None and not shrinks:
        raise click.UsageError("--shrink-runs says how long to --shrink: give that too")
    if options["trace"] is None and not shrinks:
        return
    option = "--shrink" if shrinks else "--trace"
    if not (single or shrinks):
        raise click.UsageError("--trace is of a single run: say which, with --seed N")
    if options["selfcheck"]:
        raise click.UsageError(f"{option} is of one run, and --selfcheck runs a seed twice")
    check_overwritable(options["trace"] or SHRUNK, "trace")


def _seeds(first: int | None, count: int | None) -> range:
    begin = first or 0
    return range(begin, begin + (count or (SEEDS if first is None else 1)))


def _scenario(path: str | None) -> list[Line]:
    from quorate.worlds.sim.scenario import ScenarioError, read_scenario

    if path is None:
        return []
    try:
        with open(path, encoding="utf-8") as file:
            return read_scenario(file.read(), path)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None
    except (OSError, UnicodeError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from None


def _plan(
    path: str,
    arguments: list[str],
    scenario: list[Line],
    options: Mapping[str, Any],
    *,
    outputs: bool,
) -> Plan:
    from quorate.worlds.sim.run import Adversity
    from quorate.worlds.sim.seeds import Plan

    until = duration(options["until"])
    limit = options["faults_until"]
    if limit is None:
        calm = math.inf
    else:
        share = limit.endswith("%")
        calm = until * float(limit[:-1]) / 100 if share else duration(limit)
        if calm >= until:
            end = f"--until {options['until']}"
            raise click.UsageError(f"--faults-until {limit} leaves no time before {end}")
    faults = {name: list(options[name]) for name in FAULTS if options[name]}
    channel = options["channel"]
    return Plan(
        path,
        arguments,
        Adversity(faults, scenario, options["swarm"], calm, not options["no_faults"]),
        {} if channel is None else {"channel": frozenset(channel.split(","))},
        until,
        options["steps"],
        options["selfcheck"],
        outputs,
    )


def _check_names(plan: Plan, module: ModuleType) -> None:
    """The command line and the scenario name only processes that the program has classes of."""
    from quorate.worlds.base import process_classes

    known = process_classes(module)
    for place, name in _named(plan):
        kind = name.partition("-")[0]
        if kind not in known:
            near = nearest(kind, known)
            help = f"Did you mean '{near}'?" if near else f"It has {', '.join(known)}."
            raise click.UsageError(f"{place}: the program has no process class '{kind}'. {help}")


def _named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Where processes are named, and what they are called there."""
    for name, texts in plan.adversity.faults.items():
        for text in texts:
            settings = fault_of(name, text).settings
            chosen = [settings.get(key) for key in ("from", "to", "kind")]
            yield from ((f"--{name} {text}", str(each)) for each in chosen if each is not None)
    for line in plan.adversity.scenario:
        yield from ((line.place, name) for name in line.names)


OTHERWISE = {
    *("seeds", "seed", "trace", "history", "shrink", "shrink_runs"),
    *("jobs", "keep_going", "as_json", "quiet", "verbose", "args"),
}
"""What may differ when a seed is run again."""


def _again(context: click.Context, args: tuple[str, ...]) -> Callable[[int], str]:
    """What makes the command that runs one seed again, with the options that matter to it."""
    words = words_given(context, OTHERWISE)

    def again(seed: int) -> str:
        return shlex.join(["quorate", "simulate", "--seed", str(seed), *words, *args])

    return again
