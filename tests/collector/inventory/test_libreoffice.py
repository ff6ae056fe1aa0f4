"""Workbooks that the real LibreOffice wrote, read as an import reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.inventory.checking import Rows, check_tables
from collector.inventory.problems import Problems
from collector.inventory.sheets import read_source
from tests.support import calc

PROVINCE = Path(__file__).parents[3] / "province" / "bac-ninh"
# Comma, quotation mark, UTF-8, from line 1, then the columns as text: as somebody answers the import dialogue.
AS_TEXT = "--infilter=CSV:44,34,76,1,{columns}"


def read(path: Path) -> tuple[dict[str, Rows], list[str]]:
    problems = Problems()
    found = check_tables(read_source(path, problems), problems, lambda *_: None)
    return found, [str(problem) for problem in problems.kept]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("table", ["centres", "lines"])
def test_a_table_saved_as_a_workbook_says_what_its_csv_said(desk: Path, tmp_path: Path, table: str) -> None:
    csv = PROVINCE / f"{table}.csv"
    width = len(csv.read_text("utf-8").partition("\n")[0].split(","))
    columns = "/".join(f"{n}/2" for n in range(1, width + 1))
    made = calc.to_xlsx(csv, desk, AS_TEXT.format(columns=columns))
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / csv.name).write_bytes(csv.read_bytes())
    expected, said = read(tmp_path / "csv")
    assert said == []
    found, said = read(made)
    assert said == []
    assert found[table].bodies == expected[table].bodies


def test_a_csv_opened_without_a_thought_still_keeps_what_an_import_needs(desk: Path, tmp_path: Path) -> None:
    # Calc guesses: dates become dates, numbers become numbers. Keys with a dash stay text.
    source = tmp_path / "devices.csv"
    source.write_text(
        "key,centre,kind,name,bought,cost_vnd,life_years\nPC-1,07375-1,pc,Máy tính số 1,2020-05-06,15000000,5\n",
        "utf-8",
    )
    found, said = read(calc.to_xlsx(source, desk, AS_TEXT.format(columns="")))
    assert said == []
    assert found["devices"].bodies["PC-1"] == {
        "key": "PC-1", "centre": "07375-1", "kind": "pc", "name": "Máy tính số 1", "bought": "2020-05-06",
        "cost_vnd": 15_000_000, "life_years": 5,
    }  # fmt: skip


HEAD = [calc.text(name) for name in ("key", "centre", "kind", "bought", "cost_vnd", "note")]


def test_dates_as_dates_and_dates_as_text_are_the_same(desk: Path, tmp_path: Path) -> None:
    rows = [
        [calc.text("PC-1"), calc.text("07375-1"), calc.text("pc"), calc.day("2020-05-06"), calc.number(1.5e7)],
        [calc.text("PC-2"), calc.text("07375-1"), calc.text("pc"), calc.text("06/05/2020"), calc.text("15000000")],
        [calc.text("PC-3"), calc.text("07375-1"), calc.text("pc"), calc.text("2020-05-06"), calc.number(1.5e7)],
    ]
    found, said = read(calc.to_xlsx(calc.sheet(tmp_path / "devices.fods", "Sheet1", [HEAD, *rows]), desk))
    assert said == []
    assert {(b["bought"], b["cost_vnd"]) for b in found["devices"].bodies.values()} == {("2020-05-06", 15_000_000)}


def test_formulas_and_merged_cells_are_refused_with_their_place(desk: Path, tmp_path: Path) -> None:
    rows = [
        [calc.text("PC-1", across=2), calc.text("pc")],
        [calc.text("PC-2"), calc.text("07375-1"), calc.text("pc"), calc.formula("TODAY()"), calc.formula("1+1")],
        [calc.text("PC-3"), calc.text("07375-1"), calc.text("pc"), calc.formula("1/0")],
    ]
    found, said = read(calc.to_xlsx(calc.sheet(tmp_path / "devices.fods", "devices", [HEAD, *rows]), desk))
    assert found["devices"].bodies == {}
    places = [line.partition(". ")[0] for line in said]
    assert "devices.xlsx:2 · key: merged cells" in places
    assert "devices.xlsx:3 · bought: a formula" in places
    assert "devices.xlsx:3 · cost_vnd: a formula" in places
    assert "devices.xlsx:4 · bought: a formula" in places


def test_a_name_with_html_and_200_characters_comes_through_whole(desk: Path, tmp_path: Path) -> None:
    name = "<script>alert('1')</script> & Ban " + "ộ" * 166
    rows = [[calc.text("key"), calc.text("name_vi")], [calc.text("07375-1"), calc.text(name)]]
    found, said = read(calc.to_xlsx(calc.sheet(tmp_path / "centres.fods", "x", rows), desk))
    assert (said, found["centres"].bodies["07375-1"]["name_vi"]) == ([], name)
