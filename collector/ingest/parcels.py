"""A request made ready for the inbox: read, checked against who may speak for what, its bodies packed. No database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.ingest import timing
from collector.ingest.timing import Stamp
from wire.codec import Parcel, pack
from wire.codec import Request as WireRequest
from wire.messages import Batch, Envelope, Observation, Rejected

MAX_HINTS: Final = 100  # behind these a refusal goes without words, so that an answer stays smaller than a request


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch that can be stored: `refused` are the items that the codec or the agent's bounds ruled out.

    The observations themselves are let go: hundreds of batches wait for a COMMIT under load, and keeping what they were
    read into cost more time, in memory that is never warm, than reading them.
    """

    header: Batch
    sha256: str
    body: bytes
    stamps: list[Stamp]
    refused: list[Rejected]
    tasks: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A whole request of one agent, ready to be stored. `received_ms`: when its headers were complete."""

    agent: str
    received_ms: int
    envelope: Envelope
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What of a piece is accepted in the end: its span in corrected time, and every refusal in order of position."""

    at_min_ms: int
    at_max_ms: int
    rejected: list[Rejected]
    quarantined: list[Rejected]


def prepare(
    request: WireRequest, body: bytes | None, received_ms: int, *, agent: str, may: Callable[[str], bool]
) -> Delivery:
    """Check and pack a request. `body`: the gzip as it came, kept as it is where the request holds one batch."""
    keep = body if len(request.parcels) == 1 else None
    pieces = [_piece(parcel, keep, may) for parcel in request.parcels]
    return Delivery(agent, received_ms, request.envelope, pieces)


def sift(piece: Piece, offset: int | None, received_ms: int) -> Sifted:
    """Set aside what was measured at a time that cannot be, once the offset of the boot is known."""
    at = timing.moments(piece.stamps, offset)
    low, high = (min(at), max(at)) if at else (received_ms, received_ms)
    if timing.plausible(low, received_ms) and timing.plausible(high, received_ms):
        return Sifted(low, high, piece.refused, [])
    pairs = zip(piece.stamps, at, strict=True)
    quarantined = [timing.quarantined(stamp.i, ms) for stamp, ms in pairs if not timing.plausible(ms, received_ms)]
    good = [ms for ms in at if timing.plausible(ms, received_ms)] or [received_ms]
    rejected = _in_order([*piece.refused, *quarantined])
    return Sifted(min(good), max(good), rejected, quarantined)


def _piece(parcel: Parcel, keep: bytes | None, may: Callable[[str], bool]) -> Piece:
    observations, refused = parcel.observations, parcel.rejected
    foreign = {subject for subject in {o.subject for o in observations} if not may(subject)}
    if foreign:
        refused = [*refused, *(_foreign(o) for o in observations if o.subject in foreign)]
        observations = [o for o in observations if o.subject not in foreign]
    tasks = tuple([o for o in observations if o.task_id is not None])
    body = pack(parcel.raw) if keep is None else keep
    stamps = [Stamp(o.i, o.at_ms, o.mono_ms) for o in observations]
    return Piece(parcel.header, parcel.sha256, body, stamps, _in_order(refused), tasks)


def _foreign(o: Observation) -> Rejected:
    return Rejected(o.i, "foreign_subject", f"{o.subject[:80]} is not this agent's to measure")


def _in_order(refused: list[Rejected]) -> list[Rejected]:
    if len(refused) < 2:
        return refused
    ordered = sorted(refused, key=lambda r: r.i)
    return [*ordered[:MAX_HINTS], *(Rejected(r.i, r.code, "") for r in ordered[MAX_HINTS:])]
