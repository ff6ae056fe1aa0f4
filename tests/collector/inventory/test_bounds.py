"""A hundred thousand rows: read within a bounded memory and time, and not one more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.inventory.schema import ROWS
from tests.support import workbook as wb

ROOT = Path(__file__).parents[3]
MEMORY_MB, CPU_S = 400, 60

CHILD = f"""
import json, resource, sys
from pathlib import Path
from collector.inventory.checking import check_tables
from collector.inventory.problems import Problems
from collector.inventory.sheets import read_source
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_MB} << 20, {MEMORY_MB} << 20))
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))
problems = Problems()
found = check_tables(read_source(Path(sys.argv[1]), problems), problems, lambda *_: None)
print(json.dumps([len(found["centres"].bodies) if found else 0, [str(p) for p in problems.kept]]))
"""


@pytest.mark.parametrize("extra", [pytest.param(0, id="all"), pytest.param(1, id="one more")])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_hundred_thousand_rows_fit_and_one_more_is_refused(tmp_path: Path, suffix: str, extra: int) -> None:
    rows = [["key", "name_vi"], *([f"{n // 900:05d}-{n % 900}", f"Trung tâm {n}"] for n in range(ROWS + extra))]
    if suffix == "csv":
        (tmp_path / "centres.csv").write_text("\n".join(map(",".join, rows)), "utf-8")
    else:
        (tmp_path / "centres.xlsx").write_bytes(wb.workbook({"centres": wb.table(rows)}))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-500:]
    count, said = json.loads(done.stdout)
    if extra:
        assert count == 0
        assert f"centres.{suffix}:100002: more than 100,000 rows" in said[0]
    else:
        assert (count, said) == (ROWS, [])
