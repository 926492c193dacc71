from itertools import product

import pytest
import torch

from vsrestore.networks.layers.swin import APART, PatchMerging, WindowAttention, WindowGrid

SIZES = [(5, 24, 16), (4, 17, 20), (1, 8, 30), (2, 6, 6), (3, 9, 40)]
NOMINAL = (2, 8, 8)


def labels_of(grid):
    """The published labels of every token after padding and roll, cut into windows."""
    padded = [n * w for n, w in zip(grid.counts, grid.window, strict=True)]
    total = torch.zeros(padded)
    for axis, (size, window, shift) in enumerate(zip(padded, grid.window, grid.shift, strict=True)):
        if shift:
            at = torch.arange(size)
            label = (at >= size - window).int() + (at >= size - shift).int()
            total += 3**axis * label.view([-1 if a == axis else 1 for a in range(3)])
    plain = WindowGrid(tuple(padded), grid.window, (0, 0, 0))
    return plain.split(total[None, ..., None])[0, ..., 0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 4, 4)])
def test_windows_join_to_what_was_split(size, shift):
    grid = WindowGrid.fitted(size, NOMINAL, shift)
    x = torch.rand(2, *size, 3)
    windows = grid.split(x)
    assert windows.shape[1:4] == grid.counts
    assert torch.equal(grid.join(windows), x)


@pytest.mark.parametrize("size", SIZES)
def test_areas_cover_the_grid_and_keep_apart_what_lies_apart(size):
    grid = WindowGrid.fitted(size, NOMINAL, (1, 4, 4))
    labels = labels_of(grid)
    times = torch.zeros(grid.counts)
    for area, mask in grid.areas(torch.zeros(())):
        times[area] += 1
        apart = labels[area][..., :, None] != labels[area][..., None, :]
        assert ((mask == APART) == apart).all()
    assert (times == 1).all()


def test_a_window_is_no_longer_than_the_map_unless_it_is_told_to_be():
    assert WindowGrid.fitted((5, 6, 30), NOMINAL, (1, 4, 4)) == WindowGrid((5, 6, 30), (2, 6, 8), (1, 0, 4))
    padded = WindowGrid.fitted((5, 6, 30), (1, 7, 7), (0, 3, 3), reduces=False)
    assert (padded.window, padded.shift, padded.counts) == ((1, 7, 7), (0, 0, 3), (5, 1, 5))


@pytest.mark.parametrize("size", [(5, 16, 24), (5, 6, 8)])
@pytest.mark.parametrize("shifted", [False, True])
def test_attention_is_that_of_the_paper(size, shifted):
    """Head by head with a bias looked up pair by pair; where a window is smaller, by the places of the nominal one."""
    torch.manual_seed(1)
    attention = WindowAttention(8, 2, NOMINAL, shifted)
    torch.nn.init.normal_(attention.relative_position_bias_table)
    x = torch.rand(1, *size, 8)
    grid = WindowGrid.fitted(size, NOMINAL, attention.shift)
    query, key, value = attention.qkv(grid.split(x)).chunk(3, dim=-1)
    places = list(product(*(range(length) for length in NOMINAL)))[: query.shape[-2]]
    rows = torch.tensor(
        [[225 * (a - d + 1) + 15 * (b - e + 7) + c - f + 7 for d, e, f in places] for a, b, c in places]
    )
    labels = labels_of(grid)
    apart = (labels[..., :, None] != labels[..., None, :]) * -100.0
    heads = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = query[..., part] @ key[..., part].transpose(-1, -2) / 2
        bias = attention.relative_position_bias_table[rows, head]
        heads.append((scores + bias + apart).softmax(-1) @ value[..., part])
    expected = grid.join(attention.proj(torch.cat(heads, dim=-1)))
    torch.testing.assert_close(attention(x), expected, atol=1e-5, rtol=1e-5)


def test_odd_sizes_are_merged_after_zeros():
    merging = PatchMerging(4)
    x = torch.rand(1, 2, 5, 7, 4)
    padded = torch.zeros(1, 2, 6, 8, 4)
    padded[:, :, :5, :7] = x
    torch.testing.assert_close(merging(x), merging(padded))
    order = torch.cat((x[0, 0, 0, 0], x[0, 0, 1, 0], x[0, 0, 0, 1], x[0, 0, 1, 1]))
    torch.testing.assert_close(merging(x)[0, 0, 0, 0], merging.reduction(merging.norm(order)))
