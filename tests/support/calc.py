"""The real LibreOffice, headless, in a profile of its own: what officials' spreadsheets really look like inside."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

SOFFICE: Final = shutil.which("soffice") or "soffice"
_NAMES: Final = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)
_DAY: Final = (
    '<number:date-style style:name="N1"><number:day number:style="long"/><number:text>/</number:text>'
    '<number:month number:style="long"/><number:text>/</number:text><number:year number:style="long"/>'
    '</number:date-style><style:style style:name="ce1" style:family="table-cell" style:data-style-name="N1"/>'
)


def to_xlsx(source: Path, folder: Path, *options: str) -> Path:
    """Convert a document to XLSX, as "Save as" does. Raises CalledProcessError, TimeoutExpired."""
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = [SOFFICE, profile, "--headless", *options, "--convert-to", "xlsx", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=90)
    return folder / f"{source.stem}.xlsx"


def text(value: str, *, across: int = 1) -> str:
    """A cell of text, over several columns where it is merged."""
    merged = f' table:number-columns-spanned="{across}" table:number-rows-spanned="1"' if across > 1 else ""
    rest = "<table:covered-table-cell/>" * (across - 1)
    cell = f'<table:table-cell office:value-type="string"{merged}><text:p>{escape(value)}</text:p></table:table-cell>'
    return cell + rest


def day(value: str) -> str:
    """A date as a number with a format, 21/11/2026 to the eye."""
    return f'<table:table-cell table:style-name="ce1" office:value-type="date" office:date-value="{value}"/>'


def number(value: float) -> str:
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


def formula(expression: str) -> str:
    """A cell that is computed when the document is opened."""
    return f'<table:table-cell table:formula="of:={expression}"/>'


def sheet(path: Path, name: str, rows: Sequence[Sequence[str]]) -> Path:
    """A spreadsheet document (flat ODS) with one sheet of these cells."""
    body = "".join(f"<table:table-row>{''.join(cells)}</table:table-row>" for cells in rows)
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_NAMES} office:version="1.3" '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet">'
        f"<office:automatic-styles>{_DAY}</office:automatic-styles><office:body><office:spreadsheet>"
        f'<table:table table:name="{escape(name)}">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document>",
        "utf-8",
    )
    return path
