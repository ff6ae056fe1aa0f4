"""One message instead of a flood: which of the messages to one audience are told together, and when. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alerts.api import Said
from alerts.deliver.manner import Manner
from alerts.deliver.message import Message, unpack
from alerts.deliver.rows import Row

MAX_LISTED: Final = 40
_PLACES: Final = 3
_MORE: Final = {"recovered": 1, "correction": 1}
"""Of these the sentence alone does not say what it was."""


@dataclass(frozen=True, slots=True)
class Together:
    """`alone` go each by itself, `digest` as one; `later` wait until `later_ms`."""

    alone: list[Row]
    digest: list[Row]
    later: list[Row]
    later_ms: int = 0


def together(ready: Sequence[Row], gone: Sequence[tuple[str, int]], manner: Manner, now_ms: int) -> Together:
    """Sort the messages of one audience and channel. `gone`: kind and moment of what went there of late.

    Below the threshold each goes by itself. Where it is reached, what is ready goes as one; what comes then is gathered
    until the window is open again. A digest fills the window by itself.
    """
    span_ms = round(1000 * manner.digest_s)
    lately = sorted((at_ms, kind) for kind, at_ms in gone if at_ms > now_ms - span_ms)
    letters = sum(manner.digest_messages if kind == "digest" else 1 for _, kind in lately)
    again = [row for row in ready if row.kind == "digest" or row.tries]  # on its way already
    fresh = [row for row in ready if row not in again]
    if letters + len(fresh) < manner.digest_messages or not fresh:
        return Together([*again, *fresh], [], [])
    if letters < manner.digest_messages:
        return Together([*again, *fresh], [], []) if len(fresh) == 1 else Together(again, fresh, [])
    return Together(again, [], fresh, _room_ms(lately, manner) + span_ms)


def _room_ms(lately: Sequence[tuple[int, str]], manner: Manner) -> int:
    """The moment of the letter that has to leave the window so that there is room in it again."""
    left = sum(manner.digest_messages if kind == "digest" else 1 for _, kind in lately)
    for at_ms, kind in lately:
        left -= manner.digest_messages if kind == "digest" else 1
        if left < manner.digest_messages:
            return at_ms
    return lately[-1][0]


def digest_key(rows: Sequence[Row]) -> str:
    """The same for the same messages."""
    seed = "\n".join(sorted(row.key for row in rows))
    return f"digest/{rows[0].audience}/{rows[0].channel}/{hashlib.sha256(seed.encode()).hexdigest()[:24]}"


def digest_of(rows: Sequence[Row]) -> Message:
    """What it says: how many, then each in one sentence."""
    told = [unpack(row.message) for row in rows]
    first = told[0]
    lines = [
        said for one in told[:MAX_LISTED] for said in (_head(one), one.title, *one.lines[: _MORE.get(one.kind, 0)])
    ]
    if len(told) > MAX_LISTED:
        lines.append(Said("deliver.more", {"count": len(told) - MAX_LISTED}))
    return Message(
        incident="", number=0, kind="digest", owner=first.owner, state=first.state,
        title=Said("deliver.digest", {"count": len(told)}), lines=lines, link="/incidents",
        centres=list(dict.fromkeys(key for one in told for key in one.centres)),
        circuits=list(dict.fromkeys(key for one in told for key in one.circuits)),
        since_ms=min(one.since_ms for one in told), person=first.person, phone=first.phone, email=first.email,
    )  # fmt: skip


def _head(one: Message) -> Said:
    places = " ".join(f"centre:{key}" for key in one.centres[:_PLACES])
    return Said(f"deliver.item.{one.kind}", {"number": one.number, "places": places or "–"})
