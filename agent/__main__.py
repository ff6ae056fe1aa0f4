"""`python -m agent run --home DIR` and `python -m agent join URL CODE`: the agent without its comfortable roof.

Exit codes: 0 done or stopped as asked · 1 a fault of ours · 2 wrong use or settings · 3 not enrolled, or not to be
enrolled · 4 another agent runs in this home.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent import config, identity, log
from agent.app import Agent
from agent.identity import NotJoined
from agent.lock import AlreadyRunning, HomeLock
from wire.strict import SettingsError

OK: Final = 0
FAULT: Final = 1
USAGE: Final = 2
NOT_JOINED: Final = 3
RUNS_ALREADY: Final = 4


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    return join(asked) if asked.command == "join" else run(asked.home, asked.config)


def run(home: Path, settings: Path | None = None) -> int:
    """Run the agent of `home` until SIGTERM or SIGINT; the exit code is returned."""
    try:
        read = config.for_home(home, settings)
        log.set_up(read.log_level)
        identity.load(home)
        lock = HomeLock(home)
        agent = Agent(read)
    except SettingsError as error:
        return _no(USAGE, error)
    except NotJoined as error:
        return _no(NOT_JOINED, error)
    except (AlreadyRunning, OSError) as error:
        return _no(RUNS_ALREADY if isinstance(error, AlreadyRunning) else USAGE, error)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: agent.stop())
    agent.run()
    lock.release()
    return FAULT if agent.failed else OK


def join(asked: argparse.Namespace) -> int:
    from agent.joining.enrol import JoinError
    from agent.joining.enrol import join as enrol

    try:
        made = enrol(asked.url, asked.code, role=asked.role, home=asked.home, name=asked.name, force=asked.force)
    except JoinError as error:
        return _no(NOT_JOINED, error)
    sys.stdout.write(f"{made.agent} of {made.centre}\n")
    return OK


def _no(code: int, error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agent", description="Measures, remembers, and reports.")
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run the agent of a home until it is stopped")
    runs.add_argument("--home", type=Path, required=True)
    runs.add_argument("--config", type=Path, default=None, help="settings; default: agent.toml in the home")
    joins = commands.add_parser("join", help="enrol a new agent with a one-time code")
    joins.add_argument("url")
    joins.add_argument("code")
    joins.add_argument("--home", type=Path, required=True)
    joins.add_argument("--role", choices=("box", "pc", "vantage"), default="box")
    joins.add_argument("--name", default="")
    joins.add_argument("--force", action="store_true", help="replace the agent that is enrolled in this home")
    return parser


if __name__ == "__main__":
    sys.exit(main())
