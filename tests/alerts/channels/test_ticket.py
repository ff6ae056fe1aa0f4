"""Fault records: filled in by template or by columns, sent by HTTP or by e-mail, and only for what makes one."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path

import pytest

from alerts.channels import ChannelError, Post, fields, ticket
from alerts.channels.letter import Letter
from tests.alerts.test_settings import EXAMPLE
from tests.support.clock import FakeClock
from tests.support.collector_double import paper
from tests.support.letters import KEY, letter
from tests.support.mailing import mail_server, receiving
from wire import strict

HTTP = {"url": "http://127.0.0.1:9/"}


def config(**changed: object) -> ticket.Config:
    return strict.convert({"http": HTTP, **changed}, ticket.Config, "test")


def example(name: str) -> dict[str, object]:
    """A channel of the example, as a province would copy it."""
    tree = tomllib.loads(EXAMPLE.read_text("utf-8"))["channels"][name]
    return {key: value for key, value in tree.items() if key != "kind"}


def filled(template: str, form: str = "json", sent: Letter | None = None) -> str:
    return ticket.content_of(config(template=template, format=form), sent or letter()).decode()


def test_the_example_for_a_carriers_desk_holds_what_its_record_asks_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("Bearer t", "utf-8")
    (tmp_path / "secret").chmod(0o600)
    with receiving((201, {}, b'{"data": {"ticket_no": "BH-2026-0042"}}')) as desk:
        made = strict.convert(
            example("vnpt-desk") | {"http": {"url": desk.url}, "authorization_file": "secret"}, ticket.Config, "test"
        )
        assert ticket.send(made, letter(), Post(tmp_path, FakeClock())) == "BH-2026-0042"
    (came,) = desk.came
    assert (came.headers["authorization"], came.headers["idempotency-key"]) == ("Bearer t", KEY)
    body = json.loads(came.body)
    assert (body["ma_tb"], body["loai_dich_vu"]) == ("VD-NET-07210-A", "internet")
    assert body["don_vi"] == "Phường Bắc Giang"
    assert body["nguoi_lien_he"] == "Trực một cửa Phường Bắc Giang"
    assert body["bat_dau"] == "2026-11-23T09:13:00+07:00"
    assert body["han"] == "2026-11-23T13:13:00+07:00"
    assert body["gio_lam_viec"] == ["07:30-11:30", "13:30-17:00"]
    assert len(body["ket_qua_do_ben_trong"]) == len(body["lan_truoc"]) == 1


def test_the_example_by_e_mail_is_a_table_that_spreadsheets_open(tmp_path: Path) -> None:
    with mail_server(tmp_path, paper(), tls="none") as room:
        own = {"host": "127.0.0.1", "port": room.port, "sender": "motcua@example.vn", "tls": "none", "to": ["a@b.vn"]}
        made = strict.convert(example("viettel-desk") | {"email": own}, ticket.Config, "test")
        assert ticket.send(made, letter(), Post(tmp_path, FakeClock())).startswith("<")
    (attached,) = room.letters[0].iter_attachments()
    raw = attached.get_payload(decode=True)
    assert isinstance(raw, bytes)
    names, row = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    assert attached.get_filename() == "motcua-12.csv"
    assert dict(zip(names, row, strict=True)) | {"Nội dung": "", "Kết quả đo từ bên trong": ""} == {
        "Mã thuê bao": "VD-NET-07210-A", "Đơn vị": "Phường Bắc Giang", "Điện thoại": "+84 000 000 001",
        "Người liên hệ": "Trực một cửa Phường Bắc Giang", "Thời điểm mất": "23/11/2026 09:13", "Nội dung": "",
        "Kết quả đo từ bên trong": "", "Giờ làm việc": "07:30-11:30; 13:30-17:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        pytest.param("=HYPERLINK(1)", "'=HYPERLINK(1)", id="a formula"),
        pytest.param("@SUM(1)", "'@SUM(1)", id="an old formula"),
        pytest.param("+84 000 000 001", "+84 000 000 001", id="a telephone"),
        pytest.param("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0", id="a command"),
        pytest.param("Xã Đồng Kỳ", "Xã Đồng Kỳ", id="a name"),
    ],
)
def test_no_cell_becomes_a_formula(cell: str, plain: str) -> None:
    values = {"contact": cell}
    (row,) = list(csv.reader(io.StringIO(ticket.row({"a": "contact"}, values))))[1:]
    assert row == [plain]


@pytest.mark.parametrize("kind", ["correction", "recovered", "reminder", "escalation", "digest"])
def test_other_letters_make_no_second_record(kind: str, tmp_path: Path) -> None:
    told = ticket.send(config(template="{}"), letter(kind), Post(tmp_path, FakeClock()))  # type: ignore[arg-type]
    assert told == f"not sent: a {kind} makes no record"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        pytest.param("{{ circit }}", "'circit' is undefined", id="a name that is none"),
        pytest.param("{{ circuit", "unexpected end of template", id="a template cut short"),
        pytest.param("{{ key.__class__.__mro__ }}", "unsafe", id="a way out of the sandbox"),
        pytest.param("{{ 'a' * 1000000000 }}", "may not be used here", id="gigabytes by multiplication"),
        pytest.param("{% for a in range(9) %}x{% endfor %}", "'range' is undefined", id="loops over nothing"),
        pytest.param("{{ lipsum() }}", "undefined", id="functions that come along"),
        pytest.param("{{ key.format(1) * 2 }}", "may not be used", id="arithmetic"),
        pytest.param("{{ key | iso }}", "names that end in _ms", id="an instant that is none"),
        pytest.param("{% for a in hours %}" * 30 + "{% endfor %}" * 30, "nested blocks", id="loops in loops in loops"),
        pytest.param("{{ title }}", "is not JSON", id="a sentence without quotes"),
        pytest.param('{"a": "' + "x" * 70_000 + '"}', "Expected `str` of length <= 20000", id="far too long"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_a_fault_for_good(template: str, said: str) -> None:
    with pytest.raises((ChannelError, strict.SettingsError)) as caught:
        filled(template)
    assert said in str(caught.value)
    assert not isinstance(caught.value, ChannelError) or caught.value.permanent


def test_a_loop_that_doubles_itself_comes_to_an_end() -> None:
    doubling = "".join(f"{{% for a{n} in hours %}}" for n in range(18)) + "xxxxxxxx" + "{% endfor %}" * 18
    with pytest.raises(ChannelError, match="more than 65536 characters"):
        filled(doubling, "text")


def test_every_field_can_be_written_and_says_what_it_is() -> None:
    values = fields.of_letter(letter())
    assert set(values) == set(fields.FIELDS)
    assert all(len(text) > 3 for text in fields.FIELDS.values())
    for name in fields.FIELDS:
        assert isinstance(json.loads(filled(f"{{{{ {name} | tojson }}}}")), str | int | float | list | None)
        assert isinstance(fields.text(name, values), str)


def test_what_a_letter_tells_beyond_the_table_is_a_field_nobody_could_use() -> None:
    assert set(letter().fields) <= set(fields.FIELDS)


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b'{"data": {"ticket_no": 42}}', "42"), (b'{"data": []}', "HTTP 200"), (b"<html>", "HTTP 200"),
        (b"", "HTTP 200"), (b'{"data": {"ticket_no": {"a": 1}}}', "HTTP 200"),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_desks_number_is_taken_where_there_is_one(body: bytes, number: str, tmp_path: Path) -> None:
    with receiving((200, {}, body)) as desk:
        made = config(http={"url": desk.url}, template="{}", number_at="data.ticket_no")
        assert ticket.send(made, letter(), Post(tmp_path, FakeClock())) == number
