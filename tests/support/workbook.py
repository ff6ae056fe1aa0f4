"""XLSX files written by hand, part by part: what spreadsheets write, and what no spreadsheet should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

_MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STYLES: Final = (
    f'<styleSheet {_MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot; ngày&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)
DATE_STYLE: Final = "1"
OTHER_STYLE: Final = "2"


def row(number: int, cells: Sequence[str]) -> str:
    """A row of cells that are given as XML."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def shared(ref: str, number: int) -> str:
    return f'<c r="{ref}" t="s"><v>{number}</v></c>'


def inline(ref: str, text: str) -> str:
    return f'<c r="{ref}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def plain(ref: str, value: str, style: str = "0") -> str:
    return f'<c r="{ref}" s="{style}"><v>{value}</v></c>'


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows of a sheet that holds texts only."""
    return "".join(
        row(n, [inline(f"{chr(65 + i)}{n}", text) for i, text in enumerate(cells)]) for n, cells in enumerate(rows, 1)
    )


def workbook(sheets: Mapping[str, str], *, texts: Sequence[str] = (), after: str = "", head: str = "") -> bytes:
    """A workbook: `sheets` maps names to the XML of their rows; `after` follows the rows, `head` comes first of all."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
        links = "".join(
            f'<Relationship Id="r{i}" Type="{_REL}/worksheet" Target="worksheets/s{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        archive.writestr("xl/workbook.xml", f'<workbook {_MAIN} xmlns:r="{_REL}"><sheets>{listed}</sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        archive.writestr("xl/styles.xml", _STYLES)
        items = "".join(f"<si><r><t>{escape(t)}</t></r><rPh><t>aside</t></rPh></si>" for t in texts)
        archive.writestr("xl/sharedStrings.xml", f"<sst {_MAIN}>{items}</sst>")
        for i, rows in enumerate(sheets.values(), 1):
            body = f"<worksheet {_MAIN}><sheetData>{rows}</sheetData>{after}</worksheet>"
            archive.writestr(f"xl/worksheets/s{i}.xml", head + body)
    return made.getvalue()
