"""A letter by whatever apprise knows: SMS gateways, Zalo Bot and many more, in a child that ends in time.

Which one it is stands in an address of apprise's own form, `smseagle://token@host/{address}`, kept in a file because it
holds the token. Telegram is off unless it is asked for: it is blocked in Vietnam.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from msgspec import Meta, Struct

from alerts.channels import sms
from alerts.channels.address import Short
from alerts.channels.answers import accept
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Letter
from alerts.channels.post import Answer, Post

ADDRESS: Final = "phone"
_TELEGRAM: Final = frozenset({"tgram", "telegram"})
_CHILD: Final = (sys.executable, "-m", "alerts.channels.apprisechild")
_KEPT: Final = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LANG")
"""Of the environment; no proxy that nobody wrote into the settings."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`sms`: the short form, in at most `segments` messages; `tones` false: Vietnamese without its marks, which makes
    160 characters of 70. `telegram`: allow that service, too."""

    url_file: Annotated[str, Meta(min_length=1, max_length=400)]
    sms: bool = False
    segments: Annotated[int, Meta(ge=1, le=10)] = 3
    tones: bool = True
    telegram: bool = False
    ca_file: Short = ""


class Order(Struct, frozen=True):
    """What the child is told, on its standard input: never among its arguments, where everybody sees them."""

    url: str
    title: str
    body: str
    timeout_s: float


class Outcome(Struct, frozen=True):
    """What the child answers: `status` of HTTP where the service refused by one, `fault` where it could not try."""

    taken: bool
    status: int = 0
    fault: str = ""


def send(config: Config, letter: Letter, post: Post) -> str:
    """How many short messages it took, or just that it was taken: apprise hands no names over."""
    order, size = order_of(config, letter, post)
    found = _ask(order, config, post)
    if found.taken:
        return "taken" if size is None else str(size)
    if found.fault:
        raise ChannelError(f"apprise: {found.fault}", permanent=True)
    if found.status:
        accept(Answer(found.status, {}, b"", whole=True), "the service", now_ms=post.clock.wall_ms())
    raise ChannelError("the service did not take the letter")


def order_of(config: Config, letter: Letter, post: Post) -> tuple[Order, sms.Size | None]:
    """What would be sent, and its length in short messages. Raises ChannelError."""
    url = _url(config, letter, post)
    if not config.sms:
        body = "\n".join(part for part in (letter.text, letter.link if letter.link not in letter.text else "") if part)
        return Order(url, letter.title, body, post.timeout_s), None
    text, tail = sms.plain(letter.short), letter.link
    fitted = sms.fit(text if config.tones else sms.without_tones(text), tail, config.segments)
    return Order(url, "", fitted, post.timeout_s), sms.measure(fitted)


def _url(config: Config, letter: Letter, post: Post) -> str:
    url = post.secret(config.url_file).reveal()
    scheme = url.partition("://")[0].lower()
    if scheme in _TELEGRAM and not config.telegram:
        raise ChannelError("Telegram is off; write telegram = true where it may be used", permanent=True)
    if any(
        name == "verify" and value.lower() in {"no", "false", "0"} for name, value in parse_qsl(urlsplit(url).query)
    ):
        raise ChannelError(f"{config.url_file}: certificates are always verified; take verify= away", permanent=True)
    if "{address}" in url and not letter.address:
        raise ChannelError("nobody to write to: the inventory has no telephone of theirs", permanent=True)
    return url.replace("{address}", quote("".join(letter.address.split()), safe="+"))


def _ask(order: Order, config: Config, post: Post) -> Outcome:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if config.ca_file:
        environment["REQUESTS_CA_BUNDLE"] = str(post.path(config.ca_file))
    try:
        done = subprocess.run(
            _CHILD, input=msgspec.json.encode(order), capture_output=True, timeout=post.timeout_s, env=environment,
            cwd=Path(__file__).resolve().parents[2], check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ChannelError(f"the service did not answer within {post.timeout_s:g} s") from None
    except OSError as error:
        raise ChannelError(f"apprise could not be started: {error.strerror}") from None
    try:
        return msgspec.json.decode(done.stdout, type=Outcome)
    except msgspec.MsgspecError:
        raise ChannelError(f"apprise ended without an answer (exit code {done.returncode})") from None
