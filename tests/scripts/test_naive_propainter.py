"""The naive transcriptions of RAFT and of ProPainter's generator give what our networks give."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vsrestore.networks.propainter import ProPainter  # noqa: E402
from vsrestore.networks.raft import RAFT  # noqa: E402


@pytest.mark.slow
def test_naive_raft_agrees_with_ours(part):
    network, frames = part("published").seeded(RAFT(iterations=3), 0.85), part("published").moving_noise(3, 128, 136)
    with torch.inference_mode():
        ours, naive = network(frames), part("naive.propainter").flows(network, frames)
    assert ours.abs().max() > 1
    assert part("ways").largest_difference(ours, naive) < 1e-4


@pytest.mark.slow
def test_naive_propainter_agrees_with_ours(part):
    naive = part("naive.propainter")
    generator = part("published").seeded(ProPainter(tokens=128, blocks=3, spread=4), 0.9)
    network = naive.Windows(generator, [range(4), range(2, 6)], range(6, 8))
    given = part("video").holed(part("published").moving_noise(8, 80, 88))
    with torch.inference_mode():
        ours, plain = network(*given), naive.paint(network, *given)
    assert not torch.equal(ours, plain)
    assert part("ways").largest_difference(ours, plain) < 1e-5
