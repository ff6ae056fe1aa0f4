"""A letter to a Zalo group (or a person) from the province's own Official Account.

Zalo answers failures with HTTP 200: what counts is `error` in the body. The pair of tokens lies in `token_file`, is
renewed a minute before its end or where Zalo calls it expired, once a letter, by `alerts.channels.zalo_token`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from alerts.channels.address import Short, check_url
from alerts.channels.answers import accept
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Letter
from alerts.channels.post import Answer, Post, host_of
from alerts.channels.zalo_token import App, Tokens

ADDRESS: Final = "own"
MAX_TEXT: Final = 2_000
_PATHS: Final = {"group": "/v3.0/oa/group/message", "user": "/v3.0/oa/message/cs"}
_EXPIRED: Final = frozenset({-216, 401})
_PERMANENT: Final = {-224: "the Official Account's package lacks this feature"}
"""Public documentation disagrees about most other numbers: those are tried again, then lie as dead letters."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`app_id`, `secret_file` are of the app; `token_file` begins with the pair of the first consent and is kept by
    motcua from then on. `to`: the group's (or person's) id for letters that have no address of their own."""

    app_id: Annotated[str, Meta(pattern="^[0-9]{1,30}$")]
    secret_file: Annotated[str, Meta(min_length=1, max_length=400)]
    token_file: Annotated[str, Meta(min_length=1, max_length=400)]
    recipient: Literal["group", "user"] = "group"
    to: Short = ""
    api_url: Short = "https://openapi.zalo.me"
    oauth_url: Short = "https://oauth.zaloapp.com"

    def __post_init__(self) -> None:
        check_url(self.api_url)
        check_url(self.oauth_url)


def send(config: Config, letter: Letter, post: Post) -> str:
    """Zalo's id of the message."""
    to = letter.address or config.to
    if not to:
        raise ChannelError("no group to write to: give it as `to`, or with the route's addresses", permanent=True)
    tokens = Tokens(App(config.app_id, config.secret_file, config.oauth_url), post.path(config.token_file), post)
    pair = tokens.fresh()
    said = _say(config, letter, to, pair.access_token, post)
    if said.error in _EXPIRED:
        said = _say(config, letter, to, tokens.renewed(pair).access_token, post)
    if said.error in _EXPIRED:
        raise ChannelError("Zalo calls a token expired that it has just given")
    if said.error:
        why = _PERMANENT.get(said.error)
        raise ChannelError(f"Zalo answered {said.error}{f': {why}' if why else ''}", permanent=why is not None)
    return said.data.message_id or "taken"


class _Data(Struct):
    message_id: str = ""


class Said(Struct):
    """What Zalo answers; anything else is not Zalo's."""

    error: int
    data: _Data = msgspec.field(default_factory=_Data)


def _say(config: Config, letter: Letter, to: str, access_token: str, post: Post) -> Said:
    key = "group_id" if config.recipient == "group" else "user_id"
    body = msgspec.json.encode({"recipient": {key: to}, "message": {"text": text_of(letter)}})
    url = config.api_url.rstrip("/") + _PATHS[config.recipient]
    headers = {"content-type": "application/json", "access_token": access_token}
    answer = post.request("POST", url, headers=headers, content=body)
    if answer.status == 401:
        return Said(401)
    accept(answer, host_of(url), now_ms=post.clock.wall_ms())
    return _read(answer, host_of(url))


def text_of(letter: Letter) -> str:
    """All of it, as far as Zalo takes it; the link is never cut off."""
    text = f"#{letter.number} {letter.text}" if letter.number else letter.text
    link = f"\n{letter.link}" if letter.link and letter.link not in text else ""
    room = MAX_TEXT - len(link)
    return (text if len(text) <= room else f"{text[: room - 1]}…") + link


def _read(answer: Answer, host: str) -> Said:
    try:
        return msgspec.json.decode(answer.body, type=Said)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ChannelError(f"{host} answered something that is not Zalo's") from None
