"""Every channel of the table sits the exam, and the table is the folder."""

from __future__ import annotations

import ast
import importlib
import json
import time
import unicodedata
from pathlib import Path

import pytest

from alerts import channels
from alerts.channels import ChannelError
from tests.exams.channel_exam import SECRET, Candidate, keep_secrets, try_it
from tests.support.clock import NOON_MS
from tests.support.letters import KEY, letter
from tests.support.mailing import Came, Receiver, Reply, receiving
from tests.support.services import Guest, serving
from wire import strict

FOLDER = Path(channels.__file__).parent

# One row for each row of CHANNELS that speaks HTTP; mail and the log are examined below.
CANDIDATES = {
    "webhook": Candidate("webhook", lambda port: {"url": f"http://127.0.0.1:{port}/in", "secret_file": "secret"}),
    "ticket": Candidate(
        "ticket",
        lambda port: {
            "http": {"url": f"http://127.0.0.1:{port}/faults"},
            "authorization_file": "authorization",
            "template": '{"key": {{ key | tojson }}, "content": {{ text | tojson }}, "code": {{ circuit | tojson }}}',
        },
    ),
    "zalo_oa": Candidate(
        "zalo_oa",
        lambda port: {
            "app_id": "1234",
            "secret_file": "secret",
            "token_file": "pair",
            "to": "group-1",
            "api_url": f"http://127.0.0.1:{port}",
            "oauth_url": f"http://127.0.0.1:{port}",
        },
        taken=b'{"error": 0, "message": "Success", "data": {"message_id": "m-1"}}',
    ),
    "alertmanager": Candidate(
        "alertmanager",
        lambda port: {"urls": [f"http://127.0.0.1:{port}"], "authorization_file": "authorization"},
    ),
    "apprise": Candidate("apprise", lambda _port: {"url_file": "apprise"}, patient=False, slow=True),
}
ALL = [pytest.param(one, id=one.kind) for one in CANDIDATES.values()]
QUICK = [pytest.param(one, id=one.kind) for one in CANDIDATES.values() if not one.slow]

PASSING = (408, 425, 429, 500, 502, 503, 504, 529)
FINAL = (301, 302, 307, 308, 400, 403, 404, 405, 410, 413, 415, 422)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keep_secrets(tmp_path)
    return tmp_path


def aimed(candidate: Candidate, home: Path, port: int) -> None:
    """Apprise keeps its address among the secrets: it holds the token."""
    if candidate.kind == "apprise":
        (home / "apprise").write_text(f"json://user:{SECRET}@127.0.0.1:{port}/in", "utf-8")
        (home / "apprise").chmod(0o600)


def port_of(receiver: Receiver) -> int:
    return int(receiver.url.rpartition(":")[2])


def answered(candidate: Candidate, home: Path, reply: Reply) -> tuple[str | ChannelError, Receiver]:
    """What a channel makes of one answer."""
    with receiving(reply) as receiver:
        aimed(candidate, home, port_of(receiver))
        return try_it(candidate, port_of(receiver), home), receiver


def failed(candidate: Candidate, home: Path, reply: Reply) -> ChannelError:
    found, _ = answered(candidate, home, reply)
    assert isinstance(found, ChannelError), found
    return found


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_table_and_the_folder_agree() -> None:
    with_send = {
        f"alerts.channels.{file.stem}"
        for file in FOLDER.glob("*.py")
        if any(isinstance(node, ast.FunctionDef) and node.name == "send" for node in ast.parse(file.read_text()).body)
    }
    assert with_send == set(channels.CHANNELS.values())


def test_every_channel_of_the_table_is_examined() -> None:
    assert {*CANDIDATES, "email", "log"} == set(channels.CHANNELS)


@pytest.mark.parametrize("kind", channels.CHANNELS)
def test_every_channel_says_in_its_first_line_what_it_is(kind: str) -> None:
    text = importlib.import_module(channels.CHANNELS[kind]).__doc__ or ""
    assert 20 < len(text.splitlines()[0]) <= 120


