"""Incidents in memory behind `alerts.api`: what the tests of the board's pages look at, and what screenshots show.

`Desk` implements Reader and Commands over a `World`. Its rules are few and plain: stages go forward, the code of a
centre is `A1-<key>`, an incident is closed by an observation that passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from alerts.api import (
    STAGES,
    Considered,
    Evidence,
    Happened,
    Incident,
    NotFound,
    Owner,
    Quality,
    Refused,
    RuleScore,
    Said,
    Stage,
    Told,
    Verdict,
)
from alerts.api.facts import What
from collector.api import Actor, AgentInfo, PlannedItem, State, Team, Window
from tests.support.lively import ROOM, SLOW, VANTAGE, lively
from tests.support.reader_double import DAY_MS, MINUTE_MS, World, observed

HOUR_MS = 60 * MINUTE_MS
CUT = ("07616-1", "07642-1")  # Tây Yên Tử, Yên Định
SILENT = "07663-1"  # Tuấn Đạo
FULL = "07621-1"  # Vân Sơn
LATE = "07654-1"  # An Lạc
REPAIRED = "07399-1"  # Kép
STOPPED = "07738-1"  # Cảnh Thuỵ
SLOW_LINE = "07375-1"  # Lạng Giang
TOKEN = "guest-token-of-incident-1042"
TEAM = "vnpt-bac"


@dataclass
class Desk:
    """Everything the alerts would know."""

    world: World
    held: dict[str, Incident] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)
    letters: list[Told] = field(default_factory=list)
    scores: tuple[RuleScore, ...] = ()
    missed: tuple[tuple[str, int, int], ...] = ()
    guests: dict[str, tuple[Actor, str]] = field(default_factory=dict)
    retried: list[str] = field(default_factory=list)
    version: int = 1

    # --- Reader -------------------------------------------------------------------------------------------------------

    def revision(self) -> str:
        return str(self.version)

    def open(self, centre: str | None = None) -> list[Incident]:
        return [i for i in self.held.values() if i.open and (centre is None or centre in _places(i))]

    def incident(self, key: str) -> Incident:
        for one in self.held.values():
            if key in {one.id, str(one.number)}:
                return one
        raise NotFound(key)

    def incidents(self, from_ms: int, to_ms: int, limit: int = 500) -> list[Incident]:
        found = [i for i in self.held.values() if i.since_ms < to_ms and (i.closed_ms or to_ms) >= from_ms]
        return sorted(found, key=lambda one: -one.since_ms)[:limit]

    def story(self, incident: str) -> list[Happened]:
        self.incident(incident)
        return [one for one in self.happened if one.incident == incident]

    def of_centre(self, centre: str, limit: int = 3) -> list[Incident]:
        found = [i for i in self.held.values() if centre in i.verdict.centres]
        return sorted(found, key=lambda one: -one.since_ms)[:limit]

    def told(self, incident: str | None = None, *, dead: bool = False, limit: int = 200) -> list[Told]:
        found = [one for one in self.letters if incident in {None, one.incident} and (not dead or one.state == "dead")]
        return sorted(found, key=lambda one: -one.created_ms)[:limit]

    def revised(self, from_ms: int, to_ms: int) -> list[Happened]:
        return [h for h in reversed(self.happened) if h.what == "revised" and from_ms <= h.at_ms < to_ms]

    def quality(self, from_ms: int, to_ms: int) -> Quality:
        dead = sum(1 for one in self.letters if one.state == "dead")
        return Quality(from_ms, to_ms, self.scores, self.missed, dead)

    # --- Commands -----------------------------------------------------------------------------------------------------

    def move(self, actor: Actor, incident: str, to: Stage, *, text: str = "", proof: str = "") -> Incident:
        held = self.incident(incident)
        if STAGES.index(to) <= STAGES.index(held.stage):
            raise Refused(f"It is {held.stage} already.")
        if to == "on_site" and proof and proof not in {f"A1-{key}" for key in held.verdict.centres}:
            raise Refused("This is not the code of a centre of this incident.")
        if to == "closed" and held.verdict.visit and not proof:
            raise Refused("Nothing measured bears out that it is repaired.")
        closed = self.world.now if to == "closed" else None
        self._keep(replace(held, stage=to, closed_ms=closed))
        self._tell(held.id, "stage", by=actor.name, text=text, stage=to)
        return self.held[held.id]

    def comment(self, actor: Actor, incident: str, text: str) -> Happened:
        return self._tell(self.incident(incident).id, "comment", by=actor.name, text=text)

    def label(self, actor: Actor, incident: str, *, wrong: bool, text: str = "") -> Incident:
        held = self.incident(incident)
        self._keep(replace(held, wrong=wrong))
        self._tell(held.id, "wrong" if wrong else "right", by=actor.name, text=text)
        return self.held[held.id]

    def mute(self, actor: Actor, incident: str, until_ms: int | None) -> Incident:
        held = self.incident(incident)
        self._keep(replace(held, muted_until_ms=until_ms))
        self._tell(held.id, "muted", by=actor.name)
        return self.held[held.id]

    def link(self, actor: Actor, incident: str, *, team: str, lasts_s: float = 86_400.0) -> str:
        held = self.incident(incident)
        token = f"guest-token-of-incident-{held.number}"
        self.guests[token] = (Actor("Tổ VNPT Bắc Giang", "session", ""), held.id)
        return token

    def guest(self, token: str) -> tuple[Actor, str]:
        if token not in self.guests:
            raise Refused("The link is forged, or it has ended.")
        return self.guests[token]

    def slow_now(self, actor: Actor, centre: str, text: str) -> Incident | None:
        return next(iter(self.open(centre)), None)

    def retry(self, actor: Actor, keys: Sequence[str]) -> int:
        self.retried += keys
        self.letters = [replace(one, state="waiting") if one.key in keys else one for one in self.letters]
        self.version += 1
        return len(keys)

    # --- building -----------------------------------------------------------------------------------------------------

    def _keep(self, held: Incident) -> None:
        self.held[held.id] = held
        self.version += 1

    def _tell(
        self, incident: str, what: What, *, by: str = "", text: str = "", stage: Stage | None = None,
        said: Said | None = None, verdict: Verdict | None = None, minutes: float = 0.0,
    ) -> Happened:  # fmt: skip
        at_ms = self.world.now - round(minutes * MINUTE_MS)
        one = Happened(len(self.happened) + 1, incident, at_ms, what, by, said, text, stage, verdict)
        self.happened.append(one)
        self.version += 1
        return one

    def add(self, number: int, verdict: Verdict, stage: Stage, **more: object) -> Incident:
        """An incident with its beginnings; further fields as they are."""
        opened = verdict.since_ms + 65_000
        held = Incident(f"01KI{number:022d}", number, verdict, stage, verdict.since_ms, verdict.ended_ms, opened, None)
        held = replace(held, **more)  # type: ignore[arg-type]  # test only
        self._keep(held)
        ago = (self.world.now - opened) / MINUTE_MS
        self._tell(held.id, "opened", verdict=verdict, minutes=ago)
        for n, reached in enumerate(STAGES[1 : STAGES.index(stage) + 1]):
            by = "" if reached == "notified" else "Lê Văn Tám"
            text = "Thay đầu nối quang ở tủ cáp." if reached == "repaired" else ""
            self._tell(held.id, "stage", by=by, stage=reached, text=text, minutes=max(1.0, ago - 1 - 4 * n))
        return held

    def write(self, held: Incident, audience: str, channel: str, state: str, *, error: str = "", tries: int = 1) -> None:
        """A message to an audience, as the outbox has it."""
        key = f"{held.id}/call/1/{audience}/{channel}"
        at_ms = held.opened_ms + 2_000
        sent = at_ms + 900 if state in {"sent", "answered"} else None
        self.letters.append(
            Told(key, held.id, "call", audience, channel, "", state, at_ms, at_ms, tries, sent, error)  # type: ignore[arg-type]  # test only
        )


def _places(held: Incident) -> set[str]:
    return {*held.verdict.centres, *held.verdict.affected}


def desk() -> Desk:
    """The morning of `lively` as the alerts tell of it: one of every kind."""
    world = lively()
    world.known_teams = [
        Team(TEAM, "Tổ VNPT Bắc Giang", "VNPT team Bac Giang", "vnpt", ("bac-giang",), ("line",), "0204 000 000"),
        Team("viettel-tinh", "Tổ Viettel tỉnh", "Viettel team", "viettel", (), ("line",)),
        Team("tinh-ha-tang", "Trực hạ tầng số của tỉnh", "Provincial infrastructure desk", "tinh", (), ("power",)),
    ]
    _vantage(world)
    made = Desk(world)
    _portal(made)
    _carrier(made)
    _power(made)
    _slow_line(made)
    _machine(made)
    _repaired(made)
    _planned(made)
    _revised(made)
    _past(made)
    _quality(made)
    made.guests[TOKEN] = (Actor("Tổ VNPT Bắc Giang", "session", ""), made.incident("1042").id)
    return made


def _vantage(world: World) -> None:
    """The province looks at every line's far end."""
    enrolled = world.now - 30 * DAY_MS
    info = AgentInfo(VANTAGE, ROOM, "vantage", "tinh", "0.2.0", enrolled, None, world.now - 2_000, False, 4, 3, ())
    world.listed_agents.append(info)
    for centre, lines in world.known_lines.items():
        for line in lines[:1]:
            world.items.append(PlannedItem(f"far-{centre}", VANTAGE, line.key, "reach", line.cpe_address, 10.0))


