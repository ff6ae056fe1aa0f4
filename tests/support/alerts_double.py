"""Incidents in memory behind `alerts.api`: what the tests of the board's pages look at, and what screenshots show.

`Desk` implements Reader and Commands over a `World`. Its rules are few and plain: stages go forward, and an incident
is closed by an observation that passed. Its sentences are its own (`double.`): what
pages do with a sentence does not depend on how verdicts are worded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

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
from alerts.api import words as told
from alerts.api.facts import What
from alerts.api.words import Lang
from collector.api import Actor, AgentInfo, CarriedIn, PlannedItem, State, Team, Window
from tests.support.lively import ROOM, SLOW, VANTAGE, lively
from tests.support.reader_double import DAY_MS, MINUTE_MS, World, observed
from wire.carried import Sight

HOUR_MS = 60 * MINUTE_MS
CUT = ("07616-1", "07642-1")  # Tây Yên Tử, Yên Định
SILENT = "07663-1"  # Tuấn Đạo
FULL = "07621-1"  # Vân Sơn
LATE = "07654-1"  # An Lạc
REPAIRED = "07399-1"  # Kép
STOPPED = "07738-1"  # Cảnh Thuỵ
SLOW_LINE = "07375-1"  # Lạng Giang
SENTENCES: Mapping[Lang, Mapping[str, str]] = {
    "vi": {
        "service_slow": "{service} chậm ở {ill}/{total} trung tâm từ {since_ms}, đường truyền tốt",
        "carrier_cut": "{carrier} đứt tuyến: {count} đường của {places} cùng mất từ {since_ms}",
        "power": "{centre} mất điện từ {since_ms}",
        "line_slow": "{line} của {centre} chỉ đạt {contract_share} tốc độ hợp đồng",
        "line_down": "Mất {line} của {centre}",
        "device": "{device} tại {centre} gần đầy ổ đĩa; đường truyền tốt",
        "planned": "{centre} bảo trì đến {end_ms}",
        "answered": "Trả lời sau {total_s}, ngưỡng {limit_s}",
        "line_well": "{line} vẫn tốt",
        "line_lost": "{line} không trả lời, cùng dừng ở {hop}",
        "lan_well": "Mạng nội bộ vẫn trả lời",
        "silent": "Không còn nghe thấy bộ đo",
        "test": "Đo tải xuống được {download_bps}",
        "disk": "Ổ đĩa đã dùng {used_share}",
        "boot": "Máy khởi động lại lúc {boot_ms}: trước đó mất điện",
        "late_boot": "Bản ghi khởi động tới muộn {late_s}",
        "no_window": "Không có kế hoạch bảo trì nào trùng lúc đó",
        "ill": "{ill}/{total} trung tâm thấy chậm",
        "fits": "Mọi chứng cứ đều khớp",
    },
    "en": {
        "service_slow": "{service} slow for {ill} of {total} centres since {since_ms}, lines fine",
        "carrier_cut": "{carrier} is cut: {count} lines of {places} went together at {since_ms}",
        "power": "{centre} without power since {since_ms}",
        "line_slow": "{line} of {centre} reaches only {contract_share} of its contract",
        "line_down": "{line} of {centre} is down",
        "device": "{device} at {centre}: disk nearly full; lines fine",
        "planned": "{centre} under maintenance until {end_ms}",
        "answered": "Answered after {total_s}, limit {limit_s}",
        "line_well": "{line} is fine",
        "line_lost": "{line} does not answer, ends at {hop} like the others",
        "lan_well": "The local network still answers",
        "silent": "The agent is not heard any more",
        "test": "Downloads at {download_bps}",
        "disk": "Disk used {used_share}",
        "boot": "The machine started at {boot_ms}: there was no power before",
        "late_boot": "A boot record came {late_s} late",
        "no_window": "No planned stop at that time",
        "ill": "{ill} of {total} centres see it slow",
        "fits": "All evidence fits",
    },
}

_own_catalogue = told.catalogue


@cache
def _catalogue(lang: Lang) -> Mapping[str, str]:
    mine = {f"double.{key}": text for key, text in SENTENCES[lang].items()}
    return MappingProxyType({**_own_catalogue(lang), **mine})


told.catalogue = _catalogue  # the sentences above stand beside those of the alerts

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
    dismissed: list[str] = field(default_factory=list)
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
        if to == "closed" and held.verdict.visit and not proof:
            raise Refused("Nothing measured bears out that it is repaired.")
        closed = self.world.now if to == "closed" else None
        self.keep(replace(held, stage=to, closed_ms=closed))
        self.tell(held.id, "stage", by=actor.name, text=text, stage=to)
        return self.held[held.id]

    def comment(self, actor: Actor, incident: str, text: str) -> Happened:
        return self.tell(self.incident(incident).id, "comment", by=actor.name, text=text)

    def label(self, actor: Actor, incident: str, *, wrong: bool, text: str = "") -> Incident:
        held = self.incident(incident)
        self.keep(replace(held, wrong=wrong))
        self.tell(held.id, "wrong" if wrong else "right", by=actor.name, text=text)
        return self.held[held.id]

    def mute(self, actor: Actor, incident: str, until_ms: int | None) -> Incident:
        held = self.incident(incident)
        self.keep(replace(held, muted_until_ms=until_ms))
        self.tell(held.id, "muted", by=actor.name)
        return self.held[held.id]

    def link(self, actor: Actor, incident: str, *, team: str, lasts_s: float = 86_400.0) -> str:
        held = self.incident(incident)
        token = f"guest-token-of-incident-{held.number}"
        self.guests[token] = (Actor(f"team:{TEAM}", "session"), held.id)
        return token

    def guest(self, token: str) -> tuple[Actor, str]:
        if token not in self.guests:
            raise Refused("The link is forged, or it has ended.")
        return self.guests[token]

    def slow_now(self, actor: Actor, centre: str, text: str) -> Incident | None:
        return next(iter(self.open(centre)), None)

    def carry(self, blob: str) -> tuple[CarriedIn, Incident | None]:
        if blob != "good":
            raise Refused("this is not evidence from a centre's page: scan the code again")
        seen = Sight("line:07375-1/a", "collector", "fail", "no_answer", 0, 0)
        return CarriedIn("A", SLOW_LINE, self.world.now, None, (seen,)), next(iter(self.open(SLOW_LINE)), None)

    def retry(self, actor: Actor, keys: Sequence[str]) -> int:
        self.retried += keys
        self.letters = [replace(one, state="waiting") if one.key in keys else one for one in self.letters]
        self.version += 1
        return len(keys)

    def dismiss(self, actor: Actor, keys: Sequence[str]) -> int:
        self.dismissed += keys
        self.letters = [replace(one, state="dropped") if one.key in keys else one for one in self.letters]
        self.version += 1
        return len(keys)

    # --- building -----------------------------------------------------------------------------------------------------

    def keep(self, held: Incident) -> None:
        self.held[held.id] = held
        self.version += 1

    def tell(
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
        self.keep(held)
        ago = (self.world.now - opened) / MINUTE_MS
        self.tell(held.id, "opened", verdict=verdict, minutes=ago)
        for n, reached in enumerate(STAGES[1 : STAGES.index(stage) + 1]):
            by = "" if reached == "notified" else "Lê Văn Tám"
            text = "Thay đầu nối quang ở tủ cáp." if reached == "repaired" else ""
            self.tell(held.id, "stage", by=by, stage=reached, text=text, minutes=max(1.0, ago - 1 - 4 * n))
        return held

    def write(
        self, held: Incident, audience: str, channel: str, state: str, *, error: str = "", tries: int = 1
    ) -> None:
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
    world.codes_there = {key: f"{n:06d}" for n, key in enumerate(CUT, start=481_516)}
    made.guests[TOKEN] = (Actor(f"team:{TEAM}", "session"), made.incident("1042").id)
    return made


def _vantage(world: World) -> None:
    """The province looks at every line's far end."""
    enrolled = world.now - 30 * DAY_MS
    info = AgentInfo(VANTAGE, ROOM, "vantage", "tinh", "0.2.0", enrolled, None, world.now - 2_000, False, 4, 3, ())
    world.listed_agents.append(info)
    for centre, lines in world.known_lines.items():
        for line in lines[:1]:
            world.items.append(PlannedItem(f"far-{centre}", VANTAGE, line.key, "reach", line.cpe_address, 10.0))


