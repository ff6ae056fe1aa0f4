"""A request on its way to the inbox: read, checked against who may speak for what, its bodies packed. No database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.ingest import timing
from collector.register.known import Known
from collector.web.problems import Refusal
from wire.codec import Parcel, WireError, decode_request, pack
from wire.codec import Request as WireRequest
from wire.messages import Batch, Envelope, Observation, Rejected

_STATUS: Final = {"too_large": 413}
MAX_HINTS: Final = 100  # behind these a refusal goes without words, so that an answer stays smaller than a request


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch that can be stored: `refused` are the items that the codec or the agent's bounds ruled out."""

    header: Batch
    sha256: str
    body: bytes
    observations: list[Observation]
    refused: list[Rejected]


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


class Arrival:
    """A body that has arrived. It is read right before it is stored, together with all that come in the same COMMIT:

    one after the other in warm memory costs half of what each costs as it comes.
    """

    def __init__(
        self, known: Known, body: bytes, unpack: Callable[[bytes], bytes], *, packed: bool, received_ms: int
    ) -> None:
        self._known, self._body, self._unpack = known, body, unpack
        self._packed, self._received_ms = packed, received_ms
        self._delivery: Delivery | None = None

    @property
    def delivery(self) -> Delivery:
        assert self._delivery is not None  # noqa: S101  # it was read first
        return self._delivery

    def read(self) -> None:
        """Read it, once. Raises Refusal."""
        if self._delivery is None:
            self._delivery = self._read()

    def _read(self) -> Delivery:
        known = self._known
        try:
            request = decode_request(self._unpack(self._body))
        except WireError as error:
            raise _refused(error) from error
        if request.envelope.agent != known.agent:
            detail = f"the token is not that of agent {request.envelope.agent[:60]}"
            raise Refusal(403, "foreign_agent", detail, "two agents use one folder: give each its own")
        keep = self._body if self._packed else None
        return prepare(request, keep, self._received_ms, agent=known.agent, may=known.may_speak_for)


def prepare(
    request: WireRequest, body: bytes | None, received_ms: int, *, agent: str, may: Callable[[str], bool]
) -> Delivery:
    """Check and pack a request. `body`: the gzip as it came, kept as it is where the request holds one batch."""
    keep = body if len(request.parcels) == 1 else None
    pieces = [_piece(parcel, keep, may) for parcel in request.parcels]
    return Delivery(agent, received_ms, request.envelope, pieces)


def sift(piece: Piece, offset: int | None, received_ms: int) -> Sifted:
    """Set aside what was measured at a time that cannot be, once the offset of the boot is known."""
    at = timing.moments(piece.observations, offset)
    low, high = (min(at), max(at)) if at else (received_ms, received_ms)
    if timing.plausible(low, received_ms) and timing.plausible(high, received_ms):
        return Sifted(low, high, piece.refused, [])
    pairs = zip(piece.observations, at, strict=True)
    quarantined = [timing.quarantined(o.i, ms) for o, ms in pairs if not timing.plausible(ms, received_ms)]
    good = [ms for ms in at if timing.plausible(ms, received_ms)] or [received_ms]
    rejected = _in_order([*piece.refused, *quarantined])
    return Sifted(min(good), max(good), rejected, quarantined)


def _piece(parcel: Parcel, keep: bytes | None, may: Callable[[str], bool]) -> Piece:
    observations, refused = parcel.observations, parcel.rejected
    foreign = {subject for subject in {o.subject for o in observations} if not may(subject)}
    if foreign:
        refused = [*refused, *(_foreign(o) for o in observations if o.subject in foreign)]
        observations = [o for o in observations if o.subject not in foreign]
    body = pack(parcel.raw) if keep is None else keep
    return Piece(parcel.header, parcel.sha256, body, observations, _in_order(refused))


def _foreign(o: Observation) -> Rejected:
    return Rejected(o.i, "foreign_subject", f"{o.subject[:80]} is not this agent's to measure")


def _in_order(refused: list[Rejected]) -> list[Rejected]:
    if len(refused) < 2:
        return refused
    ordered = sorted(refused, key=lambda r: r.i)
    return [*ordered[:MAX_HINTS], *(Rejected(r.i, r.code, "") for r in ordered[MAX_HINTS:])]


def _refused(error: WireError) -> Refusal:
    return Refusal(_STATUS.get(error.code, 400), error.code, error.detail, error.remedy)
