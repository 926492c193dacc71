import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers import window_batches
from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.layers.window_attention import apart, relative_positions
from vsrestore.networks.layers.window_batches import SwinLayer, WindowGrid

CPU = torch.device("cpu")


def _layer(frames=2, width=12, heads=3):
    torch.manual_seed(0)
    layer = SwinLayer(width, heads, 20, frames).eval()
    torch.nn.init.normal_(layer.attn.relative_position_bias_table)
    return layer


def _refined(layer, x, shifted, queries=slice(None)):
    grid = WindowGrid(x.shape[:-1], shifted, CPU)
    height, width = x.shape[2:4]
    padded = F.pad(x, (0, 0, 0, -width % 8, 0, -height % 8))
    tokens = padded.flatten(0, 3)
    with torch.inference_mode():
        layer(tokens, grid, queries)
    return tokens.view(padded.shape)[:, :, :height, :width]


def _by_hand(layer, x, shifted):
    """One token after the other of the first picture: those it sees, by the definition of a window."""
    _, frames, height, width, channels = x.shape
    tall, wide = height + -height % 8, width + -width % 8
    normed = F.pad(layer.norm1(x[0]), (0, 0, 0, wide - width, 0, tall - height))
    head = channels // layer.attn.heads
    shift = 4 if shifted else 0
    places = [(t, r, c) for t in range(frames) for r in range(tall) for c in range(wide)]
    window = torch.tensor([((r + shift) // 8, (c + shift) // 8) for _, r, c in places])
    q, k, v = layer.attn.qkv(normed.reshape(-1, channels)).unflatten(-1, (3, layer.attn.heads, head)).unbind(1)
    at = torch.tensor(places)
    away = at[:, None] - at[None] + torch.tensor([frames - 1, 7, 7])
    seen = (window[:, None] == window[None]).all(-1)
    rows = ((away[..., 0] * 15 + away[..., 1]) * 15 + away[..., 2]).masked_fill(~seen, 0)
    logits = torch.einsum("qhc,khc->hqk", q, k) * head**-0.5 + layer.attn.relative_position_bias_table[rows].movedim(
        -1, 0
    )
    weights = logits.masked_fill(~seen, -torch.inf).softmax(-1)
    attended = layer.attn.proj(torch.einsum("hqk,khc->qhc", weights, v).flatten(1)).view(frames, tall, wide, channels)
    x = x[:1] + attended[None, :, :height, :width]
    return x + layer.mlp["fc2"](F.gelu(layer.mlp["fc1"](layer.norm2(x))))


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", [(16, 24), (18, 13), (8, 8)])
def test_a_token_attends_to_its_window(shifted, size):
    layer, x = _layer(), torch.randn(1, 2, *size, 12)
    with torch.inference_mode():
        torch.testing.assert_close(_refined(layer, x, shifted), _by_hand(layer, x, shifted))


@pytest.mark.parametrize("shifted", [False, True])
def test_pictures_and_batches_of_windows_do_not_touch_each_other(shifted, monkeypatch):
    layer, x = _layer(), torch.randn(3, 2, 17, 24, 12)
    expected = torch.cat([_refined(layer, picture[None], shifted) for picture in x])
    torch.testing.assert_close(_refined(layer, x, shifted), expected)
    monkeypatch.setattr(window_batches, "AT_ONCE", AtOnce(1, 1))
    torch.testing.assert_close(_refined(layer, x, shifted), expected)


def test_only_the_wanted_tokens_are_refined():
    layer, x = _layer(), torch.randn(1, 2, 16, 24, 12)
    refined = _refined(layer, x, True, slice(64, 128))
    torch.testing.assert_close(refined[:, 1], _refined(layer, x, True)[:, 1])
    assert torch.equal(refined[:, 0], x[:, 0])


def test_heads_of_any_width_are_scaled_by_it():
    layer, x = _layer(), torch.randn(2, 128, 12)
    layer.attn._in_heads, plain = (
        (lambda y: F.pad(type(layer.attn)._in_heads(layer.attn, y), (0, 4))),
        layer.attn._in_heads,
    )
    bias = torch.randn(3, 128, 128)
    with torch.inference_mode():
        padded = layer.attn(x, bias, slice(None))
        layer.attn._in_heads = plain
        torch.testing.assert_close(padded, layer.attn(x, bias, slice(None)))


def test_distances_go_from_corner_to_corner():
    rows = relative_positions(3)
    assert rows.shape == (192, 192)
    assert (rows.min(), rows.max()) == (0, 5 * 225 - 1)
    assert (rows.diagonal() == 562).all()
    assert rows[1, 0] == rows[0, 1] + 2


def test_opposite_sides_are_apart():
    assert apart(False, False, 2) is None
    low = apart(True, False, 2)
    assert low.shape == (128, 128)
    assert set(low.flatten().tolist()) == {0.0, -100.0}
    assert low[0, 31] == low[0, 64] == 0
    assert low[0, 32] == low[0, 96] == -100
    assert apart(False, True, 1)[0, 3] == 0
    assert apart(False, True, 1)[0, 4] == -100
