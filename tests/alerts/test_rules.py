"""Rules for motcua itself: sound by promtool, each tested both ways, over metrics that exist, with a runbook each."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own
from prometheus_client import CollectorRegistry

import alerts
from alerts.deliver.figures import Figures, Outbox
from collector.counters import Counters
from collector.hub import Hub
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from tests.support.handclock import HandClock
from wire.metrics import METRICS

FOLDER = Path(alerts.__file__).parent
RULES = sorted((FOLDER / "rules").glob("*.yml"))
TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))
NAMED = [pytest.param(path, id=path.stem) for path in RULES]

LANGUAGE = {
    "abs", "absent", "and", "by", "bool", "clamp_min", "group_left", "group_right", "histogram_quantile", "ignoring",
    "increase", "max", "min", "on", "or", "predict_linear", "rate", "sum", "time", "timestamp", "unless", "without",
}  # fmt: skip
"""Words of PromQL that the rules use; anything else outside braces is a metric."""

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def rules_of(path: Path) -> list[dict[str, Any]]:
    tree = yaml.safe_load(path.read_text("utf-8"))
    return [rule for group in tree["groups"] for rule in group["rules"]]


def metrics_in(query: str) -> set[str]:
    """Names outside strings, braces, ranges and lists of labels."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", query)
    bare = re.sub(r"\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"[a-z_:][a-z0-9_:]*", re.sub(r"\b\d[\d.e]*\b", " ", bare))) - LANGUAGE


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every name that a collector, its alerts, or an agent's own page may expose."""
    home = tmp_path_factory.mktemp("home")
    store = open_store(home, HandClock())
    migrate(store)
    hub, told = Hub(store, HandClock(), Settings(home=home)), CollectorRegistry()
    Figures(told)
    told.register(Outbox(store, HandClock()))
    found = {*exposed(hub.counters), *names(told), *METRICS, "up"}
    store.close()
    return found


def exposed(counters: Counters) -> set[str]:
    return set(names(counters.registry))


def names(registry: CollectorRegistry) -> Iterator[str]:
    """Names of samples, of those too that have none yet."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    for metric in registry.collect():
        yield from (metric.name + ending for ending in endings.get(metric.type, ("",)))


def promtool(*arguments: str | Path) -> str:
    """What it complains about; empty where it does not."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@needs_promtool
def test_promtool_finds_every_file_sound() -> None:
    assert promtool("check", "rules", *RULES) == ""


@needs_promtool
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in TESTS])
def test_every_alert_fires_when_it_should_and_only_then(path: Path) -> None:
    assert promtool("test", "rules", path) == ""


@pytest.mark.parametrize("path", NAMED)
def test_every_alert_is_tested_both_ways(path: Path) -> None:
    trees = [yaml.safe_load(file.read_text("utf-8")) for file in TESTS if file.name.startswith(path.stem)]
    cases = [case for tree in trees for test in tree["tests"] for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    quiet = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fires == quiet == {rule["alert"] for rule in rules_of(path)}


@pytest.mark.parametrize("path", NAMED)
def test_no_query_asks_for_a_metric_that_nobody_declares(path: Path, declared: set[str]) -> None:
    undeclared = {rule["alert"]: found for rule in rules_of(path) if (found := metrics_in(rule["expr"]) - declared)}
    assert undeclared == {}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param('up{job="motcua"} == 0 or absent(up{job="motcua"})', {"up"}, id="labels are no metrics"),
        pytest.param("sum by (instance, le) (rate(a_bucket[10m])) > 1", {"a_bucket"}, id="nor what is grouped by"),
        pytest.param("a_b < 2e9 and on (x) c_d > 30 * 86400", {"a_b", "c_d"}, id="nor numbers"),
        pytest.param("node_filesystem_free > motcua_no_such", {"node_filesystem_free", "motcua_no_such"}, id="others"),
    ],
)
def test_a_metric_is_found_wherever_it_stands(query: str, found: set[str]) -> None:
    assert metrics_in(query) == found


@pytest.mark.parametrize("path", NAMED)
def test_every_alert_has_its_words_and_its_runbook(path: Path) -> None:
    book = (FOLDER / "runbooks" / f"{path.stem}.md").read_text("utf-8")
    chapters = {part.split("\n", 1)[0]: part for part in book.split("\n## ")[1:]}
    assert list(chapters) == [rule["alert"] for rule in rules_of(path)]
    for rule in rules_of(path):
        told = rule["annotations"]
        assert told["runbook"] == f"{path.stem}.md#{rule['alert'].lower()}"
        assert told["summary_vi"] != told["summary_en"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert re.findall(r"\*\*(\w+)\*\*", chapters[rule["alert"]])[:3] == ["Means", "Look", "Do"]


def test_no_alert_has_the_name_of_another() -> None:
    every = [rule["alert"] for path in RULES for rule in rules_of(path)]
    assert len(every) == len(set(every)) > 20
