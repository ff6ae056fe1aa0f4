"""Scenarios with names: what became known, and the verdicts that follow, each with its owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts.api import Owner, Verdict
from alerts.correlate import correlate
from alerts.correlate.picture import Picture
from alerts.incidents.runs import runs
from collector.api import State
from tests.support.scenes import CENTRES, Scene, lines_of, ms

Told = Callable[[Scene], Scene]
DAY = 86_400.0


def carrier_cut(scene: Scene, to_s: float | None = None) -> Scene:
    """Every line of vnpt in bac: b1 to b4 fall silent, b5 and b6 measure it themselves."""
    for centre in ("b1", "b2", "b3", "b4"):
        scene.silent(centre, -20, to_s, known=40)
        for line in lines_of(centre)[:2]:
            scene.lost(line, 10, to_s)
    return scene.cut("b5/b", 5, to_s).cut("b6/b", 8, to_s)


def area_out(scene: Scene, to_s: float | None = None) -> Scene:
    for centre in ("b1", "b2", "b3", "b4", "b5", "b6"):
        scene.gone(centre, 0, to_s)
    return scene


def silent_everywhere(scene: Scene) -> Scene:
    for centre in CENTRES:
        scene.silent(centre, 0)
    return scene


def flapping(scene: Scene) -> Scene:
    for n in range(5):
        scene.cut("b1/b", 300 * n, 300 * n + 60)
    return scene


def late_power(scene: Scene) -> Scene:
    """Known at once: silence. Three days later the province's vantage sends what it had seen, and the box its boot."""
    scene.silent("b1", -20, 1_800, known=40).boot("b1", 1_790, known=3 * DAY)
    for line in lines_of("b1"):
        scene.lost(line, 10, 1_800, known=3 * DAY)
    return scene


def _silent(scene: Scene, centres: str) -> Scene:
    for centre in centres.split():
        scene.silent(centre, 0)
    return scene


def _stays_behind(scene: Scene) -> Scene:
    scene.spells["line:b5/b"].clear()
    return scene.cut("b5/b", 5)


def _also_dark(scene: Scene) -> Scene:
    return scene.lost("b1/c", 30)


def _each(scene: Scene, lines: str, reason: str) -> Scene:
    for line in lines.split():
        scene.told(f"line:{line}", "degraded", reason, 0)
    return scene


def _coming_back(scene: Scene) -> Scene:
    """A carrier's cut of fifteen minutes; each line's resolver fails for 20 s behind it."""
    for line in ("b1/a", "b2/a", "b3/a", "b4/a", "b5/b", "b6/b"):
        scene.told(f"line:{line}", "degraded", "dns_failed", 901, 921)
    return carrier_cut(scene, 900)


def _worse(scene: Scene) -> Scene:
    scene.system("dvcqg", "service_slow", 0, 900, seen="b1 b2 n1")
    return scene.system("dvcqg", "service_down", 900, seen="b1 b2 n1")


def _pc(scene: Scene, n: int, from_s: float) -> Scene:
    return scene.told(f"agent:b1-pc{n}", "unknown", "silent", from_s)


def power_within_a_cut(scene: Scene) -> Scene:
    """The line that b5 speaks by is cut; in between the power goes, of which the machine's start tells afterwards."""
    scene.told("agent:b5", "unknown", "silent", 0, 2_000).boot("b5", 1_220, known=2_010)
    scene.told("lan:b5", "unknown", "silent", 600, 1_240, known=2_010).lost("b5/b", 605, 1_230)
    scene.cut("b5/a", 0, 600, known=2_010).lost("b5/a", 600, 1_240, known=2_010)
    return scene.cut("b5/a", 1_240, 2_000, known=2_010)


def cut_within_power(scene: Scene, centre: str) -> Scene:
    """The power goes; when it is back the line that the box speaks by is cut, as it tells after that."""
    scene.silent(centre, -20, 2_000, known=40).boot(centre, 1_220, known=2_010)
    for n, line in enumerate(lines_of(centre)):
        scene.lost(line, 10 + n, 1_230 if n else 1_240)
    return scene.cut(f"{centre}/a", 1_240, 2_000, known=2_010)


