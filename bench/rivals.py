"""The programs of Debian that do an agent's work, on the same targets at the same rate as ours.

What asks them (Prometheus, a Zabbix server) is not counted against them; only netdata keeps its history itself.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.frame import say
from bench.process import BenchError, free_port, listening, program, wait_until

LOOKS_S: Final = 5.0  # 12 a minute
TRAINS_S: Final = 10.0  # to each of four targets: 24 a minute
PACKETS: Final = 10

# What Zabbix's own template "Linux by Zabbix agent" asks, and the nearest to a ping that an agent itself offers.
_ZABBIX_LOOK: Final = (
    "system.cpu.util", "vm.memory.size[pavailable]", "vm.memory.size[total]", "system.swap.size[,pfree]",
    "system.uptime", "vfs.fs.size[/,free]", "vfs.fs.size[/,pused]", "vfs.fs.inode[/,pused]", "net.if.in[lo]",
    "net.if.out[lo]", "net.if.in[lo,errors]", "system.localtime", "proc.num", "system.boottime",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rival:
    """A running program. `measured` counts the answers that were what was asked for."""

    pid: int
    version: str
    measured: Callable[[], int]


class Asker:
    """A thread that asks at a fixed rate, as a server would, and counts the good answers."""

    def __init__(self, every_s: float, ask: Callable[[], bool]) -> None:
        self.good = self.bad = 0
        self._every_s, self._ask = every_s, ask
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Asker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(15)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += self._every_s
            try:
                good = self._ask()
            except OSError:
                good = False
            self.good, self.bad = self.good + good, self.bad + (not good)


@contextmanager
def rivals(folder: Path, targets: list[str]) -> Iterator[dict[str, Rival]]:
    """Start every rival that is installed. `targets` are addresses, each pinged as often as our agent does."""
    with ExitStack() as stack:
        running = {}
        for name, start in _STARTS.items():
            if shutil.which(name) is None:
                continue
            try:
                running[name] = stack.enter_context(start(folder, targets))
            except BenchError as error:
                say(f"{name} does not run here: {error}")
        yield running


@contextmanager
def _node_exporter(folder: Path, _targets: list[str]) -> Iterator[Rival]:
    port = free_port()
    command = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with program(command, folder / "node.log") as process:
        wait_until(lambda: listening(port), what="node exporter")
        with Asker(LOOKS_S, lambda: b"node_load1" in _get(port, "/metrics")) as asker:
            yield Rival(process.pid, "prometheus-node-exporter", lambda: asker.good)


@contextmanager
def _blackbox(folder: Path, targets: list[str]) -> Iterator[Rival]:
    port = free_port()
    settings = folder / "blackbox.yml"
    settings.write_text(
        "modules:\n  ping:\n    prober: icmp\n    timeout: 2s\n    icmp: {preferred_ip_protocol: ip4}\n"
    )
    command = ["prometheus-blackbox-exporter", f"--config.file={settings}", f"--web.listen-address=127.0.0.1:{port}"]
    with program([*command, "--log.level=warn"], folder / "blackbox.log") as process, ExitStack() as stack:
        wait_until(lambda: listening(port), what="blackbox exporter")
        askers = [stack.enter_context(Asker(TRAINS_S, _probing(port, target))) for target in targets]
        yield Rival(process.pid, "prometheus-blackbox-exporter", lambda: sum(a.good for a in askers))


def _probing(port: int, target: str) -> Callable[[], bool]:
    return lambda: b"\nprobe_success 1" in _get(port, f"/probe?module=ping&target={target}")


@contextmanager
def _zabbix(folder: Path, targets: list[str]) -> Iterator[Rival]:
    port = free_port()
    settings = folder / "zabbix.conf"
    settings.write_text(
        f"Server=127.0.0.1\nListenIP=127.0.0.1\nListenPort={port}\nHostname=bench\nLogType=console\nDebugLevel=2\n"
        f"PluginSocket={folder}/zabbix-plugin.sock\nControlSocket={folder}/zabbix.sock\n"
    )
    with program(["zabbix_agent2", "-f", "-c", str(settings)], folder / "zabbix.log") as process, ExitStack() as stack:
        wait_until(lambda: listening(port), what="zabbix agent 2")
        askers = [stack.enter_context(Asker(LOOKS_S, lambda: all(_zabbix_get(port, key) for key in _ZABBIX_LOOK)))]
        for target in targets:
            key = f"net.tcp.service.perf[tcp,{target},{port}]"
            askers.append(stack.enter_context(Asker(TRAINS_S, lambda key=key: bool(_zabbix_get(port, key)))))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        yield Rival(process.pid, "zabbix-agent2", lambda: sum(a.good for a in askers))


def _zabbix_get(port: int, key: str) -> bytes:
    """A passive check: https://www.zabbix.com/documentation/6.0/en/manual/appendix/items/activepassive"""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"ZBXD\x01" + struct.pack("<Q", len(key)) + key.encode())
        answer = b""
        while part := connection.recv(4096):
            answer += part
    value = answer[13:]
    return b"" if value.startswith(b"ZBX_NOTSUPPORTED") else value


@contextmanager
def _netdata(folder: Path, targets: list[str]) -> Iterator[Rival]:
    home, port = folder / "netdata", free_port()
    for part in ("cache", "lib", "log", "etc"):
        (home / part).mkdir(parents=True)
    (home / "etc" / "fping.conf").write_text(
        f'fping="{shutil.which("fping")}"\nhosts="{" ".join(dict.fromkeys(targets))}"\nupdate_every=5\n'
        f"ping_every={int(TRAINS_S * 1000 / PACKETS / 2)}\n"  # two targets of ours share an address
    )
    (home / "etc" / "netdata.conf").write_text(
        f"[global]\n run as user = root\n update every = {LOOKS_S:.0f}\n"
        f"[directories]\n config = {home}/etc\n cache = {home}/cache\n lib = {home}/lib\n log = {home}/log\n"
        f"[web]\n bind to = 127.0.0.1\n default port = {port}\n"
        "[ml]\n enabled = no\n[health]\n enabled = no\n[statsd]\n enabled = no\n[cloud]\n enabled = no\n"
        "[plugins]\n apps = no\n charts.d = no\n fping = yes\n tc = no\n perf = no\n"
    )
    command = ["netdata", "-D", "-u", "root", "-c", str(home / "etc" / "netdata.conf")]
    with program(command, folder / "netdata.log") as process:
        wait_until(lambda: listening(port), what="netdata")
        with Asker(30.0, lambda: b"fping" in _get(port, "/api/v1/charts")) as asker:
            yield Rival(process.pid, "netdata-core", lambda: asker.good)


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


_STARTS: Final = {
    "prometheus-node-exporter": _node_exporter,
    "prometheus-blackbox-exporter": _blackbox,
    "zabbix_agent2": _zabbix,
    "netdata": _netdata,
}
