import pytest

from vsrestore.training.recipe import LossRecipe, ScheduleRecipe
from vsrestore.training.schedule import flow_weight_at, progress_at, psnr_weight_at, rate_at

SCHEDULE = ScheduleRecipe(rate=1e-3, warmup=10)


def test_progress_follows_the_steps_or_the_clock_whichever_is_ahead():
    assert progress_at(25, 100) == 0.25
    assert progress_at(25, 100, elapsed_s=30, limit_s=60) == 0.5
    assert progress_at(75, 100, elapsed_s=30, limit_s=60) == 0.75


def test_rate_warms_up_and_falls_to_zero():
    assert rate_at(0, 0.0, SCHEDULE) == pytest.approx(1e-4)
    assert rate_at(9, 0.0, SCHEDULE) == pytest.approx(1e-3)
    assert rate_at(500, 0.5, SCHEDULE) == pytest.approx(5e-4)
    assert rate_at(999, 1.0, SCHEDULE) == pytest.approx(0, abs=1e-9)


def test_flow_weight_falls_and_stays():
    loss = LossRecipe(flow=1.0, flow_end=0.1, flow_share=0.5)
    assert flow_weight_at(0, loss) == pytest.approx(1.0)
    assert flow_weight_at(0.25, loss) == pytest.approx(0.55)
    assert flow_weight_at(0.5, loss) == flow_weight_at(0.9, loss) == pytest.approx(0.1)


def test_psnr_enters_late():
    loss = LossRecipe(psnr=0.02, psnr_from=0.6)
    assert psnr_weight_at(0.6, loss) == 0
    assert psnr_weight_at(0.65, loss) == pytest.approx(0.01)
    assert psnr_weight_at(0.9, loss) == pytest.approx(0.02)
