"""TAPE written down as published: plain attention with a mask for every window, default layout, nothing computed once.

Takes the weights of our network and gives what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 8
BLACK = -1
SPACE_TIME, SPACE, SPACE_SWIN_T = (2, 8, 8), (1, 8, 8), (1, 7, 7)

Weights = Mapping[str, Tensor]
Size = tuple[int, int, int]


def restore(
    network: nn.Module, frames: Tensor, windows: Tensor, references: Tensor, reference_frames: Tensor | None = None
) -> Tensor:
    """Return the centre of each window, as ``TapeReference.forward`` does; all other frames are restored in vain."""
    weights = network.state_dict()
    source = frames if reference_frames is None else reference_frames
    centres = []
    for window, row in zip(windows.tolist(), references.tolist(), strict=True):
        black = torch.zeros_like(frames[:, 0])
        seen = torch.stack([black if p == BLACK else frames[:, p] for p in window], dim=1)
        centres.append(whole_window(weights, seen, source[:, row])[:, len(window) // 2])
    return torch.stack(centres, dim=1)


def whole_window(w: Weights, frames: Tensor, references: Tensor) -> Tensor:
    """Restore all frames (B, T, 3, H, W) of a window, given references (B, M, 3, H, W)."""
    dtype = w["conv_input.weight"].dtype
    guides = reference_features(w, references.to(dtype))
    e0 = per_frame(lambda x: F.conv2d(x, *of(w, "conv_input"), stride=2, padding=1), channels_last(frames.to(dtype)))
    e1 = merge(w, "encoding_layers.0.sampling_operation", layer(w, "encoding_layers.0", e0))
    e2 = merge(w, "encoding_layers.1.sampling_operation", layer(w, "encoding_layers.1", e1))
    x = merge(w, "encoding_layers.2.sampling_operation", layer(w, "encoding_layers.2", e2))
    x = expand(w, "decoding_layers.0.sampling_operation", layer(w, "decoding_layers.0", x))
    for level, skip in ((2, e2), (1, e1), (0, e0)):
        x = x + skip
        x = x + fusion(w, f"mrsff_layers.{level}", x, guides[level])
        name = f"decoding_layers.{3 - level}"
        x = expand(w, f"{name}.sampling_operation", layer(w, name, x))
    residual = per_frame(lambda x: conv(w, "conv_output", x), x)
    return frames + residual.permute(0, 1, 4, 2, 3).to(frames.dtype)


def reference_features(w: Weights, references: Tensor) -> list[Tensor]:
    name = "ref_feature_extractor.swin_net"
    mean = references.new_tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = references.new_tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = channels_last((references - mean) / deviation)
    x = norm(w, f"{name}.0.2", per_frame(lambda x: F.conv2d(x, *of(w, f"{name}.0.0"), stride=4), x))
    features = []
    for level in range(3):
        if level:
            x = merge(w, f"{name}.{2 * level}", x)
        stage = f"{name}.{2 * level + 1}"
        for block in range(count(w, f"{stage}.", ".norm1.weight")):
            shift = (0, 3, 3) if block % 2 else (0, 0, 0)
            heads = x.shape[-1] // 32
            x = swin_block(w, f"{stage}.{block}", x, SPACE_SWIN_T, shift, heads, ("mlp.0", "mlp.3"), reduces=False)
        features.append(per_frame(partial(enlarged_tap, w, f"ref_feature_extractor_conv.{level}.0"), x))
    return features


def enlarged_tap(w: Weights, name: str, pictures: Tensor) -> Tensor:
    return F.pixel_shuffle(conv(w, name, pictures), 2)


def layer(w: Weights, name: str, x: Tensor) -> Tensor:
    deep = x
    for block in range(count(w, f"{name}.blocks.", ".norm1.weight")):
        shift = (1, 4, 4) if block % 2 else (0, 0, 0)
        deep = swin_block(w, f"{name}.blocks.{block}", deep, SPACE_TIME, shift, HEADS, ("mlp.fc1", "mlp.fc2"))
    return x + per_frame(lambda x: conv(w, f"{name}.last_conv", x), deep)


def swin_block(
    w: Weights,
    name: str,
    x: Tensor,
    window: Size,
    shift: Size,
    heads: int,
    mlp: tuple[str, str],
    reduces: bool = True,
) -> Tensor:
    window, shift = fit(x.shape[1:4], window, shift, reduces)
    table = w[f"{name}.attn.relative_position_bias_table"]
    nominal = SPACE_TIME if reduces else SPACE_SWIN_T
    windows, padded = cut(norm(w, f"{name}.norm1", x), window, shift)
    qkv = linear(w, f"{name}.attn.qkv", windows)
    q, k, v = (split_heads(part, heads) for part in qkv.chunk(3, dim=-1))
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + bias(table, nominal, windows.shape[1])
    if any(shift):
        masks = mask(padded, window, shift).to(scores)
        scores = (scores.unflatten(0, (-1, len(masks))) + masks[:, None]).flatten(0, 1)
    attended = linear(w, f"{name}.attn.proj", join_heads(scores.softmax(-1) @ v))
    x = x + uncut(attended, window, shift, padded, x.shape)
    return x + feed_forward(w, name, norm(w, f"{name}.norm2", x), mlp)


def fusion(w: Weights, name: str, x: Tensor, references: Tensor) -> Tensor:
    deep = x
    for block in range(count(w, f"{name}.blocks.", ".norm_q.weight")):
        at = f"{name}.blocks.{block}"
        shift = (0, 4, 4) if block % 2 else (0, 0, 0)
        queries, keys = norm(w, f"{at}.norm_q", deep), norm(w, f"{at}.norm_kv", references)
        deep = deep + reference_attention(w, f"{at}.attn", queries, keys, shift)
        deep = deep + feed_forward(w, at, norm(w, f"{at}.norm2", deep), ("mlp.fc1", "mlp.fc2"))
    return x + per_frame(lambda x: conv(w, f"{name}.last_conv", x), deep)


def reference_attention(w: Weights, name: str, x: Tensor, references: Tensor, shift: Size) -> Tensor:
    slots, items, width = x.shape[1], references.shape[1], x.shape[-1]
    window, shift = fit(x.shape[1:4], SPACE, shift, reduces=True)
    queries, padded = cut(x, window, shift)
    keys, _ = cut(references, window, shift)
    q = split_heads(linear(w, f"{name}.q", queries), HEADS).unflatten(0, (-1, 1, slots))
    k, v = (split_heads(part, HEADS) for part in linear(w, f"{name}.kv", keys).chunk(2, dim=-1))
    k, v = (part.unflatten(0, (-1, items, 1)) for part in (k, v))
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    scores = scores + bias(w[f"{name}.relative_position_bias_table"], SPACE, queries.shape[1])
    if any(shift):
        masks = mask((1, *padded[1:]), window, shift).to(scores)
        scores = scores.unflatten(0, (-1, len(masks))) + masks[:, None, None, None]
        scores = scores.flatten(0, 1)
    pairs = (scores.softmax(-1) @ v).contiguous()
    pooled = pooling(w, f"{name}.dim_reduction", pairs.view(-1, items, queries.shape[1], width))
    return uncut(linear(w, f"{name}.proj", F.gelu(pooled)), window, shift, padded, x.shape)


def pooling(w: Weights, name: str, items: Tensor) -> Tensor:
    items = torch.cat((items.mean(1, keepdim=True), items), dim=1) + w[f"{name}.pos_embedding"]
    q = split_heads(linear(w, f"{name}.q_proj", items[:, 0]), HEADS)
    k, v = (split_heads(linear(w, f"{name}.{part}_proj", items.flatten(1, 2)), HEADS) for part in "kv")
    attended = (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).softmax(-1) @ v
    return linear(w, f"{name}.out_proj", join_heads(attended))


def merge(w: Weights, name: str, x: Tensor) -> Tensor:
    x = F.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
    quarters = (x[:, :, 0::2, 0::2], x[:, :, 1::2, 0::2], x[:, :, 0::2, 1::2], x[:, :, 1::2, 1::2])
    return F.linear(norm(w, f"{name}.norm", torch.cat(quarters, dim=-1)), w[f"{name}.reduction.weight"])


def expand(w: Weights, name: str, x: Tensor) -> Tensor:
    def larger(pictures: Tensor) -> Tensor:
        shuffled = F.pixel_shuffle(conv(w, f"{name}.before_conv", pictures), 2)
        return conv(w, f"{name}.after_conv", F.leaky_relu(shuffled, 0.1))

    return per_frame(larger, x)


def fit(size: tuple[int, ...], window: Size, shift: Size, reduces: bool) -> tuple[Size, Size]:
    fitting = [min(w, n) if reduces else w for n, w in zip(size, window, strict=True)]
    shifts = [s if n > w else 0 for n, w, s in zip(size, fitting, shift, strict=True)]
    return (fitting[0], fitting[1], fitting[2]), (shifts[0], shifts[1], shifts[2])


def cut(x: Tensor, window: Size, shift: Size) -> tuple[Tensor, Size]:
    """Return windows (number, tokens, C) of a padded and rolled map, and its padded size."""
    t, r, c = (-size % length for size, length in zip(x.shape[1:4], window, strict=True))
    x = F.pad(x, (0, 0, 0, c, 0, r, 0, t))
    padded = (x.shape[1], x.shape[2], x.shape[3])
    if any(shift):
        x = torch.roll(x, [-s for s in shift], dims=(1, 2, 3))
    return partition(x, window), padded


def partition(x: Tensor, window: Size) -> Tensor:
    b, t, r, c, width = x.shape
    wt, wr, wc = window
    x = x.view(b, t // wt, wt, r // wr, wr, c // wc, wc, width).permute(0, 1, 3, 5, 2, 4, 6, 7)
    return x.reshape(-1, wt * wr * wc, width)


def uncut(windows: Tensor, window: Size, shift: Size, padded: Size, shape: torch.Size) -> Tensor:
    (t, r, c), (wt, wr, wc) = padded, window
    x = windows.view(shape[0], t // wt, r // wr, c // wc, wt, wr, wc, -1).permute(0, 1, 4, 2, 5, 3, 6, 7)
    x = x.reshape(shape[0], t, r, c, -1)
    if any(shift):
        x = torch.roll(x, shift, dims=(1, 2, 3))
    return x[:, : shape[1], : shape[2], : shape[3]]


def mask(padded: Size, window: Size, shift: Size) -> Tensor:
    """Return the mask of every window, (windows, tokens, tokens)."""
    labels = torch.zeros(1, *padded, 1)
    for axis, (size, length, s) in enumerate(zip(padded, window, shift, strict=True)):
        if s:
            at = torch.arange(size)
            label = (at >= size - length).int() + (at >= size - s).int()
            labels += 3**axis * label.view([-1 if a == axis + 1 else 1 for a in range(5)])
    flat = partition(labels, window)[..., 0]
    return (flat[:, None, :] != flat[:, :, None]).float() * -100


def bias(table: Tensor, window: Size, tokens: int) -> Tensor:
    """Return the bias (heads, tokens, tokens) of pairs of tokens, from the nominal window."""
    at = torch.stack(torch.meshgrid(*(torch.arange(n) for n in window), indexing="ij")).flatten(1)
    apart = at[:, :, None] - at[:, None, :]
    index = torch.zeros_like(apart[0])
    for axis, length in enumerate(window):
        index = index * (2 * length - 1) + apart[axis] + length - 1
    return table[index[:tokens, :tokens]].permute(2, 0, 1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def feed_forward(w: Weights, name: str, x: Tensor, layers: tuple[str, str]) -> Tensor:
    return linear(w, f"{name}.{layers[1]}", F.gelu(linear(w, f"{name}.{layers[0]}", x)))


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], *of(w, name))


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, *of(w, name))


def conv(w: Weights, name: str, pictures: Tensor) -> Tensor:
    return F.conv2d(pictures, *of(w, name), padding=1)


def of(w: Weights, name: str) -> tuple[Tensor, Tensor]:
    return w[f"{name}.weight"], w[f"{name}.bias"]


def count(w: Weights, beginning: str, ending: str) -> int:
    return sum(name.startswith(beginning) and name.endswith(ending) for name in w)


def channels_last(x: Tensor) -> Tensor:
    """Lay frames (B, T, C, H, W) out as (B, T, H, W, C)."""
    return x.permute(0, 1, 3, 4, 2).contiguous()


def per_frame(run: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Run something over pictures (B * T, C, h, w), laid out channel by channel, of tokens (B, T, h, w, C)."""
    pictures = x.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
    return run(pictures).unflatten(0, x.shape[:2]).permute(0, 1, 3, 4, 2).contiguous()
