"""The correlation of all pairs of pixels, held or computed anew."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers import correlation
from vsrestore.networks.layers.correlation import Correlation


def features() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    first, second = torch.rand(2, 1, 16, 16, 18, generator=generator)
    return first, second


def test_it_is_the_product_at_every_level() -> None:
    first, second = features()
    found = Correlation(first, second).around(torch.zeros(2, 2, 16, 18))
    y, x = 9, 7
    for level in range(4):
        small = F.avg_pool2d(second, 2**level)
        products = torch.einsum("c,chw->hw", first[0, :, y, x], small[0]) / 4  # the root of 16 channels
        places = found[0, :, y, x].view(4, 9, 9)[level]  # the first axis moves to the right
        row, column = y / 2**level, x / 2**level
        if level == 0:
            assert places[4 + 2, 4 - 3] == pytest.approx(float(products[y - 3, x + 2]), abs=1e-5)
        top, left = int(row), int(column)
        down, right = row - top, column - left
        corners = F.pad(products, (0, 1, 0, 1))[top : top + 2, left : left + 2]
        expected = (corners[0] * (1 - down) + corners[1] * down) @ torch.tensor([1 - right, right])
        assert places[4, 4] == pytest.approx(float(expected), abs=1e-5)


def test_the_way_back_is_that_of_the_images_exchanged() -> None:
    first, second = features()
    flow = 4 * torch.rand(2, 2, 16, 18, generator=torch.Generator().manual_seed(1)) - 2
    there = Correlation(first, second).around(flow)
    back = Correlation(second, first).around(flow.flip(0))
    torch.testing.assert_close(there, back.flip(0))


def test_what_is_too_large_to_be_held_is_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = 40 * torch.rand(2, 2, 16, 18, generator=torch.Generator().manual_seed(2)) - 20
    held = Correlation(*features()).around(flow)
    monkeypatch.setattr(correlation, "BYTES", 0)
    monkeypatch.setattr(correlation, "BYTES_AT_ONCE", 2**17)
    anew = Correlation(*features())
    assert anew.held is None
    torch.testing.assert_close(anew.around(flow), held)
