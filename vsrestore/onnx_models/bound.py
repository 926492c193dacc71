"""Sessions of ONNX Runtime that read the caller's memory and write into memory of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from .signature import Signature

if TYPE_CHECKING:
    from torch import Tensor


class BoundSessions:
    """Sessions of one model, which threads take in turns: on a card one computes while another copies.

    Args:
        sessions: onnxruntime.InferenceSession, at least one.
        signature: of their model.
        peak: the value of white that the model takes and gives.

    """

    def __init__(self, sessions: Sequence[Any], signature: Signature, peak: float) -> None:
        self._input, self._input_type = signature.input_name, np.dtype(signature.sample_type)
        self._output = sessions[0].get_outputs()[0].name
        self._peak = np.float32(peak)
        self._free: SimpleQueue[Any] = SimpleQueue()
        for session in sessions:
            self._free.put(session)
        self._results: dict[tuple[int, ...], Tensor] = {}
        """By the shape of an input: a tensor without memory, of the shape and the type that the model gives for it."""
        self._first = Lock()

    def run(self, pictures: Tensor) -> Tensor:
        """Return what the model gives, float32 on the CPU and 1 for white.

        Where the memory of the pictures is pinned, so is the result's: a card copies by itself from and to both.

        Args:
            pictures: on the CPU, in the shape that the model takes, 1 for white.

        """
        samples = self._as_samples(pictures)
        shape = tuple(samples.shape)
        if shape not in self._results:
            with self._first:  # who comes second finds the engines that TensorRT builds for a shape
                if shape not in self._results:
                    return self._whitened(self._learned(samples))
        like = self._results[shape]
        result = like.new_empty(like.shape, device="cpu", pin_memory=samples.is_pinned())
        with self._bound(samples) as binding:
            kind = result.numpy().dtype.type
            binding.bind_output(self._output, "cpu", 0, kind, tuple(result.shape), result.data_ptr())
        return self._whitened(result)

    @contextmanager
    def _bound(self, samples: Tensor) -> Iterator[Any]:
        """Lend a binding with its input, and run a session with it afterwards."""
        session = self._free.get()
        try:
            binding = session.io_binding()
            kind = self._input_type.type
            binding.bind_input(self._input, "cpu", 0, kind, tuple(samples.shape), samples.data_ptr())
            yield binding
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()
        finally:
            self._free.put(session)

    def _learned(self, samples: Tensor) -> Tensor:
        """Return what the model gives in ONNX Runtime's memory, and remember of which shape and type it is."""
        import torch

        with self._bound(samples) as binding:
            binding.bind_output(self._output, "cpu")
        result = torch.from_numpy(binding.copy_outputs_to_cpu()[0])
        self._results[tuple(samples.shape)] = result.to("meta")
        return result

    def _as_samples(self, pictures: Tensor) -> Tensor:
        """Return pictures as the model takes them: by NumPy, for torch's threads would stay awake afterwards."""
        import torch

        if self._peak == 1 and self._input_type == np.float32:
            return pictures.contiguous()
        kind = getattr(torch, self._input_type.name)
        samples = torch.empty(pictures.shape, dtype=kind, pin_memory=pictures.is_pinned())
        np.multiply(pictures.numpy(), self._peak, out=samples.numpy(), casting="same_kind")
        return samples

    def _whitened(self, result: Tensor) -> Tensor:
        """Return what the model gave as float32, 1 for white."""
        return result.float() if self._peak == 1 else result.float().div_(float(self._peak))
