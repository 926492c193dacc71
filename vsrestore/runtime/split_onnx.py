"""ONNX models whose convolutions with few outputs are split in two steps before ONNX Runtime gets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .few_outputs import gains, in_two, whole_blocks

LARGEST_BYTES = 2**30
"""Of a file: a larger one would take too much memory twice."""


def with_split_convolutions(path: Path) -> bytes | None:
    """Return the model of an ONNX file with its convolutions in two steps where they gain by it on the processor.

    Returns:
        None where no convolution gains, or the model is larger than 1 GiB or has weights in other files.

    """
    import onnx

    if path.stat().st_size > LARGEST_BYTES:
        return None
    model = onnx.load(path, load_external_data=False)
    if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer):
        return None
    taken = {value.name for value in model.graph.input}
    weights = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name not in taken}
    nodes: list[Any] = []
    for node in model.graph.node:
        nodes += _split(model.graph, node, weights[node.input[1]]) if _fits(node, weights) else [node]
    if len(nodes) == len(model.graph.node):
        return None
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _fits(node: Any, weights: dict[str, Any]) -> bool:
    """Tell whether a node is an ordinary float32 convolution with a constant weight that gains."""
    import onnx

    if node.op_type != "Conv" or node.domain not in ("", "ai.onnx") or node.input[1] not in weights:
        return False
    weight, settings = weights[node.input[1]], _settings(node)
    if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) != 4:
        return False
    ordinary = settings.get("group", 1) == 1 and settings.get("auto_pad", b"NOTSET") == b"NOTSET"
    steady = all(length == 1 for key in ("strides", "dilations") for length in settings.get(key, ()))
    return ordinary and steady and gains(weight.dims)


def _split(graph: Any, node: Any, weight: Any) -> list[Any]:
    """Return the two steps of a convolution; their weights are added to the graph."""
    from onnx import helper, numpy_helper

    values = numpy_helper.to_array(weight)
    outputs, _, rows, _ = values.shape
    steps = in_two(values, whole_blocks(rows * outputs))
    across, down, sums = (f"{node.output[0]}/vsrestore_{part}" for part in ("across", "down", "sums"))
    graph.initializer.extend(map(numpy_helper.from_array, steps, (across, down)))
    top, left, bottom, right = _settings(node).get("pads", (0, 0, 0, 0))
    return [
        helper.make_node("Conv", [node.input[0], across], [sums], name=sums, pads=[0, left, 0, right]),
        helper.make_node(
            "Conv", [sums, down, *node.input[2:]], [node.output[0]], name=node.name, pads=[top, 0, bottom, 0]
        ),
    ]


def _settings(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
