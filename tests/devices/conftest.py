"""What the tests of the devices and of the runtime share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from vsrestore.devices import pick
from vsrestore.devices.cpu.threads import Threads


@pytest.fixture(autouse=True, scope="package")
def two_threads() -> Iterator[None]:
    """Two threads for torch, so that chunks are computed in halves; other rooms' tests have one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    threads = Threads()
    # Counted here: VapourSynth's own threads may have counted one, in tests before, and for them it stays so.
    assert threads.split
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pick, "THREADS", threads)
        yield
    torch.set_num_threads(before)
