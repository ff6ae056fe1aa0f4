"""What the status of an HTTP answer means for a letter: one table for every channel."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from alerts.channels.errors import ChannelError
from alerts.channels.post import Answer

MAX_PATIENCE_S: Final = 86_400.0
AGAIN: Final = frozenset({408, 425, 429})
"""Of 4xx, what may be another time: took too long, too early, too many. All of 5xx may, too."""


def accept(answer: Answer, host: str, *, now_ms: int) -> None:
    """Return where a letter was taken. Raises ChannelError, `permanent` where the same would be said again."""
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        text = f"{host} answered {answer.status} and points elsewhere; write the address it points to"
        raise ChannelError(text, permanent=True)
    passing = answer.status in AGAIN or answer.status >= 500
    patience_s = retry_after_s(answer, now_ms=now_ms) if passing else None
    raise ChannelError(f"{host} answered {answer.status}", permanent=not passing, retry_after_s=patience_s)


def retry_after_s(answer: Answer, *, now_ms: int) -> float | None:
    """The patience asked for, at most a day; None where there is none that can be read (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), MAX_PATIENCE_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, at.timestamp() - now_ms / 1000), MAX_PATIENCE_S)
