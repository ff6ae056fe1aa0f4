"""The running agent, composed: what measures, what remembers, what sends, what listens."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent import health, identity, probes
from agent.attest import probe as attesting
from agent.config import Config, lan_address, listen_address
from agent.context import Facts
from agent.counts import Counts
from agent.lifetime import LifetimeFile
from agent.log import say, warn
from agent.spool.file import FILE as SPOOL_FILE
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from agent.spool.recorder import Recorder
from agent.spool.trim import DAY_MS, Limits
from agent.talk.batches import Sender
from agent.talk.contact import Contact
from agent.talk.leases import TIMEOUT_S as LEASE_S
from agent.talk.leases import Leases
from agent.talk.metrics_page import Page
from agent.talk.wait import Waiter
from agent.work.confirming import Confirming
from agent.work.guard import Guard
from agent.work.plan import Held, PlanFile
from agent.work.reaction import Reactions
from agent.work.runner import Runner
from agent.work.schedule import Schedule
from agent.work.tasks import Tasks
from agent.work.workers import Workers
from wire import attest
from wire.client import Client, pinned
from wire.clock import Clock, SystemClock, boot_id
from wire.messages import Observation

if TYPE_CHECKING:
    from agent.lan.desk import LanDesk
    from agent.serving import PageServer

TICK_S: Final = 1.0
LAST_WORDS_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class World:
    """What a test may hold: clocks, the machine's boot, chance."""

    clock: Clock
    boot_id: str
    chance: random.Random


def this_machine() -> World:
    return World(SystemClock(), boot_id(), random.Random())  # noqa: S311 (spreads load, guards nothing)


