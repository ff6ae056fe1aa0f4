"""Whole letters, word by word, in both languages and as each channel sends them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.api import Said
from alerts.api.words import LANGS, catalogue
from alerts.channels import alertmanager, email, sms, webhook, wording, zalo_oa
from alerts.channels.ground import Ground
from alerts.channels.letter import Lang, Letter
from tests.support.letters import BEGAN_MS, BOARD, KEY, NOW_MS, Names, ground, incident, letter, message
from wire import strict

GOLDEN = Path(__file__).parents[2] / "data" / "letters"
"""What letters say. To take a change over on purpose: MOTCUA_GOLDEN=write pytest, with this file."""


SLOW = Said("verdict.service_degraded", {"system": "service:dvcqg", "since_ms": BEGAN_MS, "count": 87, "of": 99})


def kinds() -> dict[str, Callable[[Lang], Letter]]:
    return {
        "call": lambda lang: letter(lang=lang),
        "recovered": lambda lang: letter("recovered", lang=lang),
        "correction": lambda lang: letter("correction", lang=lang),
        "escalation": lambda lang: letter("escalation", lang=lang),
        "shared": shared,
        "trial": lambda lang: wording.trial("mail", names=Names(), now_ms=NOW_MS, lang=lang, link=BOARD),
    }


def shared(lang: Lang) -> Letter:
    """A shared system that is slow at 87 centres, whose fault nobody travels for."""
    keys = [f"1{n:04}-1" for n in range(1, 88)]
    made = message(owner="service", state="degraded", centres=keys, circuits=[], title=SLOW, lines=[])
    whole = incident()
    verdict = replace(
        whole.verdict, owner="service", cause="service:dvcqg", visit=False, said=SLOW, rule="service", evidence=()
    )
    seen = Ground(NOW_MS, BOARD, replace(whole, verdict=verdict, waiting=None, target_ms=None))
    return wording.letter(made, key=KEY, audience="officer", ground=seen, names=Names(), lang=lang)


def as_sent(sent: Letter) -> str:
    """What each way of sending makes of a letter."""
    am = strict.convert({"urls": ["https://am.example.vn"]}, alertmanager.Config, "test")
    alert = alertmanager.alert_of(am, sent, NOW_MS)
    short = sms.fit(sms.plain(sent.short), sent.link, 3)
    bare = sms.fit(sms.without_tones(sms.plain(sent.short)), sent.link, 3)
    parts = {
        "e-mail": f"Subject: {email.subject(sent)}\n\n{sent.text}",
        "zalo": zalo_oa.text_of(sent),
        f"sms ({sms.measure(short)})": short,
        f"sms without tone marks ({sms.measure(bare)})": bare,
        "alertmanager": "\n".join(f"{name} = {value}" for name, value in sorted(alert.labels.items())),
    }
    return "\n\n".join(f"=== {name}\n{text}" for name, text in parts.items()) + "\n"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", kinds())
def test_a_letter_says_what_it_said(kind: str, lang: Lang) -> None:
    path, found = GOLDEN / f"{kind}.{lang}.txt", as_sent(kinds()[kind](lang))
    if os.environ.get("MOTCUA_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


def test_a_webhook_gets_both_languages_and_every_fact() -> None:
    body = json.loads(json.dumps(webhook.content_of(letter())))
    assert set(body["title"]) == set(body["text"]) == {"vi", "en"}
    assert (body["fields"]["circuit"], body["fields"]["since_ms"]) == ("VD-NET-07210-A", BEGAN_MS)


def test_every_sentence_of_the_section_is_used() -> None:
    source = Path(wording.__file__).read_text("utf-8")
    keys = {key.removeprefix("message.") for key in catalogue("vi") if key.startswith("message.")}
    heads = {key.partition(".")[0] for key in keys}
    assert {head for head in heads if f'"{head}' not in source and f".{head}" not in source} == set()


@pytest.mark.parametrize(
    ("board", "link", "whole"),
    [
        pytest.param(BOARD, "/incidents/12", f"{BOARD}/incidents/12", id="a path"),
        pytest.param(BOARD, "https://other.vn/1", "https://other.vn/1", id="an address"),
        pytest.param("", "/incidents/12", "", id="no board in the settings"),
        pytest.param(BOARD, "", "", id="no link at all"),
    ],
)
def test_a_link_leads_to_the_board(board: str, link: str, whole: str) -> None:
    assert Ground(NOW_MS, board).link(message(link=link)) == whole


def test_where_nothing_is_known_nothing_is_made_up() -> None:
    bare = wording.letter(
        message(circuits=[], centres=["07210-1"]), key=KEY, audience="officer", ground=Ground(NOW_MS), names=Names()
    )
    assert "–" not in bare.text_vi + bare.text_en
    assert "None" not in bare.text_vi + bare.text_en
    assert bare.text_vi.splitlines()[-1] == "Trung tâm: Phường Bắc Giang"


def test_a_map_of_the_middle_of_a_commune_says_that_it_is_not_the_office() -> None:
    known = ground()
    place = replace(known.places["07210-1"], located="area_centroid")
    told = wording.letter(
        message(), key=KEY, audience="officer", ground=replace(known, places={"07210-1": place}), names=Names()
    )
    assert "chưa phải trụ sở" in told.text_vi
