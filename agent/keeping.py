"""An agent kept running as a process of its own, for whoever starts one beside something else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


async def keep_running(home: Path, told: asyncio.Event, say: Callable[[str, str], None]) -> None:
    """Run the agent of `home` as a process of its own, and start it anew should it end, until told to stop."""
    stopped, pause_s = asyncio.create_task(told.wait()), FIRST_PAUSE_S
    while not told.is_set():
        with (home / "agent.log").open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "agent", "run", "--home", str(home), cwd=Path(__file__).parent.parent,
                start_new_session=True, stderr=log,
            )  # fmt: skip
        ended = asyncio.create_task(child.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            child.terminate()
        code = await ended
        if not told.is_set():
            say("agent", f"ended with code {code}; started again in {pause_s:g} s; see {home / 'agent.log'}")
            await asyncio.wait({stopped}, timeout=pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
