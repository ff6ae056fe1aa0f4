"""`/metrics` for whoever looks after this one machine: loopback only, off unless configured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from wire.messages import Value
from wire.metrics import METRICS

REQUEST_S: Final = 5.0


class Page:
    """Serves the values that `latest` gives. prometheus-client is imported when this is made, and only then."""

    def __init__(self, address: tuple[str, int], latest: Callable[[], Iterable[Value]]) -> None:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import GaugeMetricFamily
        from prometheus_client.registry import Collector

        class Own(Collector):
            def collect(self) -> Iterator[GaugeMetricFamily]:
                for value in latest():
                    yield GaugeMetricFamily(value.metric, METRICS[value.metric].help, value=value.value)

        registry = CollectorRegistry()
        registry.register(Own())
        self._server = _Server(address, lambda: generate_latest(registry))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], render: Callable[[], bytes]) -> None:
        self.render = render
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_S
    server: _Server

    def do_GET(self) -> None:
        # A web page somewhere must not read this through a browser on this machine: no Origin, and no rebound name.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if self.headers.get("Origin") or host not in {"127.0.0.1", "[::1]", "localhost"}:
            self._answer(403, b"loopback only\n")
        elif self.path != "/metrics":
            self._answer(404, b"there is only /metrics\n")
        else:
            self._answer(200, self.server.render())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return
