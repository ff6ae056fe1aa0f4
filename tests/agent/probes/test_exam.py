"""Every probe of the table sits the exam, and the table is the folder."""

from __future__ import annotations

import ast
import importlib
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import probes
from tests.exams import probe_exam
from tests.exams.probe_exam import HOSTILE_TARGETS, Candidate, hostile_settings, sit
from wire.messages import PlanItem

# One row for each row of PROBES: an item that measures this machine alone.
ITEMS = {
    "bandwidth": PlanItem("b-1", "line:00000-1/a", "bandwidth", "province", 86_400, 2.0),
    "dns": PlanItem("d-1", "line:00000-1/a", "dns", "127.0.0.1", 60, 2.0, {"name": "motcua.test", "timeout_s": 0.2}),
    "path": PlanItem("p-1", "line:00000-1/a", "path", "127.0.0.1", 86_400, 2.0, {"timeout_s": 0.2}),
    "pc": PlanItem("pc-1", "device:01ARZ3NDEKTSV4RRFFQ69G5FAV", "pc", "self", 60, 2.0),
    "quality": PlanItem(
        "q-1",
        "line:00000-1/a",
        "quality",
        "reflector",
        900,
        2.0,
        {"reflector": "127.0.0.1:9", "ticket": f"{'0' * 26}.{'0' * 32}"},
    ),
    "reach": PlanItem("reach-1", "lan:00000-1", "reach", "127.0.0.1", 10, 2.0, {"interval_s": 0.01, "timeout_s": 0.5}),
    "service": PlanItem("s-1", "service:test", "service", "http://127.0.0.1:9/", 300, 2.0, {"allow_private": True}),
    "use": PlanItem("u-1", "line:00000-1/a", "use", "port", 300, 2.0, {"interface": "lo"}),
    "wifi": PlanItem("w-1", "lan:00000-1", "wifi", "default", 300, 2.0),
}
CANDIDATES = [pytest.param(Candidate(name, item), id=name) for name, item in ITEMS.items()]

FOLDER = Path(probes.__file__).parent


def test_every_probe_of_the_table_is_examined() -> None:
    assert set(ITEMS) == set(probes.PROBES)


def test_the_table_and_the_folder_agree() -> None:
    with_probe = {
        ".".join(("agent.probes", *file.relative_to(FOLDER).with_suffix("").parts))
        for file in FOLDER.rglob("*.py")
        if any(isinstance(n, ast.FunctionDef) and n.name == "probe" for n in ast.parse(file.read_text()).body)
    }
    assert with_probe == set(probes.PROBES.values())


@pytest.mark.parametrize("name", probes.PROBES)
def test_every_probe_says_in_its_first_line_what_it_measures(name: str) -> None:
    text = importlib.import_module(probes.PROBES[name]).__doc__ or ""
    assert 20 < len(text.splitlines()[0]) <= 120


@pytest.mark.parametrize("candidate", CANDIDATES)
class TestExam:
    def test_a_plain_run_travels(self, candidate: Candidate) -> None:
        sit(candidate)

    def test_no_time_at_all_is_respected(self, candidate: Candidate) -> None:
        sit(candidate, deadline_s=0.0)

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_settings_of_any_kind_neither_raise_nor_overrun(self, candidate: Candidate, data: st.DataObject) -> None:
        sit(candidate, deadline_s=0.3, settings=data.draw(hostile_settings(candidate.name)))

    def test_each_setting_of_a_wrong_kind_is_named(self, candidate: Candidate) -> None:
        struct = probe_exam.settings_struct(candidate.name)
        assert struct is not None
        for field in msgspec.structs.fields(struct):
            wrongs = (None, 1 if field.type is bool else True, float("nan"), float("inf"), -1e300, 10**30, "\x00")
            for wrong in wrongs:
                found = sit(candidate, settings={field.name: wrong})
                assert (found.result.reason, found.detail["key"]) == ("bad_settings", field.name), wrong

    @pytest.mark.parametrize("target", HOSTILE_TARGETS, ids=ascii)
    def test_targets_of_any_kind_neither_raise_nor_overrun(self, candidate: Candidate, target: str) -> None:
        hostile = Candidate(candidate.name, msgspec.structs.replace(candidate.item, target=target))
        sit(hostile, deadline_s=0.8)

    @pytest.mark.parametrize("subject", ["", "line", "centre:07375-1", "lan:" + "9" * 200, "\x00"], ids=ascii)
    def test_a_subject_it_does_not_measure_is_named(self, candidate: Candidate, subject: str) -> None:
        found = sit(Candidate(candidate.name, msgspec.structs.replace(candidate.item, subject=subject)))
        assert (found.result.reason, found.detail["key"]) == ("bad_settings", "subject")

    def test_it_closes_what_it_opens_and_leaves_no_thread(self, candidate: Candidate) -> None:
        sit(candidate)
        files, threads = probe_exam.open_files(), threading.active_count()
        for _ in range(10):
            sit(candidate)
        assert probe_exam.open_files() <= files
        assert threading.active_count() <= threads + 1
