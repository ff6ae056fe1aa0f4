"""`motcua alerts score` as people run it: played, judged and told by the real chain, one worker and several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120.0

SHORT = """about = "one full disk, and a line whose cut was announced"
[[cause]]
kind = "disk_full"
from_s = 0
to_s = 300
centres = ["07210-1"]
[[cause]]
kind = "line_cut"
from_s = 30
to_s = 240
lines = ["07228-1/b"]
[[planned]]
subject = "line:07228-1/b"
from_s = -60
to_s = 600
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "motcua", "alerts", "score", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=LIMIT_S
    )


def test_causes_of_others_are_scored_by_two_workers(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT, "utf-8")
    done = run("--scenario", str(file), "--seeds", "2", "--jobs", "2", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["seeds"], told["causes"], told["recall"], told["owner_right"]) == (2, 2, 1.0, 1.0)
    assert (told["messages_per_cause"], told["not_one"], told["false"]) == (1.0, [], [])
    assert (told["quiet"], told["disturbed"]) == (2, [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--scenario", "storms"], "did you mean storm?", id="no such scenario"),
        pytest.param(["--province", "/nowhere", "--seeds", "1"], "cannot be copied", id="no province"),
        pytest.param(["--scenario", "storm", "--kept", "kept.ndjson"], "leave it out", id="a scenario is not kept"),
    ],
)
def test_wrong_usage_ends_with_its_sentence(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
