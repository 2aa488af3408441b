"""Runs a Python module as `python -m` does, with TCP_NODELAY set on every TCP socket it makes.

    python nodelay.py MODULE [ARGUMENT ...]

Made for the original DistAlgo, which leaves Nagle's algorithm on: none of its files is touched.
Runs on Python 3.7. Sockets made by `accept` are made by the same class, so they are covered too.
"""

import runpy
import socket
import sys


def set_nodelay_everywhere():
    # type: () -> None
    """Makes every new TCP socket of this process, and of what it forks, send at once."""
    plain_init = socket.socket.__init__

    def init(self, *args, **kwargs):
        # type: (socket.socket, object, object) -> None
        plain_init(self, *args, **kwargs)  # type: ignore[arg-type]
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.type == socket.SOCK_STREAM:
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    socket.socket.__init__ = init  # type: ignore[method-assign]


if __name__ == "__main__":
    set_nodelay_everywhere()
    del sys.argv[0]
    # The folder of this file comes first in sys.path; `python -m` has the working directory there.
    sys.path[0] = ""
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
