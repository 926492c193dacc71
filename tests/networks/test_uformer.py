import pytest
import torch
import torch.nn.functional as F

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import uformer
from vsrestore.networks.uformer import Uformer, WindowAttention

SMALL = {"width": 8, "depths": (1, 2, 1, 1, 2, 1, 1, 2, 1), "heads": (1, 1, 1, 1, 2, 2, 1, 1, 1)}


def _network(**settings):
    torch.manual_seed(0)
    return Uformer(**{**SMALL, **settings}).eval()


def _restored(network, image):
    with torch.inference_mode():
        return network(image)


def _seen(network, image):
    """What a network's first convolution is given."""
    calls = []
    network.input_proj["proj"].register_forward_pre_hook(lambda _module, inputs: calls.append(inputs[0]))
    _restored(network, image)
    return calls[0]


@pytest.mark.parametrize(("square", "height", "top"), [(True, 256, 113), (False, 128, 49)])
def test_the_frame_lies_in_the_middle_of_black(square, height, top):
    image = torch.rand(1, 3, 29, 131)
    seen = _seen(_network(square=square), image)
    assert seen.shape == (1, 3, height, 256)
    torch.testing.assert_close(seen[..., top : top + 29, 62 : 62 + 131], image)
    assert seen.sum() == pytest.approx(float(image.sum()), rel=1e-5)


def test_both_paddings_agree_where_they_are_the_same():
    image = torch.rand(2, 3, 120, 100)
    torch.testing.assert_close(_restored(_network(square=False), image), _restored(_network(), image))


def test_square_frames_are_what_the_rest_is_cut_from():
    network, image = _network(), torch.rand(1, 3, 128, 256)
    square = F.pad(image, (0, 0, 64, 64))
    torch.testing.assert_close(_restored(network, image), _restored(network, square)[..., 64:192, :])


def test_the_seam_of_a_roll_keeps_apart_what_lies_apart():
    """Windows are written out with their regions, and attention as in the paper."""
    torch.manual_seed(1)
    attention = WindowAttention(8, 2)
    torch.nn.init.normal_(attention.relative_position_bias_table)
    windows = torch.rand(1, 2, 3, 64, 8)
    region = torch.zeros(16, 24)
    for axis, side in ((0, 16), (1, 24)):
        at = torch.arange(side)
        number = (at >= side - 8).int() + (at >= side - 4).int()
        region += number[:, None] * 3 if axis == 0 else number[None]
    regions = region.view(2, 8, 3, 8).transpose(1, 2).reshape(1, 2, 3, 64)
    apart = (regions[..., None] != regions[..., None, :]).float() * -100
    query = attention.qkv["to_q"](windows) * 4**-0.5
    key, value = attention.qkv["to_kv"](windows).chunk(2, dim=-1)
    heads = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = query[..., part] @ key[..., part].transpose(-1, -2)
        bias = torch.tensor(
            [
                [
                    attention.relative_position_bias_table[(a // 8 - b // 8 + 7) * 15 + a % 8 - b % 8 + 7, head].item()
                    for b in range(64)
                ]
                for a in range(64)
            ]
        )
        heads.append((scores + bias + apart).softmax(-1) @ value[..., part])
    expected = attention.proj(torch.cat(heads, dim=-1))
    torch.testing.assert_close(attention(windows, seams=True), expected, atol=1e-6, rtol=1e-5)


def test_the_shift_of_the_bottleneck_is_a_switch():
    image = torch.rand(1, 3, 128, 128)
    assert not torch.equal(_restored(_network(), image), _restored(_network(bottleneck_shift=True), image))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_weights_and_float32_frames(dtype):
    image = torch.rand(1, 3, 100, 128)
    expected = _restored(_network(), image)
    found = _restored(_network().to(dtype), image)
    assert found.dtype == torch.float32
    assert (found - expected).std() < 0.02 * (expected - image).std()


def test_settings_are_read_off_the_published_layout():
    _, keys = records.layout("uformer-b")
    shapes = {f"state_dict.module.{key}": tuple(spec["shape"]) for key, spec in keys.items()}
    assert networks.recognise(shapes) == (
        "uformer",
        {"width": 32, "depths": uformer.DEPTHS, "heads": uformer.HEADS, "ratio": 4, "modulated": True},
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 16, "depths": (2,) * 9, "heads": uformer.HEADS, "ratio": 4, "modulated": True},
        {"width": 32, "depths": (2,) * 9, "heads": uformer.HEADS, "ratio": 4, "modulated": False},
    ],
)
def test_other_sizes_are_recognised(settings):
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Uformer(**settings).state_dict().items()}
    assert networks.recognise(shapes) == ("uformer", settings)


def test_other_networks_are_not_recognised():
    assert uformer.recognise({"input_proj.proj.0.weight": (32, 3, 3, 3)}) is None
