"""What ties the processes of the system that make a run to its node.

Each holds one end of a pipe whose other end only the node has. Invariant: when that is closed,
be it by the node's death, the kernel kills the process, whatever it is doing, or if it is stopped.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys

from quorate.worlds.real.control import until_ready

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def tie(lifeline: int) -> bool:
    """Tie this process to the node; whether the node is still there."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    if hasattr(fcntl, "F_SETSIG"):  # elsewhere than on Linux it is SIGIO
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)  # which one that is stopped gets, too
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    return not until_ready(lifeline, select.POLLIN, 0)


def tie_child(lifeline: int) -> bool:
    """The same for a child of the process that has been tied by `lifeline`."""
    try:
        own = os.open(f"/proc/self/fd/{lifeline}", os.O_RDONLY)  # with an owner of its own
    except OSError:
        return True  # elsewhere than on Linux it cannot be
    return tie(own)


def adopt_orphans() -> bool:
    """Have this process be the parent of those below it whose own is no more; whether it can."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # here, as few need it

    try:
        return bool(ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0)
    except (AttributeError, OSError):
        return False
