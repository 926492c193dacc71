import pytest
import torch
import torch.nn.functional as F

from vsrestore import networks
from vsrestore.networks.temporal_upscaler import TemporalUpscaler, recognise

from .temporal_samples import frames, shaken, windows

SMALL = {"scale": 2, "radius": 2, "widths": (8, 12, 16), "blocks": (1, 0, 1, 1, 2)}


@pytest.fixture(params=[2, 4])
def network(request):
    return shaken(TemporalUpscaler, **{**SMALL, "scale": request.param})


@torch.inference_mode()
@pytest.mark.parametrize("scale", [2, 4])
def test_untrained_network_enlarges_bicubically(scale):
    x = frames(h=64, w=64)
    out = TemporalUpscaler(**{**SMALL, "scale": scale}).eval()(x, windows(3))
    plain = F.interpolate(x[0, 3:4], scale_factor=scale, mode="bicubic")
    torch.testing.assert_close(out[0], plain, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_output_has_a_frame_per_window_and_the_larger_size(network):
    assert network(frames(2), windows(2, 3, 4)).shape == (2, 3, 3, 37 * network.scale, 53 * network.scale)


@torch.inference_mode()
def test_frames_do_not_depend_on_what_else_is_in_the_call(network):
    x = frames(2)
    together = network(x, windows(2, 3, 4))
    torch.testing.assert_close(together[1:, 2:], network(x[1:, 2:7], windows(2)), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_layout_of_frames_does_not_matter(network):
    x = frames(h=64, w=64)
    other = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    torch.testing.assert_close(network(other, windows(3)), network(x, windows(3)), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_neighbours_count(network):
    x = frames()
    other = x.clone()
    other[:, 2] = 0
    assert (network(x, windows(3)) - network(other, windows(3))).abs().max() > 1e-4


@torch.inference_mode()
def test_bf16_weights_keep_float32_frames_and_come_close(network):
    x, w = frames(), windows(3)
    plain = network(x, w)
    low = network.to(torch.bfloat16)(x, w)
    assert low.dtype == torch.float32
    assert (low - plain).abs().mean() < 0.01


def test_recognise_finds_the_constructor_settings(network):
    state = network.state_dict()
    shapes = {name: tuple(t.shape) for name, t in state.items()}
    assert recognise(shapes) == {**SMALL, "scale": network.scale}
    assert recognise({"conv.weight": (3, 3, 3, 3)}) is None
    assert isinstance(networks.load(state), TemporalUpscaler)


def test_every_weight_gets_a_gradient(network):
    network.restore(frames(t=5), windows(2))[0].square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []
