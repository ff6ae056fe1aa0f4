"""alerts.toml: strict, refused in a sentence that names file, key and remedy, shown without a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from alerts import channels, checking
from alerts.channels import alertmanager
from alerts.settings import FILE, Quiet, read_settings
from wire.strict import SettingsError

EXAMPLE = Path(channels.__file__).parent.parent / "alerts.example.toml"
LOG = "[channels.log]\nkind = 'log'\n"


def written(home: Path, text: str) -> Path:
    (home / FILE).write_text(text, "utf-8")
    return home


def test_without_a_file_nobody_is_told(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert (settings.route("team:vnpt-bac"), settings.outlets, settings.heartbeat) == (None, {}, None)


def test_the_example_that_comes_along_is_valid_and_shows_every_kind_of_channel(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, EXAMPLE.read_text("utf-8")))
    assert {outlet.kind for outlet in settings.outlets.values()} == set(channels.CHANNELS)
    assert isinstance(settings.beats_to(), alertmanager.Config)


def test_what_the_example_has_commented_out_is_the_default(tmp_path: Path) -> None:
    shown = "\n".join(
        line.lstrip("# ") if line.startswith("# ") and " = " in line and line.split()[1].islower() else line
        for line in EXAMPLE.read_text("utf-8").splitlines()
        if not line.startswith(("# ca_file", "# authorization_file"))
    )
    plain = read_settings(written(tmp_path, EXAMPLE.read_text("utf-8")))
    whole = read_settings(written(tmp_path, shown))
    assert {n: o.config for n, o in whole.outlets.items() if n != "mail"} == {
        n: o.config for n, o in plain.outlets.items() if n != "mail"
    }
    assert whole.heartbeat == plain.heartbeat


@pytest.mark.parametrize(
    ("audience", "outlets"),
    [
        pytest.param("team:vnpt-bac", ("mail",), id="its own"),
        pytest.param("team:other", ("log",), id="that of all teams"),
        pytest.param("officer", ("mail", "log"), id="the officer"),
        pytest.param("centre:07210-1", ("log", "mail"), id="everybody else"),
    ],
)
def test_the_narrowest_route_that_fits_is_taken(audience: str, outlets: tuple[str, ...], tmp_path: Path) -> None:
    mail = "[channels.mail]\nkind = 'email'\nhost = 'mail.example.vn'\nsender = 'a@example.vn'\n"
    routes = {"'*'": ["log", "mail"], "'team:*'": ["log"], "'team:vnpt-bac'": ["mail"], "officer": ["mail", "log"]}
    text = LOG + mail + "".join(f"[routes.{name}]\nchannels = {way}\n" for name, way in routes.items())
    route = read_settings(written(tmp_path, text)).route(audience)
    assert route is not None
    assert route.outlets == outlets


@pytest.mark.parametrize(
    ("span", "quiet", "loud"),
    [
        pytest.param("22:00-06:00", (0, 359, 1320), (360, 720, 1319), id="over midnight"),
        pytest.param("12:00-13:30", (720, 809), (0, 719, 810), id="within a day"),
        pytest.param("00:00-00:00", (), (0, 720), id="never"),
    ],
)
def test_quiet_hours_hold_from_their_first_minute_to_before_their_last(
    span: str, quiet: tuple[int, ...], loud: tuple[int, ...], tmp_path: Path
) -> None:
    settings = read_settings(written(tmp_path, f"{LOG}[routes.officer]\nchannels = ['log']\nquiet = '{span}'\n"))
    held = settings.routes["officer"].quiet
    assert isinstance(held, Quiet)
    assert [held.holds(minute) for minute in (*quiet, *loud)] == [True] * len(quiet) + [False] * len(loud)


WEBHOOK = "[channels.hook]\nkind = 'webhook'\n"
MAIL = "[channels.mail]\nkind = 'email'\nhost = 'mail.example.vn'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("board_ulr = 'x'", "unknown key board_ulr; did you mean board_url?", id="unknown key"),
        pytest.param("board_url = 'motcua.example.vn'", "board_url: an address begins with https://", id="no address"),
        pytest.param("[channels.x]\nkind = 'pigeon'", "channels.x: kind is one of", id="no such kind"),
        pytest.param("[channels.x]\nhost = 'a'", "channels.x: kind is one of", id="no kind"),
        pytest.param("[channels.'X Y']\nkind = 'log'", "channel's name is small letters", id="name"),
        pytest.param("[channels.x]\nkind = 'log'\nlevel = 3", "channels.x: unknown key level", id="key of a channel"),
        pytest.param(WEBHOOK, "channels.hook: write url, or url_file", id="nowhere to go"),
        pytest.param(f"{WEBHOOK}url = 'ftp://x'", "address begins with https://", id="no HTTP"),
        pytest.param(f"{WEBHOOK}url = 'https://me:pw@x'", "no user and no password", id="secret in the address"),
        pytest.param(f"{WEBHOOK}url = 'https://x'\nurl_file = 'y'", "write url, or url_file", id="two addresses"),
        pytest.param(f"{WEBHOOK}url = 'https://x'\nsecret = 's'", "did you mean secret_file?", id="secret in the file"),
        pytest.param(f"{MAIL}sender = 'nobody'", "'nobody' is no e-mail address", id="no mailbox"),
        pytest.param(f'{MAIL}sender = "a@x.vn\\nBcc: b@x.vn"', "is no e-mail address", id="a header of its own"),
        pytest.param(f"{MAIL}sender = 'a@x.vn'\nuser = 'u'", "user and password_file go together", id="half a login"),
        pytest.param(f"{MAIL}sender = 'a@x.vn'\ntls = 'none'", "without TLS", id="in the clear"),
        pytest.param(f"{MAIL}sender = 'a@x.vn'\nport = 0", "channels.mail: port", id="no port"),
        pytest.param(
            "[channels.t]\nkind = 'ticket'\nformat = 'csv'\ncolumns = {a = 'circit'}\nhttp = {url = 'https://x'}",
            "there is no 'circit'; did you mean circuit?", id="no such fact",
        ),
        pytest.param("[channels.t]\nkind = 'ticket'\ntemplate = 'x'", "write http = ", id="a record for nobody"),
        pytest.param(
            "[channels.t]\nkind = 'ticket'\nhttp = {url = 'https://x'}", "columns for format csv", id="an empty record"
        ),
        pytest.param("[channels.z]\nkind = 'zalo_oa'\napp_id = 'x'", "channels.z: ", id="no id of an app"),
        pytest.param("[channels.a]\nkind = 'alertmanager'\nurls = []", "channels.a: urls", id="no Alertmanager"),
        pytest.param(
            f"{LOG}[routes.officer]\nchannels = ['logg']", "no channel 'logg'; did you mean log?", id="no such channel"
        ),
        pytest.param(f"{LOG}[routes.technician]\nchannels = ['log']", "an audience is officer", id="no such audience"),
        pytest.param(f"{LOG}[routes.officer]\nchannels = ['log']\nquiet = '22-6'", "write 22:00-06:00", id="no span"),
        pytest.param(f"{LOG}[routes.officer]\nchannels = ['log']\nlang = 'fr'", "lang", id="no such language"),
        pytest.param(f"{LOG}[heartbeat]\nchannel = 'log'", "no channel 'log' of kind alertmanager", id="a deaf ear"),
        pytest.param("[heartbeat]\nevery_s = 60", "somebody must hear it", id="a heartbeat for nobody"),
        pytest.param("[heartbeat]\nurl = 'https://x'\nevery_s = 1", "heartbeat.every_s", id="too fast a heart"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(written(tmp_path, text))
    assert said in str(caught.value)
    assert str(tmp_path / FILE) in str(caught.value)


# --- check-config ---------------------------------------------------------------------------------------------------


def run(home: Path) -> tuple[int, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    checking.mount(app)
    done = CliRunner().invoke(app, ["check-config"], env={"MOTCUA_HOME": str(home)})
    return done.exit_code, done.output


def with_secrets(home: Path) -> Path:
    (home / "secrets").mkdir()
    for name in ("mail", "sms", "zalo-app", "zalo-token", "hook", "vnpt-desk", "heartbeat"):
        (home / "secrets" / name).write_text(f"very-secret-{name}\n", "utf-8")
        (home / "secrets" / name).chmod(0o600)
    return written(home, EXAMPLE.read_text("utf-8"))


def test_check_config_shows_what_is_effective_and_no_secret(tmp_path: Path) -> None:
    code, text = run(with_secrets(tmp_path))
    assert (code, "very-secret" in text) == (0, False)
    for part in ("secrets/mail (••••••)", "587", "starttls", "all of it can be used", "22:00-06:00", "mail (email)"):
        assert part in text
    assert "https://su-co.example.vn/••••••" in text


def test_check_config_names_a_secret_that_others_can_read(tmp_path: Path) -> None:
    home = with_secrets(tmp_path)
    os.chmod(home / "secrets" / "hook", 0o644)  # noqa: PTH101
    code, text = run(home)
    assert code == 1
    assert "chmod 600" in text.replace("\n", " ")
    assert "1 fault" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read", id="not there"),
        pytest.param(b"", "one line of text", id="empty"),
        pytest.param(b"a\nb", "one line of text", id="two lines"),
        pytest.param(b"\xff\xfe\x00", "one line of text", id="not text"),
        pytest.param(b"x" * 9_000, "one line of text", id="far too long"),
    ],
)
def test_check_config_names_a_file_that_holds_no_secret(content: bytes | None, said: str, tmp_path: Path) -> None:
    home = with_secrets(tmp_path)
    (home / "secrets" / "hook").unlink()
    if content is not None:
        (home / "secrets" / "hook").write_bytes(content)
        (home / "secrets" / "hook").chmod(0o600)
    code, text = run(home)
    assert (code, said in text) == (1, True)


def test_check_config_refuses_what_cannot_be_read_at_all(tmp_path: Path) -> None:
    assert run(written(tmp_path, "board_ulr = 'x'"))[0] == 2


def test_check_config_says_how_to_begin(tmp_path: Path) -> None:
    code, text = run(tmp_path)
    assert (code, "alerts.example.toml" in text) == (0, True)
