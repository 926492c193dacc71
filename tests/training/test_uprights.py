import numpy as np

from vsrestore.training.uprights import draw_uprights


def test_uprights_stand_or_move():
    blank = np.full((5, 96, 128, 3), 0.5, np.float32)
    moving = 0
    for seed in range(90):
        drawn = draw_uprights(blank, np.random.default_rng(seed))
        assert drawn.min() >= 0
        assert drawn.max() <= 1
        moving += bool((drawn[0] != drawn[-1]).any())
    assert 15 < moving < 75
    assert blank.min() == blank.max()  # what is given stays


def test_some_stand_before_a_plain_sky():
    noise = np.random.default_rng(0).random((3, 96, 128, 3), np.float32)
    skies = 0
    for seed in range(40):
        drawn = draw_uprights(noise, np.random.default_rng(seed))
        quarter, three = np.quantile(drawn[1, 0, :, 0], (0.3, 0.7))
        skies += bool(three - quarter < 1e-3)
    assert 2 < skies < 20
