import pytest
import torch

from vsrestore import networks
from vsrestore.networks.frame_interpolator import FrameInterpolator, recognise

from .temporal_samples import shaken

SMALL = {"widths": (8, 12, 16), "blocks": (1, 0, 1, 1, 2)}


@pytest.fixture
def network():
    return shaken(FrameInterpolator, **SMALL)


def moving(*places, h=64, w=96):
    """Frames of a smooth picture that has moved to the right by so many pixels, (K, 3, h, w)."""
    noise = torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(1))
    picture = torch.nn.functional.interpolate(noise, scale_factor=8.0, mode="bicubic").clamp(0, 1)
    return torch.cat([picture[..., 20 : 20 + h, 60 - place : 60 - place + w] for place in places])


def psnr(a, b):
    return float(-10 * torch.log10((a.clamp(0, 1) - b).square().mean()))


@torch.inference_mode()
@pytest.mark.parametrize(("time", "place"), [(0.25, 2), (0.5, 4), (0.75, 6)])
def test_untrained_network_follows_the_motion(time, place):
    before, after, truth = moving(0, 8, place).split(1)
    made = FrameInterpolator(**SMALL).eval()(before, after, torch.tensor([time]))
    assert psnr(made, truth) > 30
    assert psnr(made, truth) > psnr(torch.lerp(before, after, time), truth) + 8


@torch.inference_mode()
def test_frames_do_not_depend_on_what_else_is_in_the_call(network):
    before, after, times = moving(0, 3), moving(5, 9), torch.tensor([0.5, 0.2])
    together = network(before, after, times)
    torch.testing.assert_close(together[1:], network(before[1:], after[1:], times[1:]), atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(("h", "w"), [(1, 1), (7, 40), (37, 53)])
def test_any_size_stays(network, h, w):
    assert network(moving(0, h=h, w=w), moving(2, h=h, w=w), torch.tensor([0.5])).shape == (1, 3, h, w)


@torch.inference_mode()
def test_the_frame_between_equal_frames_of_the_untrained_network_is_the_same():
    still = moving(0)
    made = FrameInterpolator(**SMALL).eval()(still, still, torch.tensor([0.4]))
    assert psnr(made, still) > 45


@torch.inference_mode()
def test_bf16_weights_keep_float32_frames_and_come_close(network):
    pair = (moving(0), moving(4), torch.tensor([0.5]))
    plain = network(*pair)
    low = network.to(torch.bfloat16)(*pair)
    assert low.dtype == torch.float32
    assert (low - plain).abs().mean() < 0.01


@torch.inference_mode()
def test_windows_of_a_clip_tell_the_times(network):
    clip = moving(0, 4, 8, 12)[None]
    (made,) = network.restore(clip, torch.tensor([[0, 1, 3], [1, 2, 3]]))
    assert made.shape == (1, 2, 3, 64, 96)
    alone = network(clip[:, 0], clip[:, 3], torch.tensor([1 / 3]))
    torch.testing.assert_close(made[:, 0], alone, atol=1e-4, rtol=0)


def test_recognise_finds_the_constructor_settings(network):
    state = network.state_dict()
    assert recognise({name: tuple(t.shape) for name, t in state.items()}) == SMALL
    assert recognise({"conv.weight": (3, 3, 3, 3)}) is None
    assert isinstance(networks.load(state), FrameInterpolator)


def test_every_weight_gets_a_gradient(network):
    network.restore(moving(0, 3, 6)[None], torch.tensor([[0, 1, 2]]))[0].square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []
