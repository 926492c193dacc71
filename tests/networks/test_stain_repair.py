import pytest
import torch

from vsrestore.networks.stain_repair import StainRepair, recognise, still_layer

from .temporal_samples import frames, shaken, windows

SMALL = {"radius": 2, "width": 8, "widths": (8, 8, 8), "blocks": (1, 0, 1, 0, 0)}


def test_a_still_layer_is_what_stays_while_the_picture_moves():
    layer = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(1))
    step = torch.zeros(1, 3, 24, 40)
    step[..., 12:, :] = 1
    moving = torch.stack([layer + step.roll(n, -2) for n in (-6, -3, 0, 3, 6)])
    found = still_layer(moving)
    torch.testing.assert_close(found - found.mean((-2, -1), keepdim=True), layer - layer.mean((-2, -1), keepdim=True))


@torch.inference_mode()
def test_without_candidates_and_changes_of_its_own_nothing_is_changed():
    network = StainRepair(**SMALL).eval()
    network.weigh.bias[-1] = 1e4
    torch.testing.assert_close(network(frames(), windows(2, 3)), frames()[:, 2:4], atol=1e-6, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("reduced", [1, 2, 3])
def test_a_change_is_a_smooth_gain_at_the_size_of_the_frame(reduced):
    network = StainRepair(**SMALL).eval()
    network.weigh.bias[-1] = 1e4
    network.add.bias += 1.0
    restored = network(frames(), windows(2, 3), reduced=reduced)
    expected = (frames()[:, 2:4] + 0.1) * torch.tensor(0.1).exp() - 0.1
    torch.testing.assert_close(restored, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_cloud_over_one_frame_can_be_taken_from_its_neighbours():
    network = StainRepair(**SMALL).eval()
    network.weigh.bias[:] = -1e4
    network.weigh.bias[0] = 0.0  # believes the frame two before, along the motion
    torch.manual_seed(1)
    clean = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 32), size=(96, 128), mode="bicubic").clamp(0.2, 0.9)
    clean = clean.expand(5, -1, -1, -1)[None].contiguous()
    cloud = torch.exp(-(((torch.arange(128) - 64) / 10.0) ** 2)) * 0.2
    seen = clean.clone()
    seen[:, 2] *= 1 + cloud
    restored = network(seen, windows(2))
    assert (restored - clean[:, 2:3]).abs().mean() < 0.3 * (seen - clean)[:, 2:3].abs().mean()


@torch.inference_mode()
def test_windows_know_nothing_of_each_other():
    network, x = shaken(StainRepair, **SMALL), frames(n=2)
    together = network(x, windows(2, 4))
    for row, centre in enumerate((2, 4)):
        alone = network(x[:, centre - 2 : centre + 3], torch.arange(5)[None])
        torch.testing.assert_close(together[:, row : row + 1], alone, atol=1e-4, rtol=0)


def test_gradients_reach_every_layer():
    network = shaken(StainRepair, **SMALL).train()
    (restored,) = network.restore(frames(h=64, w=64), windows(2))
    restored.square().mean().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_settings_are_read_off_the_shapes():
    state = StainRepair(**SMALL).state_dict()
    assert recognise({name: tuple(tensor.shape) for name, tensor in state.items()}) == SMALL
    assert recognise({"weigh.weight": (4, 4, 1, 3)}) is None
