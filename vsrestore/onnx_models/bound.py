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
        self._input, self._taken_type = signature.input_name, np.dtype(signature.sample_type)
        self._output = sessions[0].get_outputs()[0].name
        self._peak = np.float32(peak)
        self._free: SimpleQueue[Any] = SimpleQueue()
        for session in sessions:
            self._free.put(session)
        self._given: dict[tuple[int, ...], Tensor] = {}
        """By the shape of an input: a tensor without memory, of the shape and the type that the model gives for it."""
        self._first = Lock()

    def run(self, pictures: Tensor) -> Tensor:
        """Return what the model gives, float32 on the CPU and 1 for white.

        Where the memory of the pictures is pinned, so is the result's: a card copies by itself from and to both.

        Args:
            pictures: on the CPU, in the shape that the model takes, 1 for white.

        """
        taken = self._taken(pictures)
        shape = tuple(taken.shape)
        if shape not in self._given:
            with self._first:  # who comes second finds the engines that TensorRT builds for a shape
                if shape not in self._given:
                    return self._whitened(self._learned(taken))
        like = self._given[shape]
        given = like.new_empty(like.shape, device="cpu", pin_memory=taken.is_pinned())
        with self._bound(taken) as binding:
            kind = given.numpy().dtype.type
            binding.bind_output(self._output, "cpu", 0, kind, tuple(given.shape), given.data_ptr())
        return self._whitened(given)

    @contextmanager
    def _bound(self, taken: Tensor) -> Iterator[Any]:
        """Lend a binding with its input, and run a session with it afterwards."""
        session = self._free.get()
        try:
            binding = session.io_binding()
            kind = self._taken_type.type
            binding.bind_input(self._input, "cpu", 0, kind, tuple(taken.shape), taken.data_ptr())
            yield binding
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()
        finally:
            self._free.put(session)

    def _learned(self, taken: Tensor) -> Tensor:
        """Return what the model gives in ONNX Runtime's memory, and remember of which shape and type it is."""
        import torch

        with self._bound(taken) as binding:
            binding.bind_output(self._output, "cpu")
        given = torch.from_numpy(binding.copy_outputs_to_cpu()[0])
        self._given[tuple(taken.shape)] = given.to("meta")
        return given

    def _taken(self, pictures: Tensor) -> Tensor:
        """Return pictures as the model takes them: by NumPy, for torch's threads would stay awake afterwards."""
        import torch

        if self._peak == 1 and self._taken_type == np.float32:
            return pictures.contiguous()
        kind = getattr(torch, self._taken_type.name)
        taken = torch.empty(pictures.shape, dtype=kind, pin_memory=pictures.is_pinned())
        np.multiply(pictures.numpy(), self._peak, out=taken.numpy(), casting="same_kind")
        return taken

    def _whitened(self, given: Tensor) -> Tensor:
        """Return what the model gave as float32, 1 for white."""
        return given.float() if self._peak == 1 else given.float().div_(float(self._peak))
