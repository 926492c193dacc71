"""What a tape network is asked for: the clean picture, with lines where nothing tells that they are out of place."""

import numpy as np
import pytest

from tests.damage.pictures import smooth
from vsrestore.damage.dropouts import Dropouts
from vsrestore.damage.luma import Levels, LumaNoise
from vsrestore.damage.sync import HeadSwitching, Mistracking, TimeBase
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape
from vsrestore.training.tasks.tape import FINE_JITTER, displaced

COARSE = TimeBase(jitter=2 * FINE_JITTER, waving=2)
KEPT = {
    "coarse jitter": TapeDamage(time_base=COARSE),
    "slow waves": TapeDamage(time_base=TimeBase(waving=2)),
    "skewed heads": TapeDamage(head_switching=HeadSwitching(height=12, snow=0, blank=0)),
}
UNDONE = {
    "noise": TapeDamage(luma_noise=LumaNoise(amount=0.05)),
    "levels": TapeDamage(levels=Levels(gain=0.9, lift=0.07)),
    "drop-outs": TapeDamage(dropouts=Dropouts(rate=5)),
    "fine jitter": TapeDamage(time_base=TimeBase(jitter=FINE_JITTER)),
    "tracking band": TapeDamage(mistracking=Mistracking(bands=1, tear=0)),
}


@pytest.mark.parametrize("name", KEPT)
def test_lines_that_stay_where_they_are_do_so_in_the_target(name):
    frames = np.stack([smooth()] * 2)
    seen, target = (damage_tape(frames, 5, 3, params).damaged for params in (KEPT[name], displaced(KEPT[name])))
    assert np.abs(seen - frames).max() > 0.01
    np.testing.assert_array_equal(target, seen)


@pytest.mark.parametrize("name", UNDONE)
def test_all_else_is_clean_in_the_target(name):
    frames = np.stack([smooth()] * 2)
    np.testing.assert_allclose(damage_tape(frames, 5, 3, displaced(UNDONE[name])).damaged, frames, atol=1e-5)


def test_lines_of_damage_and_target_lie_side_by_side():
    frames, mixed = np.stack([smooth()] * 2), PRESETS["vhs"]
    seen, target = (damage_tape(frames, 5, 3, params) for params in (mixed, displaced(mixed)))
    jitter = damage_tape(frames, 5, 3, TapeDamage(time_base=TimeBase(jitter=mixed.time_base.jitter))).shifts
    torn = damage_tape(frames, 5, 3, TapeDamage(mistracking=mixed.mistracking)).shifts
    below = damage_tape(frames, 5, 3, displaced(TapeDamage(mistracking=mixed.mistracking))).shifts
    np.testing.assert_allclose(seen.shifts - target.shifts, jitter + torn - below, atol=1e-4)