class Agent:
    """One enrolled agent. `run` returns when `stop` is called, after its last words. Raises identity.NotJoined."""

    def __init__(self, config: Config, world: World | None = None) -> None:
        self.home, world = config.home_path(), world or this_machine()
        self.failed = False  # a loop died of a fault of ours
        self._clock, self._stop = world.clock, threading.Event()
        self.identity, self._ca = identity.load(self.home)
        self.url = config.collector_url or self.identity.url
        self.counts, self.contact = Counts(), Contact(world.clock)
        self.lifetime = LifetimeFile(self.home)
        self.lifetime.see_boot(world.boot_id)
        self.plan = PlanFile(self.home, self.counts)
        self.keeper = Keeper(self.home / SPOOL_FILE, clock=world.clock, boot_id=world.boot_id, lifetime=self.lifetime)
        self._context = pinned(self._ca)
        self._measure(config, world)
        self._connect(config, world)
        self._lan = self._lan_desk(config) if config.lan_listen else None
        self._pages = list(self._listeners(config))

    def _measure(self, config: Config, world: World) -> None:
        self.recorder = Recorder(
            self.keeper,
            clock=world.clock,
            cut_s=config.cut_s,
            limits=Limits(config.spool_max_mb * 1024 * 1024, int(config.spool_max_days * DAY_MS)),
            counts=self.counts,
            sent_for=self._kick,
            chance=world.chance,
        )
        self.workers = Workers(config.workers)
        self.runner = Runner(
            clock=world.clock,
            workers=self.workers,
            load=self._load,
            facts=self._facts,
            sink=self._sink,
            counts=self.counts,
            lease=Leases(self._client(LEASE_S)).ask,
        )
        self.reactions = Reactions(world.clock, self.runner.due)
        self.health = health.Health(
            self.keeper,
            clock=world.clock,
            counts=self.counts,
            contact=self.contact,
            lifetime=self.lifetime,
            home=self.home,
            plan_version=lambda: self.plan.now.version,
        )
        self.attest = attesting.Attest(self.keeper, self.identity, self.home, self.contact.server_now_ms)
        self.schedule = Schedule(world.clock, self.runner.due, world.chance)
        self.confirming = Confirming(self.schedule.soon)
        self.guard = Guard(world.clock, wake=self._wake, counts=self.counts)

    def _connect(self, config: Config, world: World) -> None:
        posts, waits = (self._client() for _ in range(2))
        self.sender = Sender(
            self.keeper,
            posts,
            agent=self.identity.agent,
            boot_id=world.boot_id,
            clock=world.clock,
            contact=self.contact,
            counts=self.counts,
            chance=world.chance,
            pace_s=config.backlog_pace_s,
        )
        self.tasks = Tasks(
            self.keeper,
            self.runner,
            agent=self.identity.agent,
            clock=world.clock,
            contact=self.contact,
            find=self.schedule.item,
            sink=self._sink,
        )
        self.waiter = Waiter(
            waits,
            clock=world.clock,
            contact=self.contact,
            plan=self.plan,
            caps=",".join(sorted(probes.PROBES)),
            running=self.tasks.running,
            apply=self._apply,
            take=self.tasks.take,
            reached=self._kick,
            chance=world.chance,
        )

    def _client(self, timeout_s: float = 15.0) -> Client:
        return Client(self.url, self._context, token=self.identity.token, timeout_s=timeout_s)

    def _lan_desk(self, config: Config) -> LanDesk:
        from agent.lan.desk import LanDesk  # off by default: an agent without the page does not carry it

        return LanDesk(
            self.identity,
            self.home,
            config.lan_carry.rstrip("/"),
            clock=self._clock,
            contact=self.contact,
            due=self.runner.due,
            items=lambda: self.plan.now.items,
            sink=self._sink,
        )

    def _listeners(self, config: Config) -> Iterator[PageServer]:
        if config.metrics_listen:
            yield Page(listen_address(config.metrics_listen), lambda: self.health.latest)
        if self._lan is not None:
            from agent.lan.server import Desk, LanPage

            desk = Desk(self._lan.look, self._lan.slow, self._clock.mono_ms)
            yield LanPage(lan_address(config.lan_listen), desk)

    # --- from start to stop -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Measure until `stop`."""
        who = self.identity
        say("start", agent=who.agent, centre=who.centre, collector=self.url, plan=self.plan.now.version)
        self._tell_interrupted()
        self._apply(self.plan.now)
        self.schedule.start()
        loops = [self._loop(loop) for loop in (self.recorder.run, self.sender.run, self.waiter.run)]
        for page in self._pages:
            page.start()
        while not self._stop.wait(TICK_S):
            self.guard.tick()
            self.runner.watch()
        self._end(recording=loops[0], sending=loops[1])

    def stop(self) -> None:
        """Ask `run` to end. May be called from a signal handler."""
        self._stop.set()

    def _loop(self, run: Callable[[threading.Event], None]) -> threading.Thread:
        def guarded() -> None:
            # A loop that dies of a fault of ours must not leave an agent that looks alive and is deaf: it ends as a
            # whole, loudly, and the service manager starts it anew.
            try:
                run(self._stop)
            except Exception as error:
                warn("loop_died", loop=run.__qualname__, error=f"{type(error).__name__}: {error}")
                self.failed = True
                self._stop.set()

        thread = threading.Thread(target=guarded, name=run.__qualname__, daemon=True)
        thread.start()
        return thread

    def _end(self, *, recording: threading.Thread, sending: threading.Thread) -> None:
        self.schedule.stop()
        self.recorder.wake()
        self.sender.kick()
        recording.join(LAST_WORDS_S)
        sending.join(LAST_WORDS_S)
        try:
            if not recording.is_alive():  # else it is in the middle of the same act, on a very slow disk
                self.recorder.close()
            if not sending.is_alive():
                self.sender.last_words(self._client(LAST_WORDS_S))
        except Unwritable as error:
            warn("last_words_lost", error=str(error))
        for page in self._pages:
            page.stop()
        if not (sending.is_alive() or recording.is_alive()):
            self.keeper.close()  # else a thread may be in the middle of it; a WAL needs no goodbye
        say("stop", agent=self.identity.agent)

    # --- what the parts ask of each other -----------------------------------------------------------------------------

    def _load(self, name: str) -> probes.Probe:
        own: dict[str, probes.Probe] = {health.PROBE: self.health.probe, attest.PROBE: self.attest.probe}
        return own.get(name) or probes.load(name)

    def _facts(self) -> Facts:
        who = self.identity
        contact = self.contact
        return Facts(who.host, self.lifetime.now.boots, contact.clock_offset_s, who.port, self._ca, self.home)

    def _sink(self, observation: Observation) -> None:
        self.recorder.put(observation)
        self.reactions.see(observation)
        self.confirming.see(observation)
        if self._lan is not None:
            self._lan.take(observation)
        if observation.task_id is not None:
            self.tasks.finished(observation.task_id)

    def _apply(self, held: Held) -> None:
        own = (health.item(self.identity.subject), attesting.item(self.identity.subject))
        items = [*(i for i in held.items if i.id not in {one.id for one in own}), *own]
        self.schedule.apply(items)
        self.reactions.apply(items)
        self.confirming.apply(items)
        if self._lan is not None:
            self._lan.apply(items)
        self.runner.forget({i.id for i in items})

    def _tell_interrupted(self) -> None:
        try:
            found = self.tasks.report_interrupted()
        except Unwritable:
            return  # they are told at the next start: they stay written down as not done
        if found:
            say("tasks_interrupted", count=found)

    def _kick(self) -> None:
        self.sender.kick()

    def _wake(self) -> None:
        self.schedule.wake()
        self.recorder.wake()
        self.sender.kick()
