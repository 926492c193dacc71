"""RAFT beyond its golden record: sizes, wanted frames, names that stand twice."""

from __future__ import annotations

import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks.raft import RAFT, enlarged


def shapes() -> dict[str, tuple[int, ...]]:
    return {name: tuple(spec["shape"]) for name, spec in records.layout("propainter-raft")[1].items()}


def test_it_is_recognised_by_its_published_names() -> None:
    assert networks.recognise(shapes()) == ("raft", {})
    assert networks.recognise(shapes(), iterations=3) == ("raft", {"iterations": 3})
    assert len(shapes()) == 179


def test_a_norm_that_stands_twice_counts_once() -> None:
    state = {name: torch.zeros(shape) for name, shape in shapes().items()}
    state["module.cnet.layer2.0.norm3.weight"] = torch.ones(96)
    state["module.cnet.layer2.0.downsample.0.weight"] = torch.ones(96, 64, 1, 1)
    assert not networks.load(state).cnet.layer2[0].downsample[0].weight.any()


@pytest.mark.parametrize("size", [(120, 128), (128, 64), (132, 128)])
def test_sizes_that_it_cannot_take_are_refused(size: tuple[int, int]) -> None:
    told = f"frames are {size[1]}x{size[0]}; multiples of 8 from 128 up are accepted"
    with pytest.raises(ValueError, match=told):
        RAFT(1)(torch.zeros(1, 2, 3, *size))


def test_wanted_frames_are_the_same_and_the_last_has_no_flow() -> None:
    torch.manual_seed(1)
    network, frames = RAFT(1).eval(), torch.rand(1, 4, 3, 128, 128)
    with torch.inference_mode():
        everything = network(frames)
        assert torch.equal(network(frames, range(1, 3)), everything[:, 1:3])
        assert torch.equal(network(frames[:, :1]), torch.zeros(1, 1, 4, 128, 128))
    assert everything[:, :3].abs().amax((2, 3, 4)).min() > 0
    assert not everything[:, 3].any()


def test_a_flow_is_enlarged_by_weighted_means() -> None:
    flow = torch.arange(2 * 3 * 4.0).view(1, 2, 3, 4)
    weights = torch.full((1, 9, 8, 8, 3, 4), -1e4)
    weights[:, 4] = 0  # the pixel itself
    weights[:, 4, 1, 6] = -1e4
    weights[:, 5, 1, 6] = 0  # at the second row and seventh column of it, that on its right
    fine = enlarged(flow, weights.flatten(1, 3))
    plain = 8 * flow.repeat_interleave(8, 2).repeat_interleave(8, 3)
    assert torch.equal(fine[..., 0::8, 0::8], plain[..., 0::8, 0::8])
    assert torch.equal(fine[..., 1::8, 6:-8:8], plain[..., 1::8, 14::8])
