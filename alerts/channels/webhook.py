"""A letter as JSON to an address of one's own, signed, with its idempotency key.

`Motcua-Signature: t=<seconds>,v1=<hex>`: HMAC-SHA256 with the shared secret over `<seconds>.<body>`. A receiver
compares it, refuses what is older than five minutes, and takes the same `Idempotency-Key` once.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from alerts.channels.address import Where, url_of
from alerts.channels.answers import accept
from alerts.channels.letter import Letter
from alerts.channels.post import Answer, Post, Secret, host_of

ADDRESS: Final = "none"
MAX_ID: Final = 200


class Config(Where, frozen=True, forbid_unknown_fields=True):
    """`secret_file`: what receiver and motcua share; without one, letters are not signed."""

    secret_file: Annotated[str, Meta(max_length=400)] = ""


def send(config: Config, letter: Letter, post: Post) -> str:
    """The receiver's `id` of its JSON answer, else the status it answered with."""
    url = url_of(config, post)
    body = msgspec.json.encode(content_of(letter))
    headers = {"content-type": "application/json", "idempotency-key": key_header(letter.key)}
    if config.secret_file:
        headers["motcua-signature"] = signature(post.secret(config.secret_file), post.clock.wall_ms() // 1000, body)
    answer = post.request("POST", url, headers=headers, content=body)
    accept(answer, host_of(url), now_ms=post.clock.wall_ms())
    return id_in(answer)


def content_of(letter: Letter) -> dict[str, object]:
    """What travels: both languages, so that a receiver chooses."""
    return {
        "version": 1, "key": letter.key, "kind": letter.kind, "incident": letter.incident, "number": letter.number,
        "created_ms": letter.created_ms, "lang": letter.lang, "address": letter.address, "link": letter.link,
        "title": {"vi": letter.title_vi, "en": letter.title_en},
        "text": {"vi": letter.text_vi, "en": letter.text_en},
        "fields": dict(letter.fields),
    }  # fmt: skip


def signature(secret: Secret, at_s: int, body: bytes) -> str:
    """The value of the header `Motcua-Signature`."""
    digest = hmac.new(secret.reveal().encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def key_header(key: str) -> str:
    """An idempotency key as a header can carry it."""
    return quote(key, safe="/:*._-")


def id_in(answer: Answer) -> str:
    """What the other side calls what it took."""
    try:
        return msgspec.json.decode(answer.body, type=_Taken).id[:MAX_ID] or f"HTTP {answer.status}"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return f"HTTP {answer.status}"


class _Taken(Struct):
    id: str = ""
