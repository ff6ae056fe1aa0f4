"""The Wilson bound against published values and by its meaning; windows that slide."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.judge.windows import Window, wilson_low
from tests.support.measured import ms, train


@pytest.mark.parametrize(
    ("hits", "trials", "low"),
    [
        # Newcombe 1998, table I, method 3 (score interval without continuity correction).
        pytest.param(81, 263, 0.2553, id="81 of 263"),
        pytest.param(15, 148, 0.0624, id="15 of 148"),
        pytest.param(0, 20, 0.0, id="0 of 20"),
        pytest.param(1, 29, 0.0061, id="1 of 29"),
        pytest.param(0, 0, 0.0, id="nothing"),
    ],
)
def test_the_lower_bound_is_that_of_the_score_interval(hits: int, trials: int, low: float) -> None:
    assert wilson_low(hits, trials) == pytest.approx(low, abs=5e-5)


@given(st.integers(1, 500), st.integers(0, 500))
def test_the_lower_bound_never_exceeds_the_share(trials: int, hits: int) -> None:
    hits = min(hits, trials)
    assert 0 <= wilson_low(hits, trials) <= hits / trials


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5), st.floats(0.001, 1)), max_size=60))
def test_a_window_holds_what_its_length_says(trains: list[tuple[int, int, float]]) -> None:
    window, facts = Window(), [train(s, lost=lost, rtt_s=rtt) for s, lost, rtt in sorted(trains)]
    for n, fact in enumerate(facts):
        window.add(fact)
        window.forget(fact.at - 60_000)
        inside = [f for f in facts[: n + 1] if f.at > fact.at - 60_000]
        rtts = [f.rtt_s for f in inside if f.rtt_s is not None]
        assert (len(window), window.sent) == (len(inside), 5 * len(inside))
        assert window.lost == sum(f.sent - f.received for f in inside)
        assert window.rtt_s == (median(rtts) if rtts else None)


def test_evidence_is_the_newest_and_bounded() -> None:
    window = Window()
    for second in range(20):
        window.add(train(second, lost=1, rtt_s=0.2))
    assert window.lossy()[0] == train(19, lost=1).id
    assert len(window.lossy()) == len(window.slow(0.1)) == 6
    assert window.slow(0.3) == ()
    window.forget(ms(100))
    assert (len(window), window.loss, window.rtt_s) == (0, 0.0, None)
