"""A fault record for a carrier's desk: whatever form it wants, by a template, over HTTP or as CSV by e-mail.

`columns` make CSV with one row; a `template` (Jinja2, sandboxed; a name that does not exist is a fault) makes anything
else. The names to fill in stand in `alerts.channels.fields`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from alerts.channels import email as mail
from alerts.channels import fields
from alerts.channels.address import Short, Where, url_of
from alerts.channels.answers import accept
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Kind, Letter
from alerts.channels.post import Answer, Post, host_of
from alerts.channels.smtp import Server, deliver
from alerts.channels.templates import render
from alerts.channels.webhook import key_header

ADDRESS: Final = "own"
MAX_BYTES: Final = 64 * 1024
_TYPES: Final = {
    "json": "application/json", "form": "application/x-www-form-urlencoded", "csv": "text/csv; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}  # fmt: skip
_NUMBER: Final = re.compile(r"[+-][\d .()-]{1,30}")


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Exactly one of `http` and `email`, of `template` and `columns`. `kinds`: letters that make a record; a correction
    would make a second one. `number_at`: where in a JSON answer the record's number is, such as `data.ticket_no`."""

    format: Literal["json", "form", "csv", "text"] = "json"
    template: Annotated[str, Meta(max_length=20_000)] = ""
    columns: dict[str, str] = {}
    http: Where | None = None
    authorization_file: Short = ""
    email: mail.Config | None = None
    kinds: tuple[Kind, ...] = ("call",)
    number_at: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]{0,100}$")] = ""

    def __post_init__(self) -> None:
        if (self.http is None) == (self.email is None):
            raise ValueError("write http = {…} or email = {…}")
        if bool(self.template) == bool(self.columns) or bool(self.columns) != (self.format == "csv"):
            raise ValueError("write columns for format csv, and a template for every other")
        fields.check(self.columns.values())


def send(config: Config, letter: Letter, post: Post) -> str:
    """The record's number where the desk tells it; `not sent` for kinds of letters that make no record."""
    if letter.kind not in config.kinds and letter.kind != "test":
        return f"not sent: a {letter.kind} makes no record"
    body = content_of(config, letter)
    if config.email is not None:
        return _by_email(config.email, letter, body, post)
    url = url_of(config.http or Where(url=""), post)
    headers = {"content-type": _TYPES[config.format], "idempotency-key": key_header(letter.key)}
    if config.authorization_file:
        headers["authorization"] = post.secret(config.authorization_file).reveal()
    answer = post.request("POST", url, headers=headers, content=body)
    accept(answer, host_of(url), now_ms=post.clock.wall_ms())
    return number_in(answer, config.number_at) or f"HTTP {answer.status}"


def content_of(config: Config, letter: Letter) -> bytes:
    """What would be sent. Raises ChannelError, permanent: a template that cannot be filled in will not be later."""
    values = fields.of_letter(letter)
    if config.columns:
        body = row(config.columns, values)
    else:
        body = render(config.template, values)
        if config.format == "json":
            _check_json(body)
    content = body.encode()
    if len(content) > MAX_BYTES:
        raise ChannelError(f"the record is larger than {MAX_BYTES} bytes", permanent=True)
    return content


def row(columns: dict[str, str], values: fields.Values) -> str:
    """CSV with a line of names and a line of values, for spreadsheets: what would be a formula is made plain."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerow(_plain(fields.text(name, values)) for name in columns.values())
    return file.getvalue()


def number_in(answer: Answer, at: str) -> str:
    """What stands at a place of a JSON answer; empty where there is nothing."""
    if not at:
        return ""
    try:
        found: object = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    for part in at.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return str(found)[:200] if isinstance(found, str | int) else ""


def _by_email(config: mail.Config, letter: Letter, body: bytes, post: Post) -> str:
    to = [box for text in ([letter.address] if letter.address else config.to) for box in mail.mailboxes(text)]
    if not to:
        raise ChannelError("nobody to write to: give the desk's mailbox as `to`", permanent=True)
    message = mail.message_of(letter, config.sender, to)
    message.add_attachment(
        b"\xef\xbb\xbf" + body, maintype="text", subtype="csv", filename=f"motcua-{letter.number}.csv"
    )
    password = post.secret(config.password_file) if config.password_file else None
    deliver(Server(config.host, config.port, config.tls, config.user, password), message, post)
    return str(message["Message-ID"])


def _check_json(body: str) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        raise ChannelError(
            "the filled-in template is not JSON; write {{ name | tojson }} for values", permanent=True
        ) from None


def _plain(cell: str) -> str:
    risky = cell[:1] in {"=", "@", "\t", "\r"} or (cell[:1] in {"+", "-"} and _NUMBER.fullmatch(cell) is None)
    return f"'{cell}" if risky else cell
