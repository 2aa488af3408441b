"""A trace for ShiViz (Beschastnikh et al., Visualizing Distributed System Executions, 2020).

Its log has two lines for each event: the host with its vector clock, and what happened. The
first line of the file is the regular expression that reads it. Invariant: the events of a host
have its own clock 1, 2, 3 ..., which ShiViz demands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from quorate.trace.course import Course, Moment
from quorate.trace.telling import told

READER = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)"


def shiviz_of(course: Course) -> Iterator[str]:
    """The lines of the log. `course` has to begin with the first step."""
    hosts = _hosts(course.processes)
    yield READER
    yield ""
    for moment in course.moments():
        clock = {hosts[name]: count for name, count in moment.step.clock.items()}
        yield f"{hosts[moment.process]} {json.dumps(clock)}"
        yield _event(moment)


def _hosts(processes: list[str]) -> dict[str, str]:
    """Names without white space, each another."""
    hosts: dict[str, str] = {}
    for name in processes:
        host = re.sub(r"\s", "_", name) or "_"
        while host in hosts.values():
            host += "'"
        hosts[name] = host
    return hosts


def _event(moment: Moment) -> str:
    return "; ".join(told(each) for each in (moment.step, *moment.inside))
