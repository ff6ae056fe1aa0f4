"""A letter by e-mail (SMTP): plain text and HTML, bound into one thread an incident.

Message-ID is made of the idempotency key: a letter that went twice is one in most mailboxes.
"""

from __future__ import annotations

import hashlib
import html
import re
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from alerts.channels.address import Short
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Letter
from alerts.channels.mailheaders import POLICY
from alerts.channels.post import Post
from alerts.channels.smtp import Server, deliver

ADDRESS: Final = "email"
_ADDRESS: Final = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_MAILBOX: Final = re.compile(rf"(?P<name>[^<>@]{{0,100}})<(?P<own>{_ADDRESS})>|(?P<bare>{_ADDRESS})")
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")
_MAX_TO: Final = 50


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`tls`: `starttls` (587), `tls` from the first byte (465), `none` only to this machine itself. `to`: who gets
    letters that have no address of their own."""

    host: Annotated[str, Meta(min_length=1, max_length=200)]
    sender: Annotated[str, Meta(max_length=200)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: Short = ""
    password_file: Short = ""
    to: list[str] = []

    def __post_init__(self) -> None:
        for text in (self.sender, *self.to):
            mailboxes(text)
        if bool(self.user) != bool(self.password_file):
            raise ValueError("user and password_file go together")
        if self.tls == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError('without TLS letters go to this machine itself only; write tls = "starttls"')


def send(config: Config, letter: Letter, post: Post) -> str:
    """The Message-ID it went by."""
    to = [box for text in ([letter.address] if letter.address else config.to) for box in _to(text)]
    if not to:
        raise ChannelError(
            "nobody to write to: the team has no e-mail in the inventory, nor the channel a `to`", permanent=True
        )
    message = message_of(letter, config.sender, to)
    password = post.secret(config.password_file) if config.password_file else None
    deliver(Server(config.host, config.port, config.tls, config.user, password), message, post)
    return str(message["Message-ID"])


def message_of(letter: Letter, sender: str, to: list[Mailbox]) -> EmailMessage:
    """The whole e-mail."""
    message = EmailMessage(policy=POLICY)
    own = mailboxes(sender)[0]
    root = f"<incident-{_token(letter.incident)}@{own.domain}>"
    message["Message-ID"] = f"<{_token(letter.key)}@{own.domain}>"
    if letter.incident:
        message["In-Reply-To"] = message["References"] = root
    message["From"], message["To"] = own, to
    message["Subject"] = subject(letter)
    message["Date"] = format_datetime(datetime.fromtimestamp(letter.created_ms / 1000, UTC))
    message["Auto-Submitted"] = "auto-generated"
    text = _text(letter)
    message.set_content(text)
    message.add_alternative(page(letter.title, text, letter.lang), subtype="html")
    message["Content-Language"] = letter.lang  # not sooner: it would go to the first part alone
    return message


def subject(letter: Letter) -> str:
    """With the incident's number, so that people find it again."""
    title = " ".join(letter.title.split())
    return f"[motcua #{letter.number}] {title}" if letter.number else f"[motcua] {title}"


def page(title: str, text: str, lang: str) -> str:
    """The text as a page: the first line stands out, addresses are links; everything of others is escaped."""
    first, _, rest = (text.strip() or title).partition("\n")
    parts = ["<br>".join(map(_linked, part.splitlines())) for part in rest.strip("\n").split("\n\n")]
    lines = "".join(f"<p>{part}</p>" for part in parts if part)
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{html.escape(title)}</title></head>'
        '<body style="font:16px/1.45 sans-serif;color:#1b1b1b;max-width:42em">'
        f'<p style="font-size:1.2em"><strong>{_linked(first)}</strong></p>{lines}</body></html>'
    )


def mailboxes(text: str) -> list[Mailbox]:
    """`Name <name@example.vn>`, several by commas. Raises ValueError."""
    found = [_MAILBOX.fullmatch(part.strip()) for part in text.split(",")]
    boxes = [Mailbox((one["name"] or "").strip(' "'), addr_spec=one["own"] or one["bare"]) for one in found if one]
    if len(boxes) < len(found) or len(boxes) > _MAX_TO or not text.isprintable():
        raise ValueError(f"{text[:80]!r} is no e-mail address; write name@example.vn")
    return boxes


def _to(text: str) -> list[Mailbox]:
    try:
        return mailboxes(text)
    except ValueError as error:
        raise ChannelError(str(error), permanent=True) from None


def _text(letter: Letter) -> str:
    return "\n".join(part for part in (letter.text, letter.link if letter.link not in letter.text else "") if part)


def _linked(line: str) -> str:
    found, at = "", 0
    for match in _LINK.finditer(line):
        url = html.escape(match.group())
        found += f'{html.escape(line[at : match.start()])}<a href="{url}">{url}</a>'
        at = match.end()
    return found + html.escape(line[at:])


def _token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
