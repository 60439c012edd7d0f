"""The measures that do not depend on the machine's pace, small."""

import pytest
from bench.figures import Figure

from bench import alike, calls, honesty, labelling, sampling, small_loop, training
from label_loop.domain import pacing


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let detection run as fast as the machine can: what is counted here does not depend on it."""
    monkeypatch.setattr(pacing, "IMAGES_PER_SECOND_PER_UNIT", 1000.0)


def assert_hold(figures: list[Figure]) -> None:
    assert [figure for figure in figures if not figure.holds] == []


@pytest.mark.slow
def test_an_image_takes_few_calls() -> None:
    accepted, reviewed, answered = calls.measure(50)
    assert_hold([accepted, reviewed])
    # What a run asks once weighs more with 50 images, so the bound is wider than the measure's.
    assert answered.value <= 3.0


@pytest.mark.slow
def test_a_sample_takes_few_calls_and_none_is_missed() -> None:
    assert_hold(sampling.measure(20, 50))


@pytest.mark.slow
def test_a_training_check_lists_the_labelled_images_and_no_others() -> None:
    assert_hold(training.measure_check(1000, 2000))


@pytest.mark.slow
def test_a_manifest_takes_little_memory() -> None:
    (peak,) = training.measure_manifest(20_000)
    assert 0 < peak.value <= 60


@pytest.mark.slow
def test_a_small_loop_improves_where_nobody_answers() -> None:
    loop = small_loop.SmallLoop(seed=2)
    before, after = loop.live(days=15)
    assert "ask" in loop.history
    assert loop.deployed >= 2
    assert after >= before + 0.05


@pytest.mark.slow
def test_alike_images_leave_the_score_of_a_loop_honest() -> None:
    copied, _, fixed = alike.measure((1,), 60)
    assert_hold([fixed])
    assert copied.value <= 0.1  # one run of a few images


@pytest.mark.slow
def test_the_desk_teaches_more_than_labels_at_random() -> None:
    plan = labelling.Plan(known=2, arriving=80, answered=12, rounds=3)
    left = {
        rule: sum(labelling.errors(labelling.digits, plan, rule, 1))
        for rule in (labelling.at_random, labelling.by_desk)
    }
    assert left[labelling.by_desk] < 0.75 * left[labelling.at_random]


@pytest.mark.slow
def test_whoever_swaps_labels_cannot_cover_it_up_in_the_test_set() -> None:
    pair = honesty._poisoned(1)
    decided = honesty._decisions([pair], 20, honesty.covered_up)
    assert (decided["deploy"], decided.total()) == (0, 20)
    assert pair.gain < -0.02


def test_a_figure_is_out_of_bounds_on_either_side() -> None:
    assert Figure("calls", 1.6, at_most=1.6).holds
    assert not Figure("calls", 1.61, at_most=1.6).holds
    assert not Figure("share", 0.94, at_least=0.95).holds


@pytest.mark.slow
def test_an_unknown_measure_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    from bench.__main__ import main  # draws two thousand pictures

    assert main(["speed"]) == 2
    assert "speed" in capsys.readouterr().out
