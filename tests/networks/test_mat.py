import numpy as np
import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import mat
from vsrestore.networks.mat import MAT, Block, Modulated, PartialConv

SMALL = {"size": 128, "width": 12, "code": 32, "most": 16, "capacity": 1024}


def _published(**settings):
    """Tensors of a small network in the published layout, with unit variance as published ones have."""
    with torch.device("meta"):
        network = MAT(**{**SMALL, **settings})
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    generator = torch.Generator().manual_seed(3)
    state = {}
    for name, shape in shapes.items():
        modulated = name.endswith(("conv0.conv.weight", "conv1.conv.weight", "toRGB.conv.weight"))
        scale = 100 if name.startswith("mapping.") and len(shape) == 2 else 1 if len(shape) > 1 else 0.1
        tensor = torch.randn(shape, generator=generator) * scale
        state[name] = tensor[None] if modulated and ".dec" in name else tensor
    return state


def _pictures(count=1, size=128):
    generator = torch.Generator().manual_seed(5)
    pictures = torch.rand(count, 4, size, size, generator=generator)
    pictures[:, 3] = 0
    pictures[:, 3, 30:90, 40:100] = 1
    return pictures


def _filled(network, pictures):
    with torch.inference_mode():
        return network(pictures)


def test_only_holes_change_and_what_is_in_them_does_not_count():
    network, pictures = networks.load(_published()), _pictures()
    filled = _filled(network, pictures)
    holes = (pictures[:, 3:] > 0).expand_as(filled)
    assert torch.equal(filled[~holes], pictures[:, :3][~holes])
    painted_over = torch.where(pictures[:, 3:] > 0, torch.rand_like(filled), pictures[:, :3])
    other = _filled(network, torch.cat((painted_over, pictures[:, 3:]), dim=1))
    torch.testing.assert_close(other, filled, atol=1e-5, rtol=0)
    assert (filled - pictures[:, :3])[holes].abs().max() > 0.01


def test_pictures_of_a_batch_do_not_touch_each_other():
    network, pictures = networks.load(_published()), _pictures(2)
    pictures[1, 3, :20] = 1
    alone = torch.cat([_filled(network, picture[None]) for picture in pictures])
    torch.testing.assert_close(_filled(network, pictures), alone, atol=1e-5, rtol=0)


def test_folded_gains_give_the_same_picture():
    state, pictures = _published(), _pictures()
    plain = MAT(**SMALL).eval()
    plain.load_state_dict(mat.rename(state))
    torch.testing.assert_close(_filled(networks.load(state), pictures), _filled(plain, pictures), atol=1e-4, rtol=0)


def test_the_seed_alone_decides():
    state, pictures = _published(), _pictures()
    first, again, other = (_filled(networks.load(state, seed=seed), pictures) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_code_is_what_the_published_script_draws_first():
    np.random.seed(240)
    torch.testing.assert_close(MAT(**SMALL, seed=240).z, torch.from_numpy(np.random.randn(1, 32)).float())


def test_weights_without_noise_are_those_with_noise_of_no_strength():
    """A third party publishes the 512 weights so."""
    state, pictures = _published(), _pictures()
    silent = {name: tensor * 0 if name.endswith("noise_strength") else tensor for name, tensor in state.items()}
    bare = {name: tensor for name, tensor in state.items() if "noise_" not in name}
    assert torch.equal(_filled(networks.load(bare), pictures), _filled(networks.load(silent), pictures))
    assert not torch.equal(_filled(networks.load(bare), pictures), _filled(networks.load(state), pictures))


def test_bfloat16_weights_and_float32_frames():
    state, pictures = _published(), _pictures()
    expected, found = _filled(networks.load(state), pictures), _filled(networks.load(state).bfloat16(), pictures)
    assert found.dtype == torch.float32
    assert (found - expected).std() < 0.1 * (expected - pictures[:, :3]).std()


def test_partial_convolution_amplifies_by_what_is_unknown():
    conv = PartialConv(1, 1)
    conv.conv.weight.data.fill_(1.0)
    known = torch.zeros(1, 1, 5, 5)
    known[..., :2, :2] = 1
    x, valid = conv(known, known)
    reached = torch.zeros(1, 1, 5, 5)
    reached[..., :3, :3] = 1
    torch.testing.assert_close(valid, reached)
    # All weights are 1/3: a sum of m known ones, amplified by 9 / m, is 3, times the gain sqrt(2).
    torch.testing.assert_close(x, reached * 3 * 2**0.5)


def test_demodulated_features_have_unit_variance_for_any_style():
    torch.manual_seed(0)
    conv = Modulated(8, 4, 6)
    torch.nn.init.normal_(conv.weight)
    torch.nn.init.normal_(conv.affine.weight)
    style, x = torch.randn(2, 6), torch.randn(2, 8, 9, 9)
    kernel = conv.weight[None] / (8 * 9) ** 0.5 * conv.affine(style)[:, None, :, None, None]
    kernel = kernel / (kernel.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    expected = torch.cat([torch.nn.functional.conv2d(x[i : i + 1], kernel[i], padding=1) for i in range(2)])
    torch.testing.assert_close(conv(x, style), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shifted", [False, True])
def test_a_window_with_anything_known_becomes_known(shifted):
    block = Block(12, 16, 8, shifted)
    known = torch.zeros(1, 16, 16, 1)
    known[0, 5, 6] = 1
    _, found = block(torch.rand(1, 16, 16, 12), known)
    first = 4 if shifted else 0
    expected = torch.zeros(1, 16, 16, 1)
    expected[0, first : first + 8, first : first + 8] = 1
    assert torch.equal(found, expected)


@pytest.mark.parametrize("wrapper", ["", "G_ema."])
def test_settings_are_read_off_the_published_layout(wrapper):
    _, keys = records.layout("mat-256")
    shapes = {f"{wrapper}{key}": tuple(spec["shape"]) for key, spec in keys.items()}
    expected = {"size": 256, "width": 180, "code": 512, "most": 512, "capacity": 32768}
    assert networks.recognise(shapes) == ("mat", expected)


def test_the_large_network_is_recognised():
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in MAT().state_dict().items()}
    assert networks.recognise(shapes)[1] == {
        "size": 512,
        "width": 180,
        "code": 512,
        "most": 512,
        "capacity": 32768,
    }


def test_other_networks_are_not_recognised():
    assert mat.recognise({"mapping.fc0.weight": (512, 512)}) is None
