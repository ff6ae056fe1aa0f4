"""What agents signed against what lies here: a real agent's hour verifies, and every way of tampering is told."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select, update

from agent.attest.probe import Attest, item
from agent.context import Context, Facts
from agent.counts import Counts
from agent.identity import Identity
from agent.joining import keys as agent_keys
from agent.spool.keeper import Keeper
from agent.spool.queue import Spool
from agent.talk.batches import Sender
from agent.talk.contact import Contact
from collector.api import StoredObservation
from collector.attesting import command
from collector.attesting.verifying import Proof, keys, verify
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.store.tables import agent as agents
from collector.store.tables import inbox
from tests.support.agent_parts import keeper, observation
from tests.support.clock import BOOT
from tests.support.collector import serving
from tests.support.handclock import HandClock
from wire.messages import Observation
from wire.outcomes import OK

DAY_MS = 86_400_000


@dataclass(slots=True)
class Signed:
    """A collector that took one hour of an agent, and what it signed."""

    hub: Hub
    clock: HandClock
    name: str

    def proofs(self, later_ms: int = 0) -> list[Proof]:
        found = HubReader(self.hub).observations(f"agent:{self.name}", self.clock.wall + 60_000)
        (told,) = [one for one in found if one.observation.probe == "attest"]
        return self.of(told, later_ms)

    def of(self, told: StoredObservation, later_ms: int = 0) -> list[Proof]:
        with self.hub.store.reading() as conn:
            (key,) = keys(conn, self.name)
            return verify(conn, key, [told], self.clock.wall + later_ms)


@pytest.fixture
def signed(hub: Hub, clock: HandClock, tmp_path: Path) -> Signed:
    home = tmp_path / "agent"
    home.mkdir()
    public = agent_keys.make(home)
    agent_keys.adopt(home)
    with serving(hub) as collector:
        enrolled = collector.enrol()
        mine = update(agents).where(agents.c.id == enrolled.agent).values(sign_key=public.sign)
        hub.store.writer.do(lambda conn: conn.execute(mine))
        kept = keeper(home, clock)  # type: ignore[arg-type]  # both clocks are set by hand
        with collector.client(enrolled.token) as client:
            sender = Sender(
                kept, client, agent=enrolled.agent, boot_id=BOOT, clock=clock, contact=Contact(clock), counts=Counts(),
                chance=random.Random(1),
            )  # fmt: skip
            for n in (1, 2, 3):
                _keep(kept, observation(n, at_ms=clock.wall), sender)
            who = Identity(enrolled.agent, enrolled.centre, collector.url, enrolled.token)
            context = Context(clock, clock.mono_ms() + 60_000, Facts("127.0.0.1"))
            found = Attest(kept, who, home, clock.wall_ms).probe(item(who.subject), context)
            assert found.result == OK, found.detail
            told = Observation(
                0, "attest", who.subject, "hour", clock.wall, clock.mono_ms(), 1, "ok", detail=found.detail
            )
            _keep(kept, told, sender)
        kept.close()
    return Signed(hub, clock, enrolled.agent)


def _keep(kept: Keeper, one: Observation, sender: Sender) -> None:
    kept.use(lambda spool: spool.append([one]))
    kept.use(Spool.cut)
    sender.step()


def test_an_hour_of_a_real_agent_verifies_with_its_bodies(signed: Signed) -> None:
    (proof,) = signed.proofs()
    assert (proof.state, proof.count, proof.bodies, proof.why) == ("good", 3, 3, "")


def test_every_way_of_tampering_is_told(signed: Signed) -> None:
    store, mine = signed.hub.store, inbox.c.agent == signed.name
    with store.reading() as conn:
        second = conn.execute(select(inbox).where(mine, inbox.c.batch == 2)).mappings().one()
        third = conn.execute(select(inbox).where(mine, inbox.c.batch == 3)).mappings().one()
    row = update(inbox).where(mine, inbox.c.batch == 2)

    store.writer.do(lambda conn: conn.execute(row.values(body=third["body"])))
    assert [(p.state, "body of batch 2" in p.why) for p in signed.proofs()] == [("altered", True)]
    store.writer.do(lambda conn: conn.execute(row.values(body=third["body"], sha256=third["sha256"])))
    assert [(p.state, "hashes on record" in p.why) for p in signed.proofs()] == [("altered", True)]
    store.writer.do(lambda conn: conn.execute(row.values(body=None, sha256=second["sha256"])))
    assert [(p.state, p.bodies) for p in signed.proofs()] == [("good", 2)]  # its body was pruned, its hash stands
    store.writer.do(lambda conn: conn.execute(delete(inbox).where(mine, inbox.c.batch == 2)))
    assert [(p.state, "batch 2" in p.why) for p in signed.proofs()] == [("missing", True)]
    assert [p.state for p in signed.proofs(later_ms=41 * DAY_MS)] == ["pruned"]


@pytest.mark.parametrize(
    ("key", "value", "state"),
    [
        pytest.param("to_ms", 5, "forged", id="another hour"),
        pytest.param("batches", "1-2", "forged", id="fewer batches"),
        pytest.param("signature", "AAAA", "forged", id="no signature"),
        pytest.param("batches", "3-1", "unreadable", id="nonsense"),
        pytest.param("sha256", "ü", "unreadable", id="a hash that is none"),
    ],
)
def test_a_statement_that_was_changed_is_not_believed(signed: Signed, key: str, value: str | int, state: str) -> None:
    found = HubReader(signed.hub).observations(f"agent:{signed.name}", signed.clock.wall + 60_000)
    (told,) = [one for one in found if one.observation.probe == "attest"]
    told.observation.detail[key] = value
    assert [proof.state for proof in signed.of(told)] == [state]


def test_what_is_exported_can_be_verified_without_us(signed: Signed, tmp_path: Path) -> None:
    span = signed.clock.wall - DAY_MS, signed.clock.wall + 60_000
    found = command._found(signed.hub, signed.name, span, signed.clock.wall)
    command._export(tmp_path / "signed.ndjson", found)
    (line,) = (tmp_path / "signed.ndjson").read_text("utf-8").splitlines()
    told = json.loads(line)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["public_key"]))
    public.verify(base64.b64decode(told["signature"]), told["statement"].encode("ascii"))
    assert (told["state"], found[0].row()[2:5]) == ("good", (1, 3, 3))
