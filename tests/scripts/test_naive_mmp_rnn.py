"""MMP-RNN written down as published gives what ours gives."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("attention", [True, False])
def test_both_ways_agree(part, attention):
    from vsrestore.networks.mmp_rnn import MMPRNN

    naive = part("naive.mmp_rnn")
    torch.manual_seed(0)
    network = MMPRNN(8, 2, 1, attention=attention).eval()
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.fold()
    clip, chunks = torch.rand(1, 8, 3, 20, 36), [[*range(6)], [*range(2, 8)]]
    with torch.inference_mode():
        expected = naive.deblur(weights, clip, chunks, attention)
        found = torch.cat([network(clip[:, row]) for row in chunks], dim=1)
    assert found.shape == (1, 4, 3, 20, 36)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
