"""The short proofs: a receipt is a promise that a power cut and a kill keep. The long ones are bench/durability.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.agentkills import run_kills as kill_agents
from bench.kills import run_kills as kill_collectors
from bench.receipts import Journal, broken
from bench.recording import record
from bench.survival import cut_everywhere

pytestmark = pytest.mark.xdist_group("durability")  # each of them loads both cores


def test_no_byte_of_a_receipt_leaves_before_the_sync_of_its_rows_returned(tmp_path: Path) -> None:
    recording = record(tmp_path, ["--roles", "ingest,judge"], connections=3, batches=8)
    assert len(recording.receipts) == 24
    assert broken(Journal(recording.calls), recording.receipts) == []


def test_that_proof_fails_where_the_database_does_not_sync_and_so_do_the_power_cuts(tmp_path: Path) -> None:
    recording = record(tmp_path, ["--synchronous", "NORMAL"], connections=3, batches=8)
    assert len(broken(Journal(recording.calls), recording.receipts)) == 24
    assert cut_everywhere(recording, every=4).losses


def test_a_power_cut_at_any_moment_leaves_every_receipted_batch_exactly_once(tmp_path: Path) -> None:
    recording = record(tmp_path, ["--checkpoint", "40"], connections=3, batches=8)
    outcome = cut_everywhere(recording, every=4)
    assert outcome.receipts == 24
    assert set(outcome.kinds) == {"all", "nothing unsynced", "some", "only the last", "the last one torn"}
    assert outcome.losses == []


def test_a_collector_killed_under_load_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    found = kill_collectors(tmp_path, 4)
    assert found.receipted >= 20
    assert (found.lost, found.double, found.miscounted, found.sound) == (0, 0, 0, "ok")


def test_an_agent_killed_while_it_measures_loses_nothing_that_its_spool_had_kept(tmp_path: Path) -> None:
    found = kill_agents(tmp_path, 8)
    assert found.kept > 0
    assert (found.lost, found.double) == (0, 0)
