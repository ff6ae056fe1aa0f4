"""The exam that every probe of the table sits: bounds, honesty and housekeeping, whatever it measures.

A probe brings one plan item that works on this machine alone (`Candidate`); the exam brings the hostility.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from hypothesis import strategies as st

from agent import probes
from agent.context import Context, Facts
from agent.probes import Measured
from wire.clock import SystemClock
from wire.identity import parse_subject
from wire.messages import MAX_DETAIL_BYTES, MAX_VALUES, Observation, PlanItem, Scalar
from wire.metrics import METRICS

GRACE_S: Final = 0.5
HELD_BACK: Final = ("cpu_bound", "nic_bound", "contaminated", "server_bound")
"""A test of a line that came to its end and measured something else: its figures carry the reason in `of`."""

_SECRET: Final = re.compile(r"(?i)password|passwd|secret|token|bearer |authorization|private key|api[_-]?key")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A probe by name, with an item that touches nothing but this machine."""

    name: str
    item: PlanItem


def settings_struct(name: str) -> type[msgspec.Struct] | None:
    """The `Settings` of a probe's module, where it has any."""
    module = inspect.getmodule(probes.load(name))
    found = getattr(module, "Settings", None)
    return found if isinstance(found, type) and issubclass(found, msgspec.Struct) else None


def hostile_settings(name: str) -> st.SearchStrategy[dict[str, Scalar]]:
    """Settings as no plan should hold them: right keys with anything at all, and keys that nobody knows."""
    struct = settings_struct(name)
    keys = [field.name for field in msgspec.structs.fields(struct)] if struct else []
    anything = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.integers(-2, 70),
        st.floats(allow_nan=True, allow_infinity=True),
        st.sampled_from([0.0, -1.0, 0.05, 1e-9, 1e308]),
        st.text(max_size=30),
        st.sampled_from(["4", "6", "any", "", "\x00", "../../etc/shadow", "$(reboot)", "a" * 5_000]),
    )
    known = st.dictionaries(st.sampled_from(keys), anything, max_size=4) if keys else st.just({})
    odd = st.dictionaries(st.text(max_size=10), anything, max_size=2)
    return st.builds(lambda a, b: {**b, **a}, known, odd)


# Numeric, and either this machine or nothing that a packet can be sent to.
_HARMLESS: Final = ("127.0.0.1", "::1", "::", "0.0.0.0", "255.255.255.255", "127.0.0.1%lo", "fe80::1", "fe80::1%nosuch")
HOSTILE_TARGETS: Final = [
    *_HARMLESS, " ", "\x00", "gateway ", "-", "a" * 64, "x" * 200, "name..example", "ｆｕｌｌ", "[::1]", "127.0.0.1:80",
    "http://127.0.0.1/", "1.2.3",
]  # fmt: skip


def sit(candidate: Candidate, *, deadline_s: float = 2.0, settings: dict[str, Scalar] | None = None) -> Measured:
    """Run the probe once with a real clock; AssertionError where it overran or what it found may not travel."""
    item = candidate.item if settings is None else msgspec.structs.replace(candidate.item, settings=settings)
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + round(deadline_s * 1000), Facts("127.0.0.1"))
    begun = time.perf_counter()
    with only_loopback():
        found = probes.load(candidate.name)(item, ctx)
    took = time.perf_counter() - begun
    assert took <= deadline_s + GRACE_S, f"took {took:.2f} s of {deadline_s} s"
    assert isinstance(found, probes.Measured), "in an exam nobody gives leases, so nobody may put it off"
    check_travels(item, found)
    return found


def check_travels(item: PlanItem, found: Measured) -> None:
    """What was found fits the contract: limits, declared metrics of this subject, finite numbers, no secrets."""
    assert len(found.values) <= MAX_VALUES
    _check_values(item, found)
    assert all(math.isfinite(seconds) and seconds >= 0 for seconds in found.phases.values())
    module = inspect.getmodule(probes.load(item.probe))
    assert set(found.phases) <= set(getattr(module, "PHASES", ()))
    if found.result.outcome == "unknown" and found.result.reason not in HELD_BACK:
        assert found.values == [], "a measurement that did not happen has no numbers"
    encoded = msgspec.json.encode(found.detail)
    assert len(encoded) <= MAX_DETAIL_BYTES
    assert not _SECRET.search(encoded.decode())
    if found.result.reason == "bad_settings":
        assert found.detail["key"]
    else:
        _check_round_trip(item, found)


def _check_values(item: PlanItem, found: Measured) -> None:
    seen = set()
    for value in found.values:
        metric = METRICS[value.metric]
        assert metric.subject == parse_subject(item.subject).kind
        assert math.isfinite(value.value)
        assert (value.of is not None) == (metric.of is not None)
        assert (value.metric, value.of) not in seen
        seen.add((value.metric, value.of))


def _check_round_trip(item: PlanItem, found: Measured) -> None:
    observation = Observation(
        i=0,
        probe=item.probe,
        subject=item.subject,
        target=item.target,
        at_ms=0,
        mono_ms=0,
        took_ms=0,
        outcome=found.result.outcome,
        reason=found.result.reason,
        values=found.values,
        phases=found.phases,
        detail=found.detail,
    )
    assert msgspec.json.decode(msgspec.json.encode(observation), type=Observation) == observation


@contextlib.contextmanager
def only_loopback() -> Iterator[None]:
    """Let no name be looked up and no address but this machine's own be asked, whatever the settings say."""
    real = socket.getaddrinfo

    def lookup(host: str, *args: object, **kwargs: object) -> object:
        if host in _HARMLESS:
            return real(host, *args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        raise socket.gaierror(socket.EAI_AGAIN, "no resolver in an exam")

    socket.getaddrinfo = lookup  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.getaddrinfo = real


def open_files() -> int:
    """Descriptors that this process holds."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
