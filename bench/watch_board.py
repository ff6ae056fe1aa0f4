"""Wait until a board shows a centre with a measured state; `python -m bench.watch_board URL CENTRE WITHIN_S`.

Standard library only: it runs inside the namespace, beside what it watches. Prints the state, or leaves with 1.
"""

from __future__ import annotations

import re
import sys
import time
import urllib.error
import urllib.request
from typing import Final

EVERY_S: Final = 0.2
# The heading of a centre's page carries the centre's state; "unknown" is one that nothing measured stands behind.
_STATE: Final = re.compile(r'<h1><svg class="i (ok|degraded|down)"')


def main() -> int:
    url, centre, within_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if match := _STATE.search(_page(f"{url}/centres/{centre}")):
            print(match[1])
            return 0
        time.sleep(EVERY_S)
    return 1


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            text: str = answer.read().decode("utf-8", "replace")
            return text
    except (OSError, urllib.error.URLError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
