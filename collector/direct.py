"""The road of a drill: agents of this process speak to its collector without TLS and HTTP; all else is as everywhere.

What they bring is read, checked and stored by the same functions as behind the socket (`collector/ingest`), codes are
spent, plans drawn, heartbeats kept. All that comes at one moment is one COMMIT. Only for a collector whose clock is
driven: see `docs/decisions/0027-the-score.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from collector.hub import Hub
from collector.ingest.inbox import Inbox
from collector.ingest.parcels import Arrival
from collector.register import enrolment, plans
from collector.register.known import Known, token_hash
from collector.web.app import Parts
from wire.messages import Answer, Enrol, Enrolled, Plan


class Direct:
    """Every call blocks and raises what the socket would answer as a problem: Refusal, BadCode."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._inbox, parts = hub, Inbox(hub.store), Parts.of(hub)
        self._register, self._heartbeats = parts.register, parts.heartbeats

    def enrol(self, words: Sequence[Enrol]) -> list[Enrolled]:
        """Spend the join code of each, all in one transaction."""
        now_ms = self._hub.clock.wall_ms()

        def job(conn: Connection) -> list[Enrolled]:
            return [enrolment.enrol(conn, word, now_ms) for word in words]

        made = self._hub.store.writer.do(job)
        self._hub.wake("register")
        return made

    def plan(self, token: str) -> Plan:
        """The plan in force of the agent that speaks."""
        known = self._speaker(token)
        with self._hub.store.reading() as conn:
            return plans.in_force(conn, known.agent)

    def hear(self, tokens: Sequence[str]) -> list[str]:
        """A heartbeat of each now; the hash of the plan that each is to follow."""
        now_ms = self._hub.clock.wall_ms()
        known = [self._speaker(token) for token in tokens]
        for one in known:
            self._heartbeats.beat(one.agent, now_ms)
        return [one.plan_sha256 for one in known]

    def take(self, posts: Sequence[tuple[str, bytes]]) -> list[Answer]:
        """Store what agents bring, each a token and the body of its request; their receipts, after the COMMIT."""
        now_ms = self._hub.clock.wall_ms()
        arrivals = [
            Arrival(self._speaker(token), body, bytes, packed=False, received_ms=now_ms) for token, body in posts
        ]
        for arrival in arrivals:
            self._inbox.ready(arrival)
        settled = self._hub.store.writer.do(lambda conn: self._inbox.do(conn, arrivals))
        return [Answer(one.receipts, now_ms, 0.0) for one in settled]

    def _speaker(self, token: str) -> Known:
        sha256 = token_hash(token)
        known = self._register.find(sha256)
        if known is None:
            self._register.refresh()
            known = self._register.find(sha256) or self._register.look_up(sha256)
        if known is None:
            raise enrolment.BadCode("token", "the token is unknown or was revoked")
        return known
