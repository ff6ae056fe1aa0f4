"""A letter as an alert of Alertmanager (v2 API), for provinces that group, inhibit and silence there.

An alert ends by itself `hold_s` after it was last sent: while an incident lives, `alerts.deliver.holding` sends it
again; its end is sent as such. Every address of `urls` gets it, as each member of a cluster must; one is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from alerts.channels.address import Short, check_url
from alerts.channels.answers import accept
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Field, Letter
from alerts.channels.post import Post, host_of

ADDRESS: Final = "none"
PATH: Final = "/api/v2/alerts"
_LABELS: Final = ("audience", "owner", "state", "rule", "cause", "carrier", "area", "centre", "team")
"""Facts of a letter that are labels; they stay the same while the verdict does."""

Name = Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`authorization_file`: the whole value of the header Authorization. `labels`: added to every alert."""

    urls: Annotated[list[Short], Meta(min_length=1, max_length=5)]
    authorization_file: Short = ""
    labels: dict[Name, Short] = {}
    hold_s: Annotated[float, Meta(ge=60, le=86_400)] = 600.0

    def __post_init__(self) -> None:
        for url in self.urls:
            check_url(url)


class Alert(Struct, frozen=True, kw_only=True, rename="camel"):
    """A postable alert, as the OpenAPI of Alertmanager has it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(name="generatorURL", default="")


def send(config: Config, letter: Letter, post: Post) -> str:
    """How many of the addresses took it."""
    return f"{push(config, [alert_of(config, letter, post.clock.wall_ms())], post)} of {len(config.urls)}"


def push(config: Config, alerts: list[Alert], post: Post) -> int:
    """How many addresses took the alerts. Raises ChannelError where none did, permanent where all said so."""
    headers = {"content-type": "application/json"}
    if config.authorization_file:
        headers["authorization"] = post.secret(config.authorization_file).reveal()
    body, faults = msgspec.json.encode(alerts), []
    for url in config.urls:
        try:
            answer = post.request("POST", url.rstrip("/") + PATH, headers=headers, content=body)
            accept(answer, host_of(url), now_ms=post.clock.wall_ms())
        except ChannelError as error:
            faults.append(error)
    if len(faults) == len(config.urls):
        patience = [error.retry_after_s for error in faults if error.retry_after_s is not None]
        text, permanent = "; ".join(map(str, faults)), all(error.permanent for error in faults)
        raise ChannelError(text, permanent=permanent, retry_after_s=min(patience, default=None))
    return len(config.urls) - len(faults)


def alert_of(config: Config, letter: Letter, now_ms: int) -> Alert:
    """An alert is the same as another by its labels: what changes from letter to letter is an annotation."""
    fields = letter.fields
    since_ms, ended_ms = _instant(fields, "since_ms") or letter.created_ms, _instant(fields, "ended_ms")
    over = letter.kind == "recovered" or ended_ms is not None
    ends_ms = (ended_ms or now_ms) if over else now_ms + round(config.hold_s * 1000)
    told = {name: str(fields[name]) for name in _LABELS if fields.get(name) not in {None, ""}}
    own = {"alertname": "motcua_incident", "incident": letter.incident or letter.key, "number": str(letter.number)}
    return Alert(
        labels={**config.labels, **told, **own},
        annotations={
            "summary_vi": letter.title_vi, "summary_en": letter.title_en,
            "description_vi": letter.text_vi, "description_en": letter.text_en,
        },
        starts_at=rfc3339(min(since_ms, ends_ms)),
        ends_at=rfc3339(ends_ms),
        generator_url=letter.link,
    )  # fmt: skip


def rfc3339(at_ms: int) -> str:
    """An instant as Alertmanager reads it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant(fields: Mapping[str, Field], name: str) -> int | None:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
