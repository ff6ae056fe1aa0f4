"""The collector's dead man's switch: as long as it can still write and send, somebody outside hears of it every minute.

Whoever listens tells people when it stops: a service that expects a request, or an Alertmanager with an alert that
always fires and ends by itself. A collector that cannot write any more is silent here, too, and that is the point.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from alerts.channels import ChannelError, Post, alertmanager
from alerts.channels.address import Short, Where, check_url, url_of
from alerts.channels.alertmanager import Alert, rfc3339
from alerts.channels.answers import accept
from alerts.channels.post import host_of

log: Final = logging.getLogger("motcua.alerts")

MISSED: Final = 5
"""After so many beats that did not come the alert ends."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to be heard: an address (`url`, or `url_file`), a channel of kind alertmanager by name, or both."""

    every_s: Annotated[float, Meta(ge=10, le=3_600)] = 60.0
    url: Short = ""
    url_file: Short = ""
    channel: Annotated[str, Meta(max_length=60)] = ""

    def __post_init__(self) -> None:
        if not (self.url or self.url_file or self.channel):
            raise ValueError("write url, url_file or channel: somebody must hear it")
        if self.url and self.url_file:
            raise ValueError("write url or url_file, not both")
        if self.url:
            check_url(self.url)


class Heartbeat:
    """`proof` is done before each beat and raises where the collector cannot write: then there is none."""

    def __init__(
        self, config: Config, post: Post, proof: Callable[[], object], to: alertmanager.Config | None = None
    ) -> None:
        self._config, self._post, self._proof, self._to = config, post, proof, to
        self._silent: dict[str, str] = {}

    def step(self) -> float:
        """Beat once; the seconds until the next. Raises what `proof` raises."""
        self._proof()
        if self._config.url or self._config.url_file:
            self._attempt("the address", self._to_address)
        if self._to is not None:
            self._attempt(self._config.channel, partial(self._to_alertmanager, self._to))
        return self._config.every_s

    @property
    def unheard(self) -> dict[str, str]:
        """Who did not take the last beat, and why."""
        return dict(self._silent)

    def _attempt(self, where: str, beat: Callable[[], None]) -> None:
        try:
            beat()
        except ChannelError as error:
            if self._silent.get(where) != str(error):
                log.warning("the heartbeat is not heard: %s", error)
            self._silent[where] = str(error)
        else:
            if self._silent.pop(where, None):
                log.warning("the heartbeat is heard again")

    def _to_address(self) -> None:
        where = Where(url=self._config.url, url_file=self._config.url_file)
        url, now_ms = url_of(where, self._post), self._post.clock.wall_ms()
        body = msgspec.json.encode({"from": "motcua", "at_ms": now_ms, "every_s": self._config.every_s})
        answer = self._post.request("POST", url, headers={"content-type": "application/json"}, content=body)
        accept(answer, host_of(url), now_ms=now_ms)

    def _to_alertmanager(self, to: alertmanager.Config) -> None:
        now_ms = self._post.clock.wall_ms()
        alertmanager.push(to, [alert_at(now_ms, self._config.every_s, to.labels)], self._post)


def alert_at(now_ms: int, every_s: float, labels: dict[str, str]) -> Alert:
    """The alert that always fires: it ends where it was not sent again `MISSED` times."""
    return Alert(
        labels={**labels, "alertname": "motcua_heartbeat"},
        annotations={
            "summary_vi": "motcua còn chạy; hết cảnh báo này là motcua đã im",
            "summary_en": "motcua is alive; where this alert ends, motcua fell silent",
        },
        starts_at=rfc3339(now_ms),
        ends_at=rfc3339(now_ms + round(MISSED * every_s * 1000)),
    )
