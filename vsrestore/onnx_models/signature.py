"""What networks that come as ONNX files take and give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import VsrestoreError

SAMPLE_TYPES: dict[int, type[np.floating[Any]]] = {1: np.float32, 10: np.float16}
TRIED_SIZE = 64


class OnnxError(VsrestoreError, ValueError):
    """An ONNX file that cannot be read or does not fit; the message says what is accepted."""


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives, read from the file."""

    path: Path
    input_name: str
    input_shape: tuple[int | None, ...]
    """None where the model takes any size."""
    output_shape: tuple[int | None, ...]
    """For an input of TRIED_SIZE wherever the model takes any size; None where it cannot be told."""
    sample_type: type[np.floating[Any]]

    @property
    def size(self) -> tuple[int | None, int | None]:
        """The only (height, width) the model takes; None where it takes any."""
        return self.input_shape[-2], self.input_shape[-1]

    @property
    def scale(self) -> int | None:
        """Output size / input size; None where the file does not tell."""
        size = [length or TRIED_SIZE for length in self.size]
        output = self.output_shape[-2:]
        if None in output:
            return None
        ratios = {(g or 0) / t for g, t in zip(output, size, strict=True)}
        ratio = ratios.pop()
        if ratios or ratio < 1 or ratio != int(ratio):
            change = f"{size[1]}x{size[0]} into {output[1]}x{output[0]}"
            raise OnnxError(f"{self.path.name} turns {change}; one whole-number scale is accepted")
        return int(ratio)

    def channels(self, frames: int) -> int:
        """Channels per frame, 3 (RGB) or 1 (luma), for models that take ``frames`` frames at once.

        Raises:
            OnnxError: frames and channels of the model do not fit together, or in and out differ.

        """
        name, shape = self.path.name, self.input_shape
        if len(shape) == 5 and shape[1] not in (None, frames):
            raise OnnxError(f"{name} takes {shape[1]} frames at once; call it with frames={shape[1]}")
        held = shape[2] if len(shape) == 5 else shape[1]
        if held is None:
            raise OnnxError(f"{name} does not say how many channels it takes; export it with a fixed number")
        channels, rest = (held, 0) if len(shape) == 5 else divmod(held, frames)
        if rest or channels not in (1, 3):
            fitting = " or ".join(f"frames={held // c}" for c in (3, 1) if held % c == 0)
            unfit = f"{name} takes {held} channels, which is neither RGB nor luma with frames={frames}"
            raise OnnxError(f"{unfit}; try {fitting}")
        outputs = self.output_shape[-3]
        if outputs is not None and outputs != channels:
            unfit = f"{name} takes {channels} channels per frame but gives {outputs}"
            raise OnnxError(f"{unfit}; models that give one frame of as many channels are accepted")
        return channels


def read_signature(path: Path) -> Signature:
    """Read what an ONNX file takes and gives; its weights stay on disk and nothing is run.

    Raises:
        OnnxError: missing, no ONNX file, truncated, or inputs and outputs that no filter can serve.

    """
    import onnx

    if not path.is_file():
        raise OnnxError(f"{path} does not exist; give the path of an ONNX file")
    try:
        model = onnx.load(path, load_external_data=False)
        # By its path, because weights in files of their own lie beside it; none may lie elsewhere.
        onnx.checker.check_model(str(path))
    except Exception as error:
        first_line = str(error).strip().partition("\n")[0]
        unfit = f"{path} is no ONNX file, or it is damaged ({first_line})"
        raise OnnxError(f"{unfit}; export or download it again") from None
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1 or not model.graph.output:
        names = ", ".join(value.name for value in inputs) or "none"
        unfit = f"{path.name} has {len(inputs)} inputs ({names})"
        raise OnnxError(f"{unfit}; models with one input, the picture, are accepted")
    return _signature(path, model, inputs[0])


def _signature(path: Path, model: Any, source: Any) -> Signature:
    shape = _shape(source)
    if len(shape) not in (4, 5):
        lengths = "x".join("?" if length is None else str(length) for length in shape)
        unfit = f"{path.name} takes a {lengths or 'shapeless'} input"
        raise OnnxError(f"{unfit}; (N, C, H, W) or (N, frames, C, H, W) is accepted")
    kind = source.type.tensor_type.elem_type
    if kind not in SAMPLE_TYPES:
        raise OnnxError(f"{path.name} takes neither float32 nor float16 samples; export it with one of them")
    return Signature(path, source.name, shape, _output_shape(model, source, shape), SAMPLE_TYPES[kind])


def _shape(value: Any) -> tuple[int | None, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dimensions)


def _output_shape(model: Any, source: Any, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return the output's shape for one picture of TRIED_SIZE, by shape inference over the graph."""
    import onnx

    for index, dimension in enumerate(source.type.tensor_type.shape.dim):
        dimension.dim_value = shape[index] or (1 if index == 0 else TRIED_SIZE)
    declared = _shape(model.graph.output[0])
    model.graph.output[0].type.tensor_type.ClearField("shape")
    try:
        inferred = _shape(onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output[0])
    except onnx.shape_inference.InferenceError:
        inferred = ()
    return next((known for known in (inferred, declared) if len(known) >= 3), (None, None, None))
