"""ONNX models run by ONNX Runtime, called as the networks of torch are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..cache_folder import cache_folder
from .bound import BoundSessions
from .library import onnxruntime
from .signature import OnnxError, Signature

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
ON_CARDS: tuple[Provider, ...] = ("tensorrt", "cuda", "directml", "rocm")
TWO_SESSIONS = (PROVIDERS["tensorrt"], PROVIDERS["cuda"])
"""Providers of cards: while one session computes, another copies. On the CPU two would share its cores."""
# Without a choice: TensorRT is left out, since it builds an engine for minutes before the first frame.
AUTOMATIC: tuple[Provider, ...] = ("cuda", "directml", "coreml", "cpu")


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
    half: bool = True
    """Whether TensorRT may compute a float32 model in float16."""

    def settings(self) -> list[tuple[str, dict[str, object]]]:
        """Return providers with their options in order of preference, as onnxruntime takes them."""
        offered = onnxruntime().get_available_providers()
        automatic = [name for name in AUTOMATIC if PROVIDERS[name] in offered and _usable(name)]
        # What TensorRT cannot do, CUDA does, and not the CPU.
        after: tuple[Provider, ...] = ("cuda", CPU) if self.provider == "tensorrt" else (CPU,)
        names = list(dict.fromkeys((self.provider, *after))) if self.provider else automatic
        return [(PROVIDERS[name], self._options(name)) for name in names]

    def _options(self, name: str) -> dict[str, object]:
        device: dict[str, object] = {"device_id": self.device} if name in ON_CARDS else {}
        if name == "tensorrt":
            folder = str(cache_folder("tensorrt"))
            engines = {"trt_engine_cache_enable": True, "trt_engine_cache_path": folder}
            timings = {"trt_timing_cache_enable": True, "trt_timing_cache_path": folder}
            return {**device, **engines, **timings, "trt_fp16_enable": self.half}
        if name == "cuda":
            # As torch on cards (docs/cards.md): float32 is float32, and no algorithm is chosen by what was fastest.
            return {**device, "use_tf32": False, "cudnn_conv_algo_search": "HEURISTIC"}
        return device


def load_session(signature: Signature, placement: Placement) -> Any:
    """Return an onnxruntime.InferenceSession.

    Raises:
        OnnxError: the model cannot be loaded, or not with the provider that was asked for.

    """
    library = onnxruntime()
    options = library.SessionOptions()
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    # Idle threads would wait awake on the cores that bring frames in and out.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = placement.settings()
    if any(PROVIDERS["cuda"] in provider for provider, _ in providers) and hasattr(library, "preload_dlls"):
        library.preload_dlls()  # CUDA's libraries lie in packages of their own, where nothing else looks for them
    chosen = placement.provider
    attempts = [providers] if chosen else [providers[index:] for index in range(len(providers))]
    failure: Exception | None = None
    for attempt in attempts:
        try:
            # Its own way to fall back prints to stdout, where video may go.
            session = library.InferenceSession(str(signature.path), options, providers=attempt, enable_fallback=0)
        except Exception as error:
            failure = error
            continue
        if chosen and session.get_providers()[0] != PROVIDERS[chosen]:
            raise OnnxError(f"provider={chosen!r} does not work on this machine; leave it out, or choose 'cpu'")
        return session
    asked = f" with provider={chosen!r}" if chosen else ""
    raise OnnxError(f"{signature.path.name} cannot be loaded{asked}: {failure}") from failure


def fallen_back(session: Any, placement: Placement) -> str | None:
    """Return what to tell where another provider runs a model than the best that the machine seems to have, else None.

    ONNX Runtime itself goes on without a word where a library of the provider is missing.
    """
    best, runs = placement.settings()[0][0], session.get_providers()[0]
    if runs == best:
        return None
    names = {full: name for name, full in PROVIDERS.items()}
    missing = f"{names[best]} does not work here, a library of its is missing or too old"
    return f"{missing}; {names.get(runs, runs)} runs the model, pip install 'onnxruntime-gpu[cuda,cudnn]' may help"


def onnx_network(
    signature: Signature,
    scale: int,
    placement: Placement,
    peak: float = 1.0,
    warn: Callable[[str], object] = lambda _: None,
) -> nn.Module:
    """Return the model as a module that the runtime can call; pictures are float32 in [0, 1] on the CPU.

    By ``warn`` it is told where another provider runs it than was to be expected, or one session alone. The model
    itself takes and gives ``peak`` for white. The module's ``forward``, which two threads may call at once, takes
    images ``(B, C, H, W)``, or frames ``(1, T, C, H, W)`` and windows ``(K, frames)``.
    """
    from torch import nn

    sessions = BoundSessions(_sessions(signature, placement, warn), signature, peak)
    stacked_rank = len(signature.input_shape)

    class OnnxNetwork(nn.Module):
        def forward(self, pictures: Tensor, windows: Tensor | None = None) -> Tensor:
            stacked = pictures.unsqueeze(1) if windows is None else pictures[0][windows]
            result = sessions.run(stacked.flatten(1, 2) if stacked_rank == 4 else stacked)
            result = result.reshape(result.shape[0], -1, *result.shape[-2:])
            _check_size(signature, pictures, result, scale)
            return result if windows is None else result.unsqueeze(0)

    return OnnxNetwork()


def _sessions(signature: Signature, placement: Placement, warn: Callable[[str], object]) -> list[Any]:
    """Return as many sessions of a model as the provider that runs it does well with."""
    sessions = [load_session(signature, placement)]
    instead = fallen_back(sessions[0], placement)
    if instead:
        warn(instead)
    if sessions[0].get_providers()[0] in TWO_SESSIONS:
        try:
            sessions.append(load_session(signature, placement))
        except OnnxError as error:
            warn(f"one session runs the model, no second one: {error}")
    return sessions


def _check_size(signature: Signature, picture: Tensor, result: Tensor, scale: int) -> None:
    height, width = picture.shape[-2:]
    if result.shape[-2:] != (height * scale, width * scale):
        change = f"{width}x{height} into {result.shape[-1]}x{result.shape[-2]}"
        raise OnnxError(f"{signature.path.name} turned {change}; scale={scale} was expected")


def _usable(name: str) -> bool:
    """Tell whether the machine has what a provider needs; ONNX Runtime for GPUs offers CUDA without a card too."""
    if name != "cuda":
        return True
    import torch

    return torch.cuda.is_available()