def verdict_of(
    world: World, cause: str, rule: str, owner: Owner, state: State, minutes: int, said: Said,
    *, centres: tuple[str, ...] = (), subjects: tuple[str, ...] = (), evidence: tuple[Evidence, ...] = (),
    visit: bool = True, **more: object,
) -> Verdict:  # fmt: skip
    """A verdict that began so many minutes ago."""
    since = world.now - minutes * MINUTE_MS
    considered = (
        Considered("planned", fired=False, why=Said("why.no_window")),
        Considered("service", fired=rule == "service", why=Said("why.service", {"ill": 87, "total": 99})),
        Considered(rule, fired=True, why=Said("why.fits")),
    )
    held = Verdict(
        cause, rule, owner, state, since, None, subjects or (cause,), centres, said, evidence, "certain", visit,
        considered=considered,
    )  # fmt: skip
    return replace(held, **more)  # type: ignore[arg-type]  # test only


def _evidence(world: World, subject: str, said: Said, minutes: float, late_s: float = 12.0) -> Evidence:
    at_ms = world.now - round(minutes * MINUTE_MS)
    kept = [id_ for id_, stored in world.stored.items() if stored.observation.subject == subject]
    return Evidence(subject, said, at_ms, at_ms + round(late_s * 1000), kept[0] if kept else "")


