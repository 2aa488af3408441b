"""What holds for the whole command line, whichever command is called."""

import os
from dataclasses import dataclass


@dataclass
class Settings:
    """The object of click's root context (`click.get_current_context().find_object(Settings)`).

    A command with a `-v` of its own sets `verbose` here, so that failures are told in full.
    `own_process` says that nothing else runs in this process, which may be begun again.
    """

    verbose: bool = False
    own_process: bool = False

    @property
    def wants_traceback(self) -> bool:
        """Whether a fault of Quorate itself is shown with its traceback."""
        return self.verbose or os.environ.get("QUORATE_DEBUG", "0") not in ("", "0")


def wants_colour(fd: int) -> bool:
    """Whether text for this file descriptor may have colours (no-color.org, force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    try:
        return os.isatty(fd) and os.environ.get("TERM") != "dumb"
    except OSError:
        return False
