"""`/metrics` for whoever looks after this one machine: loopback only, off unless configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from agent.serving import Asked, PageServer, Reply
from wire.messages import Value
from wire.metrics import METRICS

_OWN_NAMES: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"


class Page(PageServer):
    """Serves the values that `latest` gives. prometheus-client is imported when this is made, and only then."""

    def __init__(self, address: tuple[str, int], latest: Callable[[], Iterable[Value]]) -> None:
        self._render = _renderer(latest)
        super().__init__(address, self._answer, name="metrics")

    def _answer(self, asked: Asked) -> Reply:
        # A web page somewhere must not read this through a browser on this machine: no Origin, and no rebound name.
        if asked.headers.get("Origin") or asked.host not in _OWN_NAMES:
            return Reply(403, b"loopback only\n")
        if asked.path != "/metrics" or asked.query:
            return Reply(404, b"there is only /metrics\n")
        return Reply(200, self._render(), _EXPOSITION) if asked.method == "GET" else Reply(405, b"only to be read\n")


def _renderer(latest: Callable[[], Iterable[Value]]) -> Callable[[], bytes]:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector

    class Own(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            for value in latest():
                yield GaugeMetricFamily(value.metric, METRICS[value.metric].help, value=value.value)

    registry = CollectorRegistry()
    registry.register(Own())
    return lambda: generate_latest(registry)
