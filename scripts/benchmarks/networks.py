"""A plain network that exists as PyTorch module and as ONNX file with the same weights."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from vsrestore.networks.layers.activation import relu

WIDTH, LAYERS = 64, 8


class Plain(nn.Module):
    """3x3 convolutions with ReLU between them and a shortcut around all, like a small DnCNN (Zhang et al., 2017)."""

    def __init__(self, width: int = WIDTH, layers: int = LAYERS) -> None:
        super().__init__()
        channels = [3, *[width] * (layers - 1), 3]
        self.convs = nn.ModuleList(nn.Conv2d(inside, outside, 3, padding=1) for inside, outside in pairwise(channels))

    def forward(self, images: Tensor) -> Tensor:
        """Return images (B, 3, H, W) with a small residual added."""
        x = images
        for conv in self.convs[:-1]:
            x = relu.after(cast("nn.Conv2d", conv), x)
        return images + self.convs[-1](x)


def plain() -> Plain:
    """Return the network with the same random weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Plain()


def write_onnx(network: Plain, path: Path) -> None:
    """Write the network for images (N, 3, H, W) of any number and size."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, x = [], [], "input"
    for index, conv in enumerate(network.convs):
        names = [f"weight{index}", f"bias{index}"]
        values = (conv.get_parameter("weight"), conv.get_parameter("bias"))
        weights += [numpy_helper.from_array(v.detach().numpy(), n) for v, n in zip(values, names, strict=True)]
        nodes.append(helper.make_node("Conv", [x, *names], [f"conv{index}"], pads=[1, 1, 1, 1]))
        x = f"conv{index}"
        if index < len(network.convs) - 1:
            nodes.append(helper.make_node("Relu", [x], [f"relu{index}"]))
            x = f"relu{index}"
    nodes.append(helper.make_node("Add", ["input", x], ["output"]))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3, "h", "w"]) for n in ("input", "output")]
    graph = helper.make_graph(nodes, "plain", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
