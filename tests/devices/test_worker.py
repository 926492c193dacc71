"""The contract of workers, which an engine knows by it alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vsrestore.devices.card import Card, Streams
from vsrestore.devices.cpu import Processor
from vsrestore.devices.cpu.threads import Threads
from vsrestore.devices.worker import Work, Worker
from vsrestore.networks.inputs import Inputs

SHAPE = (2, 3, 4, 6)
WORKERS = {
    "processor": lambda: Processor(Threads(), 2, channels_last=True),
    "card": lambda: Card(torch.device("cpu"), "toy", 2, True, Streams()),
}


@pytest.fixture(params=WORKERS)
def worker(request: pytest.FixtureRequest) -> Worker:
    made = WORKERS[request.param]()
    assert made.splits == (request.param == "processor")  # asked first, where torch's threads are counted
    return made


def inputs(worker: Worker, value: float = 0.5) -> Inputs:
    frames, mask = worker.memory(SHAPE, lent=True), worker.memory((2, 1, 4, 6))
    frames.fill_(value)
    mask.fill_(2)
    return Inputs(frames, {"mask": mask}, {})


def doubled(seen: Inputs) -> Tensor:
    assert seen.frames.is_contiguous(memory_format=torch.channels_last)
    return seen.frames * seen.beside_frames["mask"]


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_work_has_its_result(worker: Worker, parts: int, dtype: torch.dtype) -> None:
    seen = inputs(worker)
    types = []

    def network(part: Inputs) -> Tensor:
        types.append(part.frames.dtype)
        return doubled(part)

    results, finite = worker.computed([Work(seen, network)] * parts, dtype)
    assert finite
    assert types == [dtype] * parts
    for result in results:
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, np.ones(SHAPE))


def test_what_is_not_finite_is_told_and_can_be_asked_for_again(worker: Worker) -> None:
    seen = inputs(worker)
    assert not worker.computed([Work(seen, lambda part: doubled(part) / 0)], torch.float32)[1]
    other = inputs(worker, 0.25)  # must not have the memory of the first
    (result,), finite = worker.computed([Work(seen, doubled)], torch.float32)
    assert finite
    np.testing.assert_array_equal(result, np.ones(SHAPE))
    np.testing.assert_array_equal(other.frames.numpy(), np.full(SHAPE, 0.25))


def test_a_result_is_never_overwritten(worker: Worker) -> None:
    (result,), _ = worker.computed([Work(inputs(worker), lambda part: part.frames)], torch.float32)
    inputs(worker, 0.25)
    np.testing.assert_array_equal(result, np.full(SHAPE, 0.5))
