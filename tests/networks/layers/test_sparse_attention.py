"""Sparse attention, against the same with every key written down."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.golden import records
from vsrestore.networks.layers import sparse_attention
from vsrestore.networks.layers.sparse_attention import SparseWindowAttention, surroundings, with_holes


@pytest.fixture
def layer() -> SparseWindowAttention:
    torch.manual_seed(5)
    return SparseWindowAttention(8, 2).eval()


def plainly(layer: SparseWindowAttention, tokens: torch.Tensor, holed: torch.Tensor, seen: range) -> torch.Tensor:
    """Window by window, with rolled pictures for what surrounds one."""
    count, rows, columns, channels = tokens.shape
    x = F.pad(tokens, (0, 0, 0, -columns % 9, 0, -rows % 5))
    q, k, v = layer.query(x), layer.key(x), layer.value(x)
    pooled = layer.pool_layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    result = torch.zeros_like(q)
    for down in range(holed.shape[0]):
        for across in range(holed.shape[1]):
            area = slice(5 * down, 5 * down + 5), slice(9 * across, 9 * across + 9)
            queries = q[:, *area].reshape(count, 45, channels)
            if not holed[down, across]:
                found = attend(queries, *(y[:, *area].reshape(count, 45, channels) for y in (k, v)))
            else:
                keys, values = (
                    torch.cat(
                        [
                            torch.cat((y[t, *area].reshape(45, -1), around(y[t], *area), few[t].flatten(0, 1)))
                            for t in seen
                        ]
                    )
                    for y, few in ((k, layer.key(pooled)), (v, layer.value(pooled)))
                )
                found = attend(queries.flatten(0, 1)[None], keys[None], values[None])[0]
            result[:, *area] = found.reshape(count, 5, 9, channels)
    return layer.proj(result[:, :rows, :columns])


def around(picture: torch.Tensor, rows: slice, columns: slice) -> torch.Tensor:
    found = []
    for down, across in ((3, 5), (3, -5), (-3, 5), (-3, -5)):
        moved = picture.roll((-down, -across), (0, 1))[rows, columns]
        for y in range(5):
            for x in range(9):
                if not (0 <= y + down < 5 and 0 <= x + across < 9):
                    found.append(moved[y, x])
    assert len(found) == 148
    return torch.stack(found)


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    q, k, v = (x.unflatten(-1, (2, -1)).transpose(1, 2) for x in (query, key, value))
    weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("bytes_at_once", [1, 2**27])
def test_it_is_attention_to_all_that_a_window_sees(
    layer: SparseWindowAttention, bytes_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse_attention, "BYTES_AT_ONCE", bytes_at_once)
    tokens = torch.randn(4, 11, 20, 8, generator=torch.Generator().manual_seed(6))
    holed = torch.tensor([[True, False, False], [False, True, True], [False, False, True]])
    with torch.inference_mode():
        expected = plainly(layer, tokens, holed, range(1, 4, 2))
        torch.testing.assert_close(layer(tokens, holed, range(1, 4, 2), 4), expected)
        torch.testing.assert_close(layer(tokens, holed, range(1, 4, 2), 2), expected[:2])
        none = torch.zeros_like(holed)
        torch.testing.assert_close(layer(tokens, none, range(4), 4), plainly(layer, tokens, none, range(4)))


def test_windows_with_holes_are_told_by_any_frame() -> None:
    masks = torch.zeros(2, 1, 11, 12)
    masks[1, 0, 10, 9] = 1
    assert with_holes(masks).tolist() == [[False, False], [False, False], [False, True]]


def test_surroundings_wrap_around_the_edges() -> None:
    places = surroundings(10, 18, torch.device("cpu"))
    assert places.shape == (4, 45 + 148)
    assert places[0, :9].tolist() == list(range(9))
    assert sorted(places[3, :45].tolist()) == [18 * y + x for y in range(5, 10) for x in range(9, 18)]
    assert int(places.max()) < 180


def test_the_published_index_is_a_buffer_of_148() -> None:
    spec = records.layout("propainter-generator")[1]["transformers.transformer.0.attention.valid_ind_rolled"]
    assert (spec["shape"], spec["kind"]) == ([148], "buffer")
