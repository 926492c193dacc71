import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers.box import box_mean, box_sum, halve


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 17])
@pytest.mark.parametrize("dim", [-1, -2])
def test_sums_are_those_of_every_run(size, dim):
    x = torch.rand(2, 3, 20, 24, dtype=torch.float64)
    torch.testing.assert_close(box_sum(x, size, dim), x.unfold(dim, size, 1).sum(-1))


def test_means_repeat_the_border():
    x = torch.rand(1, 2, 9, 11, dtype=torch.float64)
    padded = F.pad(x, (2, 2, 1, 1), mode="replicate")
    torch.testing.assert_close(box_mean(x, (3, 5)), F.avg_pool2d(padded, (3, 5), 1))


def test_halving_is_the_mean_of_four():
    x = torch.rand(1, 2, 8, 6)
    torch.testing.assert_close(halve(x), F.avg_pool2d(x, 2))
