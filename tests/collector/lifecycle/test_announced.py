"""Planned stops from calendars, and of shared systems, carriers and areas: read, laid over states, read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from collector.api import LineInfo, NotAllowed, Place, SubjectInfo, Window
from collector.cli import commands
from collector.lifecycle.calendar import MAX_BYTES, read_calendar
from collector.lifecycle.wide import Town, explaining

NOW = 1_795_320_000_000  # 2026-11-22 11:00 in Vietnam
DAY_MS = 86_400_000
MANY_A_DAY = "RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2"
MANY = "RDATE:" + ",".join(f"202612{n // 42 + 1:02}T{n // 6 % 7:02}{n % 6}000" for n in range(420))
WHOLE_DAY = "DTSTART;VALUE=DATE:20261125"
ABOUT = "X-MOTCUA-SUBJECT:carrier:vnpt"
WHY = "SUMMARY:Nâng cấp trạm chuyển mạch"
EVENT = """BEGIN:VEVENT
UID:bao-tri-1@example.vn
DTSTART:20261125T220000
DTEND:20261126T020000
SUMMARY:Nâng cấp trạm chuyển mạch
DESCRIPTION:CV 123/VT-KT ngày 20/11/2026\\nxin thông báo
X-MOTCUA-SUBJECT:carrier:vnpt
END:VEVENT
"""


def written(tmp_path: Path, *events: str) -> Path:
    path = tmp_path / "lich.ics"
    body = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//vi\n" + "".join(events) + "END:VCALENDAR\n"
    path.write_bytes(body.replace("\n", "\r\n").replace("\\\\n", "\\n").encode())
    return path


def stops(path: Path, subject: str = "") -> list[tuple[str, int, int, str, str]]:
    found = read_calendar(path, subject, NOW, NOW + 366 * DAY_MS).stops
    return [(s.subject, s.from_ms, s.to_ms, s.reason, s.document) for s in found]


def test_an_event_without_a_zone_is_in_vietnams_time(tmp_path: Path) -> None:
    begins = 1_795_618_800_000  # 2026-11-25 22:00 +07
    assert stops(written(tmp_path, EVENT)) == [
        ("carrier:vnpt", begins, begins + 4 * 3_600_000, "Nâng cấp trạm chuyển mạch", "CV 123/VT-KT ngày 20/11/2026"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "subject", "found"),
    [
        pytest.param(("SUMMARY", "RRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY"), "", 3, id="one that comes again"),
        pytest.param(("DTSTART:20261125T220000", "DTSTART:20261125T150000Z"), "", 1, id="one in UTC"),
        pytest.param((ABOUT, "CATEGORIES:viễn thông,area:chu"), "", 1, id="a category"),
        pytest.param((ABOUT, "LOCATION:Chũ"), "area:chu", 1, id="said for the whole file"),
        pytest.param(("SUMMARY", "STATUS:CANCELLED\nSUMMARY"), "", 0, id="one called off"),
        pytest.param(("DTSTART:20261125T220000\nDTEND:20261126T020000", WHOLE_DAY), "", 1, id="a whole day"),
    ],
)  # fmt: skip
def test_what_calendars_say_is_understood(tmp_path: Path, change: tuple[str, str], subject: str, found: int) -> None:
    assert len(stops(written(tmp_path, EVENT.replace(*change)), subject)) == found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("no calendar", "is no iCalendar file|holds no calendar", id="no calendar"),
        pytest.param("x" * (MAX_BYTES + 1), "larger than 1 MiB", id="too large"),
        pytest.param(EVENT.replace(f"{ABOUT}\n", ""), "does not say what it is about", id="about what"),
        pytest.param(EVENT.replace(f"{WHY}\n", ""), "has no SUMMARY", id="no reason"),
        pytest.param(EVENT.replace("SUMMARY", "RRULE:FREQ=MINUTELY\nSUMMARY"), "daily at most", id="by the minute"),
        pytest.param(EVENT.replace("SUMMARY", f"{MANY_A_DAY}\nSUMMARY"), "daily at most", id="many a day"),
        pytest.param(
            EVENT.replace("DTEND:20261126T020000", "DTEND:20261125T230000").replace("SUMMARY", f"{MANY}\nSUMMARY"),
            "than 400 times", id="too many",
        ),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_used_is_refused_by_its_event(tmp_path: Path, text: str, what: str) -> None:
    path = written(tmp_path, text)
    if not text.startswith("BEGIN"):
        path.write_text(text, "utf-8")
    with pytest.raises(NotAllowed, match=what):
        stops(path)


# --- what they explain ----------------------------------------------------------------------------------------------


def window(subject: str) -> Window:
    return Window(1, subject, "", NOW, NOW + DAY_MS, "Bảo trì", "Lan", NOW)


@pytest.mark.parametrize(
    ("key", "about", "explained"),
    [
        pytest.param("line:07375-1/a", "carrier:vnpt", True, id="a line by its carrier"),
        pytest.param("line:07375-1/b", "carrier:vnpt", False, id="another carrier's line"),
        pytest.param("line:07375-1/b", "area:chu", True, id="a line by its area"),
        pytest.param("lan:07375-1", "carrier:vnpt", False, id="a network is no carrier's"),
        pytest.param("service:dvcqg@07375-1", "service:dvcqg", True, id="a place's view of a shared system"),
        pytest.param("service:dvcqg", "service:dvcqg", True, id="a shared system itself"),
    ],
)
def test_a_wide_stop_explains_what_belongs_to_it(key: str, about: str, explained: bool) -> None:
    lines = [
        LineInfo(f"line:07375-1/{n}", "internet", c, "", None, "", "", "") for n, c in (("a", "vnpt"), ("b", "fpt"))
    ]
    town = Town({"07375-1": Place(area="chu")}, {"07375-1": lines})
    info = SubjectInfo(key, key.partition(":")[0], "07375-1", "", None)
    assert (explaining({about: window(about)}, info, town) is not None) == explained


# --- by command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOTCUA_AGENTS", "MOTCUA_BOARD", "MOTCUA_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "centres.csv").write_text("key,name_vi,area\n07375-1,Xã Lạng Giang,chu\n", "utf-8")
    (tables / "lines.csv").write_text("key,kind,carrier\n07375-1/a,internet,vnpt\n", "utf-8")
    assert run("import", str(tables), "--yes").exit_code == 0


def run(*words: str) -> Result:
    return CliRunner().invoke(commands(), list(words))


def shown() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run("windows", "--until", "+365d", "--json").stdout)
    return found


def coming(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The calendar, its event next week by the machine's clock."""
    text, day = EVENT, datetime.now(UTC) + timedelta(days=7)
    for old, new in (("20261125", f"{day:%Y%m%d}"), ("20261126", f"{day + timedelta(days=1):%Y%m%d}"), *changes):
        text = text.replace(old, new)
    return written(tmp_path, text)


