"""What every world shares: the processes of one place, and how a run tells what went wrong."""

from quorate.worlds.base.channels import Channels
from quorate.worlds.base.collector import collect_seldom
from quorate.worlds.base.host import Host, Task, is_in_step
from quorate.worlds.base.program import (
    config_of,
    faults_of_program,
    kinds_of,
    process_classes,
    properties_of,
    specifications_of,
)
from quorate.worlds.base.properties import Watch
from quorate.worlds.base.reports import (
    Failure,
    Standing,
    busy_at,
    failure_of,
    not_ended,
    standing_of,
    stuck,
)
from quorate.worlds.base.surroundings import EPOCH_SECONDS, command_line, surroundings

__all__ = [
    "EPOCH_SECONDS",
    "Channels",
    "Failure",
    "Host",
    "Standing",
    "Task",
    "Watch",
    "busy_at",
    "collect_seldom",
    "command_line",
    "config_of",
    "failure_of",
    "faults_of_program",
    "is_in_step",
    "kinds_of",
    "not_ended",
    "process_classes",
    "properties_of",
    "specifications_of",
    "standing_of",
    "stuck",
    "surroundings",
]
