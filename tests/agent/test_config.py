"""Settings: strict, and refused in a sentence that names file, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Config, for_home, listen_address, load
from wire.strict import SettingsError


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    assert for_home(tmp_path) == Config(home=str(tmp_path))
    assert Config().metrics_listen == ""


def test_the_home_is_the_one_asked_for(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text('home = "/elsewhere"\ncut_s = 30\n', "utf-8")
    assert for_home(tmp_path) == Config(home=str(tmp_path), cut_s=30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("cuts_s = 1", "did you mean cut_s", id="unknown key"),
        pytest.param("cut_s = 90", "cut_s", id="cut more rarely than the contract allows"),
        pytest.param("spool_max_days = 35", "spool_max_days", id="longer than duplicates are known"),
        pytest.param("spool_max_mb = 'much'", "spool_max_mb", id="wrong type"),
        pytest.param("log_level = 'loud'", "log_level", id="no such level"),
        pytest.param("metrics_listen = '0.0.0.0:9410'", "loopback", id="listening to everybody"),
        pytest.param("metrics_listen = '9410'", "address:port", id="no address"),
        pytest.param("metrics_listen = 'host:9410'", "metrics_listen", id="a name is no address"),
        pytest.param("collector_url = 'http://x'", "https://", id="no TLS"),
        pytest.param("home = ' '", "home", id="no home"),
        pytest.param("cut_s = ", "not TOML", id="no TOML"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(f"home = '{path}'", "utf-8")
    with pytest.raises(SettingsError, match="not a folder"):
        load(path)


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:9410", ("127.0.0.1", 9410)), ("[::1]:0", ("::1", 0))], ids=["v4", "v6"]
)
def test_a_loopback_address_is_taken(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address
