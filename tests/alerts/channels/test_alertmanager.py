"""Our alerts in the real Alertmanager: grouped, inhibited, silenced, ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.channels import ChannelError, Post, alertmanager
from alerts.channels.letter import Field, Letter
from alerts.deliver.heartbeat import alert_at
from alerts.deliver.holding import Holding
from tests.support import alertmanager as real
from tests.support.clock import FakeClock
from tests.support.letters import letter
from tests.support.mailing import Receiver, receiving
from wire import strict
from wire.clock import SystemClock

needs_alertmanager = pytest.mark.skipif(not real.FOUND, reason="prometheus-alertmanager is not installed")


@pytest.fixture
def people() -> Iterator[Receiver]:
    with receiving((200, {}, b"")) as receiver:
        yield receiver


@pytest.fixture
def manager(people: Receiver, tmp_path: Path) -> Iterator[real.Manager]:
    with real.alertmanager(tmp_path, people.url) as running:
        yield running


def config(*urls: str, **changed: object) -> alertmanager.Config:
    return strict.convert({"urls": list(urls), **changed}, alertmanager.Config, "test")


def post(home: Path) -> Post:
    return Post(home, SystemClock(), timeout_s=10)


def now_ms() -> int:
    return SystemClock().wall_ms()


def incident(number: int, owner: str = "line", *, area: str = "bac-giang", **changed: Field) -> Letter:
    """A letter of now about one incident; its facts are what Alertmanager groups by."""
    began = now_ms() - 60_000
    facts: dict[str, Field] = {
        "owner": owner,
        "area": area,
        "carrier": "vnpt",
        "state": "down",
        "since_ms": began,
        "ended_ms": None,
    }
    made = replace(letter(), incident=f"01JD{number:04}", number=number, created_ms=now_ms())
    return replace(made, fields={**facts, **changed})


def until(look: Callable[[], bool], seconds: float = 15.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if look():
            return True
        time.sleep(0.05)
    return False


def notified(people: Receiver) -> list[dict[str, object]]:
    return [json.loads(came.body) for came in people.came]


def numbers(notice: dict[str, object], status: str = "firing") -> set[str]:
    alerts = notice["alerts"]
    assert isinstance(alerts, list)
    return {alert["labels"]["number"] for alert in alerts if alert["status"] == status}


@needs_alertmanager
def test_incidents_of_one_owner_and_area_are_one_notice(manager: real.Manager, people: Receiver, home: Path) -> None:
    for number in (1, 2, 3):
        assert alertmanager.send(config(manager.url), incident(number), post(home)) == "1 of 1"
    alertmanager.send(config(manager.url), incident(9, area="yen-the"), post(home))
    assert until(lambda: any(numbers(one) == {"1", "2", "3"} for one in notified(people)))
    assert until(lambda: any(numbers(one) == {"9"} for one in notified(people)))
    assert not any(numbers(one) & {"9"} and numbers(one) & {"1", "2", "3"} for one in notified(people))


@needs_alertmanager
def test_a_carriers_fault_hides_its_lines(manager: real.Manager, home: Path) -> None:
    alertmanager.send(config(manager.url), incident(1, "carrier"), post(home))
    alertmanager.send(config(manager.url), incident(2), post(home))
    alertmanager.send(config(manager.url), incident(3, area="yen-the"), post(home))
    assert until(lambda: {one["labels"]["number"] for one in manager.alerts()} == {"1", "3"})


@needs_alertmanager
def test_a_silence_by_incident_leaves_the_others(manager: real.Manager, home: Path) -> None:
    for number in (1, 2):
        alertmanager.send(config(manager.url), incident(number), post(home))
    assert until(lambda: len(manager.alerts()) == 2)
    manager.amtool("silence", "add", "--author=truc", "--comment=đang sửa", "--duration=1h", "incident=01JD0001")
    assert until(lambda: [one["labels"]["number"] for one in manager.alerts()] == ["2"])


@needs_alertmanager
def test_an_incident_that_is_over_is_told_as_resolved(manager: real.Manager, people: Receiver, home: Path) -> None:
    alertmanager.send(config(manager.url), incident(1), post(home))
    assert until(lambda: any(numbers(one) == {"1"} for one in notified(people)))
    over = replace(incident(1, ended_ms=now_ms() - 5_000), kind="recovered")
    alertmanager.send(config(manager.url), over, post(home))
    assert until(lambda: any(numbers(one, "resolved") == {"1"} for one in notified(people)))
    assert manager.alerts() == []


@needs_alertmanager
def test_what_arrives_is_what_was_written(manager: real.Manager, home: Path) -> None:
    alertmanager.send(config(manager.url, labels={"province": "bac-ninh"}), incident(1), post(home))
    assert until(lambda: len(manager.alerts('province="bac-ninh"')) == 1)
    (alert,) = manager.alerts()
    assert alert["annotations"]["description_vi"] == letter().text_vi
    assert alert["labels"]["alertname"] == "motcua_incident"
    assert str(alert["generatorURL"]) == "https://motcua.example.vn/incidents/12"


@needs_alertmanager
def test_what_holds_is_told_again_before_it_would_end(manager: real.Manager, home: Path) -> None:
    def ends() -> str:
        return str(manager.alerts()[0]["endsAt"])

    keeping = Holding(config(manager.url), post(home), lambda: [incident(1)])
    assert 0 < keeping.step() <= 600 / 3
    assert until(lambda: len(manager.alerts()) == 1)
    first = ends()
    time.sleep(0.01)
    keeping.step()
    assert until(lambda: ends() > first)


@needs_alertmanager
def test_the_heartbeat_fires_and_wakes_nobody(manager: real.Manager, people: Receiver, home: Path) -> None:
    alertmanager.push(config(manager.url), [alert_at(now_ms(), 60, {})], post(home))
    assert until(lambda: [one["labels"]["alertname"] for one in manager.alerts()] == ["motcua_heartbeat"])
    assert people.came == []


# --- without one ----------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def test_every_member_of_a_cluster_is_told_and_one_is_enough(home: Path) -> None:
    with receiving((200, {}, b"")) as first, receiving((503, {}, b"")) as second:
        told = alertmanager.send(config(second.url, first.url), letter(), post(home))
        assert (told, len(first.came), len(second.came)) == ("1 of 2", 1, 1)


@pytest.mark.parametrize(
    ("statuses", "permanent"), [((400, 400), True), ((400, 503), False), ((503, 503), False)], ids=str
)
def test_where_none_takes_it_there_is_hope_as_long_as_one_may(
    statuses: tuple[int, int], permanent: bool, home: Path
) -> None:
    with receiving((statuses[0], {}, b"")) as first, receiving((statuses[1], {"retry-after": "30"}, b"")) as second:
        with pytest.raises(ChannelError) as caught:
            alertmanager.send(config(first.url, second.url), letter(), post(home))
        assert caught.value.permanent == permanent
        assert caught.value.retry_after_s == (30.0 if statuses[1] == 503 else None)


@pytest.mark.parametrize(
    ("kind", "ended_ms", "ends"),
    [
        pytest.param("call", None, "2026-09-21T14:23:20.000Z", id="it holds"),
        pytest.param("recovered", None, "2026-09-21T14:13:20.000Z", id="over since now"),
        pytest.param("recovered", 1_789_999_999_000, "2026-09-21T14:13:19.000Z", id="over since it was"),
        pytest.param("correction", 1_789_999_999_000, "2026-09-21T14:13:19.000Z", id="over as we learned later"),
    ],
)
def test_an_alert_ends_when_its_incident_does(kind: str, ended_ms: int | None, ends: str) -> None:
    made = replace(letter(), kind=kind, fields={"since_ms": 1_789_999_000_000, "ended_ms": ended_ms})  # type: ignore[arg-type]
    alert = alertmanager.alert_of(config("http://127.0.0.1:9"), made, FakeClock().wall_ms())
    assert (alert.starts_at, alert.ends_at) == ("2026-09-21T13:56:40.000Z", ends)