@dataclass(frozen=True)
class Case:
    """Where and since when: what most of a verdict follows from."""

    world: World
    minutes: float
    centres: tuple[str, ...] = ()

    def say(self, key: str, **values: str | float) -> Said:
        """A sentence of the double, with the centre and the beginning at hand."""
        since = self.world.now - round(self.minutes * MINUTE_MS)
        own = {"since_ms": since} | ({"centre": f"centre:{self.centres[0]}"} if self.centres else {})
        return Said(f"double.{key}", {**own, **values})

    def seen(
        self, subject: str, key: str, *, minutes: float | None = None, late_s: float = 12.0, **values: str | float
    ) -> Evidence:
        """One piece of evidence, with an observation of the subject where the world has one."""
        at_ms = self.world.now - round((self.minutes if minutes is None else minutes) * MINUTE_MS)
        kept = [id_ for id_, stored in self.world.stored.items() if stored.observation.subject == subject]
        return Evidence(subject, self.say(key, **values), at_ms, at_ms + round(late_s * 1000), kept[0] if kept else "")

    def verdict(self, cause: str, owner: Owner, state: State, said: Said, **more: object) -> Verdict:
        """A verdict that somebody has to go for; further fields as they are."""
        considered = (
            Considered("planned", fired=owner == "planned", why=Said("double.no_window")),
            Considered("service", fired=owner == "service", why=Said("double.ill", {"ill": 87, "total": 99})),
            Considered(owner, fired=True, why=Said("double.fits")),
        )
        since = self.world.now - round(self.minutes * MINUTE_MS)
        held = Verdict(
            cause=cause,
            rule=owner,
            owner=owner,
            state=state,
            since_ms=since,
            ended_ms=None,
            subjects=(cause,),
            centres=self.centres,
            said=said,
            evidence=(),
            confidence="certain",
            visit=True,
            considered=considered,
        )
        return replace(held, **more)  # type: ignore[arg-type]  # test only


def _portal(made: Desk) -> None:
    case, key = Case(made.world, 19), f"service:{SLOW}"
    seen = made.world.system_standings(SLOW)
    ill = tuple(sorted(place for place, s in seen.items() if s.state == "degraded" and place != ROOM))[:87]
    said = case.say("service_slow", service=key, ill=len(ill), total=99)
    line = f"line:{ill[0]}/a"
    evidence = (
        case.seen(f"{key}@{ROOM}", "answered", minutes=18.5, total_s=11.2, limit_s=5.0),
        case.seen(f"{key}@{ill[0]}", "answered", minutes=18, total_s=12.9, limit_s=5.0),
        case.seen(line, "line_well", minutes=1, line=line),
    )
    verdict = case.verdict(key, "service", "degraded", said, evidence=evidence, visit=False, affected=ill)
    held = made.add(1041, verdict, "notified", waiting=212.0)
    made.write(held, "officer", "email", "sent")


def _carrier(made: Desk) -> None:
    world, case = made.world, Case(made.world, 33, CUT)
    lines = tuple(
        line.key
        for centre in CUT
        for line in world.known_lines[centre]
        if line.carrier == "vnpt" and line.key[-1] in "ab"
    )
    places = " ".join(f"centre:{key}" for key in CUT)
    said = case.say("carrier_cut", carrier="carrier:vnpt", count=len(lines), places=places)
    lost = [case.seen(line, "line_lost", late_s=14 + n, line=line, hop="192.0.2.17") for n, line in enumerate(lines)]
    evidence = (*lost, case.seen(f"lan:{CUT[0]}", "lan_well", minutes=2))
    verdict = case.verdict("carrier:vnpt/vnpt-chu", "carrier", "down", said, subjects=lines, evidence=evidence)
    held = made.add(1042, verdict, "notified", team=TEAM, waiting=61.0, target_ms=world.now - 10 * MINUTE_MS)
    made.write(held, f"team:{TEAM}", "zalo_oa", "sent")
    made.write(held, f"centre:{CUT[0]}", "email", "dead", error="550 5.1.1 no such mailbox", tries=6)
    made.write(held, "officer", "webhook", "dead", error="HTTP 503", tries=8)


def _power(made: Desk) -> None:
    world, case = made.world, Case(made.world, 12, (SILENT,))
    agent = next(one.id for one in world.listed_agents if one.centre == SILENT)
    verdict = case.verdict(
        f"power:{SILENT}",
        "power",
        "down",
        case.say("power"),
        subjects=tuple(line.key for line in world.known_lines[SILENT][:1]),
        evidence=(case.seen(f"agent:{agent}", "silent", late_s=50),),
        confidence="likely",
        candidates=("line",),
    )
    made.add(1043, verdict, "acknowledged", team="tinh-ha-tang", waiting=4.0, target_ms=world.now + 3 * HOUR_MS)


def _slow_line(made: Desk) -> None:
    world, line, case = made.world, f"line:{SLOW_LINE}/a", Case(made.world, 131, (SLOW_LINE,))
    figures = {"metric": "motcua_line_download_bps", "value": 31e6, "limit": 80e6}
    world.stand(line, "degraded", "below_contract", minutes=131, **figures)  # type: ignore[arg-type]  # test only
    world.stand(f"centre:{SLOW_LINE}", "degraded", "own_fault", minutes=131)
    said = case.say("line_slow", line=line, contract_share=0.31)
    evidence = (case.seen(line, "test", download_bps=31e6),)
    verdict = case.verdict(line, "line", "degraded", said, evidence=evidence)
    made.add(1039, verdict, "on_site", team=TEAM, waiting=0.0, target_ms=world.now + 2 * HOUR_MS)


def _machine(made: Desk) -> None:
    case = Case(made.world, 3_000, (FULL,))
    device = next(info.key for info in made.world.subjects(FULL) if info.kind == "device")
    evidence = (case.seen(device, "disk", used_share=0.968),)
    said = case.say("device", device=device)
    verdict = case.verdict(device, "device", "degraded", said, evidence=evidence, visit=False)
    made.add(1012, verdict, "notified", team="tinh-ha-tang")


def _repaired(made: Desk) -> None:
    world, line, case = made.world, f"line:{REPAIRED}/a", Case(made.world, 95, (REPAIRED,))
    agent = next(one.id for one in world.listed_agents if one.centre == REPAIRED)
    lost = {"motcua_line_sent_packets": 5.0, "motcua_line_received_packets": 0.0, "motcua_line_loss_ratio": 1.0}
    failed = observed(line, "reach", "collector", lost, outcome="fail", reason="no_answer")
    before = world.store(agent, failed, ago_ms=95 * MINUTE_MS)
    evidence = (replace(case.seen(line, "line_lost", line=line, hop="192.0.2.18"), observation=before),)
    said, ended = case.say("line_down", line=line), world.now - 20 * MINUTE_MS
    verdict = case.verdict(line, "line", "down", said, evidence=evidence, ended_ms=ended)
    made.add(1036, verdict, "repaired", team=TEAM, waiting=17.0, target_ms=world.now + HOUR_MS)


def _planned(made: Desk) -> None:
    world, line, case = made.world, f"line:{STOPPED}/a", Case(made.world, 38, (STOPPED,))
    start, end = world.now - 40 * MINUTE_MS, world.now + 76 * MINUTE_MS
    for key in (line, f"line:{STOPPED}/b", f"centre:{STOPPED}"):
        world.stand(key, "down", "no_answer", minutes=38)
    told_ms = start - DAY_MS
    world.stops.append(
        Window(1, f"centre:{STOPPED}", STOPPED, start, end, "VNPT nâng cấp tuyến cáp", "Nguyễn Thị Hoà", told_ms,
               document="214/VNPT-BN (ví dụ)")
    )  # fmt: skip
    verdict = case.verdict(line, "planned", "down", case.say("planned", end_ms=end), visit=False)
    made.add(1040, verdict, "open")


def _revised(made: Desk) -> None:
    line, first, since = f"line:{LATE}/a", Case(made.world, 190, (LATE,)), Case(made.world, 204, (LATE,))
    old = first.verdict(line, "line", "down", first.say("line_down", line=line), confidence="likely")
    held = made.add(1038, old, "acknowledged", team="tinh-ha-tang", waiting=23.0)
    boot = since.seen(line, "boot", late_s=3_100, boot_ms=made.world.now - 204 * MINUTE_MS)
    new = since.verdict(line, "power", "down", since.say("power"), evidence=(boot,))
    made.held[held.id] = replace(held, verdict=new, since_ms=new.since_ms, revisions=1)
    made.tell(held.id, "revised", said=Said("double.late_boot", {"late_s": 3_100.0}), verdict=new, minutes=150)


def _past(made: Desk) -> None:
    """What happened at Tây Yên Tử before."""
    line = f"line:{CUT[0]}/a"
    for n, days in enumerate((9, 31, 74), start=1):
        case = Case(made.world, days * 1_440, CUT[:1])
        verdict = case.verdict(line, "line", "down", case.say("line_down", line=line))
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
