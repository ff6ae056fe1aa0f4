"""What people who stand at a centre tell: a clerk that it is slow, a technician that he is there, a phone what the box
saw while it was cut off."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from sqlalchemy import Connection, select

from collector.api import CarriedIn, NotAllowed, StoredObservation
from collector.reading.evidence import newest_observations
from collector.reading.speeds import SpeedQuestions
from collector.store.tables import agent, latest, token
from wire import carried, onsite

OLD_MS: Final = 24 * 3_600_000
AHEAD_MS: Final = 10 * 60_000
"""A box that was cut and restarted may keep time a little off."""


class OnSiteQuestions(SpeedQuestions):
    """What a reader answers of people on site; see `collector.api.Reader`."""

    def complaints(self, since_ms: int) -> list[StoredObservation]:
        found = select(latest.c.observation).where(latest.c.probe == onsite.COMPLAINT, latest.c.at_ms > since_ms)
        with self._hub.store.reading_ts() as conn:
            ids = list(conn.scalars(found.order_by(latest.c.at_ms).limit(500)))
        with self._hub.store.reading() as conn:
            return newest_observations(conn, ids)

    def is_there(self, centre: str, code: str) -> bool:
        mine = select(token.c.sha256).join(agent, agent.c.id == token.c.agent)
        mine = mine.where(agent.c.centre == centre, agent.c.revoked_ms.is_(None), token.c.revoked_ms.is_(None))
        with self._hub.store.reading() as conn:
            hashes = list(conn.scalars(mine))
        return any(onsite.is_here(one, code, self._hub.clock.wall_ms()) for one in hashes)

    def carried(self, blob: str) -> CarriedIn:
        try:
            name, told, text, signature = carried.parse(blob)
        except carried.CarriedError as error:
            raise NotAllowed(str(error)) from error
        with self._hub.store.reading() as conn:
            key, centre = _of(conn, name)
        if not _signed(key, text.encode("ascii"), signature):
            raise NotAllowed("the evidence was not signed by a box of this province")
        age_ms = self._hub.clock.wall_ms() - told.at_ms
        if not -AHEAD_MS <= age_ms <= OLD_MS:
            raise NotAllowed("the evidence is not of the last 24 hours: scan the code on the centre's page anew")
        return CarriedIn(name, centre, told.at_ms, told.heard_ms or None, tuple(told.sights))


def _of(conn: Connection, name: str) -> tuple[str, str]:
    row = conn.execute(select(agent.c.sign_key, agent.c.centre, agent.c.revoked_ms).where(agent.c.id == name)).first()
    if row is None or row.revoked_ms is not None:
        raise NotAllowed("the evidence is not from a box of this province")
    return row.sign_key, row.centre


def _signed(key: str, text: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(signature, text)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