def _portal(made: Desk) -> None:
    world = made.world
    seen = world.system_standings(SLOW)
    ill = tuple(sorted(place for place, s in seen.items() if s.state == "degraded" and place != ROOM))[:87]
    key, since = f"service:{SLOW}", world.now - 19 * MINUTE_MS
    said = Said("verdict.service_slow", {"service": key, "ill": len(ill), "total": 99, "since_ms": since})
    proofs = (
        _evidence(world, f"{key}@{ROOM}", Said("evidence.service_slow", {"total_s": 11.2, "limit_s": 5.0}), 18.5),
        _evidence(world, f"{key}@{ill[0]}", Said("evidence.service_slow", {"total_s": 12.9, "limit_s": 5.0}), 18.0),
        _evidence(world, f"line:{ill[0]}/a", Said("evidence.line_well", {"line": f"line:{ill[0]}/a"}), 1.0),
    )
    verdict = verdict_of(world, key, "service", "service", "degraded", 19, said, evidence=proofs, visit=False, affected=ill)  # fmt: skip
    held = made.add(1041, verdict, "notified", team=None, waiting=212.0)
    made.write(held, "officer", "email", "sent")


def _carrier(made: Desk) -> None:
    world = made.world
    lines = tuple(line.key for centre in CUT for line in world.known_lines[centre] if line.carrier == "vnpt" and line.key[-1] in "ab")
    since = world.now - 33 * MINUTE_MS
    said = Said("verdict.carrier_cut", {"carrier": "carrier:vnpt", "count": len(lines), "places": " ".join(f"centre:{c}" for c in CUT), "since_ms": since})  # fmt: skip
    proofs = tuple(
        _evidence(world, line, Said("evidence.line_lost", {"line": line, "hop": "192.0.2.17"}), 33 - n / 10, 14 + n)
        for n, line in enumerate(lines)
    ) + (_evidence(world, f"lan:{CUT[0]}", Said("evidence.lan_well"), 2.0),)
    verdict = verdict_of(world, "carrier:vnpt/vnpt-chu", "carrier", "carrier", "down", 33, said, centres=CUT, subjects=lines, evidence=proofs)  # fmt: skip
    target = world.now - 10 * MINUTE_MS
    held = made.add(1042, verdict, "notified", team=TEAM, waiting=61.0, target_ms=target)
    made.write(held, f"team:{TEAM}", "zalo_oa", "sent")
    made.write(held, f"centre:{CUT[0]}", "email", "dead", error="550 5.1.1 no such mailbox", tries=6)
    made.write(held, "officer", "webhook", "dead", error="HTTP 503 after 8 tries", tries=8)


