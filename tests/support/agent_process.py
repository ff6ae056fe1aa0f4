"""`python -m tests.support.agent_process ...`: the real agent's program, with some probes more in its table."""

from __future__ import annotations

import sys

from agent import probes
from agent.__main__ import main

if __name__ == "__main__":
    probes.PROBES.update(
        tick="tests.support.tick_probe", stuck="tests.support.stuck_probe", turn="tests.support.turn_probe"
    )
    sys.exit(main())
