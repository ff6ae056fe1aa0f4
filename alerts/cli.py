"""`motcua alerts …`. The roof hands over how to open a desk: its errors end the command with their exit code.

Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 cannot be reached, or busy.
"""

from __future__ import annotations

import typer

from alerts import checking
from alerts.incidents import cli as incidents
from alerts.incidents.cli import Opened


def commands(opened: Opened) -> typer.Typer:
    """The commands, to be mounted under `motcua alerts`."""
    app = typer.Typer(name="alerts", help="Incidents: what is wrong, whose it is, why we think so.")
    incidents.mount(app, opened)
    checking.mount(app)
    return app
