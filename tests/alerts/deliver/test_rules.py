"""The rules of delivery by themselves: quiet hours, digests, pauses, addresses, who is called next."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.api import Incident, Said
from alerts.deliver.deciding import quiet_until
from alerts.deliver.digests import digest_key, together
from alerts.deliver.escalating import Patience, next_step
from alerts.deliver.manner import Manner
from alerts.deliver.message import Message, pack
from alerts.deliver.names import InventoryNames
from alerts.deliver.retrying import FIRST_S, LONGEST_S, pause_s
from alerts.deliver.routing import address_of
from alerts.deliver.rows import Row
from alerts.dispatch import Audience, Town
from alerts.settings import Quiet, Route
from collector.api import Centre, Duty, LineInfo, SystemInfo, Team
from tests.support.delivering import saying
from tests.support.reader_double import World
from tests.support.telling import NOW_MS, incident

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
MANNER = Manner(digest_messages=5, digest_s=600.0, acknowledge_s=1800.0)


def row(n: int = 0, kind: str = "call", audience: str = "team:vnpt-bac", **changed: object) -> Row:
    message = replace_whom(saying(incident(), "call"), "An")
    turn = f"0-{n}" if kind == "escalation" else n
    plain = Row(
        f"01J/{kind}/{turn}/{audience}", "01J", kind, audience, "mail", "", pack(message), "sent", NOW_MS, NOW_MS, 0,
        NOW_MS, "",
    )  # fmt: skip
    return replace(plain, **changed)  # type: ignore[arg-type]  # names are those of Row


def replace_whom(message: Message, person: str) -> Message:
    return Message(**{name: getattr(message, name) for name in message.__struct_fields__} | {"person": person})


# --- quiet hours ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "minutes"),
    [
        pytest.param((22 * 60, 6 * 60), None, id="not at 15:00"),
        pytest.param((14 * 60, 16 * 60), 60, id="until 16:00"),
        pytest.param((14 * 60, 9 * 60), 18 * 60, id="over midnight"),
        pytest.param((15 * 60, 15 * 60 + 1), 1, id="a minute"),
        pytest.param((14 * 60, 15 * 60), None, id="just over"),
    ],
)
def test_quiet_hours_end_at_a_local_time(span: tuple[int, int], minutes: int | None) -> None:
    until = quiet_until(Quiet(*span), NOW_MS + 17_000)
    assert until == (None if minutes is None else NOW_MS + minutes * MINUTE_MS)


@given(st.integers(0, 1_439), st.integers(0, 1_439), st.integers(0, 3 * 86_400_000))
def test_when_quiet_hours_end_they_do_not_hold(from_min: int, to_min: int, offset: int) -> None:
    quiet = Quiet(from_min, to_min)
    until = quiet_until(quiet, NOW_MS + offset)
    if until is not None:
        assert NOW_MS + offset < until <= NOW_MS + offset + 86_400_000
        assert quiet_until(quiet, until) is None


# --- digests --------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from(["call", "recovered", "digest"]), st.integers(0, 900_000)), max_size=12),
    st.integers(0, 30),
    st.integers(0, 3),
)
def test_every_message_is_in_one_place_and_floods_are_none(gone: list[tuple[str, int]], fresh: int, tried: int) -> None:
    ready = [*(row(n) for n in range(fresh)), *(row(100 + n, tries=1) for n in range(tried))]
    before = [(kind, NOW_MS - ago) for kind, ago in gone]
    found = together(ready, before, MANNER, NOW_MS)
    assert sorted(r.key for r in (*found.alone, *found.digest, *found.later)) == sorted(r.key for r in ready)
    lately = sum(1 for _, at in before if at > NOW_MS - 600_000)
    new = len(found.alone) - tried + bool(found.digest)
    assert new <= 1 or lately + new < MANNER.digest_messages
    assert len(found.digest) != 1
    if found.later:
        assert NOW_MS < found.later_ms <= NOW_MS + 600_000
        assert len(together(found.later, before, MANNER, found.later_ms).later) == 0


def test_a_digest_is_known_by_what_it_tells_in_whatever_order() -> None:
    rows = [row(n) for n in range(5)]
    assert digest_key(rows) == digest_key(rows[::-1]) != digest_key(rows[:4])


# --- pauses ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.integers())
def test_a_pause_grows_to_a_bound_and_is_never_nothing(tries: int, seed: int) -> None:
    pause = pause_s(tries, random.Random(seed))
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(tries - 1, 20))
    assert longest / 2 <= pause <= longest


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "person", "told", "found"),
    [
        pytest.param("email", "", {}, "team@example.com", id="the team's mailbox"),
        pytest.param("email", "An", {"x": "desk@example.com"}, "desk@example.com", id="the mailbox of the settings"),
        pytest.param("phone", "An", {"x": "+84 9"}, "+84 1", id="whoever is on duty, whatever the settings say"),
        pytest.param("phone", "", {"x": "+84 9"}, "+84 9", id="the number of the settings"),
        pytest.param("phone", "", {}, "+84 1", id="the number of the team"),
        pytest.param("own", "An", {"x": "group-1"}, "group-1", id="what only the channel knows"),
        pytest.param("own", "An", {}, "", id="the channel's own"),
        pytest.param("none", "An", {"x": "y"}, "", id="no address"),
    ],
)
def test_a_letter_finds_its_address(wanted: str, person: str, told: dict[str, str], found: str) -> None:
    plain = replace_whom(saying(incident(), "call"), person)
    message = Message(
        **{n: getattr(plain, n) for n in plain.__struct_fields__} | {"phone": "+84 1", "email": "team@example.com"}
    )
    route = Route(("x",), addresses=told)
    assert address_of("x", wanted, route, message) == found  # type: ignore[arg-type]  # one of the four


# --- escalation -----------------------------------------------------------------------------------------------------

AN, BINH = (
    Duty("vnpt-bac", name, f"+84 {name}", NOW_MS - HOUR_MS + n * HOUR_MS, NOW_MS + 9 * HOUR_MS)
    for n, name in enumerate(("An", "Bình"))
)
ROTA = Town(rota={"vnpt-bac": [AN, BINH]})
LATE = NOW_MS + 1_800_000
PATIENCE = Patience(1800.0)
WITH_DEPUTY = Patience(1800.0, deputy=True)
BINH_CALLED = row(1, "escalation", message=pack(replace_whom(saying(incident(), "escalation"), "Bình")))


@pytest.mark.parametrize(
    ("told", "town", "at_ms", "next_one"),
    [
        pytest.param([row()], ROTA, LATE - 1, None, id="there is time"),
        pytest.param([row()], ROTA, LATE, ("team:vnpt-bac", "Bình"), id="the next in the rota"),
        pytest.param([row()], Town(), LATE, ("officer", ""), id="no rota: the officer"),
        pytest.param([row()], Town(rota={"vnpt-bac": [AN]}), LATE, ("officer", ""), id="nobody else: the officer"),
        pytest.param([row(), BINH_CALLED], ROTA, LATE, ("officer", ""), id="and then the officer"),
        pytest.param(
            [row(), replace(BINH_CALLED, sent_ms=LATE - 1)], ROTA, LATE, None, id="whoever came next has their time too"
        ),
        pytest.param(
            [row(), replace(BINH_CALLED, state="waiting", sent_ms=None)], ROTA, LATE, None, id="on its way"
        ),
        pytest.param([row(), row(2, "escalation", "officer")], ROTA, 9 * LATE, None, id="the officer knows"),
        pytest.param([row(audience="officer")], ROTA, 9 * LATE, None, id="the officer's own"),
        pytest.param([row(audience="centre:07210-1")], ROTA, 9 * LATE, None, id="a notice asks nobody"),
        pytest.param([row(state="dead", sent_ms=None)], ROTA, NOW_MS, ("officer", ""), id="nobody was reached"),
        pytest.param([row(state="dropped", sent_ms=None)], ROTA, LATE, None, id="nobody is to be told"),
        pytest.param([row(state="waiting", sent_ms=None)], ROTA, LATE, None, id="not sent yet"),
        pytest.param(
            [row()], replace(ROTA, opens=lambda *_: []), 9 * LATE, None, id="doors are closed: nobody is woken"
        ),
        pytest.param([], ROTA, LATE, None, id="nobody was told"),
    ],
)  # fmt: skip
def test_what_nobody_takes_on_is_taken_further(
    told: Sequence[Row], town: Town, at_ms: int, next_one: tuple[str, str] | None
) -> None:
    step = next_step(incident(), told, town, PATIENCE, at_ms)
    assert (None if step is None else (step.audience.key, step.audience.person)) == next_one


def test_a_muted_incident_is_taken_nowhere() -> None:
    muted: Incident = replace(incident(), muted_until_ms=LATE + 1)
    assert next_step(muted, [row()], ROTA, PATIENCE, LATE) is None


TO_OFFICER, TO_DEPUTY = row(2, "escalation", "officer"), row(3, "escalation", "deputy")
UNSENT: dict[str, Any] = {"state": "dead", "sent_ms": None}


@pytest.mark.parametrize(
    ("told", "at_ms", "next_one"),
    [
        pytest.param([row(audience="officer")], LATE - 1, None, id="there is time"),
        pytest.param([row(audience="officer")], LATE, ("deputy", "officer_silent"), id="the officer's own"),
        pytest.param([row(), TO_OFFICER], LATE, ("deputy", "officer_silent"), id="after team and officer"),
        pytest.param([row(), BINH_CALLED], LATE, ("officer", "nobody_answered"), id="the officer comes before"),
        pytest.param([row(audience="officer"), TO_DEPUTY], 9 * LATE, None, id="the deputy knows"),
        pytest.param(
            [row(audience="officer", **UNSENT)], NOW_MS, ("deputy", "officer_unreached"), id="no message got there"
        ),
        pytest.param(
            [row(**UNSENT), replace(TO_OFFICER, **UNSENT)], NOW_MS, ("deputy", "officer_unreached"), id="to nobody"
        ),
        pytest.param(
            [row(audience="officer"), row(audience="centre:07210-1", sent_ms=LATE)], LATE,
            ("deputy", "officer_silent"), id="a notice at a centre is no answer, and no call",
        ),
        pytest.param([row(audience="centre:07210-1")], 9 * LATE, None, id="a notice asks nobody"),
    ],
)  # fmt: skip
def test_what_the_officer_does_not_take_on_is_taken_to_the_deputy(
    told: Sequence[Row], at_ms: int, next_one: tuple[str, str] | None
) -> None:
    step = next_step(incident(), told, ROTA, WITH_DEPUTY, at_ms)
    assert (None if step is None else (step.audience.key, step.why.key.removeprefix("deliver."))) == next_one


def test_where_nobody_has_to_travel_time_is_counted_while_those_who_see_it_are_open() -> None:
    def opens(centre: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        return [(max(from_ms, LATE), to_ms)] if centre == "07375-1" and to_ms > LATE else []

    seen = replace(incident().verdict, centres=(), affected=("07375-1",), visit=False, owner="service")
    case, told = replace(incident(), verdict=seen), [row(audience="officer")]
    town = Town(opens=opens)
    assert next_step(case, told, town, WITH_DEPUTY, LATE + 1_799_999) is None
    assert next_step(case, told, town, WITH_DEPUTY, LATE + 1_800_000) is not None


def test_what_comes_back_is_taken_further_anew() -> None:
    again = replace(incident(), reopened=1)
    before = [row(), TO_OFFICER, TO_DEPUTY]
    assert next_step(again, before, Town(), WITH_DEPUTY, LATE) is None, "nobody was called again yet"
    step = next_step(again, [*before, row(1)], Town(), WITH_DEPUTY, LATE)
    assert step is not None
    assert step.audience.key == "officer"


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "vi", "en"),
    [
        pytest.param("centre:07210-1", "Phường Bắc Giang", "Bac Giang Ward", id="a centre"),
        pytest.param("line:07210-1/a", "VNPT a", "VNPT a", id="a line"),
        pytest.param("service:dvcqg", "Cổng quốc gia", "National portal", id="a system"),
        pytest.param(
            "service:dvcqg@07210-1", "Cổng quốc gia, Phường Bắc Giang", "National portal, Bac Giang Ward",
            id="a system at a centre",
        ),
        pytest.param("team:vnpt-bac", "Tổ bắc", "North", id="a team"),
        pytest.param("carrier:viettel", "Viettel", "Viettel", id="a carrier"),
        pytest.param("area:yen-the", "Yen The", "Yen The", id="an area"),
        pytest.param("centre:00000-9", "00000-9", "00000-9", id="what nobody knows"),
        pytest.param("device:01J", "01J", "01J", id="what has no name"),
    ],
)  # fmt: skip
def test_things_are_called_as_the_inventory_calls_them(key: str, vi: str, en: str) -> None:
    world = World()
    world.listed_centres = [Centre("07210-1", "Phường Bắc Giang", "Bac Giang Ward")]
    world.known_lines = {"07210-1": [LineInfo("line:07210-1/a", "internet", "vnpt", "", None, "", "", "")]}
    world.known_systems = [SystemInfo("dvcqg", "Cổng quốc gia", "National portal", "", "national", None, None, True)]
    world.known_teams = [Team("vnpt-bac", "Tổ bắc", "North", "vnpt")]
    names = InventoryNames(world)
    assert (names.name(key, "vi"), names.name(key, "en")) == (vi, en)


def test_why_somebody_else_is_called_is_said() -> None:
    step = next_step(incident(), [row()], ROTA, PATIENCE, LATE)
    assert step is not None
    assert step.why == Said("deliver.next_on_duty", {"person": "Bình"})
    assert step.audience == Audience("team:vnpt-bac", "Bình", "+84 Bình", "")
