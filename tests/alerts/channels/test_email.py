"""E-mail against a real server: encrypted, signed in, bound into threads, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import ChannelError, Post, email
from alerts.channels.letter import Letter
from tests.exams.channel_exam import SECRET, keep_secrets
from tests.support.clock import FakeClock
from tests.support.collector_double import paper
from tests.support.letters import KEY, letter
from tests.support.mailing import Mailroom, mail_server
from tests.support.services import Guest, Talk, over_tls, serving
from wire import strict

TO = "Tổ trực <truc@example.vn>"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keep_secrets(tmp_path)
    (tmp_path / "ca.pem").write_bytes(paper().ca)
    return tmp_path


@pytest.fixture
def room(home: Path) -> Iterator[Mailroom]:
    with mail_server(home, paper(), tls="starttls", password=SECRET) as opened:
        yield opened


def config(port: int, **changed: object) -> email.Config:
    plain = {
        "host": "127.0.0.1", "port": port, "sender": "Giám sát một cửa <motcua@example.vn>", "user": "motcua",
        "password_file": "secret",
    }  # fmt: skip
    return strict.convert({**plain, **changed}, email.Config, "test")


def post(home: Path, timeout_s: float = 10.0) -> Post:
    return Post(home, FakeClock(), ca_file=home / "ca.pem", timeout_s=timeout_s)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_letter_goes_encrypted_after_a_login_and_arrives_whole(room: Mailroom, home: Path) -> None:
    sent = letter(address=TO)
    name = email.send(config(room.port), sent, post(home))
    (mail,) = room.letters
    assert room.logins == [("motcua", SECRET)]
    assert mail["Message-ID"] == name
    assert (mail["To"], mail["From"]) == (TO, "Giám sát một cửa <motcua@example.vn>")
    assert mail["Subject"] == f"[motcua #12] {sent.title}"
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "vi")
    assert part(mail, "plain").replace("\r\n", "\n").strip() == sent.text
    assert "Trực một cửa Phường Bắc Giang" in part(mail, "html")
    assert f'<a href="{sent.link}">{sent.link}</a>' in part(mail, "html")


def test_letters_of_one_incident_are_one_thread_and_the_same_letter_is_one(room: Mailroom, home: Path) -> None:
    for sent in (letter(address=TO), letter(address=TO), letter("recovered", address=TO, key=KEY + "/recovered")):
        email.send(config(room.port), sent, post(home))
    first, again, over = room.letters
    assert first["Message-ID"] == again["Message-ID"] != over["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == over["References"] == over["In-Reply-To"]


def test_encryption_from_the_first_byte_works_too(home: Path) -> None:
    with mail_server(home, paper(), tls="tls") as room:
        email.send(config(room.port, tls="tls", user="", password_file=""), letter(address=TO), post(home))
        assert len(room.letters) == 1


def test_without_an_address_the_channels_own_are_written_to(room: Mailroom, home: Path) -> None:
    email.send(config(room.port, to=["a@example.vn, b@example.vn", "c@example.vn"]), letter(), post(home))
    assert room.letters[0]["To"] == "a@example.vn, b@example.vn, c@example.vn"


def fails(
    port: int, home: Path, sent: Letter | None = None, timeout_s: float = 10.0, **changed: object
) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        email.send(config(port, **changed), sent or letter(address=TO), post(home, timeout_s))
    assert SECRET not in str(caught.getrepr())
    return caught.value


@pytest.mark.parametrize(
    ("recipient", "taken", "permanent"),
    [
        pytest.param("250 ok", "451 later", False, id="a letter that may come later"),
        pytest.param("250 ok", "554 spam", True, id="a letter it never takes"),
        pytest.param("450 greylisted", "250 ok", False, id="a mailbox that may answer later"),
        pytest.param("550 no such user", "250 ok", True, id="a mailbox that is none"),
        pytest.param("421 too many", "250 ok", False, id="too many at once"),
    ],
)
def test_what_the_server_refuses_is_tried_again_where_it_says_so(
    recipient: str, taken: str, permanent: bool, room: Mailroom, home: Path
) -> None:
    room.to_recipient, room.to_letter = recipient, taken
    assert fails(room.port, home).permanent == permanent


def test_a_wrong_password_is_no_matter_of_patience(room: Mailroom, home: Path) -> None:
    (home / "secret").write_text("another", "utf-8")
    error = fails(room.port, home)
    assert (error.permanent, "login" in str(error)) == (True, True)


def test_a_certificate_of_somebody_else_is_not_accepted(home: Path) -> None:
    (home / "ca.pem").write_bytes(paper("foreign").ca)
    with mail_server(home, paper(), tls="starttls", password=SECRET) as room:
        error = fails(room.port, home)
        assert (error.permanent, "certificate" in str(error)) == (False, True)
        assert room.logins == []


def test_a_server_without_encryption_never_hears_the_password(home: Path) -> None:
    with mail_server(home, paper()) as room:
        error = fails(room.port, home)
        assert (error.permanent, room.logins) == (True, [])


@pytest.mark.parametrize("address", ["nobody", "a@x.vn\nBcc: b@x.vn", "<>", "a@x.vn, nobody"], ids=ascii)
def test_an_address_that_is_none_is_never_tried(address: str, home: Path) -> None:
    assert fails(9, home, letter(address=address)).permanent


def test_a_letter_to_nobody_says_where_to_write_the_address(home: Path) -> None:
    assert "inventory" in str(fails(9, home, letter()))


def silent(guest: Guest) -> None:
    guest.hang()


def dripping(guest: Guest) -> None:
    guest.drip(b"220-" + b"x" * 100_000, every_s=0.05)


def silent_later(guest: Guest) -> None:
    guest.conn.sendall(b"220 here\r\n")
    guest.line()
    guest.hang()


def gone(guest: Guest) -> None:
    guest.conn.sendall(b"220 here\r\n")


def no_mail(guest: Guest) -> None:
    guest.conn.sendall(b"HTTP/1.1 400 What\r\n\r\n")


@pytest.mark.parametrize("talk", [silent, dripping, silent_later, gone, no_mail], ids=lambda talk: talk.__name__)
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_that_does_not_behave_is_left_in_time(talk: Talk, tls: str, home: Path) -> None:
    (home / "mail.pem").write_bytes(paper().chain + paper().key)
    began = time.monotonic()
    with serving(over_tls(talk, home / "mail.pem") if tls == "tls" else talk) as port:
        assert not fails(port, home, timeout_s=0.6, tls=tls).permanent
    assert time.monotonic() - began < 5


def test_a_sentence_with_signs_of_html_stays_a_sentence() -> None:
    page = email.page("t", "a <script> & b\nhttps://x.vn/?a=1&b=2 and more", "vi")
    assert "<script>" not in page
    assert '<a href="https://x.vn/?a=1&amp;b=2">https://x.vn/?a=1&amp;b=2</a> and more' in page


def test_a_title_of_two_lines_makes_one_subject() -> None:
    made = email.message_of(
        Letter(key="k", title_vi="một\nBcc: x@y.vn", text_vi="t", title_en="", text_en="", created_ms=0),
        "a@x.vn", email.mailboxes("b@x.vn"),
    )  # fmt: skip
    back = message_from_bytes(made.as_bytes())
    assert (back["Bcc"], back["To"]) == (None, "b@x.vn")


WORDS = [
    "Phường",
    "Bắc",
    "Giang",
    "mất",
    "từ",
    "09:13;",
    "mạng",
    "of",
    "a",
    "Đồng",
    "Kỳ",
    "VD-NET-07210-A",
    "=?x?=",
    '"Tổ"',
]


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
def test_no_blank_of_a_subject_or_a_name_is_lost_however_it_is_folded(words: list[str]) -> None:
    title, name = " ".join(words), " ".join(word for word in words[:12] if word.isalnum()) or "Tổ"
    sent = Letter(key="k", title_vi=title, text_vi="t", title_en="", text_en="", created_ms=0)
    boxes = [Mailbox(name, addr_spec="a@x.vn"), Mailbox("Trực", addr_spec="b@x.vn")]
    raw = email.message_of(sent, "Giám sát một cửa <c@x.vn>", boxes).as_bytes()
    back = message_from_bytes(raw, policy=policy.default)
    assert back["Subject"] == f"[motcua] {title}"
    assert [(box.display_name, box.addr_spec) for box in back["To"].addresses] == [(name, "a@x.vn"), ("Trực", "b@x.vn")]
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) < 998
