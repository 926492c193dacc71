"""RVRT as its paper writes it, with the weights of ours.

PyTorch's default memory layout, attention as products and a softmax with one mask per window, all points of the guided
deformable attention sampled before it attends, and flows of each direction by themselves. Each context manager takes
one of our ways back while it lasts, in this process alone, so that what remains is the same arithmetic on the same
weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor

from vsrestore.networks.layers import guided_attention as guided
from vsrestore.networks.layers import window_attention as windows
from vsrestore.networks.rvrt import RVRT

from ..published import contiguous_layout, one_flow_at_a_time

TakesBack = Callable[[], AbstractContextManager[None]]

LAID_OUT = ("spynet", "layers.swin_groups", "layers.guided_attention")
"""Modules of vsrestore.networks that lay features of RVRT out with channels last."""


def restore(network: RVRT, frames: Tensor, noise_level: float | Tensor | None = None) -> Tensor:
    """Return what ``network`` makes of frames (N, T, 3, H, W), the naive way: (N, T, 3, scale * H, scale * W)."""
    return without(network, frames, *NAIVE, noise_level=noise_level)


def without(
    network: RVRT,
    frames: Tensor,
    *taken_back: TakesBack,
    keep: range | None = None,
    noise_level: float | Tensor | None = None,
) -> Tensor:
    """Return what ``network`` makes of frames without some of our ways."""
    with ExitStack() as contexts:
        for context in taken_back:
            contexts.enter_context(context())
        restored: Tensor = network(frames, keep, noise_level)
    return restored


@contextmanager
def attention_by_products() -> Iterator[None]:
    """Windows attend by a product, a softmax and a product; rolled pictures have one mask for every window."""
    with patch("vsrestore.networks.layers.swin_groups.attend", attend_by_products):
        yield


def attend_by_products(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, rolled: bool) -> Tensor:
    """Attend within windows, see `vsrestore.networks.layers.window_attention.attend`."""
    q, k, v = (x.unflatten(-1, (len(bias), -1)).transpose(3, 4) for x in (query, key, value))
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(4, 5) + bias
    if rolled:
        logits = logits + _masks(query.shape[1], query.shape[2], query.shape[3]).to(logits)
    return (logits.softmax(dim=-1) @ v).transpose(3, 4).flatten(4)


def _masks(rows: int, columns: int, tokens: int) -> Tensor:
    """Return the mask of every window of a rolled picture, (rows, columns, 1, L, L)."""
    labels = [_labels(count * windows.WINDOW) for count in (rows, columns)]
    region = labels[0][:, None] * 3 + labels[1]
    frames = tokens // windows.WINDOW**2
    regions = windows.split_windows(region.expand(1, frames, -1, -1)[..., None])[0, ..., 0]
    apart = regions[..., :, None] != regions[..., None, :]
    return (apart * windows.APART).unsqueeze(2)


def _labels(length: int) -> Tensor:
    """Number the parts of a rolled axis that do not attend to each other, for every pixel, (length,)."""
    at = torch.arange(length)
    return (at >= length - windows.WINDOW).int() + (at >= length - windows.SHIFT).int()


@contextmanager
def all_points_at_once() -> Iterator[None]:
    """The guided deformable attention samples keys and values at all points before it attends."""
    with patch.object(guided, "gather_attention", attend_to_columns):
        yield


def attend_to_columns(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor, heads: int) -> Tensor:
    """Run the guided deformable attention, see `vsrestore.networks.layers.guided_attention.guided_attention`."""
    half = offsets.shape[3] // 2
    points = [(slot, tap) for slot in range(guided.FRAMES) for tap in range(guided.TAPS)]
    q, k, v = (
        x.permute(0, 1, 4, 2, 3).contiguous().unflatten(2, (half, heads // half, -1)) for x in (query, key, value)
    )
    keys = torch.stack([guided._sample(k, offsets[:, :, slot, :half, tap], slot, tap) for slot, tap in points])
    values = torch.stack([guided._sample(v, offsets[:, :, slot, half:, tap], slot, tap) for slot, tap in points])
    attention = ((q * q.shape[4] ** -0.5) * keys).sum(dim=5).softmax(dim=0)
    return (attention.unsqueeze(5) * values).sum(dim=0).flatten(2, 4).permute(0, 1, 3, 4, 2)


NAIVE = (partial(contiguous_layout, LAID_OUT), attention_by_products, all_points_at_once, one_flow_at_a_time)
"""All of our ways, in the order in which a comparison brings them back."""
