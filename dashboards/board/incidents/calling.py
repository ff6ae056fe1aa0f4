"""What the sentences of the alerts call things: the names of the inventory, asked for once and only where needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from collector.api import OWN_ROOMS, Centre, LineInfo, Reader
from dashboards.board.areas import spoken
from dashboards.board.names import centre_name
from dashboards.board.order import fold, short_name
from dashboards.board.system_words import system_names
from dashboards.board.words import Lang, Words, catalogue


class Namer:
    """Puts keys such as `line:07210-1/a` or `carrier:vnpt` into words, for one page. What nobody knows stays a key."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def name(self, key: str, lang: Lang) -> str:
        """The name of a key of `alerts.api.words.NAMED`."""
        kind, _, own = key.partition(":")
        way = self._ways.get(kind)
        return own if way is None else way(own, catalogue(lang))

    @cached_property
    def _ways(self) -> Mapping[str, Callable[[str, Words], str]]:
        return {
            "centre": self.centre,
            "line": self.line,
            "lan": lambda own, words: self._at(words("subject.lan"), own, words),
            "service": self._service,
            "system": self._service,
            "signing": lambda own, words: self._at(words("incident.signing"), own.partition("/")[0], words),
            "area": self.area,
            "carrier": lambda own, _words: _sign(own.partition("/")[0]),
            "group": lambda own, words: self.area(own.partition("-")[2] or own, words),
            "agent": self._agent,
            "device": self._device,
            "team": self.team,
        }

    # --- what is asked of the inventory ---------------------------------------------------------------------------

    @cached_property
    def centres(self) -> Mapping[str, Centre]:
        """Every centre in service, by key."""
        return self._reader.overview().centres

    @cached_property
    def _systems(self) -> Mapping[Lang, Mapping[str, str]]:
        known = self._reader.systems()
        return {lang: system_names(known, catalogue(lang)) for lang in ("vi", "en")}

    @cached_property
    def _lines(self) -> Mapping[str, Sequence[LineInfo]]:
        return self._reader.every_line()

    @cached_property
    def _agents(self) -> Mapping[str, tuple[str, str]]:
        return {agent.id: (agent.role, agent.name) for agent in self._reader.agents()}

    @cached_property
    def _devices(self) -> Mapping[str, str]:
        found = (info for info in self._reader.subjects() if info.kind == "device")
        return {info.key: info.label for info in found}

    @cached_property
    def _areas(self) -> Mapping[str, str]:
        """Areas are called after their seat, which tells the tone marks."""
        return {fold(name).replace(" ", "-"): name for name in (short_name(c.name_vi) for c in self.centres.values())}

    # --- names ----------------------------------------------------------------------------------------------------

    def centre(self, key: str, words: Words) -> str:
        """Its short name; a room of the province's own is told as one."""
        held = self.centres.get(key)
        if held is not None:
            return short_name(centre_name(held, words))
        return words("systems.room", name=key) if key.startswith(OWN_ROOMS) else key

    def area(self, slug: str, words: Words) -> str:
        """Its name with tone marks, where one of its centres has it."""
        return self._areas.get(slug) or spoken(slug, words)

    def team(self, key: str, words: Words) -> str:
        """What a team is called; its key where it left the inventory."""
        held = next((team for team in self._reader.teams() if team.key == key), None)
        return key if held is None else (held.name_en if words.lang == "en" else held.name_vi) or held.name_vi

    def line(self, own: str, words: Words) -> str:
        """07210-1/a → Internet VNPT (A), without its centre."""
        held = self.circuit(f"line:{own}")
        letter = own.rpartition("/")[2].upper()
        if held is None:
            return words("incident.line_plain", letter=letter)
        kind = words.declared("linekind", held.kind)
        return words("incident.line", kind=kind, carrier=_sign(held.carrier), letter=letter)

    def circuit(self, key: str) -> LineInfo | None:
        """What was contracted for the subject `line:<key>`."""
        own = self._lines.get(key.removeprefix("line:").partition("/")[0], ())
        return next((line for line in own if line.key == key), None)

    def _service(self, own: str, words: Words) -> str:
        system, _, place = own.partition("@")
        name = self._systems[words.lang].get(system, system)
        return self._at(name, place, words) if place else name

    def _agent(self, own: str, words: Words) -> str:
        role, name = self._agents.get(own, ("", ""))
        called = words.declared("role", role) if role else words("subject.agent", name=own[-6:])
        return words("incident.named", kind=called, name=name) if name and role == "pc" else called

    def _device(self, own: str, words: Words) -> str:
        label = self._devices.get(f"device:{own}", "")
        return words("subject.device", name=label or own[-6:])

    def _at(self, name: str, place: str, words: Words) -> str:
        return words("incident.at_place", name=name, place=self.centre(place, words))


def _sign(carrier: str) -> str:
    """vnpt → VNPT, as people write the names of carriers."""
    return carrier.upper()
