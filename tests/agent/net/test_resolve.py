"""Names to addresses: the two ways of getting none are told apart, and a silent resolver hides nothing."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.context import Context, Facts
from agent.net import resolve
from agent.net.resolve import Address, NotResolved, ResolverFailed


@dataclass
class SteppedClock:
    now: int = 1_000_000

    def wall_ms(self) -> int:
        return 1_800_000_000_000 + self.now

    def mono_ms(self) -> int:
        return self.now


@dataclass
class Resolver:
    """Stands for getaddrinfo: an address or an error, and how often it was asked."""

    reply: str | Exception = "192.0.2.7"
    asked: int = 0

    def __call__(self, host: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked += 1
        if isinstance(self.reply, Exception):
            raise self.reply
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (self.reply, 0))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    fake = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return fake


def _context(clock: SteppedClock) -> Context:
    return Context(clock, clock.now + 5_000, Facts("collector.example"), proc=Path("/nonexistent"))


def test_a_literal_address_asks_nobody(resolver: Resolver) -> None:
    assert resolve.find("2001:db8::1", "any", _context(SteppedClock()), 1.0) == Address("2001:db8::1", "literal")
    assert resolver.asked == 0


def test_a_literal_of_the_other_family_is_no_address() -> None:
    with pytest.raises(NotResolved):
        resolve.find("192.0.2.1", "6", _context(SteppedClock()), 1.0)


def test_the_resolver_is_asked_once_in_five_minutes(resolver: Resolver) -> None:
    clock = SteppedClock()
    ctx = _context(clock)
    origins = []
    for _ in range(7):
        origins.append(resolve.find("host.example", "any", ctx, 1.0).origin)
        clock.now += 60_000
    assert origins == ["resolver", *["remembered"] * 4, "resolver", "remembered"]
    assert resolver.asked == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param(socket.EAI_NONAME, NotResolved, id="no such name"),
        pytest.param(socket.EAI_NODATA, NotResolved, id="no address"),
        pytest.param(socket.EAI_AGAIN, ResolverFailed, id="no answer"),
        pytest.param(socket.EAI_FAIL, ResolverFailed, id="server failure"),
        pytest.param(socket.EAI_SYSTEM, ResolverFailed, id="system error"),
    ],
)
def test_an_answer_no_is_told_from_no_answer(resolver: Resolver, code: int, kind: type[Exception]) -> None:
    resolver.reply = socket.gaierror(code, "said the resolver")
    with pytest.raises(kind, match="said the resolver"):
        resolve.find("host.example", "any", _context(SteppedClock()), 1.0)


def test_where_the_resolver_is_silent_the_last_address_is_used(resolver: Resolver) -> None:
    clock = SteppedClock()
    ctx = _context(clock)
    resolve.find("host.example", "any", ctx, 1.0)
    resolver.reply = socket.gaierror(socket.EAI_AGAIN, "silent")
    clock.now += 3_600_000
    assert resolve.find("host.example", "any", ctx, 1.0) == Address("192.0.2.7", "remembered")


def test_a_name_that_is_gone_is_not_remembered_against_the_answer(resolver: Resolver) -> None:
    clock = SteppedClock()
    ctx = _context(clock)
    resolve.find("host.example", "any", ctx, 1.0)
    resolver.reply = socket.gaierror(socket.EAI_NONAME, "gone")
    clock.now += 3_600_000
    with pytest.raises(NotResolved):
        resolve.find("host.example", "any", ctx, 1.0)


def test_a_hanging_resolver_is_waited_for_once_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), []

    def hang(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        release.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    ctx = _context(SteppedClock())
    for _ in range(3):
        with pytest.raises(ResolverFailed, match="no answer within"):
            resolve.find("host.example", "any", ctx, 0.01)
    release.set()
    assert asked == ["host.example"]


def test_what_can_be_no_name_is_not_resolved() -> None:
    with pytest.raises(NotResolved):
        resolve.find("a" * 64 + ".example", "any", _context(SteppedClock()), 1.0)


def test_the_memory_of_names_is_bounded(resolver: Resolver) -> None:
    ctx = _context(SteppedClock())
    for n in range(200):
        resolve.find(f"host{n}.example", "any", ctx, 1.0)
    assert len(ctx.memory) <= resolve.MOST_NAMES
