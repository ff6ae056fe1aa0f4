"""`motcua collector measure` and what belongs to it: the server itself, links for browsers, a kit for another machine.

Exit codes as everywhere: 0 done · 1 failed · 2 wrong usage or settings · 4 the port is taken.
"""

from __future__ import annotations

import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from collector.api import CollectorError
from collector.console import BUSY, EPILOG, FAILED, USAGE, Json, end, say, settings_in_force
from collector.measure.ledger import Ledger
from collector.measure.server import MeasureServer
from collector.measure.ticket import KEY_FILE, issue, load_key
from collector.settings import Address, SettingsError, address
from wire.clock import SystemClock

LISTEN: Final = "127.0.0.1:8444"
TESTS: Final = 4
LINK_MB: Final = 1_000.0
LINK_MINUTES: Final = 15.0
SWITCH_S: Final = 0.001


def mount(app: typer.Typer) -> None:
    """Add the commands to those of the collector."""
    app.command("measure", epilog=EPILOG)(measure)
    app.command("measure-link", epilog=EPILOG)(measure_link)
    app.command("measure-kit", epilog=EPILOG)(measure_kit)


def measure(
    *,
    listen: Annotated[str, typer.Option(envvar="MOTCUA_MEASURE", help="host:port; TLS and plain HTTP both")] = LISTEN,
    tests: Annotated[int, typer.Option(help="how many tests at once", min=1, max=64)] = TESTS,
    key_file: Annotated[Path | None, typer.Option(help=f"default: {KEY_FILE} in the collector's home")] = None,
    cert: Annotated[Path | None, typer.Option(help="certificate, PEM; default: by the collector's CA")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="its key, PEM")] = None,
) -> None:
    """What bandwidth tests talk to, in this process, until it is told to stop. Serves nobody without a ticket."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        ledger = Ledger(_key(key_file), SystemClock(), tests=tests)
        context = _context(cert, cert_key, own=key_file is None)
        server = MeasureServer(_address(listen), ledger, tests=tests, context=context)
    except CollectorError as error:
        end(str(error), FAILED)
    except OSError as error:
        end(f"{listen}: {error.strerror}; give another address with --listen", BUSY)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    # Streams rest in the kernel; what waits for the interpreter is mostly somebody's round trip.
    sys.setswitchinterval(SWITCH_S)
    sys.stdout.write(
        f"measures at {server.address}, {tests} tests at once, {'TLS and ' if context else ''}plain HTTP\n"
    )
    sys.stdout.flush()
    server.serve()


def measure_link(
    url: Annotated[str, typer.Argument(help="the measurement server, such as http://192.0.2.7:8444")],
    *,
    line: Annotated[str, typer.Option(help="key of the line, such as 07375-1/a")] = "browser",
    megabytes: Annotated[float, typer.Option(help="both ways together", min=1, max=100_000)] = LINK_MB,
    minutes: Annotated[float, typer.Option(help="how long the link is good", min=0.1, max=59)] = LINK_MINUTES,
    key_file: Annotated[Path | None, typer.Option(help=f"default: {KEY_FILE} in the collector's home")] = None,
    as_json: Json = False,
) -> None:
    """Make a short-lived link that lets a phone or a computer measure its line in the browser."""
    try:
        key = _key(key_file)
    except CollectorError as error:
        end(str(error), FAILED)
    expires_ms = SystemClock().wall_ms() + round(minutes * 60_000)
    text = issue(key, lease="link", line=line, max_bytes=round(megabytes * 1e6), expires_ms=expires_ms, kind="browser")
    link = f"{url.rstrip('/')}/m/{text}/"
    say(as_json, {"url": link, "ticket": text, "line": line, "expires_ms": expires_ms}, link)


def measure_kit(
    host: Annotated[str, typer.Argument(help="the name or address that agents reach the other machine by")],
    folder: Annotated[Path, typer.Argument(help="where to put the files; copy it to the other machine")],
) -> None:
    """Make what a measurement server on another machine needs: the key of the tickets and a certificate by our CA."""
    from collector.register.ca import issue_for

    settings = settings_in_force()
    try:
        key = _key(None)
        cert, cert_key = issue_for(settings.home, settings.hosts, host, folder, SystemClock())
        beside = folder / KEY_FILE
        beside.touch(0o600)
        beside.write_text(key.hex() + "\n", "ascii")
    except CollectorError as error:
        end(str(error), FAILED)
    except OSError as error:
        end(f"{error.filename or folder}: {error.strerror}", FAILED)
    say(False, {}, f"motcua collector measure --key-file {beside} --cert {cert} --cert-key {cert_key}")


def _key(path: Path | None) -> bytes:
    return load_key(path) if path is not None else load_key(settings_in_force().home / KEY_FILE, make=True)


def _address(listen: str) -> Address:
    try:
        return address(listen, "--listen")
    except SettingsError as error:
        end(str(error), USAGE)


def _context(cert: Path | None, cert_key: Path | None, *, own: bool) -> ssl.SSLContext | None:
    """TLS by the files given, else by the collector's own; none where neither is there: then plain HTTP only."""
    if (cert is None) != (cert_key is None):
        end("--cert and --cert-key come together", USAGE)
    if cert is None or cert_key is None:
        if not own:
            return None
        from collector.register.ca import open_authority

        settings = settings_in_force()
        authority = open_authority(settings.home, settings.hosts, SystemClock())
        cert, cert_key = authority.server_cert, authority.server_key
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(cert, cert_key)
    except (OSError, ssl.SSLError) as error:
        end(f"{cert}, {cert_key}: {error}", USAGE)
    return made
