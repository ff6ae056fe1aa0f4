"""Numbers of the fleet on `/metrics`: who is enrolled, how they stand, when certificates end."""

from __future__ import annotations

from collector import health
from collector.api import State
from collector.fleet import version
from collector.hub import Hub
from collector.judge.edits import Edit
from collector.judging import flips
from collector.register.ca import open_authority
from collector.store.tables import agent
from tests.support.handclock import NOON_MS, HandClock
from tests.support.register import enrolled


def value(hub: Hub, name: str, **labels: str) -> float | None:
    return hub.counters.registry.get_sample_value(f"motcua_collector_{name}", labels)


def box(hub: Hub, centre: str = "07330-1") -> str:
    return enrolled(hub, centre).agent


def stands(hub: Hub, name: str, state: State, reason: str | None, at_ms: int = NOON_MS) -> None:
    edit = Edit(f"agent:{name}", at_ms, "unknown", state, reason, {}, 1, (), None)
    hub.store.writer.do(lambda conn: flips.write(conn, [edit], at_ms))


def test_agents_are_counted_by_role_version_and_state(hub: Hub) -> None:
    first, second, third = box(hub, "07330-1"), box(hub, "07375-1"), enrolled(hub, "07375-1", "pc").agent
    stands(hub, first, "ok", None)
    stands(hub, second, "ok", None)
    stands(hub, second, "degraded", "spool_old", NOON_MS + 1)
    stands(hub, third, "unknown", "silent")
    health.metrics(hub)
    assert (value(hub, "agents", role="box"), value(hub, "agents", role="pc")) == (2, 1)
    assert value(hub, "agents_version", version="0.1.0") == 3
    assert value(hub, "agents_state", role="box", state="ok", reason="") == 1
    assert value(hub, "agents_state", role="box", state="degraded", reason="spool_old") == 1
    assert value(hub, "agents_state", role="pc", state="unknown", reason="silent") == 1
    assert value(hub, "build_info", version=version()) == 1


def test_what_is_no_more_is_gone_and_not_as_it_was(hub: Hub) -> None:
    name = box(hub)
    stands(hub, name, "degraded", "clock_skew")
    health.metrics(hub)
    hub.store.writer.do(lambda conn: conn.execute(agent.update().values(revoked_ms=NOON_MS)))
    health.metrics(hub)
    assert value(hub, "agents_state", role="box", state="degraded", reason="clock_skew") is None
    assert value(hub, "agents", role="box") is None


def test_certificates_tell_when_they_end(hub: Hub, clock: HandClock) -> None:
    open_authority(hub.settings.home, [], clock)
    health.metrics(hub)
    days = {which: (value(hub, "certificate_left_seconds", which=which) or 0) / 86_400 for which in ("server", "ca")}
    assert 820 < days["server"] < 826
    assert 7_200 < days["ca"] < 7_310
    assert value(hub, "time_seconds") == clock.wall / 1000
    assert (value(hub, "disk_free_bytes") or 0) > 0


def test_a_damaged_certificate_leaves_the_other_numbers(hub: Hub) -> None:
    box(hub)
    (hub.settings.home / "server.pem").write_text("not a certificate", "utf-8")
    assert b'motcua_collector_agents{role="box"} 1.0' in health.metrics(hub)
    assert value(hub, "problems_total", code="metrics") == 1
