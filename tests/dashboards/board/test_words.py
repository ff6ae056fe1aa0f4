"""Both catalogues are complete, say the same things, and leave no technical name over."""

from __future__ import annotations

import re
import string
from importlib.resources import files
from typing import get_args, get_type_hints

import pytest

from agent.probes import PROBES
from agent.probes.bandwidth.probe import PHASES as BANDWIDTH_PHASES
from agent.probes.service import PHASES as SERVICE_PHASES
from alerts.api import STAGES, Owner, Told, What
from collector.api import STATES, TaskState
from collector.judging.policy import Policy
from collector.judging.thresholds import WORDS
from dashboards.board.incidents.proof import Agreement
from dashboards.board.spans import DAYS
from dashboards.board.system_words import Side
from dashboards.board.things import _OWNERS
from dashboards.board.words import LANGS, Lang, Words, catalogue
from wire.leasing import WHYS
from wire.messages import Role
from wire.metrics import METRICS
from wire.outcomes import REASONS, Outcome

VI, EN = catalogue("vi"), catalogue("en")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys() -> None:
    assert set(VI.texts) == set(EN.texts)


def test_both_catalogues_fill_in_the_same_values() -> None:
    differing = [key for key in VI.texts if not key.endswith(".one") and fields(VI.texts[key]) != fields(EN.texts[key])]
    assert differing == []


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("group", "names"),
    [
        pytest.param("reason", list(REASONS), id="reasons"),
        pytest.param("lease", list(WHYS), id="why there is no lease"),
        pytest.param("metric", list(METRICS), id="metrics"),
        pytest.param("probe", [*PROBES, "self"], id="probes"),
        pytest.param("state", [*STATES, "planned"], id="states"),
        pytest.param("counter", list(STATES), id="counters"),
        pytest.param("task", list(get_args(TaskState)), id="tasks"),
        pytest.param("outcome", list(get_args(Outcome)), id="outcomes"),
        pytest.param("role", list(get_args(Role)), id="roles"),
        pytest.param("owner", [*_OWNERS, *get_args(Owner), "silent"], id="owners"),
        pytest.param("target", ["self", "gateway", "collector", "resolver", "default"], id="targets"),
        pytest.param("happened", list(get_args(What)), id="events of incidents"),
        pytest.param("incident", [f"to_{stage}" for stage in STAGES[2:]], id="stages by hand"),
        pytest.param("told_kind", list(get_args(get_type_hints(Told)["kind"])), id="kinds of messages"),
        pytest.param("told_state", list(get_args(get_type_hints(Told)["state"])), id="states of messages"),
        pytest.param("proof", list(get_args(Agreement)), id="whether measurements agree"),
        pytest.param("phase", ["resolve", "train", "read", *SERVICE_PHASES, *BANDWIDTH_PHASES], id="phases"),
        pytest.param("systems", [*(f"{group}_{state}" for group in ("only", "at", "count") for state in STATES),
                                 *(f"side_{side}" for side in get_args(Side)), "off_national", "off_unsure", "off_off",
                                 "scope_national", "scope_province", "scope_local"], id="systems"),
        pytest.param("chart", [f"{head}_{name}" for head in ("range", "of") for name in DAYS], id="ranges"),
        pytest.param("threshold", list(WORDS), id="thresholds"),
        pytest.param("policy_of", list(Policy.__struct_fields__), id="sections of the policy"),
    ],
)  # fmt: skip
def test_every_declared_word_has_a_human_one(lang: Lang, group: str, names: list[str]) -> None:
    texts = catalogue(lang).texts
    missing = [name for name in names if not {f"{group}.{name}", f"{group}.{name}.other"} & set(texts)]
    assert missing == []


def test_the_board_and_the_command_line_call_a_threshold_the_same() -> None:
    assert {key: EN.texts[f"threshold.{key}"] for key in WORDS} == WORDS


def test_no_technical_name_is_left_over_in_vietnamese() -> None:
    english = re.compile(r"\b(the|and|of|is|not|slow|down|loss|agent|probe|batch|spool|unknown)\b|motcua_")
    texts = {key: re.sub(r"{\w+}", "", text) for key, text in VI.texts.items()}
    leftovers = {key: text for key, text in texts.items() if english.search(text)}
    assert leftovers == {}


def test_every_key_a_template_names_is_declared() -> None:
    folder = files("dashboards.board").joinpath("templates")
    entries = [*folder.iterdir(), *folder.joinpath("incidents").iterdir()]
    source = "\n".join(entry.read_text("utf-8") for entry in entries if entry.is_file())
    named = set(re.findall(r"""w\(["']([a-z_0-9.]+)["']\s*[,)]""", source))
    assert len(named) > 80
    assert [key for key in sorted(named) if key not in VI.texts and f"{key}.other" not in VI.texts] == []


@pytest.mark.parametrize(
    ("words", "count", "said"),
    [
        pytest.param(EN, 1, "1 thing needs a person", id="en one"),
        pytest.param(EN, 2, "2 things need a person", id="en two"),
        pytest.param(EN, 0, "0 things need a person", id="en none"),
        pytest.param(VI, 1, "1 việc cần người xem", id="vi one"),
        pytest.param(VI, 2, "2 việc cần người xem", id="vi two"),
    ],
)
def test_plurals_are_right(words: Words, count: int, said: str) -> None:
    assert words("line.attention", count=count) == said


def test_a_reason_of_a_newer_agent_is_named_and_not_hidden() -> None:
    assert "from_the_future" in VI.reason("from_the_future")
    assert "from_the_future" in EN.reason("from_the_future")
    assert VI.reason(None) == ""


def test_an_undeclared_text_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(KeyError):
        VI("title.no_such")
