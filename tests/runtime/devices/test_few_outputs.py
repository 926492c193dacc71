"""Convolutions with few outputs in two steps, in networks of torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from vsrestore.runtime.devices.cpu.convolutions import FusedConv
from vsrestore.runtime.devices.cpu.few_outputs import TwoSteps, gains
from vsrestore.runtime.parts import Networks

PICTURE = torch.rand(2, 32, 13, 17, generator=torch.Generator().manual_seed(1))
SHAPES = [(3, 32, 3, 3), (1, 32, 5, 5), (3, 32, 5, 3), (3, 32, 9, 9), (3, 32, 4, 2)]
PADDINGS = [(0, 0), (1, 1), (2, 0)]


def conv(shape: tuple[int, int, int, int], bias: bool = True, **settings: object) -> nn.Conv2d:
    """Return a convolution with the same random weights every time, at the end of a network."""
    outputs, inputs, rows, columns = shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return nn.Conv2d(inputs, outputs, (rows, columns), bias=bias, **settings)  # type: ignore[arg-type]


class Ends(nn.Module):
    """A network whose last convolution is ``last``."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x)


def built(last: nn.Module, precision: str = "float32") -> nn.Module:
    return Networks(lambda: Ends(last), lambda: torch.device("cpu")).get(precision)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 64, 3, 3), True),
        ((3, 32, 3, 3), True),
        ((3, 16, 3, 3), False),  # what is written and read between the steps costs more
        ((1, 16, 5, 5), True),
        ((2, 16, 7, 7), True),
        ((3, 32, 9, 9), True),
        ((8, 64, 3, 3), False),
        ((64, 64, 3, 3), False),
        ((3, 64, 1, 1), False),
        ((3, 64, 1, 9), False),
    ],
)
def test_which_gain(shape: tuple[int, int, int, int], expected: bool) -> None:
    assert gains(shape) is expected


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_the_result_in_torch_is_the_same(
    shape: tuple[int, int, int, int], padding: tuple[int, int], bias: bool
) -> None:
    last = conv(shape, bias, padding=padding)
    with torch.inference_mode():
        expected = last(PICTURE)
        network = built(last)
        result = network(PICTURE.contiguous(memory_format=torch.channels_last))
    assert type(network.last) is TwoSteps
    assert list(network.state_dict()) == (["last.weight", "last.bias"] if bias else ["last.weight"])
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "last",
    [
        conv((3, 32, 3, 3), stride=2),
        conv((3, 32, 3, 3), dilation=2),
        conv((4, 64, 3, 3), groups=2),
        conv((3, 32, 3, 3), padding="same"),
        conv((3, 32, 3, 3), padding=1, padding_mode="reflect"),
        parametrizations.weight_norm(conv((3, 32, 3, 3))),
        nn.ConvTranspose2d(3, 32, 3),
    ],
    ids=["stride", "dilation", "groups", "same", "reflect", "weight_norm", "transposed"],
)
def test_other_convolutions_are_left_alone(last: nn.Module) -> None:
    assert not isinstance(built(last).last, TwoSteps)


def test_half_precision_is_left_alone() -> None:
    assert type(built(conv((3, 32, 3, 3)), "bfloat16").last) is FusedConv
