"""Pages first: loops pause while a page is made, and never for long."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from collector import courtesy as module
from collector.courtesy import Courtesy
from collector.process import courteous
from collector.web.problems import Receive, Scope, Send


def test_nobody_pauses_where_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 60.0)
    polite = Courtesy()
    with polite.guest(), polite.guest():
        pass
    polite.after_you()  # would last a minute


def test_a_loop_goes_on_when_the_last_guest_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 60.0)
    polite, done = Courtesy(), threading.Event()

    def work() -> None:
        polite.after_you()
        done.set()

    with polite.guest():
        with polite.guest():
            thread = threading.Thread(target=work)
            thread.start()
        assert not done.wait(0.05)
    assert done.wait(10)
    thread.join()


def test_a_pause_is_short_however_long_the_guest_stays() -> None:
    polite = Courtesy()
    with polite.guest():
        began = time.monotonic()
        polite.after_you()
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    ("kind", "pauses"), [pytest.param("http", True, id="a page"), pytest.param("lifespan", False, id="the server")]
)
def test_an_application_is_a_guest_while_it_answers(kind: str, *, pauses: bool) -> None:
    polite, seen = Courtesy(), list[bool]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(polite.is_busy)
        if scope["type"] == "http":
            raise ConnectionError

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    async def ask() -> None:
        await courteous(polite, app)({"type": kind}, nothing, nothing)  # type: ignore[arg-type]  # never called

    if pauses:
        with pytest.raises(ConnectionError):
            asyncio.run(ask())
    else:
        asyncio.run(ask())
    assert (seen, polite.is_busy) == ([pauses], False)
