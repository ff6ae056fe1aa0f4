"""How a video conference would get through: the newest trains of UDP packets, class by class. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collector.api import StoredObservation
from dashboards.board.figures import values

ORDER: Final = ("ef", "af41", "be")
"""Voice, picture, everything else: as conferences mark their packets (RFC 4594)."""

_P: Final = "motcua_line_udp_"


@dataclass(frozen=True, slots=True)
class Class:
    """One class of packets; None where it was not measured. Shares from 0 to 1, times in seconds."""

    name: str
    loss: float | None
    loss_low: float | None
    loss_high: float | None
    lost_up: float | None
    rtt_s: float | None
    jitter_s: float | None
    jitter_up_s: float | None


def classes(stored: StoredObservation) -> list[Class]:
    """The classes of a run of the quality probe, voice first."""
    found = values(stored)
    names = {of for metric, of in found if metric.startswith(_P) and of}
    return [_class(found, name) for name in sorted(names, key=rank)]


def rank(name: str) -> tuple[int, str]:
    """Known classes in their order, others after them by name."""
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _class(found: dict[tuple[str, str], float], name: str) -> Class:
    def value(quantity: str) -> float | None:
        return found.get((f"{_P}{quantity}", name))

    return Class(
        name,
        loss=value("loss_ratio"),
        loss_low=value("loss_low_ratio"),
        loss_high=value("loss_high_ratio"),
        lost_up=value("lost_up_ratio"),
        rtt_s=value("rtt_seconds"),
        jitter_s=value("jitter_seconds"),
        jitter_up_s=value("jitter_up_seconds"),
    )
