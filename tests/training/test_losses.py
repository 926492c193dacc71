import pytest
import torch

from vsrestore.training.losses import charbonnier, log_error, restoration_loss, warp_loss


def test_charbonnier_is_zero_at_zero_and_nearly_the_absolute_value():
    errors = torch.tensor([0.0, -0.5, 0.5])
    torch.testing.assert_close(charbonnier(errors), torch.tensor([0.0, 0.499, 0.499]), atol=1e-4, rtol=0)


def test_masked_pixels_count_more():
    target = torch.zeros(1, 1, 3, 2, 2)
    restored = torch.full_like(target, 0.5)
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).view(1, 1, 1, 2, 2)
    plain = restoration_loss(restored, target, mask, 0.0)
    assert restoration_loss(restored, target, mask, 2.0) == pytest.approx(float(plain) * 1.5)


def test_log_error_counts_every_frame_alike():
    target = torch.zeros(1, 2, 3, 4, 4)
    restored = torch.stack((torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), 0.01)))[None]
    expected = torch.log(torch.tensor([0.01, 0.0001]) + 1e-5).mean()
    torch.testing.assert_close(log_error(restored, target), expected)


def test_warp_loss_is_least_for_the_true_motion():
    torch.manual_seed(0)
    wide = torch.rand(1, 3, 32, 48)
    clean = torch.stack([wide[..., 4 * t : 4 * t + 32] for t in range(3)], dim=1)  # moves 4 px to the left per frame
    windows = torch.tensor([[0, 1, 2]])
    true = torch.zeros(2, 2, 32, 32)
    true[0, 0], true[1, 0] = 4, -4  # frame 0 shows the content 4 px further right, frame 2 further left
    still = warp_loss([torch.zeros_like(true)], clean, windows)
    assert warp_loss([true], clean, windows) < 0.3 * still
    assert warp_loss([-true], clean, windows) > 0.8 * still
