import numpy as np

from vsrestore.training.uprights import draw_uprights


def test_uprights_stand_or_move():
    blank = np.full((5, 96, 128, 3), 0.5, np.float32)
    moving = 0
    for seed in range(30):
        drawn = draw_uprights(blank, np.random.default_rng(seed))
        assert drawn.min() >= 0
        assert drawn.max() <= 1
        moving += bool((drawn[0] != drawn[-1]).any())
    assert 5 < moving < 25
    assert blank.min() == blank.max()  # what is given stays
