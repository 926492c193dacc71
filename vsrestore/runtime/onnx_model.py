"""Networks that come as ONNX files: what they take and give, and running them with ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import VsrestoreError
from .onnx_library import onnxruntime

if TYPE_CHECKING:
    from torch import Tensor, nn

Provider = Literal["tensorrt", "cuda", "directml", "coreml", "openvino", "rocm", "cpu"]

PROVIDERS: dict[Provider, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
CPU: Provider = "cpu"
# Without a choice: TensorRT is left out, since it builds an engine for minutes before the first frame.
AUTOMATIC: tuple[Provider, ...] = ("cuda", "directml", "coreml", "cpu")
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
        taken = [length or TRIED_SIZE for length in self.size]
        given = self.output_shape[-2:]
        if None in given:
            return None
        ratios = {(g or 0) / t for g, t in zip(given, taken, strict=True)}
        ratio = ratios.pop()
        if ratios or ratio < 1 or ratio != int(ratio):
            change = f"{taken[1]}x{taken[0]} into {given[1]}x{given[0]}"
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
        given = self.output_shape[-3]
        if given is not None and given != channels:
            unfit = f"{name} takes {channels} channels per frame but gives {given}"
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
        onnx.checker.check_model(model)
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


def _signature(path: Path, model: Any, taken: Any) -> Signature:
    shape = _shape(taken)
    if len(shape) not in (4, 5):
        told = "x".join("?" if length is None else str(length) for length in shape)
        unfit = f"{path.name} takes a {told or 'shapeless'} input"
        raise OnnxError(f"{unfit}; (N, C, H, W) or (N, frames, C, H, W) is accepted")
    kind = taken.type.tensor_type.elem_type
    if kind not in SAMPLE_TYPES:
        raise OnnxError(f"{path.name} takes neither float32 nor float16 samples; export it with one of them")
    return Signature(path, taken.name, shape, _output_shape(model, taken, shape), SAMPLE_TYPES[kind])


def _shape(value: Any) -> tuple[int | None, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dimensions)


def _output_shape(model: Any, taken: Any, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return the output's shape for one picture of TRIED_SIZE, by shape inference over the graph."""
    import onnx

    for index, dimension in enumerate(taken.type.tensor_type.shape.dim):
        dimension.dim_value = shape[index] or (1 if index == 0 else TRIED_SIZE)
    declared = _shape(model.graph.output[0])
    model.graph.output[0].type.tensor_type.ClearField("shape")
    try:
        inferred = _shape(onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output[0])
    except onnx.shape_inference.InferenceError:
        inferred = ()
    return next((found for found in (inferred, declared) if len(found) >= 3), (None, None, None))


def check_provider(provider: str | None) -> None:
    """Raise OnnxError unless the installed ONNX Runtime offers the provider."""
    if provider is None:
        return
    offered = [name for name, full in PROVIDERS.items() if full in onnxruntime().get_available_providers()]
    if provider not in offered:
        raise OnnxError(
            f"provider={provider!r}; the installed onnxruntime offers {', '.join(offered)}; None for the best"
        )


@dataclass(frozen=True)
class Placement:
    """Where ONNX Runtime runs a model."""

    provider: Provider | None
    """One of PROVIDERS; None takes the best that works here."""
    device: int
    """Number of the GPU."""
    engines: Path
    """Folder in which TensorRT keeps the engines it built."""

    def settings(self) -> list[tuple[str, dict[str, object]]]:
        """Return providers with their options in order of preference, as onnxruntime takes them."""
        offered = onnxruntime().get_available_providers()
        automatic = [name for name in AUTOMATIC if PROVIDERS[name] in offered and _usable(name)]
        names = list(dict.fromkeys((self.provider, CPU))) if self.provider else automatic
        return [(PROVIDERS[name], self._options(name)) for name in names]

    def _options(self, name: str) -> dict[str, object]:
        if name == "tensorrt":
            cache = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(self.engines)}
            return {"device_id": self.device, **cache}
        return {"device_id": self.device} if name in ("cuda", "directml", "rocm") else {}


def load_session(signature: Signature, placement: Placement) -> Any:
    """Return an onnxruntime.InferenceSession.

    Raises:
        OnnxError: the model cannot be loaded, or not with the provider that was asked for.

    """
    library = onnxruntime()
    options = library.SessionOptions()
    options.log_severity_level = 3
    # Idle threads would wait awake on the cores that bring frames in and out.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = placement.settings()
    try:
        session = library.InferenceSession(str(signature.path), options, providers=providers)
    except Exception as error:
        raise OnnxError(f"{signature.path.name} cannot be loaded: {error}") from error
    chosen = placement.provider
    if chosen and session.get_providers()[0] != PROVIDERS[chosen]:
        raise OnnxError(f"provider={chosen!r} does not work on this machine; leave it out, or choose 'cpu'")
    return session


def onnx_network(signature: Signature, scale: int, placement: Placement, peak: float = 1.0) -> nn.Module:
    """Return the model as a module that the runtime can call; pictures are float32 in [0, 1] on the CPU.

    The model itself takes and gives ``peak`` for white. The module's ``forward`` takes images ``(B, C, H, W)``, or
    frames ``(1, T, C, H, W)`` and windows ``(K, frames)``.
    """
    import torch
    from torch import nn

    session = load_session(signature, placement)
    batched = signature.input_shape[0] is None
    stacked_rank = len(signature.input_shape)

    def run(pictures: Tensor) -> Tensor:
        scaled = pictures.numpy() if peak == 1 else pictures.numpy() * np.float32(peak)
        taken = np.ascontiguousarray(scaled, dtype=signature.sample_type)
        parts = [taken] if batched else np.split(taken, len(taken))
        given = [session.run(None, {signature.input_name: part})[0] for part in parts]
        result = torch.from_numpy(given[0] if len(given) == 1 else np.concatenate(given)).float()
        return result if peak == 1 else result / peak

    class OnnxNetwork(nn.Module):
        def forward(self, pictures: Tensor, windows: Tensor | None = None) -> Tensor:
            stacked = pictures.unsqueeze(1) if windows is None else pictures[0][windows]
            result = run(stacked.flatten(1, 2) if stacked_rank == 4 else stacked)
            result = result.reshape(result.shape[0], -1, *result.shape[-2:])
            _check_size(signature, pictures, result, scale)
            return result if windows is None else result.unsqueeze(0)

    return OnnxNetwork()


def _check_size(signature: Signature, taken: Tensor, given: Tensor, scale: int) -> None:
    height, width = taken.shape[-2:]
    if given.shape[-2:] != (height * scale, width * scale):
        change = f"{width}x{height} into {given.shape[-1]}x{given.shape[-2]}"
        raise OnnxError(f"{signature.path.name} turned {change}; scale={scale} was expected")


def _usable(name: str) -> bool:
    """Tell whether the machine has what a provider needs; ONNX Runtime for GPUs offers CUDA without a card too."""
    if name != "cuda":
        return True
    import torch

    return torch.cuda.is_available()