def _power(made: Desk) -> None:
    world = made.world
    agent = next(one.id for one in world.listed_agents if one.centre == SILENT)
    said = Said("verdict.power", {"centre": f"centre:{SILENT}", "since_ms": world.now - 12 * MINUTE_MS})
    proofs = (_evidence(world, f"agent:{agent}", Said("evidence.silent"), 12.0, 50.0),)
    lines = tuple(line.key for line in world.known_lines[SILENT][:1])
    verdict = verdict_of(world, f"power:{SILENT}", "power", "power", "down", 12, said, centres=(SILENT,), subjects=lines, evidence=proofs, confidence="likely", candidates=("line",))  # fmt: skip
    made.add(1043, verdict, "acknowledged", team="tinh-ha-tang", waiting=4.0, target_ms=world.now + 3 * HOUR_MS)


def _slow_line(made: Desk) -> None:
    world, line = made.world, f"line:{SLOW_LINE}/a"
    figures = {"metric": "motcua_line_download_bps", "value": 31e6, "limit": 80e6}
    world.stand(line, "degraded", "below_contract", minutes=131, **figures)
    world.stand(f"centre:{SLOW_LINE}", "degraded", "own_fault", minutes=131)
    said = Said("verdict.line_slow", {"line": line, "centre": f"centre:{SLOW_LINE}", "share": 0.31})
    proofs = (_evidence(world, line, Said("evidence.test", {"download_bps": 31e6}), 131),)
    verdict = verdict_of(world, line, "line", "line", "degraded", 131, said, centres=(SLOW_LINE,), evidence=proofs)
    made.add(1039, verdict, "on_site", team=TEAM, waiting=0.0, target_ms=world.now + 2 * HOUR_MS)


def _machine(made: Desk) -> None:
    world = made.world
    device = next(info.key for info in world.subjects(FULL) if info.kind == "device")
    said = Said("verdict.device", {"device": device, "centre": f"centre:{FULL}"})
    proofs = (_evidence(world, device, Said("evidence.disk", {"used_share": 0.968}), 3_000),)
    verdict = verdict_of(world, device, "device", "device", "degraded", 3_000, said, centres=(FULL,), evidence=proofs, visit=False)  # fmt: skip
    made.add(1012, verdict, "notified", team="tinh-ha-tang", waiting=None)