@pytest.mark.usefixtures("register")
def test_a_calendar_read_again_changes_only_what_it_changed(tmp_path: Path) -> None:
    path = str(coming(tmp_path))
    first = run("import-calendar", path, "--yes")
    assert (first.exit_code, first.stdout.count("planned stop from")) == (0, 1), first.output
    (before,) = shown()
    assert (before["subject"], before["document"]) == ("carrier:vnpt", "CV 123/VT-KT ngày 20/11/2026")
    assert "planned" not in run("import-calendar", path, "--yes").stdout
    later = run("import-calendar", str(coming(tmp_path, ("T020000", "T030000"))), "--yes").stdout
    assert (later.count("is called off"), later.count("planned stop from"), len(shown())) == (1, 1, 1)
    off = run("import-calendar", str(coming(tmp_path, ("SUMMARY", "STATUS:CANCELLED\nSUMMARY"))), "--yes").stdout
    assert (off.count("is called off"), shown()) == (1, [])


@pytest.mark.usefixtures("register")
def test_a_stop_of_an_area_that_comes_again_is_shown_and_taken_back_by_what_it_said() -> None:
    words = ["--until", "+2h", "--reason", "x", "--again", "weekly", "--last", "+20d", "--document", "TB-5"]
    done = run("pause", "area:chu", *words, "--yes", "--json")
    assert (done.exit_code, len(json.loads(done.stdout)["effects"])) == (0, 3), done.output
    assert {(one["subject"], one["document"]) for one in shown()} == {("area:chu", "TB-5")}
    assert run("resume", "area:chu", "--yes").exit_code == 0
    assert len(shown()) == 2  # the one that ran ended; those to come stay
    assert run("resume", "area:chu", "--yes").exit_code == 0
    assert shown() == []


@pytest.mark.usefixtures("register")
def test_what_the_inventory_does_not_know_cannot_be_planned() -> None:
    done = run("pause", "carrier:viettel", "--until", "+2h", "--reason", "x", "--yes")
    assert (done.exit_code, "there are vnpt" in done.stderr) == (3, True), done.output
