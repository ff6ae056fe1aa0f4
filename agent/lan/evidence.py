"""What the box saw, signed, as a QR code that a phone carries to the collector; made at most once a minute."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agent.attest.signing import CannotSign, sign
from agent.lan.seen import Sight
from wire import carried
from wire.carried import Carried, CarriedError

FRESH_MS: Final = 60_000
SIGNED_IN_S: Final = 10.0


class Evidence:
    """`to` is the address that the phone opens, with the blob behind its last character: `https://…/e#`."""

    def __init__(self, home: Path, agent: str, to: str, now_ms: Callable[[], int]) -> None:
        self._home, self._agent, self._to, self._now_ms = home, agent, to, now_ms
        self._lock = threading.Lock()
        self._made: tuple[int, str, str] = (-FRESH_MS, "", "")

    def code(self, sights: Sequence[Sight], heard_ms: int | None) -> tuple[str, str]:
        """An SVG and "", or "" and why there is none."""
        with self._lock:
            now_ms = self._now_ms()
            if now_ms - self._made[0] >= FRESH_MS:
                self._made = (now_ms, *self._make(sights, heard_ms, now_ms))
            return self._made[1:]

    def _make(self, sights: Sequence[Sight], heard_ms: int | None, now_ms: int) -> tuple[str, str]:
        try:
            blob = signed_blob(self._home, self._agent, sights, heard_ms or 0, now_ms)
            return drawn(self._to + blob), ""
        except (CannotSign, CarriedError) as error:
            return "", str(error)
        except ImportError:
            return "", "pip install 'motcua[lan]'"


def signed_blob(home: Path, agent: str, sights: Sequence[Sight], heard_ms: int, now_ms: int) -> str:
    """At most 1,500 characters. Raises CannotSign."""
    told = [
        carried.Sight(one.subject, one.target, one.outcome, one.reason or "", one.since_ms, one.ok_ms or 0)
        for one in sights[:40]
    ]
    text = carried.unsigned(agent, Carried(now_ms, heard_ms, told))
    return carried.signed(text, sign(home, text.encode("ascii"), SIGNED_IN_S))


def drawn(text: str, scale: int = 4) -> str:
    """A QR code as SVG, of the lowest density that holds it, so many pixels a module. Raises ImportError where the
    library is missing."""
    import segno  # an extra, and needed by few

    out = io.BytesIO()
    segno.make(text, error="l", micro=False).save(out, kind="svg", scale=scale, border=4, xmldecl=False, svgns=False)
    return out.getvalue().decode("utf-8")