def power_before_a_carrier(scene: Scene) -> Scene:
    """b3 has no power two minutes before all of its carrier's group is cut; it has it back shortly before that."""
    for line in lines_of("b3"):
        scene.lost(line, -120, 1_730).cut(line, 1_730, 1_800, known=1_810)
    scene.told("agent:b3", "unknown", "silent", -130, 1_800).boot("b3", 1_700, known=1_810)
    scene.told("lan:b3", "unknown", "silent", -130, 1_720, known=1_810)
    for centre in ("b1", "b2", "b4"):
        scene.silent(centre, -20, 1_800, known=40)
        for line in lines_of(centre)[:2]:
            scene.lost(line, 10, 1_800)
    return scene.cut("b5/b", 5, 1_800).cut("b6/b", 8, 1_800)


def power_soon_after_a_cut(scene: Scene) -> Scene:
    """All of a group is cut; b1 measures it, and has no power from 170 s on, as its box tells afterwards."""
    carrier_cut(scene, 1_800)
    scene.spells["agent:b1"].clear()
    for line in lines_of("b1")[:2]:
        scene.spells[f"line:{line}"].clear()
        scene.cut(line, 5, 1_800, known=1_820)
    scene.silent("b1", 150, 1_800, known=200).lost("b1/c", 172, 1_700).boot("b1", 1_690, known=1_820)
    return scene.told("lan:b1", "unknown", "silent", 170, 1_700, known=1_820)


def area_of_one_carrier(scene: Scene, booted: str) -> Scene:
    """b1 to b4 lose all they have of vnpt; when they are back, these were started anew."""
    for centre in ("b1", "b2", "b3", "b4"):
        scene.silent(centre, -20, 1_800, known=40)
        for line in lines_of(centre)[:2]:
            scene.lost(line, 10, 1_800)
    for centre in booted.split():
        scene.boot(centre, 1_790)
    return scene


