"""Memory that ends: the words by which it is known."""

from __future__ import annotations

import re
import sys

# As CUDA and cuDNN, torch's own allocator, ONNX Runtime, and the C library call it.
WORDS = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|failed to allocate|std::bad_alloc|bad allocation"
    r"|(CUBLAS|CUDNN|CUFFT)_STATUS_ALLOC_FAILED|CUDNN_STATUS_INTERNAL_ERROR_.*ALLOC|not enough memory",
    re.IGNORECASE,
)
# What the loader of a system says where its libraries find no room.
UNMAPPED = "failed to map segment"
_causes: list[str] = []  # of imports of torch that failed


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the device's or the machine's memory is exhausted."""
    kinds = (MemoryError, getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError))
    return isinstance(error, kinds) or WORDS.search(str(error)) is not None


def unloadable(error: BaseException) -> str | None:
    """Return what is told of an error that comes of torch, which could not be loaded; None of any other.

    Where memory ends while it is loaded, a part of it may stay that no further import makes whole; what those say is
    not the cause, the first is.
    """
    loaded = sys.modules.get("torch")
    if hasattr(loaded, "OutOfMemoryError") or (loaded is None and "torch" not in str(error)):
        return None
    room = UNMAPPED in str(error) or is_out_of_memory(error)
    cure = "there is too little memory for it: raise the limit (ulimit -v, or that of a container)"
    _causes.append(cure if room else f"{type(error).__name__}: {error}")
    return f"torch could not be loaded ({_causes[0]})"
