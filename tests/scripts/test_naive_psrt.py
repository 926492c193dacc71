"""The naive transcription of PSRT gives what our network gives."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vsrestore.networks.psrt import PSRT  # noqa: E402


@pytest.mark.slow
def test_naive_psrt_agrees_with_ours(part):
    published = part("published")
    network = published.seeded(PSRT(channels=8, groups=2, layers=2, heads=2, hidden=12), 1.0)
    frames = published.moving_noise(3, 35, 42)
    with torch.inference_mode():
        onward, _ = network.spynet.between_neighbours(frames)
        ours, naive = network(frames), part("naive.psrt").enlarge(network, frames)
    assert 1 < onward.abs().max() < 20
    assert part("ways").largest_difference(ours, naive) < 1e-5
