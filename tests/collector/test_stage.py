"""What a simulation asks of the collector it plays on."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from collector.api import NotFound
from collector.hub import Hub
from collector.stage import Stage
from simulator.home import MARK
from simulator.stage import Stage as Asked
from wire import joincode

BAC_NINH = Path(str(resources.files("province") / "bac-ninh"))


@pytest.fixture
def stage(hub: Hub) -> Asked:
    """What the simulator asks for and what the collector offers are one thing: a type checker says so here."""
    return Stage(hub)


def test_a_province_is_imported_once_and_its_centres_have_join_codes(hub: Hub, stage: Asked) -> None:
    stage.import_province(BAC_NINH)
    stage.import_province(BAC_NINH)
    codes = stage.join_codes([("00000-1", "vantage"), ("07210-1", "box"), ("07228-1", "box")])
    assert len({str(joincode.parse(code)) for code in codes}) == 3
    assert (stage.measured(), stage.behind()) == (0, 0)
    assert {"centre:07210-1", "lan:07210-1", "line:07210-1/a"} <= set(stage.subjects())
    assert stage.board_link().startswith(f"http://{hub.settings.board}/login/")
    states = {state for state, _, _, _ in stage.held(["centre:07210-1"], (0, 10**13))["centre:07210-1"]}
    assert states == {"unknown"}


def test_a_code_for_a_centre_that_is_not_there_is_made_for_nobody(hub: Hub, stage: Asked) -> None:
    with pytest.raises(NotFound, match="07210-1"):
        stage.join_codes([("00000-1", "vantage"), ("07210-1", "box")])
    with hub.store.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM join_code").scalar() == 0


def test_the_mark_of_a_simulated_home_is_one_word_on_both_floors() -> None:
    from collector.settings import SIMULATED

    assert MARK == SIMULATED
