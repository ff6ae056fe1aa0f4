"""A real snmpd (net-snmp) for tests, in a namespace or on loopback: it tells of the interfaces where it runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.netns import Namespace

COMMUNITY = "xem-thoi"
USER, AUTH, PRIV = "motcua", "mat-khau-xac-thuc", "mat-khau-ma-hoa"


@contextmanager
def snmpd(place: Namespace, folder: Path, listen: Sequence[str]) -> Iterator[None]:
    """Run snmpd in a namespace until the end; `listen` are addresses with ports, as snmpd writes them."""
    config = folder / "snmpd.conf"
    config.write_text(
        f"rocommunity {COMMUNITY}\nrocommunity6 {COMMUNITY}\nrocommunity nothing 127.0.0.1 .1.3.6.1.2.1.1\n"
        f"createUser {USER} SHA-256 {AUTH} AES {PRIV}\nrouser {USER} authPriv\n"
        "interface_replace_old yes\nagentgroup 0\nagentuser 0\n"
    )
    command = [
        "ip", "netns", "exec", place.name, "env", f"SNMP_PERSISTENT_DIR={folder}", "snmpd", "-f", "-Lf",
        str(folder / "snmpd.log"), "-C", "-c", str(config), "-p", str(folder / "snmpd.pid"), *listen,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(process, folder)
            yield
        finally:
            process.terminate()


def _await(process: subprocess.Popen[bytes], folder: Path) -> None:
    log = folder / "snmpd.log"
    for _ in range(200):
        if log.exists() and "NET-SNMP version" in log.read_text("utf-8", "replace"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"snmpd did not start: {log.read_text('utf-8', 'replace') if log.exists() else 'no log'}")
