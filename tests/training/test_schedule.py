import pytest

from vsrestore.training.recipe import LossRecipe, ScheduleRecipe
from vsrestore.training.schedule import floor_at, progress_at, rate_at

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
