"""How many short messages a text takes, and what is left of it where it must fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import sms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "1 SMS, 0/160 GSM-7", id="nothing"),
        pytest.param("a" * 160, "1 SMS, 160/160 GSM-7", id="a full one"),
        pytest.param("a" * 161, "2 SMS, 161/306 GSM-7", id="one letter more"),
        pytest.param("€" * 80, "1 SMS, 160/160 GSM-7", id="signs that take two"),
        pytest.param("đ" * 70, "1 SMS, 70/70 UCS-2", id="Vietnamese in one"),
        pytest.param("đ" * 71, "2 SMS, 71/134 UCS-2", id="Vietnamese in two"),
        pytest.param("đ" * 134, "2 SMS, 134/134 UCS-2", id="two full ones"),
        pytest.param("đ" * 135, "3 SMS, 135/201 UCS-2", id="Vietnamese in three"),
        pytest.param("a" * 159 + "đ", "3 SMS, 160/201 UCS-2", id="one tone mark in a long text"),
        pytest.param("à" * 160, "1 SMS, 160/160 GSM-7", id="a few vowels are in the basic alphabet"),
        pytest.param("😀" * 35, "1 SMS, 70/70 UCS-2", id="pictures take two"),
        pytest.param("đ" * 66 + "😀" + "đ" * 66, "3 SMS, 134/201 UCS-2", id="a picture is not torn apart"),
    ],
)
def test_a_text_is_measured_as_networks_do(text: str, said: str) -> None:
    assert str(sms.measure(text)) == said


def test_a_stray_no_break_space_does_not_cost_a_second_message() -> None:
    text = "a" * 100 + "\u00a0" + "b" * 50
    assert (sms.measure(text).segments, sms.measure(sms.plain(text)).segments) == (3, 1)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        pytest.param("Đường truyền mất từ 09:13", "Duong truyen mat tu 09:13", id="a sentence"),
        pytest.param("Phường Bắc Giang, xã Yên Thế", "Phuong Bac Giang, xa Yen The", id="names"),
        pytest.param("ĐÃ HẾT", "DA HET", id="capitals"),
    ],
)
def test_without_tone_marks_it_is_plain_ascii(text: str, bare: str) -> None:
    assert sms.without_tones(text) == bare
    assert sms.measure(bare).encoding == "GSM-7"


def test_a_text_that_is_too_long_is_cut_between_words_and_keeps_its_tail() -> None:
    link = "https://motcua.example.vn/incidents/12"
    text = sms.fit("#12 " + "Đường truyền của phường mất hẳn " * 10, link, 2)
    assert sms.measure(text).segments == 2
    assert text.endswith(f"... {link}")
    assert text.startswith("#12 Đường truyền của phường mất hẳn")


@given(
    text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=600),
    tail=st.text(alphabet="abcđế /:", max_size=60),
    segments=st.integers(1, 4),
)
def test_whatever_is_said_fits(text: str, tail: str, segments: int) -> None:
    fitted = sms.fit(text, tail, segments)
    assert sms.measure(fitted).segments <= segments
    whole = f"{text} {tail}".strip()
    assert fitted == whole or sms.measure(whole).segments > segments


@given(text=st.text(max_size=400))
def test_parts_hold_what_they_are_said_to_hold(text: str) -> None:
    size = sms.measure(text)
    assert size.units <= size.room
    assert size.segments == 1 or size.units > sms.Size(size.encoding, 0, 1).room
