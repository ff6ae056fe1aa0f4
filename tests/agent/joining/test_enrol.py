"""Joining a collector: compared first, said second, and kept whole or not at all."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import identity
from agent.__main__ import NOT_JOINED, OK, main
from agent.identity import Identity, NotJoined
from agent.joining import keychild, keys
from agent.joining.enrol import JoinError, join
from agent.probes import PROBES
from tests.support.collector_double import AGENT, SECRET, TOKEN, Double, paper, serving
from wire import joincode
from wire.client import ca_fingerprint


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    (tmp_path / "double").mkdir()
    with serving(Double(), tmp_path / "double") as served:
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "home"


def other_code(secret: bytes = SECRET, ca: str = "double") -> str:
    return str(joincode.make(secret, ca_fingerprint(paper(ca).ca)))


def test_joining_leaves_a_home_that_can_run(double: Double, home: Path) -> None:
    made = join(double.url, double.code, role="pc", home=home, name="counter 3")
    assert (made.agent, made.centre, made.role) == (AGENT, "07375-1", "pc")
    assert identity.load(home) == (made, double.paper.ca)
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in home.iterdir()} == {
        "identity.json": 0o600,
        "sign.key": 0o600,
        "seal.key": 0o600,
        "ca.pem": 0o644,
    }
    (said,) = double.enrolled
    assert (said.role, said.name, said.capabilities) == ("pc", "counter 3", sorted(PROBES))
    assert {len(base64.b64decode(k)) for k in (said.sign_key, said.seal_key)} == {32}


def test_the_token_is_never_printed(double: Double, home: Path) -> None:
    assert TOKEN not in repr(join(double.url, double.code, role="box", home=home))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param("nonsense", "44 letters", id="no code at all"),
        pytest.param(other_code()[:-1] + "7", "typing error", id="a typing error"),
        pytest.param(other_code(ca="stranger"), "not the collector that this code was made for", id="another CA"),
        pytest.param(other_code(secret=b"9876543210"), "get a new code", id="a used code"),
    ],
)
def test_a_code_that_does_not_fit_is_refused_in_a_sentence(double: Double, home: Path, code: str, text: str) -> None:
    with pytest.raises(JoinError, match=text):
        join(double.url, code, role="box", home=home)
    assert double.enrolled == []
    with pytest.raises(NotJoined):
        identity.load(home)
    assert list(home.glob("*.new")) == []


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1", "http://127.0.0.1:1", "nowhere"], ids=["nobody there", "no TLS", "no address"]
)
def test_an_address_without_a_collector_is_refused(home: Path, url: str) -> None:
    with pytest.raises(JoinError):
        join(url, other_code(), role="box", home=home)


def test_a_stranger_with_another_certificate_learns_nothing(tmp_path: Path, double: Double, home: Path) -> None:
    (tmp_path / "stranger").mkdir()
    with serving(Double(paper=paper("stranger")), tmp_path / "stranger") as stranger:
        with pytest.raises(JoinError, match="the code was not sent"):
            join(stranger.url, double.code, role="box", home=home)
        assert stranger.enrolled == []


def test_joining_twice_is_refused_unless_forced(double: Double, home: Path) -> None:
    first = join(double.url, double.code, role="box", home=home)
    with pytest.raises(JoinError, match=f"already enrolled as {AGENT}"):
        join(double.url, double.code, role="box", home=home)
    (home / "spool.db").write_bytes(b"what the first one measured")
    (home / "plan.json").write_bytes(b"{}")
    before = (home / "sign.key").read_bytes()
    assert join(double.url, double.code, role="pc", home=home, force=True) != first
    assert (home / "sign.key").read_bytes() != before
    assert (home / f"spool-of-{AGENT}.db").read_bytes() == b"what the first one measured"
    assert not (home / "spool.db").exists()
    assert not (home / "plan.json").exists()


def test_a_forced_joining_that_fails_leaves_the_old_agent_whole(double: Double, home: Path) -> None:
    first = join(double.url, double.code, role="box", home=home)
    before = {p.name: p.read_bytes() for p in home.iterdir()}
    with pytest.raises(JoinError):
        join(double.url, other_code(secret=b"9876543210"), role="pc", home=home, force=True)
    assert {p.name: p.read_bytes() for p in home.iterdir()} == before
    assert identity.load(home)[0] == first


def test_without_cryptography_the_extra_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def child(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess([], keychild.NO_CRYPTOGRAPHY, b"", b"")

    monkeypatch.setattr(subprocess, "run", child)
    with pytest.raises(keys.KeyMakingFailed, match="extra `keys`"):
        keys.make(home)


def test_the_child_says_that_cryptography_is_missing(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['cryptography'] = None; from agent.joining.keychild import *; "
    hidden += "sys.exit(main(Path('.')))"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", hidden], cwd=root, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (keychild.NO_CRYPTOGRAPHY, b"")


def test_the_program_joins(double: Double, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["join", double.url, double.code, "--home", str(home), "--role", "vantage"]
    assert main(arguments) == OK
    assert f"{AGENT} of 07375-1" in capsys.readouterr().out
    assert main(arguments) == NOT_JOINED
    assert "already enrolled" in capsys.readouterr().err


def test_an_identity_without_its_ca_is_none(home: Path) -> None:
    home.mkdir(parents=True)
    (home / identity.FILE).write_bytes(b'{"agent":"a","centre":"c","url":"https://x","token":"t"}')
    with pytest.raises(NotJoined):
        identity.load(home)
    assert "t'" not in repr(Identity("a", "c", "https://x", "t"))
