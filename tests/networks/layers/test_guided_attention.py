import pytest
import torch

from vsrestore.networks.layers import guided_attention as guided


def _arguments(height=7, width=9, batch=2, heads=12, groups=12):
    torch.manual_seed(0)
    tokens = (torch.randn(batch, 2, height, width, 24) for _ in range(3))
    return *tokens, torch.randn(batch, 2, 2, groups, 9, 2, height, width) * 5, heads


@pytest.mark.parametrize("at_once", [1, 2**24])
@pytest.mark.parametrize("groups", [12, 6])
def test_the_way_of_the_cpu_and_that_of_other_devices_agree(monkeypatch, at_once, groups):
    monkeypatch.setattr(guided, "BYTES_AT_ONCE", at_once)
    arguments = _arguments(groups=groups)
    torch.testing.assert_close(guided.gather_attention(*arguments), guided.grid_attention(*arguments))


def test_points_outside_the_frame_are_zeros_that_take_part():
    query, key, value, offsets, heads = _arguments()
    found = guided.guided_attention(query, key, torch.ones_like(value), offsets.fill_(0), heads)
    assert torch.allclose(found[:, :, 1:-1, 1:-1], torch.ones(()))
    assert (found[:, :, 0] < 1).all()
    assert (guided.guided_attention(query, key, value, offsets.fill_(1e6), heads) == 0).all()


def test_corrected_flows_are_the_mean_of_all_points():
    torch.manual_seed(0)
    align = guided.GuidedDeformAlign(24, max_residue=0.0)
    query, key, value = (torch.randn(1, 2, 24, 8, 9) for _ in range(3))
    flows = torch.randn(2, 1, 2, 2, 8, 9)
    with torch.inference_mode():
        aligned, corrected = align(query, key, value, flows)
        assert aligned.shape == query.shape
        torch.testing.assert_close(corrected, flows)
        align.max_residue = 10.0
        moved = align(query, key, value, flows)[1] - flows
    assert 0 < moved.abs().max() <= 10


def test_half_precision_samples_in_float32():
    *tokens, offsets, heads = _arguments()
    expected = guided.guided_attention(*tokens, offsets, heads)
    found = guided.guided_attention(*(x.bfloat16() for x in tokens), offsets, heads)
    assert found.dtype == torch.bfloat16
    assert (found - expected).abs().max() < 0.05
