"""The shape of the house: who may import whom, and what may never be committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"wire", "agent", "collector", "alerts", "dashboards", "simulator", "province", "motcua"}
MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "agent": {"wire"},
    "simulator": {"wire"},
    "collector": {"wire"},
    "alerts": {"wire", "collector.api"},
    "dashboards": {"wire", "collector.api", "alerts.api"},
}
NEVER_IN_THE_AGENT = {"typer", "rich", "httpx", "cryptography", "litestar", "sqlalchemy", "uvicorn", "jinja2"}


def sources(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written from the root"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed(name: str, floor: str) -> bool:
    if name.partition(".")[0] not in OURS or name.partition(".")[0] == floor:
        return True
    return any(name == door or name.startswith(f"{door}.") for door in MAY_IMPORT[floor])


@pytest.mark.parametrize("floor", sorted(MAY_IMPORT))
def test_every_floor_imports_only_what_the_import_rule_allows(floor: str) -> None:
    broken = [f"{p.relative_to(ROOT)}: {n}" for p in sources(floor) for n in imports(p) if not allowed(n, floor)]
    assert broken == []


def test_the_wire_needs_nothing_but_msgspec_and_the_standard_library() -> None:
    known = set(sys.stdlib_module_names) | {"msgspec", "wire", "_typeshed"}  # the last is for type checkers only
    assert [n for p in sources("wire") for n in imports(p) if n.partition(".")[0] not in known] == []


def test_the_simulator_needs_little_more_than_the_wire() -> None:
    known = set(sys.stdlib_module_names) | {"msgspec", "wire", "simulator", "typer", "rich"}  # the last two to be seen
    assert [n for p in sources("simulator") for n in imports(p) if n.partition(".")[0] not in known] == []


def test_the_running_agent_never_loads_what_is_heavy() -> None:
    script = "import sys, agent.__main__, agent.probes as p; [p.load(n) for n in p.PROBES]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert NEVER_IN_THE_AGENT & set(done.stdout.split()) == set()


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_lock_files_name_no_address() -> None:
    locks = sorted((ROOT / "locks").glob("*.txt"))
    assert locks
    assert [f"{p.name}: {line}" for p in locks for line in p.read_text().splitlines() if "://" in line] == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    home = re.compile(rb"(?<![\w.])/(work|home/[a-z]+|Users/[A-Za-z]+)/")
    own = {Path(__file__).resolve()}
    found = [p for p in tracked() if p.is_file() and p not in own and home.search(p.read_bytes())]
    assert found == []


def test_modules_stay_small_enough_to_be_read_at_once() -> None:
    too_long = {
        str(p.relative_to(ROOT)): lines
        for floor in OURS - {"motcua"}
        for p in sources(floor)
        if (lines := p.read_text("utf-8").count("\n")) > 320
    }
    assert too_long == {}
