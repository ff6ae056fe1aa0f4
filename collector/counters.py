"""The collector's own numbers, for `/metrics`; one registry a hub, so that two collectors in one test do not mix."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from collector.store.databases import Store

_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Counters:
    """Counters are for the life of the process; what must outlive it is in the ledger."""

    def __init__(self, store: Store) -> None:
        self.registry: Final = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"motcua_collector_{name}", text, labels, registry=self.registry)

        self.batches: Final = counter("batches_total", "batches answered, by the code of their receipt", "code")
        self.accepted: Final = counter("observations_accepted_total", "observations stored")
        self.rejected: Final = counter("observations_rejected_total", "observations refused, by code", "code")
        self.problems: Final = counter("problems_total", "requests refused, by code of the problem", "code")
        self.loop_failures: Final = counter("loop_failures_total", "steps of a loop that failed", "loop")
        self.undeclared: Final = counter("undeclared_total", "metrics and reasons nobody declared", "what")
        self.shed: Final = counter("bodies_shed_total", "bodies let go before their time for want of disk")
        self.enrolled: Final = counter("enrolled_total", "agents enrolled")
        self.leases: Final = counter("leases_total", "answers to who asks to load a line, by why", "why")
        self.heartbeats: Final = counter("heartbeats_total", "polls of the wait channel")
        self.parked: Final = self.gauge("parked_polls", "polls of the wait channel that are open now")
        self.silent: Final = self.gauge("agents_silent", "agents that are not heard now")
        self.agents: Final = self.gauge("agents", "agents that are enrolled, by role", "role")
        self.versions: Final = self.gauge("agents_version", "agents that are enrolled, by what they run", "version")
        self.states: Final = self.gauge(
            "agents_state", "agents by the state that holds, and why", "role", "state", "reason"
        )
        self.certificate_s: Final = self.gauge("certificate_left_seconds", "time until a certificate ends", "which")
        self.time_s: Final = self.gauge("time_seconds", "what this machine believes the time to be, since 1970")
        self.disk_free: Final = self.gauge("disk_free_bytes", "bytes that may still be written where the home is")
        self.build: Final = self.gauge("build_info", "1; the version that runs here", "version")
        self.lag_s: Final = self.gauge("lag_seconds", "how far a reader of the inbox is behind", "reader")
        self.commit_s: Final = Histogram(
            "motcua_collector_commit_seconds", "from BEGIN to the return of COMMIT", buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.commit_jobs: Final = Histogram(
            "motcua_collector_commit_jobs", "jobs a COMMIT", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=self.registry,
        )  # fmt: skip
        self.gauge("writer_queue", "writes that wait").set_function(lambda: store.writer.depth)
        store.writer.after_commit(self._committed)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge of the collector's own, registered here."""
        return Gauge(f"motcua_collector_{name}", text, labels, registry=self.registry)

    def refused(self) -> dict[str, int]:
        """Requests refused since the start of this process, by code."""
        samples = [sample for metric in self.problems.collect() for sample in metric.samples]
        return {s.labels["code"]: int(s.value) for s in samples if s.name.endswith("_total") and s.value}

    def _committed(self, seconds: float, jobs: int) -> None:
        self.commit_s.observe(seconds)
        self.commit_jobs.observe(jobs)
