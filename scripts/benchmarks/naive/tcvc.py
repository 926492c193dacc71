"""The second stage of TCVC as it is published, with the weights of ours.

PyTorch's default memory layout, batch norms apart, attention as products and a softmax, the reference's features found
again for every group and its colours painted to the end, and colours fetched by a softmax so sharp that it is a choice.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.layers.token_attention import CrossLayer, TokenAttention, TokenLayer
from vsrestore.networks.tcvc import GROUP, TCVC
from vsrestore.networks.tcvc_colour_net import ColourTrunk
from vsrestore.networks.tcvc_decoder import GuidedColourNet, Warper
from vsrestore.networks.tcvc_encoder import COARSE, FINE, MIDDLE, EncoderLayer, TCVCEncoder, position_code
from vsrestore.networks.tcvc_lab import decoded, encoded, rgb_of

TEMPERATURE = 1e-10


def colour(network: TCVC, frames: Tensor, reference: Tensor) -> Tensor:
    """Return frames (1, T, 3, H, W) coloured after a reference (1, 3, H, W), all Lab as ``encoded`` gives it."""
    shown, memory, given = decoded(reference), None, []
    for first in range(0, frames.shape[1], GROUP):
        lab = torch.cat((shown, decoded(frames[0, first : first + GROUP])))
        grey = ((lab[1:, :1] + 50) / 100).repeat(1, 3, 1, 1)
        fine, middle, source = _features(network.encoder, torch.cat((rgb_of(shown), grey)))
        maps, tokens = _encoded(network.encoder, source, memory)
        memory = tokens if memory is None else _crossed(network.encoder.inter_save, memory, tokens)
        fetched = _fetched(network.warper, fine, middle, maps, lab)
        x = torch.cat((lab[:, :1] / 50, F.interpolate(fetched, scale_factor=4)), dim=1)
        given.append(torch.cat((lab[:, :1], _painted(network.painter, x, tokens)), dim=1)[1:])
    return encoded(torch.cat(given))[None]


def _features(encoder: TCVCEncoder, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    conv, norm, _, _, *groups = encoder.backbone
    x, found = F.relu(norm(conv(x))), []
    for group in cast("list[nn.Sequential]", groups):
        found.append([x := block(x) for block in group])
    return found[0][FINE], found[1][MIDDLE], torch.cat([found[2][index] for index in reversed(COARSE)], dim=1)


def _encoded(encoder: TCVCEncoder, source: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
    tokens, maps = encoder.project2trans(_tokens(source)), _pointwise(encoder.project2cnn, source)
    if memory is not None:
        tokens = _crossed(encoder.interlayer_request, tokens, memory)
    code = position_code(maps, tokens.shape[1])
    for layer in encoder.layers:
        assert isinstance(layer, EncoderLayer)
        seen = maps
        for conv in layer.conv.values():
            seen = F.instance_norm(F.relu(conv(seen)))
        tokens = _attended(layer, layer.fuse_cnn2trans(torch.cat((tokens, _tokens(maps)), dim=1)), code)
        fused = _pointwise(layer.fuse_trans2cnn[0], torch.cat((seen, _maps(tokens, maps)), dim=1))
        maps = F.instance_norm(maps + fused)
    return maps, tokens


def _fetched(warper: Warper, fine: Tensor, middle: Tensor, maps: Tensor, lab: Tensor) -> Tensor:
    doubled = F.interpolate(maps, scale_factor=2, mode="bilinear")
    coarse = F.instance_norm(warper.Conv_up["2"](warper.Conv_up["1"](doubled)))
    middle = F.instance_norm(_pointwise(warper.project_feature1, middle))
    fine = F.instance_norm(_pointwise(warper.project_feature2, fine))[..., ::2, ::2]
    joined = x = torch.cat((fine, middle, coarse), dim=1)
    for block in (warper.fuse_conv1_1, warper.fuse_conv1_2, warper.fuse_conv1_3):
        x = x + F.instance_norm(F.relu(block.conv["2"](F.relu(block.conv["0"](x)))))
    half = x.shape[1] // 2
    x = torch.cat((x[:, :half], 0.2 * x[:, half:] + 0.8 * joined[:, half:]), dim=1)
    look = warper.warp_layer
    position = look.pos_embed(position_code(x, look.pos_embed.in_features))
    plain, placed = _tokens(x).chunk(2, dim=1)
    first = len(plain) // len(x)
    colours = lab[0, 1:, ::4, ::4].flatten(1).T / 128
    found, alike = [], []
    for queries, keys in ((plain[first:], plain[:first]), ((placed + position)[first:], (placed - position)[:first])):
        cosines = _directions(look.theta(queries)) @ _directions(look.phi(keys)).T
        alike.append(cosines.amax(1, keepdim=True))
        found.append((cosines / TEMPERATURE).softmax(1) @ colours)
    own = torch.cat((colours, colours, torch.ones_like(colours)), dim=1)
    return _maps(torch.cat((own, torch.cat((*found, *alike), dim=1))), x)


def _painted(net: GuidedColourNet, x: Tensor, tokens: Tensor) -> Tensor:
    first = F.instance_norm(_chain(net, x, "conv1_1.0", "conv1_1.2", "conv1_2"))
    second = F.instance_norm(_chain(net, _smaller(net.conv1_2norm_ss, first), "conv2_1", "conv2_2"))
    third = F.instance_norm(_chain(net, _smaller(net.conv2_2norm_ss, second), *_block(3)))
    x = F.instance_norm(_chain(net, _smaller(net.conv3_3norm_ss, third), *_block(4)))
    for index, number in enumerate((5, 6, 7)):
        mixed = net.get_submodule(f"fuse_cnn2trans{index + 1}")(torch.cat((_tokens(x), tokens), dim=1))
        tokens = _attended(net.get_submodule(f"vc_layer{index}"), mixed)
        seen = F.instance_norm(_chain(net, x, *_block(number)))
        fuse = net.get_submodule(f"fuse_trans2cnn{index + 1}")
        x = F.instance_norm(_pointwise(fuse, torch.cat((seen, _maps(tokens, x)), dim=1)) + x)
    for name, skipped, short, rest in (
        ("conv8_1", third, "conv3_3_short", ("conv8_2", "conv8_3")),
        ("conv9_1", second, "conv2_2_short", ("conv9_2",)),
    ):
        x = F.relu(_larger(net, name, x) + net.get_submodule(short)(skipped))
        x = F.instance_norm(_chain(net, x, *rest))
    x = net.conv10_2(F.relu(_larger(net, "conv10_1", x) + net.conv1_2_short(first)))
    return 128 * torch.tanh(net.conv10_ab(F.leaky_relu(x, 0.2)))


def _attended(layer: nn.Module, tokens: Tensor, code: Tensor | None = None) -> Tensor:
    assert isinstance(layer, TokenLayer)
    normed = layer.norm1(tokens)
    placed = normed if code is None else normed + code
    tokens = tokens + _attention(layer.self_attn, placed, placed, normed)
    return tokens + layer.linear2(F.relu(layer.linear1(layer.norm2(tokens))))


def _crossed(layer: CrossLayer, tokens: Tensor, others: Tensor) -> Tensor:
    tokens = layer.norm1(tokens + _attention(layer.self_attn, tokens, others, others))
    return layer.norm2(tokens + layer.linear2(F.relu(layer.linear1(tokens))))


def _attention(attention: TokenAttention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attend as ``nn.MultiheadAttention`` does where weights are asked for."""
    width, heads = query.shape[1], attention.heads
    told = (attention.in_proj_weight, attention.in_proj_bias, attention.bias_k, attention.bias_v)
    out = attention.out_proj
    query, key, value = (x[:, None] for x in (query, key, value))
    found, _ = F.multi_head_attention_forward(
        query, key, value, width, heads, *told, True, 0.0, out.weight, out.bias, training=False
    )
    return found[:, 0]


def _chain(net: ColourTrunk, x: Tensor, *names: str) -> Tensor:
    for name in names:
        x = F.relu(net.get_submodule(name)(x))
    return x


def _block(number: int) -> list[str]:
    return [f"conv{number}_{step}" for step in (1, 2, 3)]


def _smaller(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, conv.weight, stride=2, groups=x.shape[1])


def _larger(net: ColourTrunk, name: str, x: Tensor) -> Tensor:
    return net.get_submodule(f"{name}.1")(F.interpolate(x, scale_factor=2))


def _pointwise(conv: nn.Module, x: Tensor) -> Tensor:
    return F.conv2d(x, conv.weight, conv.bias)  # type: ignore[arg-type]


def _directions(vectors: Tensor) -> Tensor:
    centred = vectors - vectors.mean(0)
    return centred / (centred.norm(dim=1, keepdim=True) + 2e-16)


def _tokens(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def _maps(tokens: Tensor, like: Tensor) -> Tensor:
    return tokens.unflatten(0, (-1, *like.shape[-2:])).permute(0, 3, 1, 2).contiguous()
