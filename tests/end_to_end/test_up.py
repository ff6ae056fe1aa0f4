"""`motcua up` as a newcomer runs it, in a network of its own: enrolled, measured, receipted, judged, shown, stopped."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.netns import Namespace, Wire, needs_netns, wired

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0


class Running:
    """A `motcua up` in a namespace, read line by line."""

    def __init__(self, namespace: Namespace, home: Path) -> None:
        self.namespace, self.lines = namespace, list[str]()
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace.name, sys.executable, "-m", "motcua", "up"],
            cwd=ROOT, env=os.environ | {"MOTCUA_HOME": str(home)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what was printed, now or soon."""
        with self._more:
            self._more.wait_for(lambda: self._find(pattern) is not None or self.process.poll() is not None, LIMIT_S)
            found = self._find(pattern)
        assert found is not None, "".join(self.lines)
        return found

    def _find(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, "".join(self.lines))

    def get(self, path: str, cookie: str = "") -> tuple[int, str, str]:
        """Status, body and session cookie of a page of the board."""

        def ask() -> tuple[int, str, str]:
            connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer.status, body, (answer.getheader("set-cookie") or "").partition(";")[0]

        return self.namespace.call(ask)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code. Everything it started is gone with it."""
        family: list[psutil.Process] = []
        if self.process.poll() is None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(LIMIT_S)
        _, alive = psutil.wait_procs(family, timeout=5)
        self._reader.join(LIMIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert alive == [], self.lines
        return code


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wired() as made:
        made.route_by_peer()
        yield made


@contextmanager
def up(wire: Wire, home: Path) -> Iterator[Running]:
    running = Running(wire.here, home)
    try:
        yield running
    finally:
        running.interrupt()


@needs_netns
@pytest.mark.netns
def test_a_newcomer_sees_this_machine_on_the_board_and_finds_it_again(wire: Wire, tmp_path: Path) -> None:
    with up(wire, tmp_path) as first:
        link = first.wait_for(r"http://127\.0\.0\.1:8080(/login/\S+)")[1]
        first.wait_for(r"measured, receipted and judged")
        status, _, cookie = first.get(link)
        assert status in {302, 303}
        assert cookie
        assert first.get(link)[0] == 403, "the link works once"
        status, page, _ = first.get("/", cookie)
        assert status == 200
        assert "Máy này" in page
        assert "00000-1" in first.get("/?lang=en", cookie)[1]
        assert first.interrupt() == 0, first.lines
    with up(wire, tmp_path) as second:
        second.wait_for(r"this machine\s+is centre 00000-1, enrolled before")
        second.wait_for(r"measured, receipted and judged")
        assert second.interrupt() == 0, second.lines


@needs_netns
@pytest.mark.netns
def test_a_second_up_in_the_same_home_names_the_one_that_runs(wire: Wire, tmp_path: Path) -> None:
    with up(wire, tmp_path) as first:
        first.wait_for(r"Board")
        with up(wire, tmp_path) as second:
            assert second.process.wait(LIMIT_S) == 4
            assert second.wait_for(r"in use by process (\d+)")[1] == str(_motcua_pid(first))


@needs_netns
@pytest.mark.netns
def test_a_port_in_use_is_named_with_its_holder_and_the_remedy(wire: Wire, tmp_path: Path) -> None:
    with up(wire, tmp_path / "one") as first:
        first.wait_for(r"Board")
        with up(wire, tmp_path / "two") as second:
            assert second.process.wait(LIMIT_S) == 4
            second.wait_for(
                rf"127\.0\.0\.1:8\d\d\d: .*process {_motcua_pid(first)}; .*set MOTCUA_\w+ to another address"
            )


def _motcua_pid(running: Running) -> int:
    """`ip netns exec` becomes the command, so the process is itself."""
    return running.process.pid


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["serve", "--roles", "export"], 2, "'export' is not built yet", id="a role that is not built yet"),
        pytest.param(["serve", "--roles", "judgement"], 2, "no role 'judgement'", id="a role nobody knows"),
        pytest.param(["serve", "--roles", ","], 2, "no role was given", id="no role at all"),
        pytest.param(["--version"], 0, "motcua 0.", id="version"),
        pytest.param(["agent", "probes"], 0, "reach", id="the probes"),
        pytest.param(["agent", "run"], 3, "no agent is enrolled here", id="an agent that is not enrolled"),
        pytest.param(["agent", "spool"], 0, "has not measured anything yet", id="an empty spool"),
        pytest.param(["agent", "once", "pc"], 0, "motcua_device_memory_used_ratio", id="one measurement"),
        pytest.param(["agent", "once", "nothing"], 1, "unsupported", id="a probe nobody knows"),
        pytest.param(["agent", "join", "https://127.0.0.1:1", "ABC"], 3, "44 letters", id="a join code cut short"),
        pytest.param(["collector", "centres", "--json"], 0, "[]", id="a listing for machines"),
        pytest.param(["collector", "agents", "--revoke", "nobody"], 3, "nobody", id="revoking somebody unknown"),
        pytest.param(["collector", "join-code", "7"], 2, "five digits", id="a centre's key with a typing error"),
        pytest.param(["collector", "check-config"], 0, "8443", id="the settings in force"),
    ],
)
def test_commands_end_with_their_sentence_and_exit_code(
    arguments: list[str], code: int, says: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "motcua", *arguments], cwd=ROOT, env=os.environ | {"MOTCUA_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
