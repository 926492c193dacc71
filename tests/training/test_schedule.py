import pytest

from vsrestore.training.recipe import DataRecipe, LossRecipe, Recipe, ScheduleRecipe, StageRecipe
from vsrestore.training.schedule import (
    floor_at,
    highest_rates,
    one_cycle,
    progress_at,
    rate_at,
    span_at,
    span_of_sample,
    spans,
)

SCHEDULE = ScheduleRecipe(warmup=10)


def test_progress_follows_the_steps_or_the_clock_whichever_is_ahead():
    assert progress_at(25, 100) == 0.25
    assert progress_at(25, 100, elapsed_s=30, limit_s=60) == 0.5
    assert progress_at(75, 100, elapsed_s=30, limit_s=60) == 0.75


def test_rate_warms_up_and_falls_to_zero():
    assert rate_at(0, 0.0, SCHEDULE) == pytest.approx(0.1)
    assert rate_at(9, 0.0, SCHEDULE) == pytest.approx(1)
    assert rate_at(500, 0.5, SCHEDULE) == pytest.approx(0.5)
    assert rate_at(999, 1.0, SCHEDULE) == pytest.approx(0, abs=1e-9)


def test_the_floor_falls_geometrically():
    loss = LossRecipe(floors=((0.0, 1e-2), (0.8, 1e-3), (1.0, 1e-4)))
    assert floor_at(0, loss) == pytest.approx(1e-2)
    assert floor_at(0.4, loss) == pytest.approx(10**-2.5)
    assert floor_at(0.8, loss) == pytest.approx(1e-3)
    assert floor_at(1, loss) == floor_at(1.5, loss) == pytest.approx(1e-4)


def test_a_run_without_stages_is_one_span():
    (span,) = spans(Recipe("film", data=DataRecipe(crop=96), schedule=ScheduleRecipe(steps=50, batch=3, fresh=2)))
    assert (span.first_step, span.steps, span.crop, span.batch, span.fresh) == (0, 50, 96, 3, 2)
    assert span_at([span], 10**6) is span


def test_stages_divide_steps_and_samples():
    """Steps 0-9 with 4 new samples each, 10-19 with 1, 20-39 with 2."""
    stages = (StageRecipe(0.25, 32, 4), StageRecipe(0.25, 64, 3, fresh=1), StageRecipe(0.5, 96, 2))
    found = spans(Recipe("film", schedule=ScheduleRecipe(steps=40, stages=stages)))
    assert [(span.first_step, span.steps, span.first_sample) for span in found] == [
        (0, 10, 0),
        (10, 10, 40),
        (20, 20, 50),
    ]
    assert [span_at(found, step).crop for step in (0, 9, 10, 19, 20, 39, 99)] == [32, 32, 64, 64, 96, 96, 96]
    assert [span_of_sample(found, number).crop for number in (0, 39, 40, 49, 50, 900)] == [32, 32, 64, 64, 96, 96]
    assert found[1].position(15) == 0.5


def test_one_cycle_rises_to_the_highest_rate_and_falls_to_almost_nothing():
    assert one_cycle(0, 0.3) == pytest.approx((1 / 25, 0.95))
    assert one_cycle(0.15, 0.3) == pytest.approx(((1 + 1 / 25) / 2, 0.9))
    assert one_cycle(0.3, 0.3) == pytest.approx((1, 0.85))
    assert one_cycle(0.65, 0.3) == pytest.approx(((1 + 1 / 250_000) / 2, 0.9))
    assert one_cycle(1, 0.3) == pytest.approx((1 / 250_000, 0.95))


def test_rates_of_groups_are_those_of_fastai():
    assert highest_rates([1e-2], 3) == pytest.approx([1e-3, 1e-3, 1e-2])
    assert highest_rates([1e-6, 1e-4], 3) == pytest.approx([1e-6, 1e-5, 1e-4])
    assert highest_rates([1e-6, 1e-4], 1) == pytest.approx([1e-4])
