"""speedtest-cli as an engine: run in a child that can be killed, believed only where none of its streams failed.

It knows neither bounds nor latency under load, and what it uploaded is its own word. Over public servers the target is
`public`; else it measures against the province's server through Speedtest Mini's layout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from agent.probes.bandwidth.child import Job, Part
from agent.probes.bandwidth.look import Look
from agent.probes.bandwidth.order import WAYS, Course, Findings, Order
from agent.probes.given import Ended
from wire.outcomes import fail, unknown

MOST_S: Final = 10.0
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")


def run(order: Order, found: Findings) -> None:
    """One test by speedtest-cli. Raises Ended."""
    mini = "" if order.public else f"{order.url.rstrip('/')}/m/{order.ticket}/"
    ca_pem = order.ca_pem if mini.startswith("https") else b""
    leave = order.leave
    job = Job(mini, order.max_bytes, min(MOST_S, order.max_s), leave.interface, leave.source, ca_pem)
    before, parts = order.look(), []
    with _child(job, order.left()) as child:
        for part in _parts(child):
            parts.append(part.name)
            before = _take(part, before, order, found)
    if parts[-1:] != ["done"]:
        raise Ended(unknown("aborted"), error="speedtest-cli was ended before its test was over")


def _take(part: Part, before: Look, order: Order, found: Findings) -> Look:
    """What one part says, into `found`; the moment at which the next one begins. Raises Ended."""
    found.used = max(found.used, part.moved)
    if part.missing:
        text = "speedtest-cli is not installed: pip install 'motcua[speedtest]'"
        raise Ended(unknown("unsupported"), error=text, missing=part.missing)
    if part.name == "failed":
        raise Ended(unknown("aborted") if part.moved else fail("no_answer"), error=part.error)
    now = order.look()
    if part.name == "ready":
        found.idle_rtts.append(part.ping_s)
    for way in WAYS:
        if part.name == way:
            others = sum(course.moved for course in found.courses.values())
            found.courses[way] = Course(part.bps, None, None, part.seconds, part.streams, part.moved, before, now)
            found.used, found.phases[way] = others + part.moved, part.seconds
            order.explain(f"{way}: {part.bps / 1e6:.2f} Mbit/s, {part.seconds:.1f} s, {part.moved / 1e6:.0f} MB")
    return now


@contextmanager
def _child(job: Job, left_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """The child with its job, killed when its time is over; without the proxies of this machine's environment."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, "-m", "agent.probes.bandwidth.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    timer = threading.Timer(left_s, child.kill)
    timer.start()
    try:
        if child.stdin is not None:
            child.stdin.write(msgspec.json.encode(job))
            child.stdin.close()
        yield child
    except BrokenPipeError as error:
        raise Ended(unknown("aborted"), error="speedtest-cli's process did not start") from error
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _parts(child: subprocess.Popen[bytes]) -> Iterator[Part]:
    for line in child.stdout or ():
        try:
            yield msgspec.json.decode(line, type=Part)
        except msgspec.MsgspecError:
            continue  # the library itself may print
