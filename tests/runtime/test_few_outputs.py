"""Convolutions with few outputs in two steps, in networks of torch and in ONNX models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from vsrestore.runtime.few_outputs import gains, in_two, whole_blocks
from vsrestore.runtime.precision import Networks
from vsrestore.runtime.split_onnx import with_split_convolutions

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


def test_channels_between_the_steps_may_stay_empty() -> None:
    across, down = in_two(np.ones((3, 32, 3, 3), np.float32), whole_blocks(9))
    assert (across.shape, down.shape) == ((16, 32, 1, 3), (3, 16, 3, 1))
    assert not across[9:].any()
    assert not down[:, 9:].any()


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
    assert type(network.last) is not nn.Conv2d
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
    assert built(last).last is last


def test_half_precision_is_left_alone() -> None:
    assert type(built(conv((3, 32, 3, 3)), "bfloat16").last) is nn.Conv2d


def model(path: Path, shape: tuple[int, int, int, int], kind: int = TensorProto.FLOAT, **settings: object) -> Path:
    """Write an ONNX model of one convolution."""
    sample_type = np.float16 if kind == TensorProto.FLOAT16 else np.float32
    last = conv(shape)
    weights = {"weight": last.weight.detach().numpy(), "bias": last.bias.detach().numpy()}
    node = helper.make_node("Conv", ["x", *weights], ["y"], **settings)
    groups = settings.get("group", 1)
    assert isinstance(groups, int)
    ends = [
        helper.make_tensor_value_info("x", kind, ["n", shape[1] * groups, "h", "w"]),
        helper.make_tensor_value_info("y", kind, ["n", shape[0], "oh", "ow"]),
    ]
    constants = [numpy_helper.from_array(value.astype(sample_type), name) for name, value in weights.items()]
    graph = helper.make_graph([node], "last", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def run(given: str | bytes) -> np.ndarray:
    session = onnxruntime.InferenceSession(given, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": PICTURE.numpy()})[0]


@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 3)])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_of_an_onnx_model_is_the_same(
    tmp_path: Path, shape: tuple[int, int, int, int], pads: tuple[int, ...]
) -> None:
    path = model(tmp_path / "m.onnx", shape, pads=pads)
    changed = with_split_convolutions(path)
    assert changed is not None
    onnx.checker.check_model(onnx.load_model_from_string(changed))
    assert [node.op_type for node in onnx.load_model_from_string(changed).graph.node] == ["Conv", "Conv"]
    np.testing.assert_allclose(run(changed), run(str(path)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((64, 32, 3, 3), {}),
        ((3, 32, 3, 3), {"strides": [2, 2]}),
        ((3, 32, 3, 3), {"dilations": [2, 2]}),
        ((3, 32, 3, 3), {"group": 3}),
        ((3, 32, 3, 3), {"auto_pad": "SAME_UPPER"}),
        ((3, 32, 3, 3), {"kind": TensorProto.FLOAT16}),
    ],
)
def test_other_onnx_models_are_left_alone(
    tmp_path: Path, shape: tuple[int, int, int, int], settings: dict[str, object]
) -> None:
    assert with_split_convolutions(model(tmp_path / "m.onnx", shape, **settings)) is None  # type: ignore[arg-type]


def test_onnx_weights_in_other_files_are_left_alone(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", (3, 32, 3, 3))
    parted = tmp_path / "parted.onnx"
    onnx.save(onnx.load(path), parted, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert with_split_convolutions(parted) is None


def test_an_onnx_weight_that_is_an_input_is_left_alone(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", (3, 32, 3, 3))
    changed = onnx.load(path)
    changed.graph.input.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, (3, 32, 3, 3)))
    onnx.save(changed, path)
    assert with_split_convolutions(path) is None
