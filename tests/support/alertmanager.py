"""The real Alertmanager on loopback, without its cluster, and amtool to look into it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.services import listen

FOUND = shutil.which("prometheus-alertmanager") and shutil.which("amtool")

CONFIG = """
route:
  receiver: people
  group_by: [owner, area]
  group_wait: 200ms
  group_interval: 300ms
  repeat_interval: 1h
  routes:
    - matchers: [alertname = "motcua_heartbeat"]
      receiver: nobody
inhibit_rules:
  - source_matchers: [owner = "carrier"]
    target_matchers: [owner = "line"]
    equal: [area, carrier]
receivers:
  - name: nobody
  - name: people
    webhook_configs:
      - url: {url}/people
        send_resolved: true
"""


@dataclass(frozen=True, slots=True)
class Manager:
    """A running Alertmanager."""

    url: str

    def amtool(self, *arguments: str) -> str:
        """Raises CalledProcessError where amtool does not agree."""
        command = ["amtool", f"--alertmanager.url={self.url}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout

    def alerts(self, *matchers: str) -> list[dict[str, dict[str, str]]]:
        """Alerts that are neither silenced nor inhibited, as amtool shows them."""
        found: list[dict[str, dict[str, str]]] = json.loads(self.amtool("alert", "query", "-o", "json", *matchers))
        return found


@contextlib.contextmanager
def alertmanager(folder: Path, people: str) -> Iterator[Manager]:
    """Start one that notifies `people`, an address, and wait until it is ready."""
    (folder / "am.yml").write_text(CONFIG.replace("{url}", people), "utf-8")
    with contextlib.closing(listen()) as free:
        port = free.getsockname()[1]
    command = [
        "prometheus-alertmanager", f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'am'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "am.log").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as running:
        manager = Manager(f"http://127.0.0.1:{port}")
        try:
            _wait(manager.url, folder / "am.log")
            yield manager
        finally:
            running.terminate()
            running.wait(20)


def _wait(url: str, said: Path) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/ready", timeout=2, trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"Alertmanager did not start: {said.read_text()}")
