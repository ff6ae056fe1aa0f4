"""Whatever a file holds, an import ends in rows or in problems, never in a crash."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.inventory.checking import check_tables
from collector.inventory.problems import Problems
from collector.inventory.sheets import read_source
from tests.support import workbook as wb

SOUND: Final = wb.workbook(
    {
        "centres": wb.row(1, [wb.shared("A1", 0), wb.shared("B1", 1)])
        + wb.row(2, [wb.inline("A2", "07375-1"), wb.plain("B2", "1")])
    },
    texts=["key", "name_vi"],
)
HEAD: Final = b"key,name_vi,lat,lon,hours\n"


def read(name: str, raw: bytes) -> tuple[int, int]:
    """How many rows, how many problems."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(raw)
        problems = Problems()
        found = check_tables(read_source(Path(folder), problems), problems, lambda *_: None)
    return sum(len(rows.bodies) for rows in found.values()), problems.count


def test_the_sound_workbook_is_read() -> None:
    assert read("centres.xlsx", SOUND) == (1, 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_workbook_is_read_or_refused(flips: list[tuple[int, int]]) -> None:
    raw = bytearray(SOUND)
    for place, value in flips:
        raw[place] = value
    rows, problems = read("centres.xlsx", bytes(raw))
    assert rows <= 1
    assert rows or problems


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('<>/="& rcvtsi0123456789ABnfsheetData'), max_size=60))
def test_any_xml_in_a_sheet_is_read_or_refused(xml: str) -> None:
    read("centres.xlsx", wb.workbook({"centres": xml}))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_as_csv_are_read_or_refused(raw: bytes) -> None:
    read("centres.csv", HEAD + raw)
    read("centres.csv", raw)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_any_text_as_toml_is_read_or_refused(text: str) -> None:
    read("services.toml", text.encode("utf-8", "surrogatepass"))
    read("services.toml", f"[[services]]\nid = {text}\n".encode("utf-8", "surrogatepass"))
