import pytest
import torch

from vsrestore.networks.layers.window_attention import attend, join_windows, relative_positions, split_windows


@pytest.mark.parametrize("frames", [1, 2])
def test_windows_join_to_what_was_split(frames):
    x = torch.randn(2, frames, 16, 24, 3)
    windows = split_windows(x)
    assert windows.shape == (2, 2, 3, 64 * frames, 3)
    assert torch.equal(windows[0, 1, 2, -1], x[0, -1, 15, 23])
    assert torch.equal(join_windows(windows), x)


@pytest.mark.parametrize("frames", [1, 2])
def test_pairs_of_tokens_share_a_bias_when_they_lie_alike(frames):
    positions = relative_positions(frames)
    assert positions.unique().numel() == (2 * frames - 1) * 15 * 15
    assert positions[0, 1] == positions[8, 9] == positions[62, 63] != positions[1, 0]
    assert positions.min() == 0


def test_tokens_that_a_roll_brought_together_do_not_attend_to_each_other():
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 2, 3, 64, 4)
    picture = torch.zeros(1, 1, 16, 24, 4)
    picture[:, :, :4] = 1
    value = split_windows(picture.roll((-4, -4), dims=(2, 3)))
    found = join_windows(attend(query, key, value, torch.zeros(2, 64, 64), True)).roll((4, 4), dims=(2, 3))
    assert torch.allclose(found[0, 0, :4], torch.ones(()))
    assert not found[0, 0, 12:].any()
