"""The facts of an observation's page: what was asked, what was answered, and the words it came in."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from collector.api import Centre, Reader, StoredObservation, SubjectInfo


@dataclass(frozen=True, slots=True)
class Asked:
    """One observation with whom it concerns. `epoch`, `batch` and the position name its receipt."""

    stored: StoredObservation
    info: SubjectInfo | None
    centre: Centre | None
    epoch: str
    batch: str
    raw: str
    now_ms: int


def look(reader: Reader, observation_id: str) -> Asked:
    """Raises NotFound."""
    stored = reader.observation(observation_id)
    info = next((info for info in reader.subjects() if info.key == stored.observation.subject), None)
    centre = next((c for c in reader.centres() if info is not None and c.key == info.centre), None)
    _, epoch, batch, *_ = [*stored.id.split("/"), "", "", ""]
    raw = msgspec.json.format(msgspec.json.encode(stored.observation), indent=2).decode()
    return Asked(stored, info, centre, epoch, batch, raw, reader.now_ms())
