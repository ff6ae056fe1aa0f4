"""When it was measured, by the collector's clock. Pure: the rule of design §4, nothing else.

Same boot: at = received - (sent_mono - mono), whatever the wall clock of the agent said. Earlier boot: by the offset
last known for that boot; where none is known the agent's own stamps hold, and are unsure. Correct first; then what lies
in the future or before 2025 is quarantined.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from wire.messages import Batch, Envelope, Observation, Rejected

EARLIEST_MS: Final = 1_735_689_600_000  # 2025-01-01T00:00:00Z: nothing of ours was measured before
FUTURE_MS: Final = 2_000
SKEW_LIMIT_MS: Final = 120_000


def offset_ms(envelope: Envelope, header: Batch, received_ms: int, known: int | None) -> int | None:
    """What to add to `mono_ms` for the time of an observation; None where only the agent's own stamps are left.

    `known` is the last offset of the batch's boot, for a batch of an earlier boot than the sender's.
    """
    if header.boot_id == envelope.sender_boot_id:
        return received_ms - envelope.sent_mono_ms
    return known


def skew_ms(envelope: Envelope, received_ms: int) -> int:
    """How far the agent's wall clock is ahead of the collector's (behind: negative); the way there counts as behind."""
    return envelope.sent_at_ms - received_ms


def moments(observations: Sequence[Observation], offset: int | None) -> list[int]:
    """The corrected time of each observation."""
    if offset is None:
        return [o.at_ms for o in observations]
    return [offset + o.mono_ms for o in observations]


def plausible(at_ms: int, received_ms: int) -> bool:
    """Whether something received then may have been measured at that time."""
    return EARLIEST_MS <= at_ms <= received_ms + FUTURE_MS


def quarantined(i: int, at_ms: int) -> Rejected:
    """The refusal of the observation at position `i`, whose time cannot be."""
    where = "before 2025" if at_ms < EARLIEST_MS else "after it was received"
    return Rejected(i, "quarantined", f"measured {_text(at_ms)}, {where}")


def _text(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"at {at_ms} ms"
