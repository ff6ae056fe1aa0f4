"""How old a batch is, by a clock that nobody sets: it runs with the machine's own ticks and bridges restarts."""

from __future__ import annotations

from typing import Final

import msgspec

from wire.clock import Clock

# Longer than this between two starts is rather a wrong clock than a pause: nothing may be dropped for that.
LONGEST_PAUSE_MS: Final = 366 * 86_400_000


class Reading(msgspec.Struct, frozen=True):
    """Age of the spool's file at one moment, with the machine's clocks of that moment."""

    age_ms: int
    boot_id: str
    mono_ms: int
    wall_ms: int


def read(last: Reading | None, clock: Clock, boot_id: str) -> Reading:
    """The reading now. Within one boot wall time plays no part; between boots it is believed where it can be."""
    mono, wall = clock.mono_ms(), clock.wall_ms()
    if last is None:
        return Reading(0, boot_id, mono, wall)
    if last.boot_id == boot_id:
        return Reading(last.age_ms + max(0, mono - last.mono_ms), boot_id, mono, wall)
    pause = wall - last.wall_ms
    return Reading(last.age_ms + (pause if 0 <= pause <= LONGEST_PAUSE_MS else 0), boot_id, mono, wall)