@pytest.mark.parametrize("kind", channels.CHANNELS)
def test_every_channel_refuses_a_setting_it_does_not_know(kind: str) -> None:
    with pytest.raises(strict.SettingsError, match="exam: unknown key urll"):
        strict.convert({"urll": "x"}, channels.load(kind).Config, "exam")


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", ALL)
def test_a_letter_that_was_taken_has_a_name(candidate: Candidate, home: Path) -> None:
    found, receiver = answered(candidate, home, (200, {}, candidate.taken))
    assert isinstance(found, str), found
    assert len(receiver.came) == 1


@pytest.mark.parametrize("status", PASSING)
@pytest.mark.parametrize("candidate", QUICK)
def test_what_may_pass_is_tried_again(candidate: Candidate, status: int, home: Path) -> None:
    assert not failed(candidate, home, (status, {}, b"not now")).permanent


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("candidate", QUICK)
def test_what_will_not_pass_is_not(candidate: Candidate, status: int, home: Path) -> None:
    assert failed(candidate, home, (status, {"location": "http://127.0.0.1:9/"}, b"never")).permanent


@pytest.mark.parametrize(("status", "permanent"), [(429, False), (503, False), (404, True), (302, True)])
def test_a_service_behind_apprise_is_judged_by_the_same_table(status: int, permanent: bool, home: Path) -> None:
    headers = {"location": "http://127.0.0.1:9/"} if status == 302 else {}
    assert failed(CANDIDATES["apprise"], home, (status, headers, b"")).permanent == permanent


@pytest.mark.parametrize("candidate", [one for one in ALL if one.values[0].patient])  # type: ignore[union-attr]
@pytest.mark.parametrize(
    ("text", "patience_s"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param("Mon, 21 Sep 2026 14:15:20 GMT", 120.0, id="a date"),
        pytest.param("Mon, 21 Sep 2020 00:00:00 GMT", 0.0, id="a date gone by"),
        pytest.param("99999999999999", 86_400.0, id="for ever is a day"),
        pytest.param("soon", None, id="no time at all"),
        pytest.param("-5", None, id="less than none"),
    ],
)
def test_patience_that_is_asked_for_is_passed_on(
    candidate: Candidate, text: str, patience_s: float | None, home: Path
) -> None:
    assert NOON_MS == 1_790_000_000_000  # 14:13:20 on that day
    for status in (429, 503):
        assert failed(candidate, home, (status, {"retry-after": text}, b"")).retry_after_s == patience_s


@pytest.mark.parametrize("candidate", ALL)
def test_a_redirect_is_not_followed(candidate: Candidate, home: Path) -> None:
    with receiving((200, {}, candidate.taken)) as elsewhere:
        failed(candidate, home, (307, {"location": f"{elsewhere.url}/in"}, b""))
        assert elsewhere.came == []


# --- others that do not behave --------------------------------------------------------------------------------------


def hanging(guest: Guest) -> None:
    guest.hang()


