"""Sending: against a real HTTPS server on loopback, whatever that server does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.counts import Counts
from agent.spool.keeper import Keeper
from agent.spool.queue import Head, Spool
from agent.spool.trim import DAY_MS, Limits
from agent.talk.batches import BARRED_S, IDLE_S, LONGEST_RETRY_S, fill
from agent.talk.contact import Contact
from tests.support.agent_parts import MB, client, drain, keeper, observation, recorder, sender
from tests.support.clock import BOOT, LATER_BOOT, FakeClock
from tests.support.collector_double import (
    Double,
    Fault,
    answers,
    floods,
    hangs_up,
    loses_the_answer,
    paper,
    refuses,
    serving,
    truncates,
)
from wire.client import Client, pinned
from wire.messages import Answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    folder = tmp_path / "double"
    folder.mkdir()
    with serving(Double(), folder) as served:
        yield served


@pytest.fixture
def kept(tmp_path: Path, clock: FakeClock) -> Iterator[Keeper]:
    made = keeper(tmp_path, clock)
    yield made
    made.close()


def batch_of(kept: Keeper, *numbers: int) -> None:
    kept.use(lambda s: s.append([observation(n) for n in numbers]))
    kept.use(Spool.cut)


def test_what_was_measured_arrives_once_and_leaves_the_spool(kept: Keeper, double: Double, clock: FakeClock) -> None:
    batch_of(kept, 1, 2, 3)
    contact = Contact(clock)
    double.now_ms = lambda: clock.wall - 7_000
    with client(double) as transport:
        assert sender(kept, transport, clock, contact=contact).step() == IDLE_S or double.requests
    assert [o.mono_ms for o in double.observations] == [1, 2, 3]
    assert kept.use(Spool.stats).batches == 0
    assert contact.clock_offset_s == 7.0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(hangs_up, id="closes the connection"),
        pytest.param(loses_the_answer, id="stores, and the answer is lost"),
        pytest.param(truncates, id="a truncated answer"),
        pytest.param(floods, id="an answer of 50 MB"),
        pytest.param(answers(200, b"\x00\xff garbage"), id="garbage"),
        pytest.param(answers(200, b"[" * 200_000), id="200,000 brackets"),
        pytest.param(answers(200, b'{"receipts": [], "server_time_ms": 1}'), id="no receipt at all"),
        pytest.param(answers(302, b"<html>log in here</html>"), id="a captive portal"),
        pytest.param(answers(400, b"<html>bad request</html>"), id="a proxy's own 400"),
        pytest.param(answers(500), id="500 without a body"),
        pytest.param(refuses(503, "full", Retry_After="2"), id="503 with Retry-After"),
        pytest.param(refuses(429, "slow_down"), id="429"),
        pytest.param(refuses(400, "version"), id="a collector that does not speak this version"),
        pytest.param(refuses(401, "token"), id="401"),
    ],
)
def test_after_any_fault_everything_arrives_exactly_once(
    kept: Keeper, double: Double, clock: FakeClock, fault: Fault
) -> None:
    for n in range(5):
        batch_of(kept, n)
    double.faults.extend([fault, fault])
    counts = Counts()
    with client(double) as transport:
        sending = sender(kept, transport, clock, counts=counts)
        assert sending.step() < IDLE_S * 6
        assert kept.use(Spool.stats).batches == 5, "only a receipt deletes"
        clock.advance(400)
        drain(sending, clock)
    assert sorted(o.mono_ms for o in double.observations) == [0, 1, 2, 3, 4]
    assert counts.get("send_failures") >= 1
    assert kept.use(Spool.stats).aside == 0


@pytest.mark.parametrize(
    ("fault", "bounds"),
    [
        pytest.param(refuses(503, "full", Retry_After="120"), (120, 122), id="Retry-After is obeyed"),
        pytest.param(refuses(403, "revoked"), (BARRED_S, BARRED_S + 2), id="a revoked token: slowly"),
        pytest.param(refuses(503, "full", Retry_After="99999999"), (3600, 3602), id="Retry-After has a bound"),
        pytest.param(answers(500), (0.5, 1), id="500: at first soon"),
    ],
)
def test_a_refusal_is_followed_by_a_pause(
    kept: Keeper, double: Double, clock: FakeClock, fault: Fault, bounds: tuple[float, float]
) -> None:
    at_least_s, at_most_s = bounds
    batch_of(kept, 1)
    double.faults.append(fault)
    with client(double) as transport:
        sending = sender(kept, transport, clock)
        wait_s = sending.step()
        assert at_least_s <= wait_s <= at_most_s
        clock.advance(wait_s / 2)
        assert sending.step() == pytest.approx(wait_s / 2, abs=0.1)
    assert double.requests == []


def test_a_barred_agent_says_so_until_it_is_let_in_again(kept: Keeper, double: Double, clock: FakeClock) -> None:
    batch_of(kept, 1)
    double.faults.append(refuses(403, "revoked"))
    contact = Contact(clock)
    with client(double) as transport:
        sending = sender(kept, transport, clock, contact=contact)
        sending.step()
        assert contact.barred == "because the test says so"
        drain(sending, clock)
    assert contact.barred == ""


def test_back_off_grows_is_bounded_and_never_the_same(kept: Keeper, clock: FakeClock) -> None:
    batch_of(kept, 1)
    waits = []
    with closed_port() as transport:
        sending = sender(kept, transport, clock)
        for _ in range(12):
            waits.append(sending.step())
            clock.advance(waits[-1] + 0.001)
    assert waits[0] <= 1 <= waits[4] <= LONGEST_RETRY_S
    assert LONGEST_RETRY_S / 2 <= min(waits[6:]) <= max(waits[6:]) <= LONGEST_RETRY_S
    assert len(set(waits[6:])) == 6


def closed_port() -> Client:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return Client(f"https://127.0.0.1:{port}", pinned(paper().ca), timeout_s=2.0)


def test_a_dead_resolver_is_a_failure_like_any_other(
    kept: Keeper, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_answer)  # no test may ask the real one
    batch_of(kept, 1)
    contact = Contact(clock)
    with Client("https://collector.example", pinned(paper().ca)) as transport:
        assert sender(kept, transport, clock, contact=contact).step() <= 1
    assert contact.send_error == "name"
    assert kept.use(Spool.stats).batches == 1


def test_a_collector_with_a_foreign_certificate_gets_nothing(kept: Keeper, tmp_path: Path, clock: FakeClock) -> None:
    batch_of(kept, 1)
    contact = Contact(clock)
    with serving(Double(paper=paper("stranger")), tmp_path) as stranger, client(stranger, ca=paper().ca) as transport:
        sender(kept, transport, clock, contact=contact).step()
    assert (contact.send_error, stranger.requests) == ("tls", [])


def test_live_goes_before_backlog_and_backlog_is_paced(kept: Keeper, double: Double, clock: FakeClock) -> None:
    for n in range(150):
        batch_of(kept, n)
    clock.advance(3_600)
    batch_of(kept, 999)
    with client(double) as transport:
        sending = sender(kept, transport, clock)
        waits = []
        for _ in range(4):
            waits.append(sending.step())
            clock.advance(waits[-1] + 0.001)
    assert double.requests[0] == [151]
    assert double.requests[1] == list(range(1, 61))
    assert [len(r) for r in double.requests] == [1, 60, 60, 30]
    assert all(1.5 <= w <= 2.5 for w in waits[:3])
    assert waits[3] == IDLE_S


def test_what_flaps_does_not_starve_the_backlog(kept: Keeper, double: Double, clock: FakeClock) -> None:
    for n in range(150):
        batch_of(kept, n)
    clock.advance(3_600)
    with client(double) as transport:
        sending = sender(kept, transport, clock)
        for n in range(6):
            batch_of(kept, 1_000 + n)
            clock.advance(sending.step() + 0.001)
    assert [len(r) for r in double.requests] == [1, 60, 2, 60, 2, 31]


def test_the_collectors_wait_is_obeyed(kept: Keeper, double: Double, clock: FakeClock) -> None:
    batch_of(kept, 1)
    double.wait_s = 45.0
    with client(double) as transport:
        sending = sender(kept, transport, clock)
        assert sending.step() == 45.0
        batch_of(kept, 2)
        clock.advance(44)
        assert sending.step() == pytest.approx(1.0)
        clock.advance(1)
        sending.step()
    assert double.requests == [[1], [2]]


def test_one_poisoned_batch_is_found_and_set_aside_and_its_neighbours_arrive(
    kept: Keeper, double: Double, clock: FakeClock
) -> None:
    for n in range(1, 7):
        batch_of(kept, n)
    double.poisoned = {4}
    with client(double) as transport:
        drain(sender(kept, transport, clock), clock)
    assert sorted(double.numbers) == [1, 2, 3, 5, 6]
    stats = kept.use(Spool.stats)
    assert (stats.batches, stats.aside, stats.rejected) == (0, 1, 1)


def test_a_conflict_sets_one_batch_aside_and_its_neighbours_are_settled(
    kept: Keeper, double: Double, clock: FakeClock
) -> None:
    for n in range(1, 4):
        batch_of(kept, n)
    double.bodies[kept.use(lambda s: s.epoch), 2] = "another body"
    with client(double) as transport:
        drain(sender(kept, transport, clock), clock)
    assert sorted(double.numbers) == [1, 3]
    stats = kept.use(Spool.stats)
    assert (stats.batches, stats.aside, stats.conflicts) == (0, 1, 1)


def test_rejected_items_are_final(kept: Keeper, double: Double, clock: FakeClock) -> None:
    batch_of(kept, 1, 2, 3)
    double.reject = lambda o: o.mono_ms == 2
    with client(double) as transport:
        drain(sender(kept, transport, clock), clock)
    assert [o.mono_ms for o in double.observations] == [1, 3]
    assert kept.use(Spool.stats).rejected == 1


def test_what_was_never_sent_stays_untried_while_the_collector_is_away(kept: Keeper, clock: FakeClock) -> None:
    with closed_port() as transport:
        sending = sender(kept, transport, clock)
        for n in range(40):
            batch_of(kept, n)
            clock.advance(sending.step() + 30)
    assert sum(h.tried for h in kept.use(lambda s: s.oldest(99))) == 1


def test_a_backlog_of_another_boot_goes_under_its_own_name(tmp_path: Path, double: Double, clock: FakeClock) -> None:
    first = keeper(tmp_path, clock)
    batch_of(first, 1, 2)
    first.use(lambda s: s.append([observation(3)]))
    first.close()
    clock.reboot()
    second = keeper(tmp_path, clock, boot_id=LATER_BOOT)
    recorder(second, clock).step()
    batch_of(second, 4)
    with client(double) as transport:
        drain(sender(second, transport, clock, boot_id=LATER_BOOT), clock)
    boots = {tuple(o.mono_ms for o in group): header.boot_id for header, group in double.stored}
    assert boots == {(1, 2): BOOT, (3,): BOOT, (4,): LATER_BOOT}
    second.close()


def test_two_epochs_do_not_mix(tmp_path: Path, double: Double, clock: FakeClock) -> None:
    first = keeper(tmp_path, clock)
    batch_of(first, 1)
    first.close()
    with client(double) as transport:
        (tmp_path / "spool.db").rename(tmp_path / "old.db")
        second = keeper(tmp_path, clock)
        batch_of(second, 2)
        drain(sender(second, transport, clock), clock)
        second.close()
        (tmp_path / "old.db").rename(tmp_path / "spool.db")
        third = keeper(tmp_path, clock)
        drain(sender(third, transport, clock), clock)
        third.close()
    assert len({header.epoch for header, _ in double.stored}) == 2
    assert [o.mono_ms for o in double.observations] == [2, 1]
    assert double.numbers == [1, 1]


def test_a_collector_away_for_three_days_gets_everything_once(tmp_path: Path, double: Double, clock: FakeClock) -> None:
    kept, counts = keeper(tmp_path, clock), Counts()
    writing = recorder(kept, clock, counts=counts, cut_s=60, limits=Limits(64 * MB, 30 * DAY_MS))
    made = 0
    with closed_port() as nowhere:
        sending = sender(kept, nowhere, clock)
        for minute in range(3 * 24 * 60 // 4):  # a minute of every four: the same code, a quarter of the time
            writing.put(observation(made := made + 1))
            writing.step()
            clock.advance(240)
            if minute % 5 == 0:
                sending.step()
    writing.close()
    assert kept.use(Spool.stats).batches >= 1_000
    assert (tmp_path / "spool.db").stat().st_size < 8 * MB
    with client(double) as transport:
        drain(sender(kept, transport, clock), clock)
    assert [o.mono_ms for o in sorted(double.observations, key=lambda o: o.mono_ms)] == list(range(1, made + 1))
    assert kept.use(Spool.stats).dropped == counts.get("unkept") == 0
    kept.close()


def test_requests_shrink_where_they_die_on_the_way(kept: Keeper, double: Double, clock: FakeClock) -> None:
    for n in range(100):
        batch_of(kept, n)
    clock.advance(3_600)
    sent: list[int] = []

    class Narrow:
        def post_batches(self, packed: bytes) -> Answer:
            sent.append(len(packed))
            if len(packed) > 900:
                double.faults.append(hangs_up)
            return transport.post_batches(packed)

    with client(double) as transport:
        drain(sender(kept, Narrow(), clock), clock)
    assert max(sent) > 900 >= sent[-1]
    assert sorted(o.mono_ms for o in double.observations) == list(range(100))


def test_after_trouble_with_the_disk_a_new_batch_goes_at_once(tmp_path: Path, double: Double, clock: FakeClock) -> None:
    folder, stop = tmp_path / "gone", threading.Event()
    kept = keeper(folder, clock)  # there is no such folder yet
    with client(double) as transport:
        sending = sender(kept, transport, clock)
        clock.advance(sending.step() + 1)
        folder.mkdir()
        assert sending.step() == IDLE_S
        loop = threading.Thread(target=sending.run, args=(stop,), daemon=True)
        loop.start()
        batch_of(kept, 1)
        sending.kick()
        assert double.wait_for(lambda: bool(double.observations), 10)
        stop.set()
        sending.kick()
        loop.join(10)
    kept.close()


HEAD = Head(1, 0, 10, 100, 1000, tried=False)


@pytest.mark.parametrize(
    ("heads", "taken"),
    [
        pytest.param([HEAD] * 70, 60, id="60 batches"),
        pytest.param([replace(HEAD, values=9_000)] * 5, 2, id="20,000 values"),
        pytest.param([replace(HEAD, size=1_500_000)] * 5, 2, id="4 MiB"),
        pytest.param([replace(HEAD, size=9_500_000)], 1, id="the first always"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_a_request_holds_what_the_wire_allows(heads: list[Head], taken: int) -> None:
    assert len(fill(heads)) == taken


def test_what_is_sent_is_what_the_wire_describes(kept: Keeper, double: Double, clock: FakeClock) -> None:
    one = msgspec.structs.replace(observation(1, outcome="fail"), detail={"asked": "192.0.2.1", "n": 3})
    kept.use(lambda s: s.append([one]))
    kept.use(Spool.cut)
    with client(double) as transport:
        drain(sender(kept, transport, clock), clock)
    assert double.observations == [one]
