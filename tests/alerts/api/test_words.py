"""Sentences: named where they are said, in units people use, with both catalogues complete."""

from __future__ import annotations

import string

import pytest

from alerts.api import Said, Value
from alerts.api.words import LANGS, Lang, catalogue, duration, instant, number, say

NINE_MS = 1_795_400_000_000
"""09:13 on 23 November 2026 in Vietnam."""


class Province:
    """Names as an inventory would give them."""

    def name(self, key: str, lang: Lang) -> str:
        known = {"line:07210-1/a": "VNPT a", "centre:07210-1": "phường Bắc Giang", "carrier:vnpt": "VNPT"}
        return known.get(key, key)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_sentences() -> None:
    assert set(catalogue("vi")) == set(catalogue("en"))


def test_both_catalogues_fill_in_the_same_values() -> None:
    vi, en = catalogue("vi"), catalogue("en")
    differing = [key for key in vi if not key.endswith(".one") and fields(vi[key]) != fields(en[key])]
    assert differing == []


def test_no_sentence_is_empty_or_left_unfinished() -> None:
    unfinished = [(lang, key) for lang in LANGS for key, text in catalogue(lang).items() if not text.strip(" .")]
    assert unfinished == []


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        pytest.param(0.05, "50 ms", "50 ms", id="a round trip"),
        pytest.param(4.25, "4,25 giây", "4.25 s", id="a page"),
        pytest.param(75, "1 phút 15 giây", "1 min 15 s", id="over a minute"),
        pytest.param(3_725, "1 giờ 2 phút", "1 h 2 min", id="of an hour the seconds say nothing"),
        pytest.param(200_000, "2 ngày 7 giờ", "2 d 7 h", id="days"),
        pytest.param(86_400, "1 ngày", "1 d", id="a whole day"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float, vi: str, en: str) -> None:
    assert (duration(seconds, "vi"), duration(seconds, "en")) == (vi, en)


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        pytest.param(3_321, "3.321", "3,321", id="grouped"),
        pytest.param(0.384, "0,38", "0.38", id="small"),
        pytest.param(12.5, "12,5", "12.5", id="middle"),
        pytest.param(1_234.5, "1.234", "1,234", id="large"),
        pytest.param(2.0, "2", "2", id="no empty decimals"),
    ],
)
def test_a_number_is_written_as_the_language_writes_it(value: float, vi: str, en: str) -> None:
    assert (number(value, "vi"), number(value, "en")) == (vi, en)


def test_an_instant_is_that_of_vietnam_and_carries_its_day_unless_it_is_today() -> None:
    assert instant(NINE_MS, "vi") == "09:13 ngày 23/11"
    assert instant(NINE_MS, "en", now_ms=NINE_MS + 60_000) == "09:13"
    assert instant(NINE_MS, "en", now_ms=NINE_MS + 86_400_000) == "09:13 on 23/11"


ALL = "{line}|{places}|{owner}|{text}|{from_ms}|{lasts_s}|{speed_bps}|{loss_share}|{many}|{lacks}"
EVERY: dict[str, Value] = {
    "line": "line:07210-1/a", "places": "centre:07210-1 carrier:vnpt", "owner": "owner:carrier", "text": "VD-07210-A",
    "from_ms": NINE_MS, "lasts_s": 75, "speed_bps": 38_400_000, "loss_share": 0.123, "many": 1_200,
}  # fmt: skip


def test_every_value_is_said_by_the_ending_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {lang: {**catalogue(lang), "test.all": ALL} for lang in LANGS}
    monkeypatch.setattr("alerts.api.words.catalogue", texts.__getitem__)
    assert say(Said("test.all", EVERY), "vi", Province()) == (
        "VNPT a|phường Bắc Giang, VNPT|nhà mạng|VD-07210-A|09:13 ngày 23/11|1 phút 15 giây|38,4 Mb/s|12,3 %|1.200|–"
    )


def test_english_has_a_form_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {lang: {**catalogue(lang), "test.n.one": "{count} line", "test.n.other": "{count} lines"} for lang in LANGS}
    monkeypatch.setattr("alerts.api.words.catalogue", texts.__getitem__)
    assert [say(Said("test.n", {"count": n}), "en", Province()) for n in (1, 2)] == ["1 line", "2 lines"]


def test_a_sentence_that_nobody_declares_is_refused() -> None:
    with pytest.raises(KeyError):
        say(Said("verdict.no_such"), "vi", Province())
