"""3x3 convolutions with many channels in fewer multiplications."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.devices.cpu import winograd
from vsrestore.devices.cpu.convolutions import FusedConv
from vsrestore.devices.cpu.winograd import Winograd
from vsrestore.devices.parts import Networks
from vsrestore.networks.layers.activation import Activation, lrelu, relu
from vsrestore.networks.layers.layout import channels_last


def conv(inputs: int = 64, outputs: int = 64, kernel: int | tuple[int, int] = 3, **settings: object) -> nn.Conv2d:
    """Return a convolution with the same random weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        made = nn.Conv2d(inputs, outputs, kernel, **{"padding": 1, **settings})  # type: ignore[arg-type]
    return made.requires_grad_(False)


def in_strips(direct: nn.Conv2d) -> nn.Conv2d:
    """Return a copy of a convolution that is computed so."""
    made = copy.deepcopy(direct)
    made.__class__ = Winograd
    return made


def picture(channels: int, h: int, w: int, count: int = 1) -> Tensor:
    return channels_last(torch.randn(count, channels, h, w, generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures of any size, and convolutions of any channels, be computed so."""
    monkeypatch.setattr(winograd, "FEWEST_PIXELS", dict.fromkeys(winograd.FEWEST_PIXELS, ((0, 1),)))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("under_way", [1, 3 * 7 * 20, winograd.UNDER_WAY], ids=["one_strip", "few", "all"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 9), (5, 7), (6, 7), (7, 2), (12, 7), (37, 7)])
def test_the_result_is_the_same(h: int, w: int, bias: bool, under_way: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "UNDER_WAY", under_way)
    direct, x = conv(8, 12, bias=bias), picture(8, h, w, count=2)
    result = in_strips(direct)(x)
    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(result, direct(x), rtol=0, atol=5e-6)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("channels", [16, 64, 256])
def test_rounding_stays_near_that_of_one_call(channels: int) -> None:
    direct, x = conv(channels, channels), F.relu(picture(channels, 48, 48))
    exact = F.conv2d(x.double(), direct.weight.double(), None, padding=1) + direct.bias.double()[:, None, None]
    error, usual = ((made(x) - exact).square().mean().sqrt() for made in (in_strips(direct), direct))
    assert error <= 2e-6 * exact.square().mean().sqrt()
    assert error <= 3 * usual


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("activation", [relu, lrelu], ids=["relu", "lrelu"])
def test_the_activation_comes_on_the_way(activation: Activation) -> None:
    made, x = in_strips(conv()), picture(64, 40, 50)
    with torch.inference_mode():
        activated = activation.after(made, x)
        assert torch.equal(activated, activation(made(x)))
    assert (activated != made(x)).any()


@pytest.mark.usefixtures("always")
def test_a_picture_comes_out_the_same_whatever_else_is_computed() -> None:
    made, x = in_strips(conv()), picture(64, 40, 50, count=3)
    together = made(x)
    assert torch.equal(made(x), together)
    for index in (2, 0, 1):
        assert torch.equal(made(x[index : index + 1]), together[index : index + 1])


@pytest.mark.parametrize(("capability", "small", "large"), [("AVX512", 45, 46), ("AVX2", 22, 23)])
@pytest.mark.parametrize("refused", ["small", "layout"])
def test_other_pictures_are_computed_in_one_call(
    capability: str, small: int, large: int, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    direct = conv(128, 128)
    made = in_strips(direct)
    x = picture(128, small, small) if refused == "small" else picture(128, 60, 60).contiguous()
    with torch.inference_mode():
        assert torch.equal(made(x), direct(x))
        assert torch.equal(relu.after(made, x), relu.after(direct, x))
        assert "transformed_kernel" not in vars(made)  # nor does it take memory for them
        made(picture(128, large, large))
    assert "transformed_kernel" in vars(made)


@pytest.mark.parametrize("capability", ["AVX512", "AVX2"])
@pytest.mark.parametrize(
    ("direct", "expected"),
    [
        (conv(64, 64), True),
        (conv(64, 256), True),
        (conv(48, 40), False),  # what brings the lines to the points and back costs more
        (conv(512, 16), False),
        (conv(64, 64, 5), False),
        (conv(64, 64, (3, 1)), False),
        (conv(64, 64, padding=0), False),
    ],
)
def test_which_gain(direct: nn.Conv2d, expected: bool, capability: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(winograd, "_full_speed", lambda: True)
    assert Winograd.suits(direct) is expected
    monkeypatch.setattr(winograd, "_full_speed", lambda: False)
    assert not Winograd.suits(direct)


@pytest.mark.parametrize(("capability", "expected"), [("AVX512", False), ("AVX2", True)])
def test_fewer_channels_gain_where_products_cost_more(
    capability: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "_full_speed", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert Winograd.suits(conv(64, 48)) is expected


@pytest.mark.parametrize(
    ("mkl", "capability", "maker", "expected"),
    [
        (True, "AVX512", "GenuineIntel", True),
        (True, "AVX512", "AuthenticAMD", False),
        (True, "AVX2", "AuthenticAMD", True),
        (False, "AVX2", "GenuineIntel", False),
    ],
)
def test_where_matrices_are_multiplied_at_full_speed(
    mkl: bool, capability: str, maker: str, expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(winograd.platform, "processor", lambda: maker)
    for about in (tmp_path / "none", tmp_path / "cpuinfo"):
        monkeypatch.setattr(winograd, "CPU", about)
        winograd._full_speed.cache_clear()
        assert winograd._full_speed() is expected
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nvendor_id : {maker}\n")
        monkeypatch.setattr(winograd.platform, "processor", lambda: "")
    winograd._full_speed.cache_clear()


def test_networks_are_given_such_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "_full_speed", lambda: True)

    def built(precision: str) -> nn.Module:
        layers = nn.Sequential(conv(64, 64), conv(64, 64, stride=2), conv(64, 128))
        return Networks(lambda: layers, lambda: torch.device("cpu")).get(precision)

    network = built("float32")
    assert [type(part) for part in network] == [Winograd, FusedConv, Winograd]
    assert list(network.state_dict()) == list(built("bfloat16").state_dict())
    assert [type(part) for part in built("bfloat16")] == [FusedConv] * 3
