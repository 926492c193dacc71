"""The naive ways of networks give the pictures of ours."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 52), (33, 48)])
def test_naive_rvrt_gives_the_picture_of_ours(part, size):
    from vsrestore.networks.layers import guided_attention

    naive, published = part("naive.rvrt"), part("published")
    network, frames = published.seeded(naive.RVRT(channels=24), 0.9), torch.rand(1, 4, 3, *size)
    ours = guided_attention.gather_attention
    with torch.inference_mode():
        expected = network(frames)
        found = naive.restore(network, frames)
        with naive.all_points_at_once():
            assert guided_attention.gather_attention is naive.attend_to_columns
    assert guided_attention.gather_attention is ours
    assert not torch.equal(found, expected)
    assert part("ways").largest_difference(found, expected) < 1e-5
