"""Memory for frames is lent again, and only when nobody else reads it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import vapoursynth as vs

from vsrestore.devices.buffers import Buffers
from vsrestore.devices.pick import TURNS
from vsrestore.runtime.apply import Stage, apply
from vsrestore.runtime.descriptor import Descriptor, Options


@pytest.mark.parametrize("channels_last", [False, True])
def test_memory_given_back_is_lent_again_in_any_shape_that_fits(channels_last):
    buffers = Buffers(TURNS)
    large = buffers.lend((4, 3, 6, 8), channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert large.stride() == torch.empty(4, 3, 6, 8, memory_format=layout).stride()
    buffers.give_back(large)
    small = buffers.lend((2, 3, 5, 7), channels_last)
    assert small.shape == (2, 3, 5, 7)
    assert small.data_ptr() == large.data_ptr()
    buffers.give_back(small)
    again = buffers.lend((4, 3, 6, 8), not channels_last)
    assert again.data_ptr() == large.data_ptr()


def test_larger_tensors_get_memory_of_their_own():
    buffers = Buffers(TURNS)
    small = buffers.lend((1, 3, 4, 4), channels_last=True)
    buffers.give_back(small)
    large = buffers.lend((2, 3, 4, 4), channels_last=True)
    assert large.shape == (2, 3, 4, 4)
    assert large.data_ptr() != small.data_ptr()


def test_no_more_is_kept_than_is_used_at_once():
    buffers = Buffers(TURNS)
    lent = [buffers.lend((1, 1, 8, 8), channels_last=False) for _ in range(TURNS + 1)]
    assert len({tensor.data_ptr() for tensor in lent}) == TURNS + 1
    for tensor in lent:
        buffers.give_back(tensor)
    kept = {buffers.lend((1, 1, 8, 8), channels_last=False).data_ptr() for _ in range(TURNS)}
    assert kept == {tensor.data_ptr() for tensor in lent[1:]}


class Same(torch.nn.Module):
    """Returns its very input, so that the finished picture and the frames are one piece of memory."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


@pytest.mark.parametrize(("network", "given_back"), [(Same, 0), (torch.nn.ReLU, 4)])
def test_frames_that_are_the_result_are_not_lent_again(monkeypatch, network, given_back):
    returned: list[torch.Tensor] = []
    monkeypatch.setattr(Buffers, "give_back", lambda _, tensor: returned.append(tensor))
    clip = _numbered(4)
    shown = _restored(clip, network)
    for n, frame in enumerate(shown.frames()):
        np.testing.assert_array_equal(np.asarray(frame[0]), np.float32(n / 8))
    assert len(returned) == given_back


def test_every_chunk_sees_its_own_frames_in_memory_that_was_used_before(monkeypatch):
    """Both turns at once and in any order."""
    lent: list[int] = []
    lend = Buffers.lend

    def noted(self, shape, channels_last):
        tensor = lend(self, shape, channels_last)
        lent.append(tensor.data_ptr())
        return tensor

    monkeypatch.setattr(Buffers, "lend", noted)
    shown = _restored(_numbered(8), torch.nn.ReLU)
    for n in (7, 0, 3, 2, 5, 1, 4, 6):
        np.testing.assert_array_equal(np.asarray(shown.get_frame(n)[0]), np.float32(n / 8))
    for n, frame in enumerate(shown.frames()):
        np.testing.assert_array_equal(np.asarray(frame[0]), np.float32(n / 8))
    assert len(set(lent)) <= TURNS < len(lent)


def test_a_network_that_fails_costs_no_memory():
    """What it was lent is freed with it, and the next chunk has memory of its own."""

    class Fails(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if images.mean() < 0.1:
                raise RuntimeError("no")
            return images + 0

    shown = _restored(_numbered(3), Fails)
    with pytest.raises(vs.Error, match="toy: frame 0"):
        shown.get_frame(0)
    np.testing.assert_array_equal(np.asarray(shown.get_frame(2)[0]), np.float32(2 / 8))


def _restored(clip: vs.VideoNode, network: type[torch.nn.Module]) -> vs.VideoNode:
    stage = Stage(descriptor=Descriptor(name="toy"), build=network)
    return apply(clip, stage, Options(device="cpu"))


def _numbered(length: int) -> vs.VideoNode:
    blank = vs.core.std.BlankClip(format=vs.RGBS, width=16, height=16, length=length, keep=True)
    return blank.std.FrameEval(lambda n: vs.core.std.BlankClip(blank, color=[n / 8] * 3, length=length))