def _repaired(made: Desk) -> None:
    world, line = made.world, f"line:{REPAIRED}/a"
    said = Said("verdict.line_down", {"line": line, "centre": f"centre:{REPAIRED}"})
    lost = {"motcua_line_sent_packets": 5.0, "motcua_line_received_packets": 0.0, "motcua_line_loss_ratio": 1.0}
    agent = next(one.id for one in world.listed_agents if one.centre == REPAIRED)
    failed = observed(line, "reach", "collector", lost, outcome="fail", reason="no_answer")
    before = world.store(agent, failed, ago_ms=95 * MINUTE_MS)
    why = Said("evidence.line_lost", {"line": line, "hop": "192.0.2.18"})
    proofs = (replace(_evidence(world, line, why, 95), observation=before),)
    verdict = verdict_of(world, line, "line", "line", "down", 95, said, centres=(REPAIRED,), evidence=proofs)
    verdict = replace(verdict, ended_ms=world.now - 20 * MINUTE_MS)
    made.add(1036, verdict, "repaired", team=TEAM, waiting=17.0, target_ms=world.now + HOUR_MS)


def _planned(made: Desk) -> None:
    world, line = made.world, f"line:{STOPPED}/a"
    reason = "VNPT nâng cấp tuyến, văn bản 214/VNPT-BN (ví dụ)"
    start, end = world.now - 40 * MINUTE_MS, world.now + 76 * MINUTE_MS
    world.stops.append(Window(1, f"centre:{STOPPED}", STOPPED, start, end, reason, "Nguyễn Thị Hoà", start - DAY_MS))
    for key in (line, f"line:{STOPPED}/b", f"centre:{STOPPED}"):
        world.stand(key, "down", "no_answer", minutes=38)
    said = Said("verdict.planned", {"centre": f"centre:{STOPPED}", "end_ms": end})
    verdict = verdict_of(world, line, "planned", "planned", "down", 38, said, centres=(STOPPED,), visit=False)
    made.add(1040, verdict, "open", waiting=None)


def _revised(made: Desk) -> None:
    world, line = made.world, f"line:{LATE}/a"
    first = Said("verdict.line_down", {"line": line, "centre": f"centre:{LATE}"})
    old = verdict_of(world, line, "line", "line", "down", 190, first, centres=(LATE,), confidence="likely")
    held = made.add(1038, old, "acknowledged", team="tinh-ha-tang", waiting=23.0)
    since = world.now - 204 * MINUTE_MS
    boot = _evidence(world, line, Said("evidence.boot", {"boot_ms": since}), 204, 3_100.0)
    said = Said("verdict.power", {"centre": f"centre:{LATE}", "since_ms": since})
    new = replace(old, rule="power", owner="power", said=said, since_ms=since, evidence=(boot,), confidence="certain")
    made.held[held.id] = replace(held, verdict=new, since_ms=since, revisions=1)
    made._tell(held.id, "revised", said=Said("event.late_boot", {"late_s": 3_100.0}), verdict=new, minutes=150)  # noqa: SLF001 - its own builder


def _past(made: Desk) -> None:
    """What happened at Tây Yên Tử before."""
    for n, days in enumerate((9, 31, 74), start=1):
        line = f"line:{CUT[0]}/a"
        said = Said("verdict.line_down", {"line": line, "centre": f"centre:{CUT[0]}"})
        verdict = verdict_of(made.world, line, "line", "line", "down", days * 1_440, said, centres=(CUT[0],))
        verdict = replace(verdict, ended_ms=verdict.since_ms + 50 * MINUTE_MS)
        made.add(900 + n, verdict, "closed", team=TEAM, closed_ms=verdict.since_ms + HOUR_MS, wrong=False)


def _quality(made: Desk) -> None:
    made.scores = (
        RuleScore("line", 41, 22, 1, 2, 68.0),
        RuleScore("service", 7, 5, 0, 0, 310.0),
        RuleScore("power", 12, 4, 1, 3, None),
        RuleScore("agent", 9, 0, 0, 0, 352.0),
    )
    made.missed = ((f"line:{SLOW_LINE}/b", made.world.now - 5 * DAY_MS, made.world.now - 5 * DAY_MS + 9 * MINUTE_MS),)
