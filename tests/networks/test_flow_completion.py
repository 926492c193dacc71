"""The flow completion beyond its golden record: wanted flows, context, ends, what is only for training."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.golden import records
from vsrestore import networks
from vsrestore.networks.flow_completion import FlowCompletion, SpaceTimeConv


def shapes() -> dict[str, tuple[int, ...]]:
    return {name: tuple(spec["shape"]) for name, spec in records.layout("propainter-flowcomp")[1].items()}


def test_sizes_are_read_off_the_tensors() -> None:
    assert networks.recognise(shapes()) == ("propainter_flow_completion", {"channels": 128})
    with pytest.raises(networks.NetworkError, match="1 missing"):
        networks.recognise({name: shape for name, shape in shapes().items() if name != "mid_dilation.2.bias"})


@pytest.fixture
def small() -> FlowCompletion:
    torch.manual_seed(2)
    return FlowCompletion(channels=32, context=2).eval()


def sequence(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    masks = (torch.rand(1, length, 1, 16, 24, generator=generator) > 0.7).float()
    return masks, 3 * torch.randn(1, length, 4, 16, 24, generator=generator)


def test_a_chunk_sees_its_context_and_no_more(small: FlowCompletion) -> None:
    masks, flow = sequence(12)
    with torch.inference_mode():
        chunk = small(masks, flow, range(5, 8))
        alone = small(masks[:, 3:11], flow[:, 3:11])  # two flows on both sides, and the frame that the last leads to
        torch.testing.assert_close(chunk, alone[:, 2:5])
        assert (small(masks, flow)[:, 5:8] - chunk).abs().max() > 1e-4


def test_known_flows_stay_and_the_last_frame_has_none(small: FlowCompletion) -> None:
    masks, flow = sequence(5)
    with torch.inference_mode():
        completed = small(masks, flow)
        onward, back = masks[:, :-1], masks[:, 1:]
        for ways, holes in ((slice(0, 2), onward), (slice(2, 4), back)):
            known = (1 - holes).expand(-1, -1, 2, -1, -1) > 0
            assert torch.equal(completed[:, :-1, ways][known], flow[:, :-1, ways][known])
        assert not completed[:, -1].any()
        assert not small(masks, flow, range(4, 5)).any()
        assert torch.equal(small(torch.zeros_like(masks), flow)[:, :-1], flow[:, :-1])


def test_convolutions_over_time_skip_every_second_flow() -> None:
    torch.manual_seed(1)
    block = SpaceTimeConv(3, 4, 1)
    generator = torch.Generator().manual_seed(2)
    flows = torch.rand(5, 3, 8, 8, generator=generator)
    kernel = block.conv2[0].weight.view(4, 3, 4).permute(0, 2, 1)[..., None, None]
    with torch.inference_mode():
        found = torch.cat(list(block(flows.split(1))))
        spatial = F.leaky_relu(block.conv1[0](flows), 0.2).transpose(0, 1)[None]
        over_time = F.conv3d(spatial, kernel, block.conv2[0].bias, padding=(2, 0, 0), dilation=(2, 1, 1))
        torch.testing.assert_close(found, F.leaky_relu(over_time, 0.2)[0].transpose(0, 1))
