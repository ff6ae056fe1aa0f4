"""The durable queue: what is in it stays in it, batches never change, and no number is used twice."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.counts import Counts
from agent.lifetime import LifetimeFile
from agent.spool.file import Damaged, Unwritable
from agent.spool.queue import Head, Spool
from agent.spool.trim import DAY_MS, Limits, thin, trim
from tests.support.agent_parts import MB, keeper, observation, recorder
from tests.support.clock import BOOT, LATER_BOOT, FakeClock
from tests.support.disks import fill_up, read_only, small_disk, writable
from wire.codec import decode_parcel
from wire.messages import Observation, Receipt, Rejected
from wire.outcomes import Outcome


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spool(tmp_path: Path, clock: FakeClock) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db", clock=clock, boot_id=BOOT)
    yield made
    made.close()


def again(spool: Spool, clock: FakeClock, boot_id: str = BOOT) -> Spool:
    spool.close()
    return Spool(spool.path, clock=clock, boot_id=boot_id)


def filled(spool: Spool, *numbers: int) -> list[Head]:
    """One batch for each number."""
    for n in numbers:
        spool.append([observation(n)])
        spool.cut()
    return spool.oldest(10_000)


def stored(spool: Spool, number: int, *rejected: int) -> Receipt:
    return Receipt(spool.epoch, number, "stored", 1, [Rejected(i, "invalid", "") for i in rejected])


def test_an_observation_is_there_after_the_file_is_opened_again(spool: Spool, clock: FakeClock) -> None:
    spool.append([observation(1), observation(2)])
    spool = again(spool, clock)
    assert spool.cut() == 1
    (head,) = spool.oldest(10)
    body = spool.body(head.number)
    assert body is not None
    parcel = decode_parcel(body)
    assert [(o.i, o.mono_ms) for o in parcel.observations] == [(0, 1), (1, 2)]
    assert (parcel.header.epoch, parcel.header.boot_id) == (spool.epoch, BOOT)
    assert parcel.rejected == []
    spool.close()


def test_a_batch_keeps_its_bytes_for_ever(spool: Spool, clock: FakeClock) -> None:
    (head,) = filled(spool, 1)
    before = spool.begin([head.number])[head.number]
    clock.advance(86_400)
    spool = again(spool, clock, LATER_BOOT)
    assert spool.begin([head.number])[head.number] == before
    row = spool.query("SELECT sha256 FROM batch")[0]
    assert row == (hashlib.sha256(before).digest(),)
    spool.close()


def test_no_number_is_used_twice_even_when_the_spool_ran_empty(spool: Spool, clock: FakeClock) -> None:
    (head,) = filled(spool, 1)
    spool.settle([stored(spool, head.number)])
    spool = again(spool, clock)
    (later,) = filled(spool, 2)
    assert later.number > head.number
    spool.close()


def test_observations_of_two_boots_go_in_two_batches(spool: Spool, clock: FakeClock) -> None:
    spool.append([observation(1)])
    clock.reboot()
    spool = again(spool, clock, LATER_BOOT)
    spool.append([observation(2)])
    assert spool.cut() == 2
    parcels = [decode_parcel(body) for body in spool.begin([h.number for h in spool.oldest(9)]).values()]
    assert {p.header.boot_id: [o.mono_ms for o in p.observations] for p in parcels} == {BOOT: [1], LATER_BOOT: [2]}
    spool.close()


def test_a_batch_is_cut_before_it_outgrows_a_request(spool: Spool) -> None:
    spool.append([observation(n) for n in range(4_500)])
    assert spool.cut() == 3
    assert [h.items for h in spool.oldest(9)] == [2_000, 2_000, 500]


@pytest.mark.parametrize(
    ("code", "waiting", "aside"),
    [
        pytest.param("stored", 0, 0, id="stored: deleted"),
        pytest.param("duplicate", 0, 0, id="duplicate: deleted"),
        pytest.param("conflict", 0, 1, id="conflict: set aside, never sent again"),
    ],
)
def test_a_receipt_settles_a_batch(spool: Spool, code: str, waiting: int, aside: int) -> None:
    (head,) = filled(spool, 1)
    receipt = Receipt(spool.epoch, head.number, code, 1)  # type: ignore[arg-type]  # a table's text
    assert spool.settle([receipt]) == {head.number}
    stats = spool.stats()
    assert (stats.batches, stats.aside, stats.conflicts) == (waiting, aside, aside)


def test_a_receipt_for_another_epoch_settles_nothing(spool: Spool) -> None:
    (head,) = filled(spool, 1)
    assert spool.settle([Receipt("00000000-0000-4000-8000-000000000000", head.number, "stored", 1)]) == set()
    assert spool.stats().batches == 1


def test_rejected_items_are_counted(spool: Spool, clock: FakeClock) -> None:
    filled(spool, 1)
    spool.settle([stored(spool, 1, 0)])
    spool = again(spool, clock)
    assert spool.stats().rejected == 1
    spool.close()


@pytest.mark.parametrize("days", [-1, 1, -4000, 27_000], ids=["a day back", "a day on", "1995", "2100"])
def test_a_step_of_the_wall_clock_makes_no_batch_old(spool: Spool, clock: FakeClock, days: int) -> None:
    filled(spool, 1)
    clock.step_wall(days * 86_400)
    spool = again(spool, clock)
    assert trim(spool, Limits(100 * MB, 30 * DAY_MS)) == 0
    clock.reboot()
    clock.step_wall(days * 86_400)
    if days != 1:
        spool = again(spool, clock, LATER_BOOT)
        assert trim(spool, Limits(100 * MB, 30 * DAY_MS)) == 0
        assert spool.stats().batches == 1
    spool.close()


def test_what_is_older_than_its_days_is_dropped_and_counted(spool: Spool, clock: FakeClock) -> None:
    filled(spool, 1)
    spool.begin([1])
    clock.advance(20 * 86_400)
    clock.reboot(off_s=9 * 86_400)
    spool = again(spool, clock, LATER_BOOT)
    filled(spool, 2)
    assert trim(spool, Limits(100 * MB, 30 * DAY_MS)) == 0
    clock.advance(1.5 * 86_400)
    assert trim(spool, Limits(100 * MB, 30 * DAY_MS)) == 1
    stats = spool.stats()
    assert (stats.batches, stats.dropped) == (1, 1)
    spool.close()


def test_a_full_spool_drops_the_oldest_that_were_never_tried(spool: Spool) -> None:
    noise = [
        Observation(0, "pc", "device:x", f"t{n}", 1, n, 1, "ok", detail={"k": os.urandom(1500).hex()})
        for n in range(200)
    ]
    for n, one in enumerate(noise):
        spool.append([one])
        spool.cut()
        if n == 0:
            spool.begin([1])
    limit = spool.used_bytes() // 2
    lost = trim(spool, Limits(limit))
    assert spool.used_bytes() <= limit
    heads = spool.oldest(1_000)
    assert heads[0].number == 1, "what was tried is kept before what was not"
    assert [h.number for h in heads[1:]] == list(range(201 - len(heads[1:]), 201)), "the oldest went first"
    assert spool.stats().dropped == lost == 200 - len(heads)


def test_the_file_does_not_grow_past_its_bound(spool: Spool) -> None:
    limit = 400_000
    for n in range(300):
        spool.append([Observation(0, "pc", "device:x", "self", 1, n, 1, "ok", detail={"k": os.urandom(1500).hex()})])
        spool.cut()
        trim(spool, Limits(limit))
    assert spool.path.stat().st_size <= limit * 1.1
    assert spool.stats().batches + spool.stats().dropped == 300


def test_thinning_keeps_every_change_and_one_result_in_five_minutes() -> None:
    def at(minute: float, outcome: Outcome = "ok") -> Observation:
        return msgspec.structs.replace(observation(outcome=outcome), mono_ms=int(minute * 60_000))

    whole = [at(0), at(1), at(2), at(2.5, "fail"), at(3, "fail"), at(4), at(5), at(9.1)]
    assert [o.mono_ms / 60_000 for o in thin(whole)] == [0, 2.5, 3, 4, 9.1]


def test_a_nearly_full_spool_thins_what_was_never_tried_into_new_numbers(spool: Spool) -> None:
    for n in range(60):
        spool.append([observation(5, at_ms=n)] * 40)
        spool.cut()
    spool.begin([1, 2])
    limit = int(spool.used_bytes() / 0.9)
    lost = trim(spool, Limits(limit))
    heads = spool.oldest(1_000)
    assert {1, 2} <= {h.number for h in heads}
    assert max(h.number for h in heads) == 61
    assert lost > 0
    assert spool.stats().dropped == lost == 60 * 40 - sum(h.items for h in heads)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.sampled_from(["append", "cut", "send", "lose", "settle", "open", "reboot", "conflict"]), max_size=40
    )
)
def test_each_observation_is_in_one_batch_and_every_number_has_one_body(
    acts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock, bodies, received, made = FakeClock(), dict[int, bytes](), list[int](), 0
    spool, boot = Spool(tmp_path_factory.mktemp("s") / "spool.db", clock=clock, boot_id=BOOT), BOOT
    for act in acts:
        if act == "append":
            made += 1
            spool.append([observation(made)])
        elif act == "cut":
            spool.cut()
        elif act in {"open", "reboot"}:
            if act == "reboot":
                clock.reboot()
                boot = LATER_BOOT if boot == BOOT else BOOT
            spool = again(spool, clock, boot)
        else:
            for number, body in spool.begin([h.number for h in spool.oldest(60)]).items():
                assert bodies.setdefault(number, body) == body
                if act == "settle":
                    received += [o.mono_ms for o in decode_parcel(body).observations]
                    spool.settle([stored(spool, number)])
    spool.cut()
    rest = spool.begin([h.number for h in spool.oldest(1_000)])
    left = [o.mono_ms for body in rest.values() for o in decode_parcel(body).observations]
    assert sorted(received + left) == list(range(1, made + 1))
    spool.close()


# --- trouble with the file --------------------------------------------------------------------------------------------


def overwrite(path: Path, at: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(size))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda p: p.write_bytes(b"not a database " * 1000), id="another file altogether"),
        pytest.param(lambda p: overwrite(p, 0, 200), id="garbage at the beginning"),
        pytest.param(lambda p: overwrite(p, p.stat().st_size // 3, p.stat().st_size // 3), id="garbage in the middle"),
        pytest.param(lambda p: os.truncate(p, p.stat().st_size // 2 // 4096 * 4096), id="cut in half"),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(tmp_path: Path, clock: FakeClock, spoil: object) -> None:
    assert callable(spoil)
    first = keeper(tmp_path, clock)
    epoch = first.use(lambda s: s.epoch)
    for _ in range(60):
        first.use(lambda s: s.append([observation(n) for n in range(300)]))
        first.use(Spool.cut)
    first.close()
    spoil(tmp_path / "spool.db")
    second = keeper(tmp_path, clock)
    second.use(lambda s: s.append([observation(1)]))
    assert second.use(lambda s: s.epoch) != epoch
    assert len(list(tmp_path.glob("spool-damaged-2*.db"))) == 1
    assert LifetimeFile(tmp_path).now.spool_resets == 1
    assert second.use(Spool.stats).fresh == 1
    second.close()


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path, clock: FakeClock) -> None:
    for _ in range(4):
        (tmp_path / "spool.db").write_bytes(b"rubbish" * 500)
        kept = keeper(tmp_path, clock)
        kept.use(lambda s: s.append([observation(1)]))
        kept.close()
    assert len(list(tmp_path.glob("spool-damaged-*.db"))) == 2
    assert LifetimeFile(tmp_path).now.spool_resets == 4


def test_a_body_that_is_not_what_its_hash_says_is_never_sent(spool: Spool, clock: FakeClock) -> None:
    filled(spool, 1, 2)
    spool.close()
    db = sqlite3.connect(spool.path)
    db.execute("UPDATE batch SET body = x'789c00' WHERE number = 1")
    db.commit()
    db.close()
    spool = Spool(spool.path, clock=clock, boot_id=BOOT)
    assert list(spool.begin([1, 2])) == [2]
    assert (spool.stats().damaged, spool.stats().batches) == (1, 1)
    spool.close()


def test_a_spool_of_another_version_is_not_guessed_at(spool: Spool, clock: FakeClock) -> None:
    spool.close()
    db = sqlite3.connect(spool.path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(Damaged, match="version 99"):
        Spool(spool.path, clock=clock, boot_id=BOOT)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def test_on_a_full_disk_measuring_goes_on_and_it_recovers_by_itself(disk: Path, clock: FakeClock) -> None:
    counts, kept = Counts(), keeper(disk, clock)
    writing = recorder(kept, clock, counts=counts)
    writing.put(observation(1))
    writing.step()
    ballast = disk / "ballast"
    fill_up(ballast)
    made = 1
    for _ in range(30):
        for _ in range(200):
            made += 1
            writing.put(observation(made))
        clock.advance(60)
        writing.step()
    assert counts.get("unkept") > 0, "the disk was not full: this test shows nothing"
    ballast.unlink()
    clock.advance(60)
    writing.step()
    stats = kept.use(Spool.stats)
    found = [
        o.mono_ms
        for h in kept.use(lambda s: s.oldest(999))
        for o in parcel_of(kept.use(partial(Spool.body, number=h.number)))
    ]
    assert len(set(found)) == len(found) == made - counts.get("unkept")
    assert (stats.dropped, found[0], found[-1]) == (0, 1, made)
    kept.close()


def parcel_of(body: bytes | None) -> list[Observation]:
    assert body is not None
    return decode_parcel(body).observations


def test_a_read_only_folder_is_told_and_survived(disk: Path, clock: FakeClock) -> None:
    kept = keeper(disk, clock)
    kept.use(lambda s: s.append([observation(1)]))
    writing = recorder(kept, clock)
    kept.close()
    read_only(disk)
    writing.put(observation(2))
    for _ in range(5):
        assert writing.step() == 5.0
        clock.advance(5)
    with pytest.raises(Unwritable):
        kept.use(lambda s: s.append([observation(3)]))
    writable(disk)
    writing.step()
    assert kept.use(Spool.stats).batches == 1
    (head,) = kept.use(lambda s: s.oldest(9))
    assert head.items == 2
    kept.close()


def test_a_spool_deleted_under_a_running_agent_is_made_anew(tmp_path: Path, clock: FakeClock) -> None:
    kept = keeper(tmp_path, clock)
    writing = recorder(kept, clock)
    writing.step()
    for file in tmp_path.glob("spool.db*"):
        file.unlink()
    for n in range(12):
        writing.put(observation(n))
        clock.advance(60)
        writing.step()
    assert (tmp_path / "spool.db").exists()
    kept.close()
