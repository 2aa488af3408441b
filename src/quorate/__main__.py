"""Where the command `quorate` begins; `python -m quorate` is the same.

Invariant: an interrupt shows nobody where Python was. It has the system's default action while the
command line is imported, which takes care of itself from then on; so nothing is imported before.
"""

try:
    import signal

    _handler = signal.getsignal(signal.SIGINT)
    if _handler is not signal.SIG_IGN:  # as nohup and shells ask for
        signal.signal(signal.SIGINT, signal.SIG_DFL)
except KeyboardInterrupt:
    raise SystemExit(130) from None


def main() -> None:
    """Run the command line, and exit with its status."""
    from quorate.cli import main

    signal.signal(signal.SIGINT, _handler)
    main()


if __name__ == "__main__":
    main()
