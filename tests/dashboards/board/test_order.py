"""Vietnamese alphabetical order and search without tone marks."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.board.order import collation_key, fold, short_name
from tests.support.reader_double import COMMUNES


@pytest.mark.parametrize(
    "ordered",
    [
        pytest.param(
            [
                "a",
                "ă",
                "â",
                "b",
                "c",
                "d",
                "đ",
                "e",
                "ê",
                "g",
                "h",
                "i",
                "k",
                "l",
                "m",
                "n",
                "o",
                "ô",
                "ơ",
                "p",
                "q",
                "r",
                "s",
                "t",
                "u",
                "ư",
                "v",
                "x",
                "y",
            ],
            id="the alphabet",
        ),
        pytest.param(["ma", "mà", "mả", "mã", "má", "mạ"], id="the tones"),
        pytest.param(["ăn", "ắn", "ân", "ần", "ấn"], id="letters before tones"),
        pytest.param(["Cảnh Thuỵ", "Cao Đức", "Cẩm Lý", "Chi Lăng", "Chũ"], id="C"),
        pytest.param(["Dương Hưu", "Đa Mai", "Đại Đồng", "Đại Lai", "Đào Viên", "Đèo Gia"], id="Đ after D"),
        pytest.param(["Đông Cứu", "Đồng Kỳ", "Đồng Nguyên", "Đông Phú", "Đồng Việt"], id="tones decide last"),
        pytest.param(["Tam Đa", "Tam Giang", "Tân An", "Tân Yên", "Tây Yên Tử"], id="a before â, blank before letter"),
        pytest.param(["Site 1", "Site 2", "Site A"], id="digits before letters"),
        pytest.param(["an lạc", "An Lạc"], id="small before capital"),
    ],
)
def test_names_stand_in_the_order_of_the_alphabet(ordered: list[str]) -> None:
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=collation_key) == ordered


NAMES = [line.partition(",")[2] for line in COMMUNES.strip().splitlines()]


@given(st.sampled_from(NAMES))
def test_the_unicode_form_of_a_name_does_not_matter(name: str) -> None:
    keys = {collation_key(unicodedata.normalize(form, name)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(keys) == 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_ordered_and_the_same_text_is_equal(one: str, other: str) -> None:
    assert (collation_key(one) < collation_key(other)) or (collation_key(other) <= collation_key(one))
    assert collation_key(one) == collation_key(one)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        pytest.param("Phường Lạng Giang", "Lạng Giang", id="ward"),
        pytest.param("Xã Tây Yên Tử", "Tây Yên Tử", id="commune"),
        pytest.param("Đặc khu Vân Đồn", "Vân Đồn", id="special zone"),
        pytest.param("Xã", "Xã", id="nothing but the rank"),
        pytest.param("Xãm", "Xãm", id="a name that begins alike"),
    ],
)
def test_the_rank_of_a_commune_is_left_out(name: str, short: str) -> None:
    assert short_name(name) == short


@pytest.mark.parametrize(
    "typed", ["lang giang", "Lạng Giang", "LANG  GIANG", unicodedata.normalize("NFD", "lạng giang")]
)
def test_search_needs_no_tone_marks(typed: str) -> None:
    assert fold(typed) in fold("Phường Lạng Giang")


def test_d_with_a_bar_is_found_by_a_plain_d() -> None:
    assert fold("Đồng Việt") == "dong viet"
