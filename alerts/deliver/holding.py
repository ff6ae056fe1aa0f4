"""What an Alertmanager was told of is told again while it holds: there an alert ends by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, select

from alerts.channels import ChannelError, Letter, Post
from alerts.channels.alertmanager import Alert, Config, alert_of, push
from alerts.tables import incident, outbox

EVERY_S: Final = 60.0
AT_ONCE: Final = 200
"""Alerts in one request: a few kB each."""


def told(conn: Connection, channel: str) -> list[str]:
    """Keys of the newest letter to each audience, by this channel, about each incident whose trouble still holds."""
    query = (
        select(outbox.c.key, outbox.c.incident, outbox.c.audience)
        .join(incident, incident.c.id == outbox.c.incident)
        .where(
            outbox.c.channel == channel, outbox.c.state.in_(("sent", "answered")), outbox.c.kind != "recovered",
            incident.c.closed_ms.is_(None), incident.c.ended_ms.is_(None),
        )
        .order_by(outbox.c.sent_ms, outbox.c.key)
    )  # fmt: skip
    return list({(row.incident, row.audience): row.key for row in conn.execute(query)}.values())


class Holding:
    """`letters()` gives the letters by those keys, as they were sent."""

    def __init__(self, config: Config, post: Post, letters: Callable[[], Sequence[Letter]]) -> None:
        self._config, self._post, self._letters = config, post, letters

    def step(self) -> float:
        """Send every alert that holds once more; the seconds until the next time. What fails now is sent then."""
        now_ms = self._post.clock.wall_ms()
        alerts = [alert_of(self._config, letter, now_ms) for letter in self._letters()]
        for part in _parts(alerts):
            try:
                push(self._config, part, self._post)
            except ChannelError:
                break
        return min(EVERY_S, self._config.hold_s / 3)


def _parts(alerts: list[Alert]) -> Iterable[list[Alert]]:
    return (alerts[n : n + AT_ONCE] for n in range(0, len(alerts), AT_ONCE))
