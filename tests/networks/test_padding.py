"""Padding to the right and the bottom, as the network's rule says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vsrestore.networks.padding import padded
from vsrestore.networks.traits import Traits

PICTURE = torch.arange(2 * 3 * 5 * 6, dtype=torch.float32).reshape(2, 3, 5, 6)


@pytest.mark.parametrize(
    ("padding", "like"),
    [("reflect", "reflect"), ("symmetric", "symmetric"), ("replicate", "edge"), ("constant", "constant")],
)
def test_modes_are_those_of_numpy(padding: str, like: str) -> None:
    expected = np.pad(PICTURE.numpy(), ((0, 0), (0, 0), (0, 3), (0, 2)), mode=like)
    assert np.array_equal(padded(PICTURE, Traits(multiple=8, padding=padding)).numpy(), expected)


def test_sequences_are_padded_like_their_frames() -> None:
    rule = Traits(multiple=4)
    assert torch.equal(padded(PICTURE[None], rule)[0], padded(PICTURE, rule))


def test_sizes_that_fit_are_left_alone_or_padded_by_a_whole_multiple() -> None:
    fitting = PICTURE[..., :4, :4]
    assert padded(fitting, Traits(multiple=4)) is fitting
    expected = np.pad(fitting.numpy(), ((0, 0), (0, 0), (0, 4), (0, 4)), mode="symmetric")
    rule = Traits(multiple=4, padding="symmetric", pads_always=True)
    assert np.array_equal(padded(fitting, rule).numpy(), expected)


@pytest.mark.parametrize(("padding", "like"), [("reflect", "edge"), ("symmetric", "symmetric")])
def test_small_pictures(padding: str, like: str) -> None:
    """A reflection of more pixels than there are gives way to repeating the last; a mirror goes to and fro."""
    expected = np.pad(PICTURE[..., :2, :3].numpy(), ((0, 0), (0, 0), (0, 6), (0, 5)), mode=like)
    rule = Traits(multiple=8, padding=padding)
    assert np.array_equal(padded(PICTURE[..., :2, :3], rule).numpy(), expected)


def test_small_pictures_are_padded_to_the_least_size() -> None:
    assert padded(PICTURE, Traits(multiple=4, pads_to=12, padding="symmetric")).shape[-2:] == (12, 12)
    assert padded(PICTURE, Traits(pads_to=5)) is PICTURE
