"""From a message to a letter: its sentences, and the facts that somebody who travels needs, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alerts.api import Evidence, Said
from alerts.api.words import Names, say
from alerts.channels.ground import MAX_PLACES, Ground, map_link
from alerts.channels.letter import Field, Lang, Letter
from alerts.deliver.message import Message
from collector.api import LineInfo

MAX_EVIDENCE: Final = 8
MAX_PAST: Final = 3
_SAID_FIRST: Final = frozenset({"correction", "recovered", "escalation", "reminder"})
"""Kinds of messages whose sentence does not say by itself why it comes, or of where it speaks."""


def letter(
    message: Message, *, key: str, audience: str, ground: Ground, names: Names, lang: Lang = "vi", address: str = ""
) -> Letter:
    """The letter of one row of the outbox."""
    speakers = {code: _Speaker(message, ground, names, code) for code in ("vi", "en")}
    vi, en = speakers["vi"], speakers["en"]
    return Letter(
        key=key, kind=message.kind, incident=message.incident, number=message.number, created_ms=ground.now_ms,
        title_vi=vi.title(), text_vi=vi.text(), short_vi=vi.short(),
        title_en=en.title(), text_en=en.text(), short_en=en.short(),
        link=ground.link(message), lang=lang, address=address,
        fields=_fields(message, audience, ground, speakers[lang]),
    )  # fmt: skip


def trial(channel: str, *, names: Names, now_ms: int, lang: Lang = "vi", address: str = "", link: str = "") -> Letter:
    """What is sent to see whether a channel works: it says so, and that nothing is to be done."""
    title, body = (Said(f"message.trial.{part}", {"channel": channel, "at_ms": now_ms}) for part in ("title", "text"))
    return Letter(
        key=f"trial/{channel}/{now_ms}", kind="test", created_ms=now_ms, lang=lang, address=address, link=link,
        title_vi=say(title, "vi", names), text_vi=say(body, "vi", names),
        title_en=say(title, "en", names), text_en=say(body, "en", names),
    )  # fmt: skip


class _Speaker:
    """One message in one language."""

    def __init__(self, message: Message, ground: Ground, names: Names, lang: Lang) -> None:
        self.message, self.ground, self.names, self.lang = message, ground, names, lang

    def say(self, said: Said) -> str:
        return say(said, self.lang, self.names, now_ms=self.ground.now_ms)

    def own(self, key: str, **values: str | float) -> str:
        """A sentence of the section `message`."""
        return self.say(Said(f"message.{key}", values))

    def title(self) -> str:
        """The sentence; with what it is and where, where it does not say so itself."""
        title, kind = self.say(self.message.title), self.message.kind
        return self.own(f"kind.{kind}", text=title, place=self.where()) if kind in _SAID_FIRST else title

    def where(self) -> str:
        """One centre by name, several by their number; without any, what it is about."""
        keys, incident = self.message.centres, self.ground.incident
        if len(keys) > 1:
            return self.own("places", count=len(keys))
        cause = incident.verdict.cause if incident is not None else f"owner:{self.message.owner}"
        return self.centre(keys[0]) if keys else self.own("cause", cause=cause)

    def short(self) -> str:
        """For a telephone: number, sentence, circuit; the link is added where it fits."""
        circuit = self.message.circuits[0] if len(self.message.circuits) == 1 else ""
        number = f"#{self.message.number} " if self.message.number else ""
        return number + self.title() + (f" {self.own('circuit', circuit=circuit)}" if circuit else "")

    def text(self) -> str:
        """Whole lines: the sentence, what belongs to it, then a paragraph each for place, evidence and what to do."""
        seen = [self.message.title, *(piece.said for piece in self._evidence())]  # told elsewhere, and not twice
        parts = [
            [self.title(), *(self.say(said) for said in self.message.lines if said not in seen)],
            list(self._times()), list(self._place()), self._listed("evidence", self.evidence()),
            self._listed("past", self.past()), list(self._end()),
        ]  # fmt: skip
        return "\n\n".join("\n".join(lines) for lines in parts if lines)

    def _listed(self, heading: str, pieces: list[str]) -> list[str]:
        return [self.own(heading), *(f"- {piece}" for piece in pieces)] if pieces else []

    def _times(self) -> Iterator[str]:
        message, incident = self.message, self.ground.incident
        if message.kind == "digest":
            return
        yield self.own("since", since_ms=message.since_ms)
        if message.ended_ms is not None:
            lasted_s = max(0.0, (message.ended_ms - message.since_ms) / 1000)
            yield self.own("ended", ended_ms=message.ended_ms, lasted_s=lasted_s)
        yield self.own("owner", owner=f"owner:{message.owner}")
        if incident is not None and incident.waiting is not None and round(incident.waiting):
            yield self.own("waiting", count=round(incident.waiting))
        if incident is not None and incident.target_ms is not None and message.ended_ms is None:
            yield self.own("target", target_ms=incident.target_ms)

    def _place(self) -> Iterator[str]:
        message, place, line = self.message, self.ground.place(self.message), self.ground.line(self.message)
        if len(message.centres) == 1:
            yield self.own("centre", centre=self.centre(message.centres[0]))
        elif message.centres:
            yield self.own("centres", count=len(message.centres), centres=", ".join(self.places()))
        if line is not None:
            yield self.own(
                "line",
                circuit=line.circuit or "–",
                carrier=f"carrier:{line.carrier}",
                kind=self.own(f"line_kind.{line.kind}"),
            )
        elif message.circuits:
            yield self.own("circuits", circuits=", ".join(message.circuits))
        if place is not None and (place.contact or place.phone):
            yield self.own("contact", contact=place.contact, phone=place.phone)
        if self.ground.hours:
            yield self.own("hours", hours=", ".join(self.ground.hours))
        if place is not None and (url := map_link(place)):
            yield self.own("map_about" if place.located == "area_centroid" else "map", url=url)

    def evidence(self) -> list[str]:
        """What the verdict rests on, the newest last."""
        return [self.say(piece.said) for piece in self._evidence()]

    def _evidence(self) -> list[Evidence]:
        incident = self.ground.incident
        found = [] if incident is None else sorted(incident.verdict.evidence, key=lambda one: one.at_ms)
        return found[-MAX_EVIDENCE:]

    def past(self) -> list[str]:
        """The last incidents of the same centre."""
        found = self.ground.past[:MAX_PAST] if len(self.message.centres) == 1 else ()
        return [self.say(one.verdict.said) for one in found]

    def _end(self) -> Iterator[str]:
        if url := self.ground.link(self.message):
            yield self.own("link", url=url)

    def places(self) -> list[str]:
        """Names of the centres, the first few."""
        keys = self.message.centres
        more = [self.own("more", count=len(keys) - MAX_PLACES)] if len(keys) > MAX_PLACES else []
        return [*map(self.centre, keys[:MAX_PLACES]), *more]

    def centre(self, key: str) -> str:
        return self.names.name(f"centre:{key}", self.lang)


def _fields(message: Message, audience: str, ground: Ground, speaker: _Speaker) -> dict[str, Field]:
    line, incident = ground.line(message), ground.incident
    found: dict[str, Field] = {
        "audience": audience, "team": audience.removeprefix("team:") if audience.startswith("team:") else "",
        "owner": message.owner, "state": message.state, "since_ms": message.since_ms, "ended_ms": message.ended_ms,
        "centres": tuple(message.centres), "circuits": tuple(message.circuits),
        "results": tuple(speaker.evidence()), "faults": tuple(speaker.past()),
        "neighbours": tuple(map(speaker.centre, message.centres[1:])), "hours": ground.hours or (),
        **_place_fields(message, ground, speaker), **_line_fields(message, line, ground, speaker),
    }  # fmt: skip
    if incident is not None:
        verdict = incident.verdict
        found |= {
            "rule": verdict.rule,
            "cause": verdict.cause,
            "waiting": incident.waiting,
            "target_ms": incident.target_ms,
        }
    return found


def _place_fields(message: Message, ground: Ground, speaker: _Speaker) -> dict[str, Field]:
    place = ground.place(message)
    if len(message.centres) != 1:
        areas = {ground.places[key].area for key in message.centres if key in ground.places}
        return {"area": areas.pop() if len(areas) == 1 else ""}
    own: dict[str, Field] = {"centre": message.centres[0], "centre_name": speaker.centre(message.centres[0])}
    if place is not None:
        own |= {
            "area": place.area, "lat": place.lat, "lon": place.lon, "map": map_link(place),
            "contact": place.contact, "phone": place.phone,
        }  # fmt: skip
    return own


def _line_fields(message: Message, line: LineInfo | None, ground: Ground, speaker: _Speaker) -> dict[str, Field]:
    if line is None:
        carriers = {one.carrier for key in message.centres for one in ground.lines.get(key, ())}
        return {"carrier": carriers.pop() if message.owner == "carrier" and len(carriers) == 1 else ""}
    others = [one for one in ground.lines.get(message.centres[0], ()) if one.key != line.key]
    return {
        "line": line.key, "line_kind": line.kind, "carrier": line.carrier, "circuit": line.circuit,
        "contract_bps": line.contract_bps, "uplink_group": line.uplink_group, "cpe_address": line.cpe_address,
        "other_lines": tuple(
            f"{speaker.names.name(f'carrier:{one.carrier}', speaker.lang)} {one.circuit}".strip() for one in others
        ),
    }  # fmt: skip
