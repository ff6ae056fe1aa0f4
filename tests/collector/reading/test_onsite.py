"""What people on site tell: complaints as they came, the code of the box there, evidence that only its box can sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import update

from agent.joining import keys
from agent.lan.evidence import signed_blob
from agent.lan.seen import Sight
from collector.api import NotAllowed
from collector.history.keeping import History
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.store.tables import agent as agents
from tests.support.collector import Pen, serving
from tests.support.handclock import HandClock
from wire.messages import Enrolled
from wire.onsite import CLERK, COMPLAINT, SLOT_MS, here_code, token_hash

HOUR_MS = 3_600_000
SEEN = Sight("line:00000-1/a", "reach", "collector", "fail", "no_answer", 2, 1, None, None, {})


def enrolled(hub: Hub, key: str = "") -> Enrolled:
    with serving(hub) as collector:
        made = collector.enrol()
    if key:
        mine = update(agents).where(agents.c.id == made.agent).values(sign_key=key)
        hub.store.writer.do(lambda conn: conn.execute(mine))
    return made


def test_a_clerks_word_is_found_once_it_came_and_only_the_newest(hub: Hub, clock: HandClock) -> None:
    with serving(hub) as collector:
        made = collector.enrol()
        pen = Pen(made.agent, "centre:00000-1")
        with collector.client(made.token) as client:
            for n, text in enumerate(("chậm", "vẫn chậm")):
                clock.forward(1_000)
                at_ms, mono_ms = clock.wall, clock.mono_ms()
                plain = pen.observation(at_ms=at_ms, mono_ms=mono_ms)
                said = structs.replace(
                    plain, probe=COMPLAINT, subject="centre:00000-1", target=CLERK, outcome="ok", detail={"text": text}
                )
                client.post_batches(pen.packed(pen.batch([said], n + 1), at_ms=at_ms, mono_ms=mono_ms))
    history = History(hub)
    while history.step() == 0:
        pass
    reader = HubReader(hub)
    (told,) = reader.complaints(clock.wall - HOUR_MS)
    assert (told.observation.subject, told.observation.detail) == ("centre:00000-1", {"text": "vẫn chậm"})
    assert reader.complaints(told.at_ms) == []


def test_the_code_of_the_box_proves_that_somebody_is_there(hub: Hub, clock: HandClock) -> None:
    made, reader = enrolled(hub), HubReader(hub)
    code = here_code(token_hash(made.token), clock.wall)
    assert reader.is_there("00000-1", code)
    assert not reader.is_there("07375-1", code)
    clock.forward(2 * SLOT_MS)
    assert not reader.is_there("00000-1", code)


def test_what_a_phone_carries_in_is_believed_by_its_signature_and_while_it_is_fresh(
    hub: Hub, clock: HandClock, tmp_path: Path
) -> None:
    home = tmp_path / "agent"
    home.mkdir()
    public = keys.make(home)
    keys.adopt(home)
    made, reader = enrolled(hub, public.sign), HubReader(hub)
    blob = signed_blob(home, made.agent, [SEEN], clock.wall - HOUR_MS, clock.wall)
    told = reader.carried(blob)
    assert (told.centre, told.at_ms, told.heard_ms) == ("00000-1", clock.wall, clock.wall - HOUR_MS)
    assert [(one.subject, one.outcome, one.reason) for one in told.sights] == [("line:00000-1/a", "fail", "no_answer")]
    clock.forward(25 * HOUR_MS)
    with pytest.raises(NotAllowed, match="last 24 hours"):
        reader.carried(blob)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        pytest.param(lambda blob: blob[:-4] + "AAAA", "not signed by a box", id="another signature"),
        pytest.param(lambda blob: blob.replace(".01", ".7Z", 1), "not from a box|damaged", id="another agent"),
        pytest.param(lambda _: "1.x", "scan the code again", id="nonsense"),
    ],
)
def test_what_was_forged_is_refused(hub: Hub, clock: HandClock, tmp_path: Path, spoil: object, what: str) -> None:
    home = tmp_path / "agent"
    home.mkdir()
    public = keys.make(home)
    keys.adopt(home)
    made = enrolled(hub, public.sign)
    blob = signed_blob(home, made.agent, [SEEN], 0, clock.wall)
    assert callable(spoil)
    with pytest.raises(NotAllowed, match=what):
        HubReader(hub).carried(spoil(blob))
