"""When it was measured: the rule of design §4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest import timing
from collector.ingest.parcels import Piece, sift
from tests.support.handclock import NOON_MS
from wire.messages import Batch, Envelope, Observation

BOOT, OLD_BOOT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
EPOCH = "00000000-0000-4000-8000-00000000000a"


def envelope(*, sent_at_ms: int = NOON_MS, sent_mono_ms: int = 1_000_000) -> Envelope:
    return Envelope(1, "a", BOOT, sent_at_ms, sent_mono_ms)


def stamp(i: int, *, at_ms: int = NOON_MS, mono_ms: int = 0) -> Observation:
    return Observation(i, "pc", "device:01D", "self", at_ms, mono_ms, 5, "ok")


def piece(*stamps: Observation, boot: str = BOOT) -> Piece:
    return Piece(Batch(EPOCH, 1, boot), "0" * 64, b"", list(stamps), [])


@given(wall=st.integers(-(2**53), 2**53), ago_ms=st.integers(0, 10**9), way_ms=st.integers(0, 60_000))
def test_within_one_boot_the_agents_wall_clock_says_nothing(wall: int, ago_ms: int, way_ms: int) -> None:
    sent = envelope(sent_at_ms=wall, sent_mono_ms=2 * 10**9)
    received_ms = NOON_MS + way_ms
    offset = timing.offset_ms(sent, Batch(EPOCH, 1, BOOT), received_ms, None)
    (at,) = timing.moments([stamp(0, at_ms=wall, mono_ms=2 * 10**9 - ago_ms)], offset)
    assert at == received_ms - ago_ms


def test_an_earlier_boot_is_corrected_by_its_last_known_offset() -> None:
    assert timing.offset_ms(envelope(), Batch(EPOCH, 1, OLD_BOOT), NOON_MS, 777) == 777


def test_an_unknown_boot_leaves_the_agents_own_stamps() -> None:
    offset = timing.offset_ms(envelope(), Batch(EPOCH, 1, OLD_BOOT), NOON_MS, None)
    assert offset is None
    assert timing.moments([stamp(0, at_ms=42, mono_ms=7)], offset) == [42]


@pytest.mark.parametrize(
    ("at_ms", "plausible"),
    [
        pytest.param(NOON_MS, True, id="now"),
        pytest.param(NOON_MS + 2_000, True, id="two seconds ahead"),
        pytest.param(NOON_MS + 2_001, False, id="just beyond"),
        pytest.param(timing.EARLIEST_MS, True, id="2025 begins"),
        pytest.param(timing.EARLIEST_MS - 1, False, id="2024 ends"),
        pytest.param(0, False, id="1970"),
        pytest.param(4_102_444_800_000, False, id="2100"),
        pytest.param(-(2**53), False, id="the lowest stamp of the wire"),
        pytest.param(2**53, False, id="the highest stamp of the wire"),
    ],
)
def test_only_a_time_that_can_be_is_accepted(at_ms: int, plausible: bool) -> None:
    sifted = sift(piece(stamp(0, at_ms=at_ms), stamp(1), boot=OLD_BOOT), None, NOON_MS)
    assert [item.i for item in sifted.quarantined] == ([] if plausible else [0])
    assert all(item.code == "quarantined" for item in sifted.rejected)
    assert timing.EARLIEST_MS <= sifted.at_min_ms <= sifted.at_max_ms <= NOON_MS + 2_000


def test_a_batch_of_which_nothing_is_left_has_the_span_of_its_arrival() -> None:
    sifted = sift(piece(stamp(0, at_ms=0), boot=OLD_BOOT), None, NOON_MS)
    assert (sifted.at_min_ms, sifted.at_max_ms) == (NOON_MS, NOON_MS)
    assert (sift(piece(), 0, NOON_MS).at_min_ms, sift(piece(), 0, NOON_MS).rejected) == (NOON_MS, [])


def test_a_hint_says_when_it_was_supposed_to_be() -> None:
    sifted = sift(piece(stamp(0, at_ms=0), boot=OLD_BOOT), None, NOON_MS)
    assert sifted.rejected[0].hint == "measured 1970-01-01T00:00:00+00:00, before 2025"
