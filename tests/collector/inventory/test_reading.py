"""Files as people hand them in: what is read, and what is refused with its place and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.inventory.checking import Rows, check_tables
from collector.inventory.problems import Problems
from collector.inventory.schema import ROWS
from collector.inventory.sheets import read_source
from tests.support import workbook as wb

HEAD = "key,name_vi,lat,lon"
ROW = "07375-1,Phường Lạng Giang,21.35,106.24"


def read(folder: Path) -> tuple[dict[str, Rows], list[str]]:
    problems = Problems()
    found = check_tables(read_source(folder, problems), problems, lambda *_: None)
    return found, [str(problem) for problem in problems.kept]


def centres(folder: Path, raw: bytes, name: str = "centres.csv") -> tuple[dict[str, object], list[str]]:
    (folder / name).write_bytes(raw)
    found, said = read(folder)
    return dict(found["centres"].bodies) if "centres" in found else {}, said


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(f"{HEAD}\n{ROW}\n".encode(), id="plain"),
        pytest.param(f"{HEAD}\r\n{ROW}\r\n\r\n,,,\r\n".encode("utf-8-sig"), id="mark, Windows lines, blank rows"),
        pytest.param(f"{HEAD}\n{ROW}\n".replace(",", ";").encode(), id="semicolons"),
        pytest.param(f"{HEAD}\n{ROW}\n".replace(",", "\t").encode("utf-16"), id="UTF-16 with tabs"),
        pytest.param("lon,lat,name_vi,key\n106.24,21.35,Phường Lạng Giang,07375-1".encode(), id="another order"),
        pytest.param(f"{HEAD}\n{ROW}\n".replace("ạ", "a\u0323").encode(), id="decomposed letters"),
    ],
)
def test_a_csv_file_is_read_however_a_spreadsheet_wrote_it(tmp_path: Path, raw: bytes) -> None:
    found, said = centres(tmp_path, raw)
    assert said == []
    assert found == {"07375-1": {"key": "07375-1", "name_vi": "Phường Lạng Giang", "lat": 21.35, "lon": 106.24}}


@pytest.mark.parametrize(
    ("raw", "place", "what", "remedy"),
    [
        pytest.param(
            f"{HEAD}\n{ROW}".encode("cp1258", "replace").replace(b"L?", b"La\xf2"),
            "",
            "not UTF-8; it looks like Windows-1258",
            "CSV UTF-8",
            id="Windows-1258",
        ),
        pytest.param(
            HEAD.encode() + b"\n07375-1,Ph\xad\xeang L\xb9ng Giang,1,2", ":2", "TCVN3", "old fonts", id="TCVN3"
        ),
        pytest.param(
            f"{HEAD}\n07375-1,X· B¾c Giang,1,2".encode(), ":2 · name_vi", "TCVN3", "Unicode", id="TCVN3 font in Unicode"
        ),
        pytest.param(b"key,name_vi\n0\0", ":2", "byte of zero", "not a text file", id="binary"),
        pytest.param(
            f'{HEAD}\n07375-1,"Phường,1,2\n{ROW}\n'.encode(),
            ":2",
            "not CSV",
            "quotation mark",
            id="open quotation mark",
        ),
        pytest.param(
            f"{HEAD}\n{ROW},x".encode(), ":2", "5 cells under 4 columns", "quotation marks", id="too many cells"
        ),
        pytest.param(f"{HEAD}\n07375-1".encode(), ":2", "1 cells under 4 columns", "", id="too few cells"),
        pytest.param(
            f"{HEAD},nmae_en\n{ROW},x".encode(),
            ":1 · nmae_en",
            "no such column",
            "did you mean name_en?",
            id="mistyped column",
        ),
        pytest.param(f"{HEAD},lat\n{ROW},1".encode(), ":1 · lat", "twice", "", id="column twice"),
        pytest.param(b"key\n07375-1", ":1 · name_vi", "missing", "add it", id="column missing"),
        pytest.param(b"\n\n", ":1", "empty", "first line names the columns", id="empty file"),
        pytest.param(f"{HEAD}\n{ROW}\n{ROW}".encode(), ":3 · key", "on line 2 already", "keep one", id="key twice"),
        pytest.param(
            f"{HEAD}\n{ROW.replace('07375', '7375')}".encode(),
            ":2 · key",
            "not a centre's key",
            "leading zero was lost",
            id="zero lost",
        ),
        pytest.param(
            f"{HEAD}\n{ROW.replace('21.35', '21°')}".encode(),
            ":2 · lat",
            "not a number",
            "decimal point",
            id="no number",
        ),
        pytest.param(
            f"{HEAD}\n{ROW.replace('21.35', '1e999')}".encode(), ":2 · lat", "not a number", "", id="infinity"
        ),
        pytest.param(
            f"{HEAD}\n{ROW.replace('21.35', '91')}".encode(),
            ":2 · lat",
            "out of bounds",
            "-90 to 90",
            id="out of bounds",
        ),
        pytest.param(
            f'{HEAD}\n07375-1,"=HYPERLINK(1)",1,2'.encode(),
            ":2 · name_vi",
            "like a formula",
            "never evaluated",
            id="formula",
        ),
        pytest.param(
            f'{HEAD}\n07375-1,"a\nb",1,2\n{ROW}'.encode(),
            ":2 · name_vi",
            "line break",
            "one line",
            id="line break in a cell",
        ),
        pytest.param(
            f"{HEAD}\n07375-1,{'a' * 201},1,2".encode(), ":2 · name_vi", "201 characters", "at most 200", id="too long"
        ),
        pytest.param(f"{HEAD}\n07375-1,,1,2".encode(), ":2 · name_vi", "empty", "fill it", id="needed and empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_its_remedy(
    tmp_path: Path, raw: bytes, place: str, what: str, remedy: str
) -> None:
    _, said = centres(tmp_path, raw)
    assert len(said) == 1, said
    assert said[0].startswith(f"centres.csv{place}")
    assert what in said[0]
    assert remedy in said[0]


def test_every_flaw_is_found_and_not_only_the_first(tmp_path: Path) -> None:
    _, said = centres(tmp_path, f"{HEAD}\nx,,91,y\n{ROW}\n07375-2,=1,1,1\n".encode())
    assert [line.partition(": ")[0] for line in said] == [
        "centres.csv:2 · key", "centres.csv:2 · name_vi", "centres.csv:2 · lat", "centres.csv:2 · lon",
        "centres.csv:4 · name_vi",
    ]  # fmt: skip


def test_more_flaws_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    (tmp_path / "centres.csv").write_text("key,name_vi\n" + "x,\n" * 5_000, "utf-8")
    problems = Problems()
    check_tables(read_source(tmp_path, problems), problems, lambda *_: None)
    assert (len(problems.kept), problems.count) == (200, 10_000)


def test_a_name_may_hold_signs_of_html_and_200_characters(tmp_path: Path) -> None:
    name = "<script>alert('1')</script> & Ban " + "ộ" * 166
    found, said = centres(tmp_path, f'{HEAD}\n07375-1,"{name}",1,2'.encode())
    assert (said, len(name)) == ([], 200)
    assert found["07375-1"] == {"key": "07375-1", "name_vi": name, "lat": 1.0, "lon": 2.0}


def test_a_hundred_thousand_rows_are_read_and_one_more_is_refused(tmp_path: Path) -> None:
    rows = [f"{n // 900:05d}-{n % 900},a" for n in range(ROWS + 1)]
    found, said = centres(tmp_path, "\n".join(["key,name_vi", *rows[:-1]]).encode())
    assert (len(found), said) == (ROWS, [])
    _, said = centres(tmp_path, "\n".join(["key,name_vi", *rows]).encode())
    assert "more than 100,000 rows" in said[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("center.csv", "center.csv: no table has this name. did you mean centres?", id="mistyped"),
        pytest.param("centres.xls", "is not read", id="old workbook"),
        pytest.param("centres.ods", "is not read", id="another spreadsheet"),
    ],
)
def test_a_file_that_would_be_overlooked_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert said in read(tmp_path)[1][0]


def test_nothing_to_import_is_said(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("")
    (tmp_path / "README.md").write_text("")
    assert "nothing to import" in read(tmp_path)[1][0]
    assert "no such folder" in read(tmp_path / "nowhere")[1][0]


def test_one_table_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "centres.csv").write_text(f"{HEAD}\n{ROW}")
    _, said = centres(tmp_path, wb.workbook({"a": wb.table([["key", "name_vi"], ["07375-1", "a"]])}), "centres.xlsx")
    assert "is in centres.csv already" in said[0]


# --- TOML -----------------------------------------------------------------------------------------------------------

SEASON = """[[hours]]
schedule = "thuong"
season_from = "01-01"
season_to = "12-31"
{days}
"""
DAYS = "\n".join(f'{day} = ["07:30-11:30", "13:30-17:00"]' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))


def hours(folder: Path, text: str) -> tuple[dict[str, Rows], list[str]]:
    (folder / "hours.toml").write_text(text, "utf-8")
    return read(folder)


def test_toml_rows_are_read_with_lists_as_one_cell(tmp_path: Path) -> None:
    found, said = hours(tmp_path, SEASON.format(days=DAYS))
    assert said == []
    assert found["hours"].bodies["thuong/01-01"]["mon"] == "07:30-11:30; 13:30-17:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[hours]\n", "hours.toml:1: this is not TOML", id="no TOML"),
        pytest.param("a = 1\n[[hour]]\n", "hours.toml:1: a is not known here", id="unknown table"),
        pytest.param("hours = 1", "there is no [[hours]]", id="no rows"),
        pytest.param(
            SEASON.format(days=DAYS + "\nclosed = 1"), "hours.toml:1 · closed: no such column", id="unknown key"
        ),
        pytest.param(
            SEASON.format(days=DAYS.replace("13:30-17:00", "11:00-17:00", 1)),
            "hours.toml:1 · mon: '07:30-11:30; 11:00-17:00' are not opening hours",
            id="windows overlap",
        ),
        pytest.param(
            "\n\n" + SEASON.format(days=DAYS) + SEASON.format(days=DAYS),
            "hours.toml:14 · schedule season_from: thuong/01-01 is on line 3 already",
            id="key twice",
        ),
        pytest.param(
            SEASON.format(days=DAYS + "\nnote = {a = 1}"),
            "hours.toml:1 · note: a value of a kind that no column takes",
            id="nested",
        ),
    ],
)
def test_what_is_wrong_in_toml_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert hours(tmp_path, text)[1][0].startswith(said) or said in hours(tmp_path, text)[1][0]


# --- XLSX -----------------------------------------------------------------------------------------------------------

DEVICE_HEAD = wb.row(
    1,
    [
        wb.inline(f"{c}1", t)
        for c, t in zip("ABCDEF", ["key", "centre", "kind", "bought", "cost_vnd", "note"], strict=True)
    ],
)


def devices(folder: Path, *cells: str, after: str = "", head: str = "") -> tuple[dict[str, object], list[str]]:
    first = [wb.inline("A2", "PC-1"), wb.shared("B2", 0), wb.shared("C2", 1), *cells]
    raw = wb.workbook({"anything": DEVICE_HEAD + wb.row(2, first)}, texts=["07375-1", "pc"], after=after, head=head)
    (folder / "devices.xlsx").write_bytes(raw)
    found, said = read(folder)
    return dict(found["devices"].bodies["PC-1"]) if "devices" in found and found["devices"].bodies else {}, said


def test_values_of_a_workbook_are_read(tmp_path: Path) -> None:
    cells = [wb.plain("D2", "43957", wb.DATE_STYLE), wb.plain("E2", "1.5E7"), wb.plain("F2", "7", wb.OTHER_STYLE)]
    body, said = devices(tmp_path, *cells)
    assert said == []
    assert body == {
        "key": "PC-1", "centre": "07375-1", "kind": "pc", "bought": "2020-05-06", "cost_vnd": 15_000_000, "note": "7",
    }  # fmt: skip


def test_a_date_as_text_is_read_day_first(tmp_path: Path) -> None:
    assert devices(tmp_path, wb.inline("D2", "06/05/2020"))[0]["bought"] == "2020-05-06"


@pytest.mark.parametrize(
    ("cell", "after", "said"),
    [
        pytest.param(
            '<c r="D2"><f>TODAY()</f><v>43957</v></c>',
            "",
            ":2 · bought: a formula. formulas are never evaluated",
            id="formula with a value",
        ),
        pytest.param('<c r="D2" t="e"><v>#N/A</v></c>', "", ":2 · bought: an error value", id="error value"),
        pytest.param(
            wb.plain("D2", "43957"), "", ":2 · bought: '43957' is not a date", id="number where a date belongs"
        ),
        pytest.param(wb.plain("E2", "x"), "", ":2 · cost_vnd: a number that is none", id="no number"),
        pytest.param(wb.inline("F2", "x" * 5_000), "", ":2 · note: 5000 characters", id="long cell"),
        pytest.param(
            "",
            '<mergeCells><mergeCell ref="A2:B2"/></mergeCells>',
            ":2 · key: merged cells. undo the merge",
            id="merged cells",
        ),
        pytest.param(wb.plain("XFD2", "1"), "", ":2: more than 100 columns", id="far column"),
    ],
)
def test_what_is_wrong_in_a_workbook_is_said_with_its_cell(tmp_path: Path, cell: str, after: str, said: str) -> None:
    assert f"devices.xlsx{said}" in devices(tmp_path, cell, after=after)[1][0]


def test_two_cells_in_the_far_corners_of_a_sheet_cost_nothing(tmp_path: Path) -> None:
    far = wb.row(1_048_576, [wb.inline("A1048576", "PC-2"), wb.shared("B1048576", 0), wb.shared("C1048576", 1)])
    raw = wb.workbook({"devices": DEVICE_HEAD + far}, texts=["07375-1", "pc"])
    (tmp_path / "devices.xlsx").write_bytes(raw)
    found, said = read(tmp_path)
    assert (said, found["devices"].numbers) == ([], {"PC-2": 1_048_576})


def test_entities_are_refused(tmp_path: Path) -> None:
    assert "document type" in devices(tmp_path, head='<!DOCTYPE a [<!ENTITY b "c">]>')[1][0]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 and then nothing", id="cut"),
        pytest.param(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), id="with a password, or of the nineties"),
        pytest.param(wb.workbook({"a": "<row><c></row>"}), id="broken XML"),
        pytest.param(wb.workbook({}), id="no sheet"),
    ],
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, raw: bytes) -> None:
    _, said = centres(tmp_path, raw, "centres.xlsx")
    assert "centres.xlsx" in said[0] or "nothing to import" in said[0]


def test_one_workbook_may_hold_every_table(tmp_path: Path) -> None:
    book = tmp_path / "tinh.xlsx"
    book.write_bytes(wb.workbook({
        "Centres": wb.table([["key", "name_vi"], ["07375-1", "Phường Lạng Giang"]]),
        "lines": wb.table([["key", "kind", "carrier"], ["07375-1/a", "internet", "vnpt"]]),
    }))  # fmt: skip
    found, said = read(book)
    assert (said, list(found)) == ([], ["centres", "lines"])
    book.write_bytes(wb.workbook({"Sheet1": wb.table([["key"]])}))
    assert "tinh.xlsx[Sheet1]: no table has this name" in read(book)[1][0]
