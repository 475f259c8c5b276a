"""Where `qiao` begins: quiet when it is stopped while its own parts are still being loaded."""

import os
import signal
import sys

_INTERRUPTED_EXIT_CODE = 130


def main() -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED_EXIT_CODE))
    # Loading takes most of the first second, and `up` needs little of it.
    if sys.argv[1:2] == ["up"]:
        from deploy.cli.up import main as command
    else:
        from deploy.cli.main import app as command
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
