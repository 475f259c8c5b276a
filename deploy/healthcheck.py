"""Exit 0 when the service in this container answers on /healthz."""

import os
import re
import sys
import urllib.request
from http import HTTPStatus

_TIMEOUT_SECONDS = 4.0
# A proxy of the environment is for the world outside.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PORT_SETTING = re.compile(r"QIAO_[A-Z]+_PORT")


def main() -> int:
    """The port is in the one QIAO_<SERVICE>_PORT that a container is given."""
    ports = [value for name, value in os.environ.items() if _PORT_SETTING.fullmatch(name)]
    if len(ports) != 1:
        print("exactly one QIAO_<SERVICE>_PORT must be set", file=sys.stderr)
        return 1
    url = f"http://127.0.0.1:{int(ports[0])}/healthz"
    try:
        with _DIRECTLY.open(url, timeout=_TIMEOUT_SECONDS) as response:
            return 0 if response.status == HTTPStatus.OK else 1
    except OSError as failure:
        print(f"{url}: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
