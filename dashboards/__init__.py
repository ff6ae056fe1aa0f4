"""Show it. The factories below import their part on first use, so that a role which is not served costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar import Litestar

    from alerts.api import Commands as AlertCommands
    from alerts.api import Reader as Alerts
    from collector.api import Commands, Reader


def board_app(
    reader: Reader,
    commands: Commands,
    *,
    hosts: frozenset[str] = frozenset(),
    settle_ms: int = 1_000,
    simulated: bool = False,
    alerts: tuple[Alerts, AlertCommands] | None = None,
) -> Litestar:
    """The built-in web pages as an ASGI application; see `dashboards.board.app.board_app`."""
    from dashboards.board import app

    return app.board_app(reader, commands, hosts=hosts, settle_ms=settle_ms, simulated=simulated, alerts=alerts)
