"""What the command line asks of an agent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from agent import cli, probes
from agent.config import Config
from agent.spool.queue import Spool
from tests.support.agent_parts import keeper, observation
from tests.support.clock import FakeClock
from tests.support.collector_double import Double, identity_json, paper
from wire.messages import Plan, PlanItem


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(probes.PROBES, "tick", "tests.support.tick_probe")
    raw = msgspec.json.encode([PlanItem("a", "lan:07375-1", "tick", "192.0.2.1", 10, 2, {"packets": 3, "size": 9})])
    plan = Plan(1, 1, hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw))
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    (tmp_path / "identity.json").write_bytes(identity_json(Double(port=1)))
    (tmp_path / "ca.pem").write_bytes(paper().ca)
    return tmp_path


def test_once_runs_as_the_plan_would_and_explains(home: Path) -> None:
    said: list[str] = []
    o = cli.once(home, probe="tick", target="192.0.2.1", settings={"packets": 5}, explain=said.append)
    assert (o.outcome, o.subject, o.target) == ("ok", "lan:07375-1", "192.0.2.1")
    assert "{'packets': 5, 'size': 9}" in "\n".join(said)


@pytest.mark.parametrize(
    ("probe", "target", "subject", "reason"),
    [
        pytest.param("tick", "192.0.2.7", f"agent:{cli.NOBODY}", None, id="a target that is not planned"),
        pytest.param("nothing", "192.0.2.1", f"agent:{cli.NOBODY}", "unsupported", id="an unknown probe"),
        pytest.param("service", "http://127.0.0.1:9/", "service:once", "bad_settings", id="a service"),
        pytest.param("pc", "self", f"device:{cli.NOBODY}", None, id="the machine itself"),
    ],
)
def test_once_needs_no_plan(home: Path, probe: str, target: str, subject: str, reason: str | None) -> None:
    o = cli.once(home, probe=probe, target=target)
    assert (o.subject, o.reason) == (subject, reason)


def test_once_that_would_have_to_wait_for_its_turn_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probes.PROBES, "later", "tests.support.put_off_probe")
    o = cli.once(home, probe="later", target="192.0.2.1")
    assert (o.outcome, o.reason, o.detail["why"]) == ("unknown", "no_lease", "waited")


def test_once_needs_no_home(home: Path) -> None:
    assert cli.once(None, probe="tick", target="192.0.2.1").subject == f"agent:{cli.NOBODY}"


def test_the_table_of_probes_says_what_can_run_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probes.PROBES, "snmp", "no.such.library")
    rows = {row.name: row for row in cli.probes_table()}
    assert rows["tick"].help.startswith("A probe that measures nothing")
    assert "No module named" in rows["snmp"].missing
    assert {"pc", "reach"} <= set(rows)


def test_the_spool_is_read_while_its_agent_works(tmp_path: Path) -> None:
    kept = keeper(tmp_path, FakeClock())
    for n in range(3):
        kept.use(lambda s, n=n: s.append([observation(n)]))  # type: ignore[misc]
        if n < 2:
            kept.use(Spool.cut)
    kept.use(lambda s: s.begin([1]))
    status = cli.spool_status(tmp_path)
    assert (status.there, status.batches, status.tried, status.fresh, status.error) == (True, 2, 1, 1, "")
    assert status.epoch == kept.use(lambda s: s.epoch)
    kept.close()


def test_a_spool_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert not cli.spool_status(tmp_path).there
    (tmp_path / "spool.db").write_bytes(b"rubbish" * 1000)
    (tmp_path / "spool-damaged-20260101T000000-abcdef.db").touch()
    status = cli.spool_status(tmp_path)
    assert "not a database" in status.error
    assert status.damaged_files == ["spool-damaged-20260101T000000-abcdef.db"]


def test_check_config_shows_what_would_be_used(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("cut_s = 20", "utf-8")
    assert cli.check_config(path) == Config(cut_s=20)
