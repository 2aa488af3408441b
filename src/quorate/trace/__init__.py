"""What happened in a run, as data: one schema for all worlds, kept as JSON lines."""

from quorate.trace.events import SCHEMA, Event
from quorate.trace.reading import Trace, TraceError, read, read_file

__all__ = ["SCHEMA", "Event", "Trace", "TraceError", "read", "read_file"]
