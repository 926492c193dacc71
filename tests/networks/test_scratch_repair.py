import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.filters.marked import scratched
from tests.filters.seeded import psnr
from tests.filters.test_film import panned
from vsrestore import checkpoints, networks
from vsrestore.networks.scratch_repair import CELL, UNSURE, ScratchRepair, recognise, taller
from vsrestore.training.uprights import draw_uprights

from .temporal_samples import frames, shaken, windows

SMALL = {"radius": 1, "width": 4, "tall": 6}


def tensors(pictures):
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)[None]


@pytest.fixture(scope="module")
def shipped():
    return networks.load(checkpoints.read(checkpoints.find("film-scratches")), "scratch_repair")


@torch.inference_mode()
def test_scratches_go_and_the_rest_stays(shipped):
    clean = panned(top=0, height=240)
    seen = scratched(clean)
    out = shipped(tensors(seen), windows(2, 3, 4))[0].permute(0, 2, 3, 1).numpy()
    assert psnr(out, clean[2:5]) > psnr(seen[2:5], clean[2:5]) + 2


@torch.inference_mode()
def test_a_clip_without_scratches_stays(shipped):
    clean = panned()
    out = shipped(tensors(clean), windows(2, 3, 4))[0].permute(0, 2, 3, 1).numpy()
    assert psnr(out, clean[2:5]) > 50


@torch.inference_mode()
def test_posts_and_fences_stay(shipped):
    figures = []
    for seed in range(4):
        clean = draw_uprights(panned(), np.random.default_rng(seed)).astype(np.float32)
        out = shipped(tensors(clean), windows(3))[0].permute(0, 2, 3, 1).numpy()
        figures.append(psnr(out, clean[3:4]))
    assert min(figures) > 38
    assert np.mean(figures) > 45


@torch.inference_mode()
def test_what_is_no_scratch_stays_bit_by_bit():
    x = frames()
    assert torch.equal(ScratchRepair(**SMALL).eval()(x, windows(2, 3)[:, 1:4]) - x[:, 2:4], torch.zeros_like(x[:, 2:4]))
    network = shaken(ScratchRepair, **SMALL)
    with torch.no_grad():
        network.say.bias[:2] = torch.logit(torch.tensor(UNSURE))
        network.say.weight *= 30
    out, (logits, _) = network(x, windows(3)[:, 1:4]), network.scratches(x, windows(3)[:, 1:4])
    changed = (out != x[:, 3:4]).any(2)
    assert 0.01 < changed.float().mean() < 0.99
    likely = (torch.sigmoid(logits[0]) - UNSURE).clamp(min=0)
    assert not (changed & (taller(likely)[:, 0, :37] == 0)).any()


@torch.inference_mode()
def test_detail_seen_through_a_scratch_stays():
    """What is taken off is the same for all rows of a cell but for a straight slope."""
    network, x = shaken(ScratchRepair, **SMALL), frames()
    network.say.bias[:2] = 3
    change = (network(x, windows(3)[:, 1:4]) - x[:, 3:4])[0, 0, :, 2:34].unflatten(1, (-1, CELL))
    bend = change.diff(dim=2).diff(dim=2)
    assert change.abs().max() > 1e-3
    assert bend.abs().max() < 1e-5


@torch.inference_mode()
def test_windows_know_nothing_of_each_other():
    network, x = shaken(ScratchRepair, **SMALL), frames(n=2)
    network.say.bias[:2] = 3
    together = network(x, windows(2, 4)[:, 1:4])
    for row, centre in enumerate((2, 4)):
        alone = network(x[:, centre - 1 : centre + 2], torch.arange(3)[None])
        torch.testing.assert_close(together[:, row : row + 1], alone, atol=1e-4, rtol=0)


def test_gradients_reach_every_layer():
    network = shaken(ScratchRepair, **SMALL).train()
    network.restore(frames(h=64, w=64), windows(2)[:, 1:4])[0].square().mean().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_cells_become_rows_linearly():
    cells = torch.rand(2, 2, 8, 10, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(cells, scale_factor=(float(CELL), 1.0), mode="bilinear")
    torch.testing.assert_close(taller(cells), expected)


def test_settings_are_read_off_the_shapes():
    state = ScratchRepair(**SMALL).state_dict()
    assert recognise({name: tuple(tensor.shape) for name, tensor in state.items()}) == SMALL
    assert recognise({"say.weight": (4, 4, 1, 3)}) is None
