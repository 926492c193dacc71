import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import analog_swin_unet
from vsrestore.networks.absent_frames import ABSENT, BLACK
from vsrestore.networks.analog_swin_unet import AnalogSwinUNet
from vsrestore.networks.windows import window

SMALL = {"width": 16, "depths": (1, 2, 1, 1), "decoder_depths": (1, 1, 2), "heads": 4}


def _network(**settings):
    torch.manual_seed(0)
    network = AnalogSwinUNet(**{**SMALL, **settings}).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.ndim > 1:  # lively biases of positions, else they would not be seen
            parameter.normal_(0, parameter[0].numel() ** -0.5)
    return network


@pytest.mark.slow
def test_a_whole_clip_gives_the_published_frames():
    record = records.read("analog_swin_unet-pipeline")
    clip = record.frames()
    windows = torch.tensor([window(n, clip.shape[1], 2, 2, "black_short") for n in range(clip.shape[1])])
    with torch.inference_mode():
        restored = networks.load(record.tensors)(clip, windows)[0].clamp(0, 1)
    assert (restored - record.outputs["out_frames"]).abs().max() < 1e-5


@pytest.mark.parametrize("row", [[0, 1, 2, 3, 4], [0, 1, 2, 3, ABSENT], [BLACK, BLACK, 0, BLACK, ABSENT]])
@pytest.mark.parametrize("size", [(16, 16), (48, 160)])
def test_the_centre_alone_is_that_of_the_whole_window(row, size):
    network, clip = _network(), torch.rand(2, 5, 3, *size)
    length = len([position for position in row if position != ABSENT])
    with torch.inference_mode():
        centre = network(clip, torch.tensor([row]))
        whole = network(clip, torch.tensor([row]), keep=range(length))
    assert centre.shape == (2, 1, 3, *size)
    assert whole.shape == (2, length, 3, *size)
    assert torch.allclose(centre[:, 0], whole[:, 2], atol=1e-5)


def test_black_frames_are_frames():
    network, clip = _network(), torch.rand(1, 5, 3, 32, 32)
    clip[:, 0] = 0
    with torch.inference_mode():
        found = network(clip, torch.tensor([[0, 1, 2, 3, 4], [BLACK, 1, 2, 3, 4], [1, 1, 2, 3, 4]]))
    assert torch.equal(found[:, 0], found[:, 1])
    assert not torch.equal(found[:, 0], found[:, 2])


def test_other_depths_of_the_last_level_keep_the_same_frame():
    network, clip = _network(decoder_depths=(1, 1, 3)), torch.rand(1, 5, 3, 32, 32)
    with torch.inference_mode():
        centre = network(clip, torch.arange(5)[None])
        whole = network(clip, torch.arange(5)[None], keep=range(5))
    assert torch.allclose(centre[:, 0], whole[:, 2], atol=1e-5)


def test_bf16_weights_and_float32_frames():
    network, clip = _network(), torch.rand(1, 5, 3, 32, 32)
    window = torch.arange(5)[None]
    with torch.inference_mode():
        expected = network(clip, window)
        found = network.bfloat16()(clip, window)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.03 * expected.abs().max()


def test_sizes_that_are_no_multiple_are_refused():
    with pytest.raises(ValueError, match="multiples of 16 are accepted"):
        _network()(torch.rand(1, 5, 3, 32, 40), torch.arange(5)[None])


def test_windows_without_the_wanted_frame_are_refused():
    with pytest.raises(ValueError, match="a window holds 2 frames; 2 to 2 are to be kept"):
        _network()(torch.rand(1, 5, 3, 16, 16), torch.tensor([[0, 1, ABSENT]]))


def test_settings_are_read_off_the_published_tensors():
    keys = records.layout("analog_swin_unet-base")[1]
    shapes = {f"state_dict.net_g.{name}": tuple(spec["shape"]) for name, spec in keys.items()}
    shapes |= {"state_dict.lpips.lin.weight": (1, 64, 1, 1)}
    found = {"width": 96, "depths": (2, 2, 6, 2), "decoder_depths": (2, 6, 2), "heads": 8}
    assert networks.recognise(shapes) == ("analog_swin_unet", found)


def test_settings_of_other_sizes_are_read_too():
    shapes = {name: tuple(tensor.shape) for name, tensor in AnalogSwinUNet(**SMALL).state_dict().items()}
    assert analog_swin_unet.recognise(shapes) == SMALL


def test_other_networks_are_not_recognised():
    assert analog_swin_unet.recognise({"conv_input.weight": (96, 3, 3, 3)}) is None