SCENARIOS: list[tuple[str, Told, float, dict[str, Owner]]] = [
    ("nothing is wrong", lambda s: s, 600, {}),
    ("one line, measured by its box", lambda s: s.cut("b1/b", 0), 90, {"line:b1/b": "line"}),
    ("the line that its box speaks by", lambda s: s.silent("b1", -20).lost("b1/a", 10), 300, {"line:b1/a": "line"}),
    ("a box just fell silent", lambda s: s.silent("b1", 0), 70, {"centre:b1": "unknown"}),
    ("one line lost, and the others may follow", lambda s: s.silent("b1", -20).lost("b1/a", 10), 195,
     {"centre:b1": "unknown"}),
    ("all lines of a centre and its box", lambda s: s.gone("b1", 0), 260, {"power:b1": "power"}),
    ("power, though all its lines are of one group", lambda s: s.gone("b3", 0), 260, {"power:b3": "power"}),
    ("power, and a network that is dead once the box is back",
     lambda s: s.gone("b1", 0, 1_800).boot("b1", 700).told("lan:b1", "down", "no_answer", 705, 1_800, known=1_820),
     1_900, {"power:b1": "power", "lan:b1": "lan"}),
    ("power confirmed by a boot", lambda s: s.gone("b1", 0, 1_800).boot("b1", 1_790), 1_900, {"power:b1": "power"}),
    ("power while the line that its box speaks by is cut", power_within_a_cut, 2_100,
     {"line:b5/a": "line", "power:b5": "power"}),
    ("a line is cut before the power is back", lambda s: cut_within_power(s, "b5"), 2_100,
     {"line:b5/a": "line", "power:b5": "power"}),
    ("its only line is cut before the power is back", lambda s: cut_within_power(s, "n4"), 2_100,
     {"line:n4/a": "line", "power:n4": "power"}),
    ("the power is back, and one line is not",
     lambda s: s.silent("b5", -20, known=40).lost("b5/a", 10).lost("b5/b", 12, 600), 900,
     {"line:b5/a": "line", "power:b5": "power"}),
    ("the power of one centre before a carrier's cut", power_before_a_carrier, 1_900,
     {"carrier:vnpt/vnpt-bac": "carrier", "power:b3": "power"}),
    ("its box is started anew while one of its lines is cut",
     lambda s: s.cut("b5/b", 0).silent("b5", 300, 400).boot("b5", 380), 500,
     {"centre:b5": "unknown", "line:b5/b": "line"}),
    ("power while the network is dead already, as long as it lasts",
     lambda s: s.silent("b5", -900, known=-840).lost("b5/a", 0).lost("b5/b", 12), 300,
     {"agent:b5": "agent", "power:b5": "power"}),
    ("two neighbours of one carrier, both started anew",
     lambda s: s.gone("b3", 0, 1_800).gone("b4", 20, 1_800).boot("b3", 1_790).boot("b4", 1_795), 1_900,
     {"power:area/bac": "power"}),
    ("a carrier's cut, and one of its centres started anew",
     lambda s: area_of_one_carrier(s, "b3").cut("b5/b", 5, 1_800), 1_900,
     {"carrier:vnpt/vnpt-bac": "carrier", "power:b3": "power"}),
    ("power by neighbours on several carriers", area_out, 260, {"power:area/bac": "power"}),
    ("an area goes dark, and nothing is seen yet", lambda s: _silent(s, "b1 b2 b3 b4 b5 b6"), 70,
     {"power:area/bac": "power"}),
    ("a box on its battery while all around it is off",
     lambda s: s.told("device:b1", "degraded", "on_battery", 0).told("lan:b1", "down", "no_answer", 5), 90,
     {"power:b1": "power"}),
    ("a box on its battery, and no more", lambda s: s.told("device:b1", "degraded", "on_battery", 0), 90,
     {"power:b1": "power"}),
    ("one line is all it has: line or power", lambda s: s.silent("n4", -20).lost("n4/a", 10), 270,
     {"centre:n4": "unknown"}),
    ("one line is all it has, and somebody has to look", lambda s: s.silent("n4", -20).lost("n4/a", 10), 280,
     {"line:n4/a": "line"}),
    ("one line is all it has, and its box did not start anew",
     lambda s: s.silent("n4", -20, 900).lost("n4/a", 10, 900).boot("n4", -5_000), 1_000, {"line:n4/a": "line"}),
    ("one line is all it has, and its box started anew",
     lambda s: s.silent("n4", -20, 900).lost("n4/a", 10, 900).boot("n4", 880), 1_000, {"power:n4": "power"}),
    ("both lines of a centre, as its box tells afterwards",
     lambda s: s.silent("b3", -20, 900).cut("b3/a", 0, 900, known=920).cut("b3/b", 3, 900, known=920), 960,
     {"line:b3/a": "line"}),
    ("two lines of two carriers at one centre", lambda s: s.cut("n1/b", 0).cut("n1/c", 4), 90,
     {"line:n1/b": "line", "line:n1/c": "line"}),
    ("a carrier's group", carrier_cut, 260, {"carrier:vnpt/vnpt-bac": "carrier"}),
    ("a carrier's group, before the province sees it", carrier_cut, 90, {"carrier:vnpt/vnpt-bac": "carrier"}),
    ("the carrier recovers first, one line stays behind",
     lambda s: _stays_behind(carrier_cut(s, 1_800)), 2_400,
     {"carrier:vnpt/vnpt-bac": "carrier", "line:b5/b": "line"}),
    ("all came back but for what is not known yet", lambda s: _stays_behind(carrier_cut(s, 1_800)), 1_870,
     {"carrier:vnpt/vnpt-bac": "carrier"}),
    ("a carrier's cut and another centre's power",
     lambda s: carrier_cut(s).gone("n1", 30), 300, {"carrier:vnpt/vnpt-bac": "carrier", "power:n1": "power"}),
    ("the power of one centre within a carrier's cut", lambda s: _also_dark(carrier_cut(s)), 300,
     {"carrier:vnpt/vnpt-bac": "carrier", "power:b1": "power"}),
    ("the resolver of a carrier fails for all of a group",
     lambda s: _each(s, "b1/a b2/a b3/a b4/a b5/b b6/b b1/b", "dns_failed"), 400, {"carrier:vnpt/vnpt-bac": "carrier"}),
    ("resolvers fail for a moment as a carrier's lines come back", _coming_back, 1_000,
     {"carrier:vnpt/vnpt-bac": "carrier"}),
    ("a shared system, seen by many", lambda s: s.system("dvcqg", "service_slow", 0, seen="b1 b2 n1"), 400,
     {"service:dvcqg": "service"}),
    ("a system slow, then gone, is one", _worse, 4_000, {"service:dvcqg": "service"}),
    ("the portal is down during a carrier's cut",
     lambda s: carrier_cut(s).system("dvcqg", "service_down", 100, seen="n1 n2 n3 b5"), 600,
     {"carrier:vnpt/vnpt-bac": "carrier", "service:dvcqg": "service"}),
    ("one centre alone sees a system ill", lambda s: s.told("service:dvcqg@b1", "down", "refused", 0, known=700), 2_400,
     {"centre:b1/services": "unknown"}),
    ("one centre sees a system ill, too early to tell",
     lambda s: s.told("service:dvcqg@b1", "down", "refused", 0, known=700), 900, {}),
    ("a system fails where the line is lossy",
     lambda s: s.told("line:b1/a", "degraded", "loss", 0).told("service:dvcqg@b1", "degraded", "slow", 60, known=700),
     2_400, {"line:b1/a": "line"}),
    ("the network of a centre, from what its box had measured",
     lambda s: s.silent("b1", -20, 900).told("lan:b1", "down", "no_answer", 0, 880, known=920), 960,
     {"lan:b1": "lan"}),
    ("its resolver fails as the network comes back",
     lambda s: s.told("lan:b1", "down", "no_answer", 0, 800).told("line:b1/a", "degraded", "dns_failed", 801, 840), 960,
     {"lan:b1": "lan"}),
    ("box and PCs fall silent, a line answers",
     lambda s: _pc(_pc(s.silent("b1", 0), 1, 30), 2, 9),
     600, {"lan:b1": "lan"}),
    ("the box is silent, a PC is not", lambda s: _pc(s.silent("b1", 0), 1, 30), 600,
     {"agent:b1": "agent"}),
    ("a box silent for long, its lines answer", lambda s: s.silent("b2", 0), 600, {"agent:b2": "agent"}),
    ("a box silent for a moment", lambda s: s.silent("b2", 0, 80), 600, {"centre:b2": "unknown"}),
    ("a silent agent that is not a fault: PCs at night",
     lambda s: _pc(_pc(s, 1, 0), 2, 40), 50_000, {}),
    ("a PC unheard of for days", lambda s: _pc(s, 1, 0), 4 * DAY,
     {"agent:b1-pc1": "agent"}),
    ("the province's own vantage", lambda s: s.told("agent:v", "unknown", "silent", 0), 400, {"agent:v": "agent"}),
    ("a clock that is off", lambda s: s.told("agent:b1", "degraded", "clock_skew", 0), 90, {"agent:b1": "agent"}),
    ("two machines as one agent", lambda s: s.told("agent:b1", "degraded", "cloned", 0), 90, {"agent:b1": "agent"}),
    ("the line is back and the box is not",
     lambda s: s.silent("b1", -20).lost("b1/a", 10, 600), 960, {"line:b1/a": "line", "agent:b1": "agent"}),
    ("the line is back and the box needs a moment",
     lambda s: s.silent("b1", -20).lost("b1/a", 10, 600), 880, {"line:b1/a": "line"}),
    ("behind the line the network is dead as well, as its box tells afterwards",
     lambda s: s.silent("b1", -20, 1_500).lost("b1/a", 10, 600).told("lan:b1", "down", "no_answer", 300, 1_500,
                                                                     known=1_520), 1_600,
     {"line:b1/a": "line", "lan:b1": "lan"}),
    ("two neighbours of one carrier, nothing more is known yet",
     lambda s: s.gone("b3", 0).gone("b4", 20), 260, {"power:area/bac": "power"}),
    ("a carrier's cut, and within three minutes the power of one of its centres", power_soon_after_a_cut, 1_900,
     {"carrier:vnpt/vnpt-bac": "carrier", "power:b1": "power"}),
    ("a full disk", lambda s: s.told("device:b1", "degraded", "disk_low", 0, value=0.98), 90, {"device:b1": "device"}),
    ("a machine that does not answer", lambda s: s.told("device:b1", "down", "no_answer", 0), 90,
     {"device:b1": "device"}),
    ("everything falls silent at once", silent_everywhere, 90, {"province:silence": "province"}),
    ("a line that flaps is slow in between",
     lambda s: flapping(s).told("line:b1/b", "degraded", "dns_slow", 960, 1_200), 1_500, {"line:b1/b": "line"}),
    ("flapping is one lasting trouble", flapping, 1_500, {"line:b1/b": "line"}),
    ("a clock of 1970: what cannot be dated tells nothing",
     lambda s: s.told("line:b1/b", "down", "clock_unsure", -1_795_000_000).boot("b1", -1_795_000_000), 600, {}),
    ("a line below its contract is the carrier's", lambda s: s.told("line:b1/a", "degraded", "below_contract", 0), 90,
     {"line:b1/a": "carrier"}),
    ("a port that runs too slowly is a machine's", lambda s: s.told("line:b1/a", "degraded", "port_slow", 0), 90,
     {"line:b1/a": "device"}),
    ("before three days went by: a silence without a cause", late_power, 2_000, {"agent:b1": "agent"}),
    ("after three days: it was the power", late_power, 3 * DAY, {"power:b1": "power"}),
    ("a cut within planned maintenance", lambda s: s.plan("line:b1/b", -60, 1_800, centre="b1").cut("b1/b", 0, 1_700),
     1_900, {"planned:1": "planned"}),
    ("maintenance of the line that its box speaks by",
     lambda s: s.plan("line:b1/a", -60, 1_800, centre="b1").silent("b1", -20, 1_700).lost("b1/a", 10, 1_710), 1_900,
     {"planned:1": "planned"}),
    ("maintenance overlapping a cut: what sticks out speaks",
     lambda s: s.plan("line:b1/b", -60, 900, centre="b1").cut("b1/b", 0), 1_200,
     {"planned:1": "planned", "line:b1/b": "line"}),
    ("maintenance of a carrier", lambda s: carrier_cut(s, 1_800).plan("carrier:vnpt/vnpt-bac", -60, 3_600), 2_000,
     {"planned:1/area:bac": "planned"}),
    ("a fault elsewhere during maintenance",
     lambda s: s.plan("centre:b1", -60, 1_800, centre="b1").gone("b1", 0).cut("b2/b", 0), 600,
     {"planned:1": "planned", "line:b2/b": "line"}),
    ("two at once at one centre", lambda s: s.cut("b1/b", 0).told("device:b1", "degraded", "disk_low", 5), 90,
     {"line:b1/b": "line", "device:b1": "device"}),
    ("a line is lossy, then its centre loses the power",
     lambda s: s.told("line:b1/a", "degraded", "loss", -2_000, 0).gone("b1", 0), 260,
     {"line:b1/a": "line", "power:b1": "power"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tell", "now_s", "expected"), [pytest.param(*rest, id=name) for name, *rest in SCENARIOS]
)  # fmt: skip
def test_every_trouble_has_the_verdict_and_the_owner_it_should(
    tell: Told, now_s: float, expected: dict[str, Owner]
) -> None:
    verdicts = correlate(tell(Scene()).at(now_s))
    assert sorted((one.cause, one.owner) for one in verdicts) == sorted(expected.items())


def only(picture: Picture) -> Verdict:
    (verdict,) = correlate(picture)
    return verdict


def test_a_line_of_its_box_lasts_from_its_first_loss_to_its_last() -> None:
    verdict = only(Scene().cut("b1/b", 0, 600).at(700))
    assert (verdict.since_ms, verdict.ended_ms, verdict.state, verdict.visit) == (ms(0), ms(600), "down", True)
    assert (verdict.subjects, verdict.centres, verdict.confidence) == (("line:b1/b",), ("b1",), "certain")


def test_the_verdict_on_a_silent_centre_has_its_agent_among_its_subjects() -> None:
    scene = Scene().silent("b1", -20).lost("b1/a", 10)
    early, late = only(scene.at(60)), only(scene.at(300))
    assert (early.owner, late.owner) == ("unknown", "line")
    assert "agent:b1" in set(early.subjects) & set(late.subjects)
    assert early.candidates == ("agent", "lan", "power", "line")


def test_a_carrier_names_all_its_lines_and_where_people_wait() -> None:
    verdict = only(carrier_cut(Scene(), 1_800).at(1_900))
    lines = [
        f"line:{line}" for line in ("b1/a", "b1/b", "b2/a", "b2/b", "b3/a", "b3/b", "b4/a", "b4/b", "b5/b", "b6/b")
    ]
    assert list(verdict.subjects[:10]) == lines
    assert verdict.centres == ("b1", "b2", "b3", "b4", "b5", "b6")
    assert (verdict.since_ms, verdict.ended_ms, verdict.confidence) == (ms(5), ms(1_800), "certain")


def test_a_dead_network_behind_a_line_that_was_cut_is_about_the_box_as_well() -> None:
    """So that whoever was called to the silent box hears whose it is: the same trouble has a subject in common."""
    scene = Scene().silent("b1", -20, 1_500).cut("b1/a", 0, 420, known=1_520)
    scene.told("line:b1/a", "unknown", "lan_down", 430, 1_500, known=1_520)
    scene.told("lan:b1", "down", "no_answer", 430, 1_500, known=1_520)
    lan = next(one for one in correlate(scene.at(1_600)) if one.owner == "lan")
    assert lan.subjects == ("lan:b1", "agent:b1")


def test_what_is_only_suspected_is_not_said_to_be_seen() -> None:
    area = only(_silent(Scene(), "b1 b2 b3 b4 b5 b6").at(70))
    assert (area.said.key, area.confidence) == ("verdict.power_area_suspected", "possible")
    carrier = only(_silent(Scene(), "b1 b2 b3 b4").at(70))
    assert (carrier.said.key, carrier.confidence) == ("verdict.carrier_suspected", "possible")
    assert {one.said.key for one in (*area.evidence, *carrier.evidence)} == {"evidence.silent"}


UNWELL: dict[str, tuple[State, str]] = {"device:b1": ("degraded", "disk_low"), "line:b1/b": ("down", "no_answer")}


@pytest.mark.parametrize("subject", UNWELL)
@pytest.mark.parametrize(
    ("then", "ended_s"),
    [
        pytest.param([("silent", 300, None)], None, id="its box is not heard any more"),
        pytest.param([("silent", 300, 900)], 900, id="it was seen to be well afterwards"),
        pytest.param([("silent", 300, 600), ("mute_to_province", 600, 900)], 900, id="unseen for two reasons"),
        pytest.param([("silent", 300, 900), ("", 900, 1_200)], 1_200, id="it was as bad still"),
        pytest.param([("decommissioned", 300, None)], 300, id="it was taken out of service"),
        pytest.param([], 300, id="it was well"),
    ],
)
def test_a_machine_or_a_line_is_no_better_before_it_was_seen_better(
    subject: str, then: list[tuple[str, float, float | None]], ended_s: float | None
) -> None:
    state, why = UNWELL[subject]
    scene = Scene().told(subject, state, why, 0, 300)
    for reason, first, last in then:
        scene.told(subject, "unknown" if reason else state, reason or why, first, last)
    own = [one for one in correlate(scene.at(2_000)) if one.owner == subject.partition(":")[0]]
    (run,) = runs(own, scene.at(2_000).limits)
    assert run.ended_ms == (None if ended_s is None else ms(ended_s))


def test_a_system_affects_centres_and_sends_nobody() -> None:
    verdict = only(Scene().system("dvcqg", "service_slow", 0, seen="b1 b2 n1").at(400))
    assert (verdict.centres, verdict.affected, verdict.visit) == ((), ("b1", "b2", "n1"), False)


def test_power_becomes_certain_by_a_boot_and_may_be_of_one_group() -> None:
    live = [only(Scene().gone(centre, 0).at(260)).confidence for centre in ("b1", "b3")]
    after = only(Scene().gone("b1", 0, 1_800).boot("b1", 1_790).at(1_900))
    assert [*live, after.confidence] == ["likely", "possible", "certain"]
    assert not after.visit


def test_where_nobody_can_tell_line_from_power_it_is_the_line_and_says_so_until_the_box_is_back() -> None:
    scene = Scene().silent("n4", -20, 900).lost("n4/a", 10, 900)
    live = only(scene.at(400))
    assert (live.owner, live.confidence, live.visit, live.said.key) == (
        "line", "possible", True, "verdict.line_down_doubt",
    )  # fmt: skip
    power = next(one.why for one in live.considered if one.rule == "power")
    assert power.key == "why.power_alone"
    same, other = only(scene.boot("n4", -5_000).at(1_000)), only(scene.boot("n4", 880).at(1_000))
    assert [(one.owner, one.confidence) for one in (same, other)] == [("line", "likely"), ("power", "certain")]


def test_a_pc_that_is_switched_on_proves_no_power_cut() -> None:
    scene = Scene().gone("b1", 0, 1_800).boot("b1", 1_790)
    by_pc = {"b1": [replace(boot, agent="agent:b1-pc1") for boot in scene.boots["b1"]]}
    picture = scene.at(1_900)
    assert [only(one).confidence for one in (picture, replace(picture, boots=by_pc))] == ["certain", "likely"]


def test_what_is_known_of_the_power_by_the_record_alone_spans_the_time_without_measurements() -> None:
    line, power = correlate(power_within_a_cut(Scene()).at(2_100))
    assert (line.since_ms, line.ended_ms) == (ms(0), ms(2_000))
    assert (power.since_ms, power.ended_ms, power.confidence) == (ms(600), ms(1_230), "certain")
    assert next(one.why.key for one in power.considered if one.fired) == "why.power_record"


@pytest.mark.parametrize(
    ("booted", "now_s", "expected"),
    [
        pytest.param("b1 b2 b3 b4", 400, "carrier", id="while it lasts nobody can tell"),
        pytest.param("", 1_900, "carrier", id="none started anew: the carrier"),
        pytest.param("b1 b2 b3", 1_900, "power", id="most started anew: the power"),
    ],
)
def test_an_area_that_hangs_on_one_carrier_is_told_from_its_power_by_the_machines_starts(
    booted: str, now_s: float, expected: Owner
) -> None:
    seen = area_of_one_carrier(Scene(), booted).at(now_s)
    own = {key: line for key, line in seen.topology.lines.items() if line.centre in {"b1", "b2", "b3", "b4"}}
    lines = {key: line for key, line in own.items() if line.carrier == "vnpt"}
    verdicts = correlate(replace(seen, topology=replace(seen.topology, lines=lines)))
    assert {one.owner for one in verdicts} == {expected}
    assert max(len(one.centres) for one in verdicts) >= 3


def test_maintenance_leaves_what_lasts_longer() -> None:
    scene = Scene().plan("line:b1/b", -60, 900, centre="b1").cut("b1/b", 0)
    held = correlate(scene.at(930))
    assert [one.rule for one in held] == ["planned"]  # a little late is no fault
    planned, line = correlate(scene.at(1_200))
    assert (planned.visit, line.since_ms) == (False, ms(900))


def test_flapping_ends_only_once_it_was_quiet_for_long_enough() -> None:
    scene = flapping(Scene())
    assert only(scene.at(1_300)).ended_ms is None
    assert only(scene.at(1_260 + 901)).ended_ms == ms(1_260)


def test_every_verdict_tells_of_every_rule_why_it_spoke_or_not() -> None:
    verdict = only(Scene().cut("b1/b", 0).at(90))
    assert [one.rule for one in verdict.considered] == [
        "planned", "service", "province", "carrier", "power", "line", "lan", "device", "agent", "unknown",
    ]  # fmt: skip
    assert [one.rule for one in verdict.considered if one.fired] == ["line"]
    few = next(one.why for one in verdict.considered if one.rule == "carrier")
    assert (few.key, few.values["count"], few.values["of"]) == ("why.carrier_few", 1, 10)


@pytest.mark.parametrize(
    ("apart_s", "owners"),
    [
        pytest.param(10, {"power"}, id="together, and so power"),
        pytest.param(10_800, {"line"}, id="hours apart: each time its line, the likelier"),
    ],
)
def test_where_no_box_stands_lines_are_lost_by_power_only_where_they_are_lost_together(
    apart_s: int, owners: set[str]
) -> None:
    seen = Scene().lost("b3/a", 0, 1_800).lost("b3/b", apart_s, apart_s + 1_800).at(16_000)
    agents = {key: one for key, one in seen.topology.agents.items() if one.centre != "b3"}
    found = correlate(replace(seen, topology=replace(seen.topology, agents=agents)))
    assert {one.owner for one in found} == owners
