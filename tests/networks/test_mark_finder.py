import numpy as np
import pytest
import torch

from tests.filters.marked import cue_marked
from tests.filters.test_film import panned
from vsrestore import checkpoints, networks
from vsrestore.networks.mark_finder import MarkFinder, recognise

from .temporal_samples import frames, shaken, windows

LENGTH = 10
SMALL = {"radius": 2, "widths": (8, 8, 8), "blocks": (1, 0, 1, 0, 0)}


@pytest.fixture(scope="module")
def shipped():
    return networks.load(checkpoints.read(checkpoints.find("film-marks")), "mark_finder")


def tensors(pictures):
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)[None]


def around(shipped, *centres):
    return torch.tensor(centres)[:, None] + torch.arange(-shipped.radius, shipped.radius + 1)


@torch.inference_mode()
def test_a_mark_is_found_and_little_else(shipped):
    clean = panned(length=LENGTH)
    seen = cue_marked(clean, 3, 4)
    found = shipped(tensors(seen), around(shipped, 4, 5))[0, :, 0].numpy() > 0
    marked = np.abs(seen - clean).max(-1)[[4, 5]] > 0.1
    assert (found & marked).sum() > 0.9 * marked.sum()
    assert (found & ~marked).mean() < 0.02


@torch.inference_mode()
def test_nothing_is_found_in_a_clean_clip(shipped):
    assert not shipped(tensors(panned(length=LENGTH)), around(shipped, 4, 5)).any()


@torch.inference_mode()
def test_larger_cells_give_masks_of_the_same_size():
    network = shaken(MarkFinder, **SMALL)
    network.say.weight *= 30
    network.say.bias -= network.logits(frames(), windows(2, 3)).median()
    masks = [network(frames(), windows(2, 3), cell=cell) for cell in (2, 4)]
    for mask in masks:
        assert mask.shape == (1, 2, 1, 37, 53)
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert not torch.equal(*masks)


@torch.inference_mode()
def test_windows_know_nothing_of_each_other():
    network, x = shaken(MarkFinder, **SMALL), frames(n=2)
    together = network.logits(x, windows(2, 4))
    for row, centre in enumerate((2, 4)):
        alone = network.logits(x[:, centre - 2 : centre + 3], torch.arange(5)[None])
        torch.testing.assert_close(together[:, row : row + 1], alone, atol=1e-4, rtol=0)


def test_gradients_reach_every_layer():
    network = shaken(MarkFinder, **SMALL).train()
    restored, logits = network.restore_and_mark(frames(h=64, w=64), windows(2))
    logits.square().mean().backward()
    assert torch.equal(restored[0], frames(h=64, w=64)[:, 2:3])
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_settings_are_read_off_the_shapes():
    state = MarkFinder(**SMALL).state_dict()
    assert recognise({name: tuple(tensor.shape) for name, tensor in state.items()}) == SMALL
    assert recognise({"say.weight": (4, 4, 1, 3)}) is None
