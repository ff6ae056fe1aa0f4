"""Settings: a file in the home, variables that win over it, mistakes that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.settings import Address, MeasureServer, Settings, SettingsError, read_settings


def test_nothing_said_is_loopback_and_sqlite(tmp_path: Path) -> None:
    settings = read_settings({"MOTCUA_HOME": str(tmp_path)})
    assert settings == Settings(tmp_path, Address("127.0.0.1", 8443), Address("127.0.0.1", 8080))
    assert (settings.store, settings.agents_url) == (tmp_path, "https://127.0.0.1:8443")


def test_the_file_is_read_and_variables_win_over_it(tmp_path: Path) -> None:
    (tmp_path / "collector.toml").write_text(
        'database = "postgresql://u@h/d"\n[listen]\nagents = "0.0.0.0:1"\nboard = "[::1]:2"\nhosts = ["c.example"]\n'
    )
    settings = read_settings({"MOTCUA_HOME": str(tmp_path), "MOTCUA_AGENTS": "https://10.0.0.1:9443/"})
    assert settings.agents == Address("10.0.0.1", 9443)
    assert (settings.board, str(settings.board), settings.hosts) == (Address("::1", 2), "[::1]:2", ("c.example",))
    assert settings.store == "postgresql://u@h/d"
    assert read_settings({"MOTCUA_HOME": str(tmp_path), "MOTCUA_DATABASE": ""}).store == tmp_path


def test_how_much_disk_bodies_may_take_is_said_in_gigabytes(tmp_path: Path) -> None:
    (tmp_path / "collector.toml").write_text("[keep]\nbodies_gb = 1.5\n")
    assert read_settings({"MOTCUA_HOME": str(tmp_path)}).bodies_bytes == 1_500_000_000


def test_how_long_messages_stay_is_said_in_days(tmp_path: Path) -> None:
    (tmp_path / "collector.toml").write_text("[keep]\nmessages_days = 90\n")
    assert read_settings({"MOTCUA_HOME": str(tmp_path)}).messages_ms == 90 * 86_400_000


def test_measurement_servers_are_named_with_what_they_carry(tmp_path: Path) -> None:
    (tmp_path / "collector.toml").write_text('measure = ["https://a.example:8444,500,4", "http://192.0.2.9"]\n')
    two = (MeasureServer("https://a.example:8444", 500, 4), MeasureServer("http://192.0.2.9", 1_000, 20))
    assert read_settings({"MOTCUA_HOME": str(tmp_path)}).measure == two
    moved = {"MOTCUA_HOME": str(tmp_path), "MOTCUA_MEASURE": "https://b.example,200"}
    assert read_settings(moved).measure == (MeasureServer("https://b.example", 200, 20),)
    assert read_settings(moved | {"MOTCUA_MEASURE": ""}).measure == ()


def test_a_machine_reaches_itself_on_loopback_where_it_listens_everywhere() -> None:
    assert Settings(Path(), Address("0.0.0.0", 1)).agents_url == "https://127.0.0.1:1"
    assert Settings(Path(), Address("::", 1)).agents_url == "https://[::1]:1"


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        pytest.param("listn = 1", {}, "did you mean listen", id="unknown key"),
        pytest.param("[listen]\nagent = 'x:1'", {}, "listen.agent.*did you mean agents", id="unknown key below"),
        pytest.param("[listen]\nagents = 'x'", {}, "listen.agents.*host:port", id="no port"),
        pytest.param("", {"MOTCUA_BOARD": "x:99999"}, "MOTCUA_BOARD.*host:port", id="no such port"),
        pytest.param("", {"MOTCUA_DATABASE": "mysql://x"}, "MOTCUA_DATABASE.*postgresql", id="another database"),
        pytest.param("[quality]\nreflector = 'x:0'", {}, "quality.reflector.*host:port", id="a reflector at no port"),
        pytest.param("", {"MOTCUA_REFLECTOR": "a b:1"}, "reflector.*host:port", id="a reflector at no host"),
        pytest.param("database = 1", {}, "database", id="wrong type"),
        pytest.param("[keep]\nbodies_gb = 0", {}, "keep.bodies_gb", id="no room at all"),
        pytest.param("[keep]\nmessages_days = 39", {}, "keep.messages_days", id="gone before late data"),
        pytest.param("measure = ['m.example']", {}, "measure.*not a measurement server", id="no address"),
        pytest.param("", {"MOTCUA_MEASURE": "https://m.example,fast"}, "MOTCUA_MEASURE.*Mbit/s", id="no number"),
        pytest.param("", {"MOTCUA_MEASURE": "https://m.example,1,2,3"}, "MOTCUA_MEASURE", id="a number too many"),
        pytest.param("", {"MOTCUA_MEASURE": "https://m.example,0"}, "MOTCUA_MEASURE", id="a server of no speed"),
        pytest.param("", {"MOTCUA_MEASURE": "https://u:p@m.example"}, "MOTCUA_MEASURE", id="a password in it"),
        pytest.param("", {"MOTCUA_MEASURE": "https://m.example https://m.example,5"}, "each.*once", id="named twice"),
        pytest.param("]", {}, "not TOML", id="no TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, environment: dict[str, str], said: str) -> None:
    (tmp_path / "collector.toml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_settings({"MOTCUA_HOME": str(tmp_path), **environment})


def test_a_home_is_simulated_by_the_mark_in_it(tmp_path: Path) -> None:
    assert not read_settings({"MOTCUA_HOME": str(tmp_path)}).simulated
    (tmp_path / "simulated.json").write_text("{}")
    assert read_settings({"MOTCUA_HOME": str(tmp_path)}).simulated


def test_the_reflector_is_of_the_file_and_a_variable_wins_over_it(tmp_path: Path) -> None:
    (tmp_path / "collector.toml").write_text('[quality]\nreflector = "reflector.example.vn:8462"\neverywhere = true\n')
    settings = read_settings({"MOTCUA_HOME": str(tmp_path)})
    assert (settings.reflector, settings.reflector_everywhere) == (Address("reflector.example.vn", 8462), True)
    moved = read_settings({"MOTCUA_HOME": str(tmp_path), "MOTCUA_REFLECTOR": "[2001:db8::1]:9"})
    assert str(moved.reflector) == "[2001:db8::1]:9"