def half_a_head(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(b"HTTP/1.1 200 OK\r\ncontent-")
    guest.hang()


def dripping(guest: Guest) -> None:
    guest.request()
    guest.drip(b"HTTP/1.1 200 OK\r\nx-" + b"y" * 100_000, every_s=0.05)


def never_ending(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(b"HTTP/1.1 500 No\r\n\r\n")
    while not guest.closing.is_set():
        guest.conn.sendall(b"x" * 65_536)


def hanging_up(guest: Guest) -> None:
    guest.request()


def short_of_its_length(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(b"HTTP/1.1 500 No\r\ncontent-length: 5000\r\n\r\nlittle")


def no_http(guest: Guest) -> None:
    guest.request()
    guest.conn.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize("talk", [hanging, half_a_head, dripping], ids=lambda talk: talk.__name__)
@pytest.mark.parametrize("candidate", ALL)
def test_who_does_not_come_to_an_end_is_left_in_time(candidate: Candidate, talk: object, home: Path) -> None:
    timeout_s = 3.0 if candidate.slow else 0.4
    with serving(talk) as port:  # type: ignore[arg-type]
        aimed(candidate, home, port)
        found = try_it(candidate, port, home, timeout_s=timeout_s)
    assert isinstance(found, ChannelError)
    assert not found.permanent


@pytest.mark.parametrize(
    "talk", [never_ending, hanging_up, short_of_its_length, no_http], ids=lambda talk: talk.__name__
)
@pytest.mark.parametrize("candidate", QUICK)
def test_an_answer_that_lies_about_itself_may_be_tried_again(candidate: Candidate, talk: object, home: Path) -> None:
    with serving(talk) as port:  # type: ignore[arg-type]
        found = try_it(candidate, port, home, timeout_s=5)
    assert isinstance(found, ChannelError)
    assert not found.permanent


@pytest.mark.parametrize("candidate", ALL)
def test_nobody_there_may_be_somebody_later(candidate: Candidate, home: Path) -> None:
    aimed(candidate, home, 9)
    found = try_it(candidate, 9, home)
    assert isinstance(found, ChannelError)
    assert not found.permanent


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"[" * 100_000, b'{"error": NaN}', b"\xff\xfe", b"null"])
@pytest.mark.parametrize("candidate", QUICK)
def test_a_body_of_any_kind_never_breaks_a_channel(candidate: Candidate, body: bytes, home: Path) -> None:
    found, _ = answered(candidate, home, (200, {}, body))
    assert isinstance(found, str) or not found.permanent


# --- what is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidate", QUICK)
def test_no_secret_is_in_an_error_even_where_the_other_side_repeats_it(candidate: Candidate, home: Path) -> None:
    def echo(came: Came) -> Reply:
        return 500, {}, json.dumps(came.headers).encode() + came.body

    with receiving(echo) as receiver:
        aimed(candidate, home, port_of(receiver))
        found = try_it(candidate, port_of(receiver), home)  # the exam looks for the secret in all of the traceback
        assert isinstance(found, ChannelError)
    assert SECRET not in repr(candidate.config(9))


@pytest.mark.parametrize("candidate", ALL)
def test_vietnamese_arrives_letter_by_letter(candidate: Candidate, home: Path) -> None:
    with receiving((200, {}, candidate.taken)) as receiver:
        aimed(candidate, home, port_of(receiver))
        assert isinstance(try_it(candidate, port_of(receiver), home), str)
    texts = list(strings(json.loads(receiver.came[0].body)))
    assert any("Trực một cửa Phường Bắc Giang" in text for text in texts)
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)


@pytest.mark.parametrize("candidate", [pytest.param(CANDIDATES[kind], id=kind) for kind in ("webhook", "ticket")])
def test_the_same_letter_twice_carries_the_same_key(candidate: Candidate, home: Path) -> None:
    with receiving((200, {}, candidate.taken)) as receiver:
        for key in (KEY, KEY, KEY + "/2"):
            try_it(candidate, port_of(receiver), home, carried=letter(key=key))
    keys = [came.headers["idempotency-key"] for came in receiver.came]
    assert keys == [KEY, KEY, KEY + "/2"]


def test_the_same_letter_twice_is_one_alert_to_alertmanager(home: Path) -> None:
    candidate = CANDIDATES["alertmanager"]
    with receiving((200, {}, b"")) as receiver:
        for _ in range(2):
            try_it(candidate, port_of(receiver), home)
            time.sleep(0.01)
    first, second = (json.loads(came.body)[0]["labels"] for came in receiver.came)
    assert first == second
    assert first["incident"] == letter().incident


def strings(tree: object) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [text for part in parts for text in strings(part)]
