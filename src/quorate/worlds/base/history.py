"""The history of a run: how operations of clients begin and end, as lines that can be judged.

Invariant: equal events at equal times are equal lines, and two processes are never one client.
"""

from __future__ import annotations

from msgspec import UNSET

from quorate.consistency import reading
from quorate.core import effects as fx
from quorate.core.ids import ProcessId


def line_of(client: ProcessId, operation: fx.Operation, time: float) -> bytes:
    """A line of a history; `time` is in seconds, from whatever the run counts from."""
    event = reading.Event(client_of(client), operation.phase, time=time)
    if operation.phase == "invoke":
        event.op, event.args = operation.name, list(operation.args) or UNSET
    elif operation.phase == "return" and operation.result is not None:
        event.result = operation.result
    return reading.line_of(event)


def client_of(id: ProcessId) -> str:
    """What a process is called; not as another, which has that number, if its name is one."""
    is_number = id.name.replace(".", "").isdecimal()
    return f"{id!r}~{'.'.join(map(str, id.path))}" if is_number else repr(id)
