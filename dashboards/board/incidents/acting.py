"""What may come in with a form about an incident, and what is done with it; for an account and a signed link alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from alerts.api import STAGES, Incident, Stage
from alerts.api import Commands as AlertCommands
from alerts.api import Reader as Alerts
from collector.api import Actor, Commands, Reader
from dashboards.board.faults import Refused
from dashboards.board.incidents.calling import Namer
from dashboards.board.incidents.proof import proof_of
from dashboards.board.incidents.rows import Teller
from dashboards.board.incidents.testing import ask
from dashboards.board.incidents.tries import Tries
from dashboards.board.words import catalogue

MAX_TEXT: Final = 1_000
CENTRES_TRIED: Final = 100
HOUR_MS: Final = 3_600_000
MUTES: Final = (0, 1, 4, 24)
"""For how many hours an incident may be kept quiet from a page; 0: speak again."""

_CODE: Final = re.compile(r"[0-9A-Za-z-]{1,40}")


class Acts:
    """The acts on incidents. Each raises what `alerts.api` refuses, or Refused for a form that cannot be meant."""

    def __init__(self, alerts: Alerts, acts: AlertCommands, reader: Reader, commands: Commands, tries: Tries) -> None:
        self._alerts, self._acts, self._reader, self._commands, self._tries = alerts, acts, reader, commands, tries

    def do(self, act: str, actor: Actor, key: str, form: Mapping[str, str], address: str) -> None:
        """An act by its name, for somebody who comes from `address`. Raises Refused where there is none."""
        match act:
            case "move":
                self.move(actor, key, form, address)
            case "test":
                self.test(actor, key)
            case "comment":
                self.comment(actor, key, form)
            case "label":
                self.label(actor, key, form)
            case "mute":
                self.mute(actor, key, form)
            case _:
                raise Refused(404, "404")

    def move(self, actor: Actor, key: str, form: Mapping[str, str], address: str) -> Incident:
        """Go on to the next stage. On site may be borne out by the box's code, closing is by a measurement."""
        wanted = form.get("to", "")
        if wanted not in STAGES:
            raise Refused(400, "incident_stage")
        held, to, text = self._alerts.incident(key), wanted, text_of(form)
        refuse_early(held, to)
        if to == "on_site" and (code := code_of(form.get("code", ""))):
            self._tries.take(held.id, address)
            text = self._seen_there(held, code, text)
            self._tries.right(held.id, address)
        proof = self._proof(held) if to == "closed" else ""
        return self._acts.move(actor, held.id, to, text=text, proof=proof)

    def _seen_there(self, held: Incident, code: str, text: str) -> str:
        """What is noted of somebody whose code is that of a centre of the incident. Raises Refused where it is none."""
        words = catalogue("vi")
        for centre in held.verdict.centres[:CENTRES_TRIED]:
            if self._reader.is_there(centre, code):
                said = words("incident.code_proved", place=Namer(self._reader).centre(centre, words))
                return f"{said} {text}".strip()
        raise Refused(409, "incident_unknown_code")

    def _proof(self, held: Incident) -> str:
        teller = Teller(catalogue("vi"), Namer(self._reader), self._reader.now_ms())
        return proof_of(self._reader, held, self._alerts.story(held.id), teller).observation

    def test(self, actor: Actor, key: str) -> None:
        """Measure now what the incident is about. Raises Refused where nobody can."""
        if not ask(self._reader, self._commands, actor, self._alerts.incident(key)):
            raise Refused(409, "incident_no_test")

    def comment(self, actor: Actor, key: str, form: Mapping[str, str]) -> None:
        """A person's own words, for everybody who looks at the incident."""
        text = text_of(form)
        if not text:
            raise Refused(400, "incident_empty")
        self._acts.comment(actor, self._alerts.incident(key).id, text)

    def label(self, actor: Actor, key: str, form: Mapping[str, str]) -> None:
        """Say that the verdict was wrong, or right."""
        if form.get("wrong") not in {"0", "1"}:
            raise Refused(400, "incident_form")
        self._acts.label(actor, self._alerts.incident(key).id, wrong=form["wrong"] == "1", text=text_of(form))

    def mute(self, actor: Actor, key: str, form: Mapping[str, str]) -> None:
        """Keep it quiet for some hours, or speak again."""
        hours = form.get("hours", "")
        if hours not in {str(known) for known in MUTES}:
            raise Refused(400, "incident_form")
        until = self._reader.now_ms() + int(hours) * HOUR_MS if hours != "0" else None
        self._acts.mute(actor, self._alerts.incident(key).id, until)

    def link(self, actor: Actor, key: str, form: Mapping[str, str]) -> tuple[Incident, str]:
        """The incident, and a signed token for the phone of its team."""
        held = self._alerts.incident(key)
        known = {team.key for team in self._reader.teams()}
        team = form.get("team", "") or held.team or ""
        if team not in known:
            raise Refused(400, "incident_form")
        return held, self._acts.link(actor, held.id, team=team)

    def retry(self, actor: Actor, form: Mapping[str, str]) -> int:
        """Try one dead letter again, or all of them."""
        return self._acts.retry(actor, self._dead(form))

    def dismiss(self, actor: Actor, form: Mapping[str, str]) -> int:
        """Take one dead letter off the list, or all of them."""
        return self._acts.dismiss(actor, self._dead(form))

    def _dead(self, form: Mapping[str, str]) -> list[str]:
        dead = [one.key for one in self._alerts.told(dead=True)]
        wanted = dead if form.get("all") == "1" else [key for key in dead if key == form.get("key")]
        if not wanted:
            raise Refused(409, "incident_no_letter")
        return wanted


def refuse_early(held: Incident, to: Stage) -> None:
    """What the alerts would refuse as well, in the reader's own words. Raises Refused."""
    if held.closed_ms is not None:
        raise Refused(409, "incident_closed")
    if STAGES.index(to) <= STAGES.index(held.stage):
        raise Refused(409, "incident_already")
    if to == "closed" and held.ended_ms is None:
        raise Refused(409, "incident_still_bad")


def text_of(form: Mapping[str, str]) -> str:
    """What a person wrote, bounded. Raises Refused."""
    text = form.get("text", "").strip()
    if len(text) > MAX_TEXT:
        raise Refused(400, "incident_long")
    return text


def read_code(query: Mapping[str, str]) -> str:
    """A code that came with an address, as a QR code brings it; empty where there is none that can be meant."""
    code = query.get("code", "")
    return code if _CODE.fullmatch(code) else ""


def code_of(told: str) -> str:
    """A code as it was typed or read: no blanks, capital letters; empty where there is none. Raises Refused."""
    code = re.sub(r"\s+", "", told).upper()
    if code and not _CODE.fullmatch(code):
        raise Refused(400, "incident_code")
    return code
