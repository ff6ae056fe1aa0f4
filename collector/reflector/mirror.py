"""What a reflector answers to one packet. No sockets, and no clock of its own: times are given in.

Nothing is kept of an agent that only asks: a cookie is a tag over the address it was asked from. Who answers from there
with the cookie has its session: the bits of which questions came, for two minutes. So nobody can have packets sent to
an address that is not his own, and what is kept is bounded.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import OrderedDict
from dataclasses import dataclass, field, fields
from typing import Final

from collector.web.bucket import Bucket
from wire import reflecting as said
from wire.datagram import Datagram
from wire.reflecting import BadPacket, Head

MAX_SESSIONS: Final = 4_096
SESSIONS_A_MINUTE: Final = 60.0
"""From one address; many centres may stand behind one."""

BURST: Final = 30.0

_DSCP: Final = 0xFC  # the other two bits of a TOS are of congestion control
_GOOD_NS: Final = said.GOOD_S * 1_000_000_000
_TAG_BYTES: Final = 16


@dataclass(slots=True)
class Counts:
    """What came, by what became of it."""

    granted: int = 0
    busy: int = 0
    answered: int = 0
    counted: int = 0
    repeated: int = 0
    strangers: int = 0
    uncalled: int = 0
    malformed: int = 0

    def told(self) -> str:
        """In a line."""
        return ", ".join(f"{one.name} {getattr(self, one.name):,}" for one in fields(self))


@dataclass(slots=True)
class _Session:
    """One train: its cookie, and a bit for every question that came."""

    cookie: bytes
    began_ns: int
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send back, and with which TOS."""

    data: bytes
    tos: int = 0


@dataclass(slots=True)
class Mirror:
    """`key`: what agents' passes are derived from. `secret` is of this run alone: cookies end with it."""

    key: bytes
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    most: int = MAX_SESSIONS
    counts: Counts = field(default_factory=Counts)
    _sessions: OrderedDict[tuple[object, bytes], _Session] = field(default_factory=OrderedDict)
    _bucket: Bucket = field(default_factory=lambda: Bucket(BURST, SESSIONS_A_MINUTE))

    def reply(self, found: Datagram, now_ns: int) -> Reply | None:
        """The answer to one datagram; None where it gets none."""
        told = {said.QUESTION: self._question, said.ASK: self._ask, said.COUNT: self._count}
        try:
            head = said.head_of(found.data)
            if head.kind in told:
                return told[head.kind](head, found, now_ns)
        except BadPacket:
            pass
        self.counts.malformed += 1
        return None

    def limit(self, *, burst: float, a_minute: float) -> None:
        """How many trains one address may begin at once, and a minute."""
        self._bucket = Bucket(burst, a_minute)

    # --- asked ------------------------------------------------------------------------------------------------------

    def _ask(self, head: Head, found: Datagram, now_ns: int) -> Reply | None:
        try:
            _, nonce = said.read_ask(found.data, self.key)
        except BadPacket:
            self.counts.strangers += 1
            return None
        self._forget(now_ns)
        too_often = self._bucket.take(str(found.source[0]), now_ns // 1_000_000)
        if too_often or len(self._sessions) >= self.most:
            self.counts.busy += 1
            return Reply(said.busy(head.session, nonce))
        self.counts.granted += 1
        return Reply(said.grant(head.session, nonce, self._cookie(found, head.session, now_ns // _GOOD_NS)))

    def _question(self, head: Head, found: Datagram, now_ns: int) -> Reply | None:
        cookie, number, sent_ns = said.read_question(found.data)
        session = self._session(found, head.session, cookie, now_ns)
        if session is None:
            return None
        if session.arrived >> number & 1:
            self.counts.repeated += 1
            return None
        session.arrived |= 1 << number
        self.counts.answered += 1
        answer = said.Answer(number, found.tos, sent_ns, found.at_ns, now_ns)
        # The DSCP that it was sent with, whatever became of it on the way: the way back is a way of its own.
        return Reply(said.answer(head.session, answer, len(found.data)), head.tos & _DSCP)

    def _count(self, head: Head, found: Datagram, now_ns: int) -> Reply | None:
        cookie, nonce = said.read_count(found.data)
        session = self._session(found, head.session, cookie, now_ns)
        if session is None:
            return None
        self.counts.counted += 1
        return Reply(said.counted(head.session, nonce, session.arrived))

    # --- sessions ---------------------------------------------------------------------------------------------------

    def _session(self, found: Datagram, name: bytes, cookie: bytes, now_ns: int) -> _Session | None:
        """The session of a packet, made with its first one; None for a cookie that this address was not given."""
        key = (found.source, name)
        held = self._sessions.get(key)
        if held is None and self._given(found, name, cookie, now_ns) and len(self._sessions) < 2 * self.most:
            held = self._sessions[key] = _Session(cookie, now_ns)
        if held is None or not hmac.compare_digest(held.cookie, cookie):
            self.counts.uncalled += 1
            return None
        return held

    def _given(self, found: Datagram, session: bytes, cookie: bytes, now_ns: int) -> bool:
        now = now_ns // _GOOD_NS
        return any(hmac.compare_digest(cookie, self._cookie(found, session, turn)) for turn in (now, now - 1))

    def _cookie(self, found: Datagram, session: bytes, turn: int) -> bytes:
        text = f"{found.source[0]} {found.source[1]} {turn} ".encode() + session
        return hmac.digest(self.secret, text, hashlib.sha256)[:_TAG_BYTES]

    def _forget(self, now_ns: int) -> None:
        while self._sessions:
            oldest = next(iter(self._sessions))
            if now_ns - self._sessions[oldest].began_ns < 2 * _GOOD_NS:
                return
            del self._sessions[oldest]
