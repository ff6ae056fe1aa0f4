"""`motcua collector reflect`: the reflector, in a process of its own."""

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from collector import claims
from collector.console import BUSY, USAGE, end, settings_in_force
from collector.measure.ticket import KEY_FILE, KeyFileError, load_key
from collector.process import log_to_stderr
from collector.reflector.mirror import Mirror
from collector.reflector.serving import Reflector, bind
from collector.settings import Address, SettingsError, address
from wire.reflecting import PORT, passes_key


def reflect(
    *,
    listen: Annotated[str, typer.Option(help="host:port to answer at, UDP")] = f"0.0.0.0:{PORT}",
    key: Annotated[Path | None, typer.Option(help=f"default: {KEY_FILE} in MOTCUA_HOME, made where missing")] = None,
) -> None:
    """Answer the UDP trains of this province's agents, so that they measure what a video conference would see."""
    log_to_stderr(logging.INFO)
    try:
        where = address(listen, "--listen")
        held = load_key(key or settings_in_force().home / KEY_FILE, make=key is None)
    except (SettingsError, KeyFileError) as error:
        end(str(error), USAGE)
    try:
        sock = bind(where)
    except claims.Taken as error:
        end(str(error), BUSY)
    with sock:
        told = Address(where.host, int(sock.getsockname()[1]))
        sys.stdout.write(f"reflects UDP trains at {told}; agents are told by: motcua serve --reflector HOST:PORT\n")
        sys.stdout.flush()
        Reflector(sock, Mirror(passes_key(held))).serve(_told_to_stop())


def _told_to_stop() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
