"""The roof: roles by name, and a missing library named with the extra that brings it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector import roles

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("library", "command", "extra"),
    [
        pytest.param("typer", "agent probes", "cli", id="no command line at all"),
        pytest.param("sqlalchemy", "collector centres", "collector", id="only the agent is installed"),
        pytest.param("uvicorn", "serve", "collector", id="no server"),
        pytest.param("jinja2", "serve", "board", id="no board"),
        pytest.param("psycopg", "collector migrate", "postgres", id="no PostgreSQL driver"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(library: str, command: str, extra: str, tmp_path: Path) -> None:
    script = f"import sys; sys.modules[{library!r}] = None; import motcua; sys.argv = ['motcua', *{command.split()}]; "
    environment = os.environ | {"MOTCUA_HOME": str(tmp_path)}
    if library == "psycopg":
        environment["MOTCUA_DATABASE"] = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    done = subprocess.run(
        [sys.executable, "-c", script + "motcua.main()"], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, f"pip install 'motcua[{extra}]'" in done.stderr) == (2, True), done.stderr


def test_roles_are_taken_once_and_in_order() -> None:
    assert roles.parse("judge, ingest,judge") == ("judge", "ingest")


def test_every_role_is_built_or_refused_by_name() -> None:
    for role in set(roles.ROLES) - set(roles.BUILT):
        with pytest.raises(roles.RoleError, match=f"'{role}' is not built yet"):
            roles.parse(role)
