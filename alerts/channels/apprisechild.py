"""`python -m alerts.channels.apprisechild`: one letter by apprise. An Order on standard input, an Outcome on output.

A child of its own: apprise reads answers whole and follows its services' ways; here it can be ended, and what it takes
of memory goes with it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from typing import Final

import msgspec

from alerts.channels.apprise import Order, Outcome

MAX_MEMORY_BYTES: Final = 512 * 1024 * 1024
_STATUS: Final = re.compile(r"error\s*=\s*(\d{3})\b")


class _Listening(logging.Handler):
    """Apprise tells only in its log by which status a service refused."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status = 0

    def emit(self, record: logging.LogRecord) -> None:
        found = _STATUS.search(record.getMessage())
        if found:
            self.status = int(found.group(1))


def tell(order: Order) -> Outcome:
    """Send it. Redirects are not followed."""
    import apprise

    heard = _Listening()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    logger.propagate = False
    sender = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, http_redirects=False, app_id="motcua"))
    if not sender.add(order.url):
        return Outcome(taken=False, fault="the address in the file is none that it knows; see its documentation")
    taken = sender.notify(body=order.body, title=order.title, body_format=apprise.NotifyFormat.TEXT)
    return Outcome(taken=bool(taken), status=0 if taken else heard.status)


def main() -> None:
    """Answer one order."""
    _bound_memory()
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    with contextlib.redirect_stdout(sys.stderr):
        found = tell(order)
    sys.stdout.buffer.write(msgspec.json.encode(found))


def _bound_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    main()
