"""What was last heard of the collector: its time, its notices, and whether it lets this agent in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wire.clock import Clock
from wire.messages import Notice

MAX_NOTICES: Final = 50


class Contact:
    """Shared by the loops that talk to the collector; every field is replaced as a whole."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clock_offset_s: float | None = None
        self.notices: tuple[Notice, ...] = ()
        self.send_error = ""  # why batches do not go out, in a word; empty while they do
        self.barred = ""  # what the collector said when it refused this agent's token
        self._server_ms: int | None = None
        self._heard_mono_ms = 0

    def heard(self, server_time_ms: int, notices: Sequence[Notice]) -> None:
        """An answer came this moment. The way back is counted as offset: it is seconds at worst, skew begins at 120."""
        self.clock_offset_s = (self._clock.wall_ms() - server_time_ms) / 1000
        self.notices = tuple(notices[:MAX_NOTICES])
        self._server_ms, self._heard_mono_ms = server_time_ms, self._clock.mono_ms()

    def server_now_ms(self) -> int:
        """The collector's time, carried on by the monotonic clock; before the first answer the machine's own."""
        if self._server_ms is None:
            return self._clock.wall_ms()
        return self._server_ms + self._clock.mono_ms() - self._heard_mono_ms

    def heard_ms(self) -> int | None:
        """When the collector was last heard, by its own time; None before the first answer."""
        return self._server_ms

    def quiet_ms(self) -> int | None:
        """How long ago that is."""
        return None if self._server_ms is None else self._clock.mono_ms() - self._heard_mono_ms
