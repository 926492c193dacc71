"""A part of a picture is decoded as it is in the whole one."""

from __future__ import annotations

import pytest
import torch

from vsrestore.networks.layers.part_decoder import PartDecoder

HEIGHT, WIDTH = 6, 9


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (range(4 * HEIGHT), range(4 * WIDTH)),
        (range(9, 13), range(20, 31)),
        (range(1), range(4 * WIDTH - 1, 4 * WIDTH)),
        (range(22, 24), range(7)),
    ],
)
def test_it_is_a_part_of_the_whole(rows: range, columns: range) -> None:
    torch.manual_seed(1)
    decoder = PartDecoder(8, 4).eval()
    features = torch.randn(2, 8, HEIGHT, WIDTH)
    with torch.inference_mode():
        whole = features
        for layer in decoder:
            whole = layer(whole)
        part = decoder(features, rows, columns)
    torch.testing.assert_close(part, whole[..., rows.start : rows.stop, columns.start : columns.stop])
