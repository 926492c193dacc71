"""The naive transcriptions of SF-AdaCoF and RIFE, and taps summed one by one, give what ours give."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vsrestore.networks.layers.collaborating_flows import adaptive_collaboration  # noqa: E402
from vsrestore.networks.rife import RIFE  # noqa: E402
from vsrestore.networks.sf_adacof import AdaCoF  # noqa: E402


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
def test_the_operator_sums_its_taps(part, kernel, dilation):
    """With displacements of whole numbers, negative ones, and far beyond the edges."""
    generator = torch.Generator().manual_seed(kernel + dilation)
    frames = torch.rand(2, 3, 11, 13, generator=generator)
    weights, down, across = (torch.randn(2, kernel**2, 11, 13, generator=generator) * size for size in (1, 6, 6))
    down[0, 0, 0] = torch.tensor([-1.0, 0.0, 1.0, -2.0, 30.0, -30.0, 10.0, -0.0, 0.5, -0.5, -1.5, 9.5, -9.5])
    found = adaptive_collaboration(frames, weights, down, across, dilation)
    expected = part("naive.sf_adacof").sampled(frames, weights, down, across, dilation)
    assert torch.allclose(found, expected, atol=3e-5)


def test_naive_sf_adacof_agrees_with_ours(part):
    video = part("video")
    network = video.seeded(AdaCoF(width=8, kernel=3), 1.4)
    given = video.pair(64, 96)
    with torch.inference_mode():
        ours, naive = network(*given), part("naive.sf_adacof").between(network, *given)
    assert float((ours - given[0]).abs().max()) > 0.1
    assert float((ours - naive).abs().flatten().quantile(0.999)) < 1e-5


@pytest.mark.parametrize("far", [False, True])
def test_naive_rife_agrees_with_ours(part, far):
    video = part("video")
    network = video.seeded(RIFE(channels=(8, 8, 8, 8), context=4, layers=2), 1.0)
    if far:
        network.block1.lastconv.weight *= 200
    given = video.pair(64, 128)
    with torch.inference_mode():
        flow = network.guess(*given).flow.abs().amax(dim=(2, 3))[0]
        ours, naive = network(*given), part("naive.rife").between(network, *given)
    assert bool((flow > 32).all()) == far
    assert part("ways").largest_difference(ours, naive) < 1e-4
