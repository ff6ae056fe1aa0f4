"""A channel that reaches people, as e-mail does, and leaves its letters at an HTTP server: for tests of delivery."""

from __future__ import annotations

from typing import Final

import msgspec

from alerts.channels import Letter, Post
from alerts.channels.address import Where, url_of
from alerts.channels.answers import accept
from alerts.channels.post import host_of

ADDRESS: Final = "email"


class Config(Where, frozen=True, forbid_unknown_fields=True):
    """Where to leave it."""


class Left(msgspec.Struct, frozen=True):
    """What the server gets of a letter."""

    key: str
    kind: str
    address: str
    title: str
    text: str


def send(config: Config, letter: Letter, post: Post) -> str:
    left = Left(letter.key, letter.kind, letter.address, letter.title, letter.text)
    url, body = url_of(config, post), msgspec.json.encode(left)
    answer = post.request("POST", url, headers={"idempotency-key": letter.key.replace(":", "_")}, content=body)
    accept(answer, host_of(url), now_ms=post.clock.wall_ms())
    return answer.body.decode()[:100]
