"""`motcua up`: collector, agent and board on this machine."""

from __future__ import annotations

import asyncio
import logging
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from motcua.ending import Stop, show, step
from motcua.process import running

if TYPE_CHECKING:  # heavy, or an extra
    from collector.hub import Hub
    from collector.settings import Settings


async def up(settings: Settings) -> None:
    """Until told to stop, or until the agent ends by a fault of ours."""
    from agent.keeping import keep_running
    from collector import process, roles

    process.log_to_stderr(logging.WARNING)
    told = process.told_to_stop()
    show(f"motcua {version('motcua')}, home {settings.home}")
    async with running(settings, roles.BUILT) as hub:
        step("collector", f"answers agents at {settings.agents_url}, data in {hub.store.dialect}")
        await asyncio.to_thread(_enrol_this_machine, hub)
        agent = asyncio.create_task(keep_running(settings.home / "agent", told, step))
        step("agent", "runs; the first figures take a few seconds")
        show(f"\n  Board   {_login_address(hub)}")
        show("          the link works once; for a new one: motcua collector login-link NAME\n")
        watching = asyncio.create_task(_tell_first_figures(hub))
        try:
            await agent  # it ends when told to, or by a fault of ours, and then so do we
        finally:
            watching.cancel()
            show("\nstopping")
    step("stopped", "everything is kept; `make up` goes on from here")


def _enrol_this_machine(hub: Hub) -> None:
    from agent import identity
    from agent.joining import enrol
    from collector import floor

    home = hub.settings.home / "agent"
    try:
        known, _ = identity.load(home)
        step("this machine", f"is centre {known.centre}, enrolled before")
        return
    except identity.NotJoined:
        code = floor.join_code(hub, centre="00000-1", role="box", name_vi="Máy này", name_en="This machine")
    try:
        made = enrol.join(hub.settings.agents_url, code, role="box", home=home, name=platform.node())
    except enrol.JoinError as error:
        raise Stop(f"this machine could not be enrolled: {error}") from error
    # A demonstration is watched by somebody: results travel every 3 s here, every minute in the field.
    (home / "agent.toml").write_text("cut_s = 3\n", "utf-8")
    step("this machine", f"enrolled as centre {made.centre} with a one-time code")


async def _tell_first_figures(hub: Hub) -> None:
    from collector import floor

    spent_s = await floor.first_figures(hub)
    step("first figures", f"measured, receipted and judged {spent_s:.1f} s after the agent began")


def _login_address(hub: Hub) -> str:
    from collector import floor

    return f"http://{hub.settings.board}/login/{floor.login_link(hub, name='make up')}"
