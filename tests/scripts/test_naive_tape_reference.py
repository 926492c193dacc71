"""TAPE as published and ours, which share no line, give the same pictures for the same weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

SMALL = {"width": 16, "depths": (2, 2, 2, 2)}


def pair(*shape):
    frames = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    return frames, frames.flip(-1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("windows", "references", "size"),
    [
        ([[-1, 0, 1, 2, 3], [1, 2, 3, 4, -1]], [[0, 1, 2, 3, 4], [4, 4, 4, 4, 4]], (64, 80)),
        ([[0, 1, 2, 3]], [[2, 0, 1]], (96, 144)),
    ],
)
def test_both_give_the_same(part, windows, references, size):
    """The second case has fewer references than frames, which the published grouping treats in its own way."""
    from vsrestore.networks.tape_reference import TapeReference

    network = part("published").seeded(TapeReference(**SMALL), 0.7)
    frames, reference_frames = pair(1, 5, 3, *size)
    arguments = frames, torch.tensor(windows), torch.tensor(references), reference_frames
    with torch.inference_mode():
        found, naive = network(*arguments), part("naive.tape_reference").restore(network, *arguments)
    assert found.shape == (1, len(windows), 3, *size)
    assert part("ways").largest_difference(found - frames[:, 2:3], naive - frames[:, 2:3]) < 1e-4
