"""Every network gives what its published counterpart gave for the same tensors and the same input."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.filters import image_networks, seeded
from tests.golden import records
from tests.networks import published_tiles
from vsrestore import networks
from vsrestore.devices.cpu import tune, winograd
from vsrestore.networks import image_models, tcvc
from vsrestore.networks.image_propagation import ImagePropagation
from vsrestore.networks.layers.collaborating_flows import adaptive_collaboration
from vsrestore.networks.layers.guided_attention import guided_attention
from vsrestore.networks.layers.patch_align import patch_align
from vsrestore.networks.layers.upsample import quarter_size_images
from vsrestore.networks.padding import padded
from vsrestore.networks.tcvc_lab import decoded, encoded, rgb_of

TOLERANCE = {
    "edvr": 2e-5,
    "basicvsrpp": 5e-5,
    "realbasicvsr": 5e-5,
    "uformer": 1e-5,
    "mat": 2e-5,
    "ddcolor": 1e-5,
    "deoldify": 1e-4,
    "fastai_unet": 1e-4,
    "fast_neural_style": 1e-4,
    "diffbir": 5e-5,
    "ProPainter": 2e-5,
    "rvrt": 1e-5,
    "psrt": 1e-5,
    "tape": 1e-5,
    "mmp_rnn": 1e-5,
    "tcvc": 2e-3,
    "tcvc-stage1": 1e-4,
    "tcvc-stage2-soft": 7e-3,
    "analog_swin_unet": 2e-5,
    "SF-AdaCoF": 5e-5,
    "rife": 5e-5,
    **dict.fromkeys(("bsrnet", "rrdbnet", "scunet", "srvgg", "swinir"), 5e-5),
}
"""Largest error allowed, relative to the largest value; from the notes of the records."""

JUMPS = {"SF-AdaCoF": 0.999}
"""Share of the values that has to agree where a value jumps, and rounding may decide to which side."""


def outputs_of(module, calls):
    module.register_forward_hook(lambda _module, _inputs, output: calls.append(output))
    return calls


def run_edvr(record):
    network, clip = networks.load(record.tensors), record.clip()
    fine, aligned = (outputs_of(m, []) for m in (network.feature_extraction, network.pcd_align))
    fused = outputs_of(network.fusion, [])
    restored = network(clip, torch.arange(clip.shape[1])[None])
    return {
        "out_frame": restored[:, 0],
        "out_mid_l1": torch.cat(fine)[:, ::16, ::2, ::2],
        "out_mid_aligned": torch.stack(aligned, dim=1)[:, :, ::8, ::2, ::2],
        "out_mid_fused": fused[0][:, ::8, ::2, ::2],
    }


def run_edvr_clip(record):
    rules = record.config["window_indices"]
    windows = torch.tensor([row for rule in rules.values() for row in rule])
    restored = networks.load(record.tensors)(record.clip(), windows)[0]
    by_rule = restored.split([len(rule) for rule in rules.values()])
    return {f"out_{rule}": frames[..., ::3, ::3] for rule, frames in zip(rules, by_rule, strict=True)}


def run_basicvsrpp(record):
    network, clip = networks.load(record.tensors), record.clip()
    states = {}
    propagate = network._propagate

    def listen(branch, *arguments):
        for index, state in propagate(branch, *arguments):
            states[branch, index] = state
            yield index, state

    network._propagate = listen
    spatial = outputs_of(network.feat_extract, [])
    restored = network(clip)[0]
    small = F.interpolate(clip[0], scale_factor=0.25, mode="bicubic") if network.same_size else clip[0]
    found = {
        "out_clip": restored[..., ::3, ::3],
        "out_mid_spatial": torch.cat(spatial)[:, ::16, ::2, ::2],
        "out_mid_flow_backward": network.spynet(small[:-1], small[1:])[..., ::2, ::2],
        "out_mid_flow_forward": network.spynet(small[1:], small[:-1])[..., ::2, ::2],
    }
    for branch in ("backward_1", "forward_1", "backward_2", "forward_2"):
        frames = [states[branch, index] for index in range(clip.shape[1])]
        found[f"out_mid_{branch}"] = torch.cat(frames)[:, ::16, ::3, ::3]
    return found


def run_basicvsrpp_mirror(record):
    clip = record.clip()
    restored = networks.load(record.tensors)(torch.cat((clip, clip.flip(1)), dim=1))[0, ..., ::3, ::3]
    middle = len(restored) // 4
    return {"out_clip": restored, "out_centre": (restored[middle] + restored[-1 - middle]) / 2}


def run_psrt(record):
    network, clip = networks.load(record.tensors), torch.from_numpy(record.inputs["in_frames"])[None].float() / 255
    stacks, states = ([], {branch: [] for branch in ("backward_1", "forward_2")})
    for branch, outputs in states.items():
        outputs_of(network.patch_align[branch], outputs)
    network.patch_align["backward_1"].register_forward_pre_hook(lambda _module, inputs: stacks.append(inputs[0]))
    enlarged, (onward, back) = network(clip)[0], network.spynet.between_neighbours(clip)
    found = {
        "out_mid_backward_1_steps": torch.cat(states["backward_1"][:3]),
        "out_mid_cond_step2_backward_1": stacks[2][0],
        "out_mid_forward_2_last": states["forward_2"][-1][0],
    }
    found = {name: tokens[..., ::2, ::2, ::10].movedim(-1, -3) for name, tokens in found.items()}
    flows = {"out_mid_flow_backward": onward[0], "out_mid_flow_forward": back[0]}
    return {"out_frames": enlarged[..., ::3, ::3], **flows, **found}


def pair_of(record):
    return [torch.from_numpy(record.inputs[f"in_frame{n}"]).permute(2, 0, 1)[None].float() / 255 for n in (0, 1)]


def run_adacof(record):
    network = networks.load(record.tensors, dilation=record.config["dilation"])
    earlier, later = pair_of(record)
    features, maps = outputs_of_call(network, "features"), outputs_of_call(network, "maps")
    frame = network(earlier, later, torch.tensor([0.5]))[0]
    return {
        "out_frame": frame,
        "out_mid_features": features[0][0, ::8, ::2, ::2],
        "out_mid_alpha1": maps[0]["down1"][0, ::6, ::4, ::4],
        "out_mid_beta2": maps[0]["across2"][0, ::6, ::4, ::4],
        "out_mid_weight1": maps[0]["weight1"][0, ::6, ::4, ::4],
        "out_mid_occlusion": maps[0]["visibility"][0, :, ::4, ::4],
    }


def run_rife(record):
    """Flows and masks after every block; where the first two ran twice, of both runs of the first."""
    network, halfway = networks.load(record.tensors, refine=False), torch.tensor([0.5])
    pair = pair_of(record)
    steps = outputs_of_blocks(network)
    found = {"out_frame": network(*pair, halfway)[0]}
    guess = network.guess(*pair, halfway)
    runs = steps[: len(steps) // 2]
    found |= rife_mids(runs)
    found["out_mid_mask3"] = guess.mask.sigmoid()[0, :, ::4, ::4]
    moved = network.moved(pair, guess)
    found |= {f"out_mid_warp{n}": moved[n][0, :, ::4, ::4] for n in (0, 1)}
    network.refine = True
    found["out_frame_refined"] = network(*pair, halfway)[0, :, ::2, ::2]
    if "timestep_t" in record.config:
        network.refine = False
        found["out_frame_t"] = network(*pair, torch.tensor([record.config["timestep_t"]]))[0, :, ::2, ::2]
        for name, wishes in {"half": {"scale": 0.5}, "double": {"scale": 2.0}, "ensemble": {"ensemble": True}}.items():
            other = networks.load(record.tensors, refine=False, **wishes)
            found[f"out_frame_{name}"] = other(*pair, halfway)[0, :, ::2, ::2]
    return found


def outputs_of_blocks(network):
    """What every block gives from now on, with its number."""
    steps = []
    for index in range(4):
        block = getattr(network, f"block{index}")
        block.register_forward_hook(lambda _module, _inputs, output, index=index: steps.append((index, output)))
    return steps


def rife_mids(runs):
    """Sums of what blocks gave; what a second run of the first block replaces has names of its own."""
    (_, first), *later = runs
    again = next((step for index, step in later if index == 0), None)
    found = {}
    if again is not None:
        found |= {"out_mid_flow0_rerun": again.flow, "out_mid_mask0_rerun": again.mask}
    total = first if again is None else again
    found |= {"out_mid_flow0": first.flow, "out_mid_mask0": first.mask}
    last = dict(runs)
    for index in (1, 2, 3):
        total = total.corrected(last[index])
        found[f"out_mid_flow{index}"] = total.flow
        if index < 3:
            found[f"out_mid_mask{index}"] = total.mask
    return {name: value[0, :, ::4, ::4] for name, value in found.items()}


def outputs_of_call(network, name):
    """What a method of a network returns from now on."""
    calls, method = [], getattr(network, name)

    def noting(*given):
        calls.append(method(*given))
        return calls[-1]

    setattr(network, name, noting)
    return calls


def run_collaborating_flows(record):
    names = ("image", "weight", "offset_y", "offset_x")
    image, *maps = (torch.from_numpy(record.inputs[f"in_{name}"]) for name in names)
    return {"out_image": adaptive_collaboration(image, *maps, record.config["dilation"])}


def run_patch_align(record):
    features, flow = (torch.from_numpy(record.inputs[name]) for name in ("in_feat", "in_flow"))
    aligned = patch_align(features.permute(0, 2, 3, 1), flow).permute(0, 3, 1, 2)
    assert torch.equal(aligned, record.outputs["out_aligned"])
    return {"out_aligned": aligned}


def run_realbasicvsr(record):
    clip, config = record.clip(), record.config
    network = networks.load(record.tensors, threshold=config["refine_threshold_255"])
    passes, cleanings = outputs_of(network.image_cleaning, []), outputs_of_call(network, "clean")
    restored, (cleaned,) = network(clip)[0], cleanings
    assert len(passes) == config["cleaning_passes_done"] * clip.shape[1]
    spynet, earlier, later = network.basicvsr.spynet, cleaned[0, :-1], cleaned[0, 1:]
    return {
        "out_clip": restored[..., ::3, ::3],
        "out_mid_cleaned": cleaned[0, ..., ::2, ::2],
        "out_mid_flow_backward": spynet(earlier, later)[..., ::2, ::2],
        "out_mid_flow_forward": spynet(later, earlier)[..., ::2, ::2],
    }


def run_uformer(record):
    image = torch.from_numpy(record.inputs["in_rgb"]).permute(2, 0, 1)[None].float() / 255
    plain, shifted = (networks.load(record.tensors, bottleneck_shift=shift)(image)[0] for shift in (False, True))
    top, left = ((128 - side) // 2 for side in image.shape[-2:])
    square = F.pad(image, (left, 128 - image.shape[-1] - left, top, 128 - image.shape[-2] - top))
    return {
        "out_rgb": plain.permute(1, 2, 0).clamp(0, 1),
        "out_raw": plain.permute(1, 2, 0),
        "out_raw_shift": shifted.permute(1, 2, 0),
        "out_mid_padded": networks.load(record.tensors)(square)[..., ::4, ::4],
    }


def run_image_model(record):
    record.outputs.pop("out_tiled", None)  # the tiler of a published script, which does not blend
    tensors = image_networks.published(record.name)
    told = image_models.describe(tensors)
    picture = torch.from_numpy(record.inputs["in_rgb"]).permute(2, 0, 1)[None].float() / 255
    height, width = (told.traits.scale * length for length in picture.shape[-2:])
    return {"out_rgb": image_models.load(tensors)(padded(picture, told.traits))[0, :, :height, :width].permute(1, 2, 0)}


def run_fast_neural_style(record):
    network = networks.load(record.tensors)
    deep = outputs_of(network.res5, [])
    painted = network(torch.from_numpy(record.inputs["in_x"]) / 255)
    return {"out_y": painted * 255, "out_mid_res5": deep[0][:, ::8]}


def run_mat(record):
    network = networks.load(scaled(record.tensors))
    network.z, network.folded_code = torch.from_numpy(record.inputs["in_z"]).float(), None
    network.kept1, network.kept2 = kept_map(record, 1), kept_map(record, 2)
    image = torch.from_numpy(record.inputs["in_rgb"]).permute(2, 0, 1)[None].float() / 255
    holes = 1 - torch.from_numpy(record.inputs["in_mask"])[None, None].float()
    first = outputs_of(network.synthesis.first_stage, [])
    filled = network(torch.cat((image, holes), dim=1)) * 2 - 1
    painted = torch.where(holes > 0, first[0], image * 2 - 1)
    step = network.size // 128
    return {"out_img": filled[..., ::step, ::step], "out_mid_stage1": painted[..., :: 2 * step, :: 2 * step]}


def scaled(tensors):
    """The tensors of a MAT record, as its meta tells: weights of unit variance, those of the mapping of 100."""
    gains = {name: 100 if name.startswith("mapping.") else 1 for name in tensors}
    return {
        name: tensor * np.sqrt(tensor[0].numel()) * gains[name] if tensor.ndim > 1 else tensor
        for name, tensor in tensors.items()
    }


def kept_map(record, number):
    shape = record.config[f"drop{number}_shape"]
    bits = np.unpackbits(record.inputs[f"in_drop{number}"])[: np.prod(shape)]
    return torch.from_numpy(bits.reshape(shape)).float()


def run_ddcolor(record):
    for key in [key for key in record.outputs if key.startswith("out_rgb_")]:
        record.outputs.pop(key)  # what the filter gives: tests/filters/test_ddcolor.py
    return {"out_ab": networks.load(record.tensors)(torch.from_numpy(record.inputs["in_net_input"]))}


def run_deoldify(record):
    network = networks.load(record.tensors)
    parts = {index: outputs_of(network.layers[index], []) for index in (3, 5, 8, 11)}
    painted = network(torch.from_numpy(record.inputs["in_x"]) * network.std + network.mean)
    middle, attended, last, logits = (found[0] for found in parts.values())
    return {
        "out_y": (painted - network.mean) / network.std,
        "out_mid_3": middle[:, :: 4 if network.layers[4].names == ("conv",) else 2],
        "out_mid_5": attended[:, ::16],
        "out_mid_8": last[:, ::32, ::2, ::2],
        "out_mid_11": logits,
    }


def run_fastai_unet(record):
    config = record.config
    network = networks.load(record.tensors, legacy_blur=config["final_shuffle_blur"])
    assert network.y_range == tuple(config["y_range"] or ())
    parts = {index: outputs_of(network.layers[index], []) for index in (3, 5, 8)}
    repaired = network(torch.from_numpy(record.inputs["in_x"]) * network.std + network.mean)
    middle, second, last = (found[0] for found in parts.values())
    return {
        "out_y": (repaired - network.mean) / network.std,
        "out_mid_3": middle[:, ::2],
        "out_mid_5": second[:, ::8],
        "out_mid_8": last[:, ::16, ::2, ::2],
    }


def run_rvrt(record):
    network, frames = networks.load(record.tensors), record.frames()
    level = float(record.inputs["in_sigma"]) if network.denoises else None
    shallow = outputs_of(network.feat_extract, [])
    trunk = outputs_of(network.backbone["backward_1"], [])
    aligned = outputs_of(network.deform_align["backward_1"], [])
    onward, back = network.spynet.between_neighbours(quarter_size_images(frames) if network.same_size else frames)
    restored = network(frames, noise_level=level)[0]
    first, corrected = aligned[0]
    return {
        "out_frames": restored[..., ::3, ::3],
        "out_mid_flow_backward": onward[0],
        "out_mid_flow_forward": back[0],
        "out_mid_shallow": torch.cat(shallow)[:, ::16, ::2, ::2],
        "out_mid_align_backward_1_step1": first[0, :, ::8, ::2, ::2],
        "out_mid_flow_n1_backward_1_step1": corrected[0, 0, ..., ::2, ::2],
        "out_mid_flow_n2_backward_1_step1": corrected[1, 0, ..., ::2, ::2],
        "out_mid_trunk_backward_1_step0": trunk[0][:, ::8, ::2, ::2],
    }


def run_rvrt_tiled(record):
    (length, *tile), (shared, *overlap) = record.config["tile_frames_h_w"], record.config["tile_overlap_frames_h_w"]
    alone = length - shared  # frames that no later chunk of the clip sees
    record.outputs["out_frames"] = record.outputs["out_frames"][:alone]
    restored = published_tiles.restore(networks.load(record.tensors), record.frames()[:, :length], tile, overlap)
    return {"out_frames": restored[0, :alone, :, ::3, ::3]}


def run_guided_attention(record):
    query, key_value, offsets = (torch.from_numpy(record.inputs[f"in_{x}"]) for x in ("q", "kv", "offset"))
    heads, groups = record.config["heads"], record.config["deform_groups"]
    key, value = key_value.permute(0, 1, 3, 4, 2).chunk(2, dim=-1)
    query = query[:, 0].permute(0, 2, 3, 1)[None].contiguous()
    offsets = offsets[None].unflatten(2, (2, groups, 9, 2))
    attended = guided_attention(query, key, value, offsets, heads)
    return {"out_attended": attended[0].permute(0, 3, 1, 2).unsqueeze(1)}


def run_tape(record):
    network = networks.load(record.tensors)
    frames, references = (torch.from_numpy(record.inputs[key])[None].float() / 255 for key in ("in_frames", "in_refs"))
    frames, references = (x.permute(0, 1, 4, 2, 3) for x in (frames, references))
    bottleneck, fused = (outputs_of(m, []) for m in (network.encoding_layers[2], network.mrsff_layers[2]))
    features = outputs_of(network.ref_feature_extractor_conv[2], [])
    window, row = (torch.arange(x.shape[1])[None] for x in (frames, references))
    return {
        "out_frames": network(frames, window, row, references, keep=range(frames.shape[1])),
        "out_mid_bottleneck": bottleneck[0].permute(0, 4, 1, 2, 3)[:, ::8],
        "out_mid_reffeat8": torch.cat(features)[:, ::16],
        "out_mid_mrsff8": fused[0].permute(0, 4, 1, 2, 3)[:, ::16],
    }


def run_mmp_rnn(record):
    network = networks.load(record.tensors)
    network.fusion.attention = record.config["fusion_channel_attention"]
    maps, hidden = outputs_of(network.cell.prior.outc["conv"], []), outputs_of(network.cell, [])
    sharp = network(record.frames())
    return {
        "out_frames": sharp - 0.5,
        "out_mid_mmp": torch.cat(maps).sigmoid()[..., ::2, ::2],
        "out_mid_h": torch.cat([output for output, _ in hidden])[:, ::6],
    }


def run_mmp_net(record):
    return {"out_mmp": networks.load(record.tensors)(record.frames()[0])}


def run_analog_swin_unet(record):
    network, frames = networks.load(record.tensors), record.frames()
    bottom, middle = outputs_of(network.encoding_layers[3], []), outputs_of(network.decoding_layers[1], [])
    return {
        "out_frames": network(frames, torch.arange(5)[None], keep=range(5)),
        "out_mid_bottleneck": bottom[0].permute(0, 4, 1, 2, 3)[:, ::8],
        "out_mid_dec1": middle[0].permute(0, 4, 1, 2, 3)[:, ::8],
    }


def flows_of(record):
    """Flows there and back between frames, as one sequence that is as long as the clip."""
    both = np.concatenate([record.inputs[f"in_flow_{way}"] for way in ("forward", "backward")], axis=1)
    return torch.from_numpy(np.concatenate([both, np.zeros_like(both[:1])]))[None]


def holes_of(record, name="in_masks"):
    return (torch.from_numpy(record.inputs[name]) > 0).float()[:, None]


def run_raft(record):
    network, frames = networks.load(record.tensors), record.frames()
    features, contexts = outputs_of(network.fnet, []), outputs_of(network.cnet, [])
    flow = network(frames)[0]
    network.iterations = 1
    return {
        "out_flow_forward": flow[:-1, :2],
        "out_flow_backward": flow[:-1, 2:],
        "out_mid_flow_forward_1iter": network(frames)[0, :-1, :2, ::4, ::4],
        "out_mid_fmap1": features[0][:, ::8],
        "out_mid_context": contexts[0][:, ::8],
    }


def run_flow_completion(record):
    network, flow, holes = networks.load(record.tensors), flows_of(record), holes_of(record)
    features = []
    network.feat_prop_module.register_forward_pre_hook(lambda _module, inputs: features.append(inputs[0]))
    completed = network(holes[None], flow)[0, :-1]
    masked, everything = flow[0, :-1, :2] * (1 - holes[:-1]), slice(0, flow.shape[1] - 1)
    back = (flow[0, :-1, 2:] * (1 - holes[1:])).flip(0)
    after = network.feat_prop_module(features[0], everything.stop)
    found = {
        "out_pred_forward": torch.cat(list(network.predicted(masked, holes[:-1], everything))),
        "out_pred_backward": torch.cat(list(network.predicted(back, holes[1:].flip(0), everything))).flip(0),
        "out_combined_forward": completed[:, :2],
        "out_combined_backward": completed[:, 2:],
    }
    return {
        **{name: x[..., ::2, ::2] for name, x in found.items()},
        "out_mid_feat_before_prop": torch.cat(features[0])[:, ::8],
        "out_mid_feat_after_prop": torch.cat(list(after))[:, ::8],
    }


def run_image_propagation(record):
    filled = ImagePropagation()(record.frames(), holes_of(record)[None], flows_of(record))[0]
    record.outputs.pop("out_mid_backward_pass")  # of the first of two passes, whose end is compared
    assert torch.equal(filled[:, :3], record.outputs["out_frames"])
    return {"out_frames": filled[:, :3], "out_masks": filled[:, 3:]}


def run_propainter(record):
    network, frames, count = networks.load(record.tensors), record.frames()[0], record.config["num_local_frames"]
    holes, left = holes_of(record), holes_of(record, "in_masks_updated")
    filled = torch.cat(((frames * 2 - 1) * (1 - left), left), 1)
    propagated = outputs_of(network.feat_prop_module, [])
    blocks = network.transformers["transformer"]
    first, last = (outputs_of(blocks[number], []) for number in (0, -1))
    features = network.encoder(holes, filled)
    local = (frames[:count], holes[:count], filled[:count], flows_of(record)[0], features[:count])
    painted = network(*(x[None] for x in local), features[count:])[0, ..., ::2, ::2]
    tokens = record.outputs["out_mid_tokens_block7"]
    record.outputs["out_mid_tokens_block7"] = tokens[:count]  # the last block gives no others
    marked = holes[:count, :, ::2, ::2] > 0
    published = (record.outputs.pop("out_frames") + 1) / 2
    record.outputs["out_painted"] = torch.where(marked, published, frames[:count, :, ::2, ::2])
    return {
        "out_painted": painted,
        "out_mid_encoder": features[:, ::16, ::2, ::2],
        "out_mid_featprop": propagated[0][:, ::16, ::2, ::2],
        "out_mid_tokens_block0": first[0][..., ::32],
        "out_mid_tokens_block7": last[0][..., ::32],
    }


def run_tcvc_stage1(record):
    record.outputs.pop("out_rgb")  # what the filter gives: tests/filters/test_tcvc.py
    lightness = torch.from_numpy(record.inputs["in_l"])
    pictures = encoded(torch.cat((lightness, torch.zeros_like(lightness).expand(-1, 2, -1, -1)), dim=1))
    return {"out_ab": decoded(networks.load(record.tensors)(pictures))[:, 1:]}


def run_tcvc_stage2(record):
    encoder, decoder = map(networks.load, seeded.tcvc_files(record.tensors))
    decoder.warper.warp_layer.temperature = record.config["warp_temperature"]
    groups, states = outputs_of(encoder, []), outputs_of(encoder.inter_save, [])
    fetched = outputs_of(decoder.warper, [])
    lab, reference = (torch.from_numpy(record.inputs[name]) for name in ("in_l", "in_ref_lab"))
    frames = encoded(F.pad(lab, (0, 0, 0, 0, 0, 2)))[None]
    painted = tcvc.TCVC(encoder, decoder.warper, decoder.decoder)(frames, encoded(reference), range(len(lab)))
    maps, tokens = groups[0]
    colours, likeness = fetched[0][1:].split((4, 2), dim=1)
    return {
        "out_ab": decoded(painted[0])[:, 1:],
        "out_mid_ref_rgb": rgb_of(reference)[0],
        "out_mid_enc": maps[:, ::8],
        "out_mid_tok": tokens[::2, None, ::4],
        "out_mid_state": states[0][::2, None, ::4],
        "out_mid_warp": 128 * colours.unflatten(1, (2, 2)).flatten(0, 1),
        "out_mid_sim": likeness.permute(0, 2, 3, 1).flatten(0, 2)[:, None],
    }


RUN = {
    "propainter-flowcomp": run_flow_completion,
    "propainter-generator": run_propainter,
    "propainter-imgprop": run_image_propagation,
    "propainter-raft": run_raft,
    "analog_swin_unet": run_analog_swin_unet,
    **dict.fromkeys(("bsrnet", "diffbir-stage1-swinir", "rrdbnet", "scunet", "srvgg", "swinir"), run_image_model),
    "ddcolor": run_ddcolor,
    "deoldify": run_deoldify,
    "fast_neural_style": run_fast_neural_style,
    "fastai_unet": run_fastai_unet,
    "edvr": run_edvr,
    "edvr-m-sr-clip": run_edvr_clip,
    "basicvsrpp": run_basicvsrpp,
    "basicvsrpp-c64n7-sr-mirror": run_basicvsrpp_mirror,
    "mat": run_mat,
    "SF-AdaCoF": run_adacof,
    "rife": run_rife,
    "sf_adacof-op_f3d2": run_collaborating_flows,
    "sf_adacof-op_f5d1": run_collaborating_flows,
    "psrt": run_psrt,
    "psrt-patch-align": run_patch_align,
    "mmp_rnn": run_mmp_rnn,
    "mmp_rnn-mmpnet": run_mmp_net,
    "realbasicvsr": run_realbasicvsr,
    "rvrt": run_rvrt,
    "rvrt-sr-tiled": run_rvrt_tiled,
    "rvrt-gda-op": run_guided_attention,
    "tape": run_tape,
    "tcvc": run_tcvc_stage2,
    "tcvc-stage1": run_tcvc_stage1,
    "uformer": run_uformer,
}


def largest_errors(record) -> dict[str, float]:
    """Return the largest error of every output, relative to its largest value."""
    run = RUN.get(record.name) or RUN[record.meta["model"]]
    with torch.inference_mode():
        found = run(record)
    assert found.keys() == record.outputs.keys()
    kept = JUMPS.get(record.meta["model"], 1.0)
    return {
        key: float((found[key] - expected).abs().flatten().quantile(kept) / expected.abs().max())
        for key, expected in record.outputs.items()
    }


# Records of a filter, a loss or a selection, which have tests of their own.
OTHERS = (
    "-pipeline",
    "diffbir-samplers",
    "diffbir-colorfix",
    "-featureloss",
    "-selection",
    "-e2e",
    "-subvideo",
    "-outpaint",
    "sf_adacof-repeat",
    "rife-real",
)


def too_far(name) -> dict[str, float]:
    """Return the errors of a record's outputs that are larger than allowed."""
    record = records.read(name)
    allowed = TOLERANCE.get(name) or TOLERANCE[record.meta["model"]]
    return {key: error for key, error in largest_errors(record).items() if not error < allowed}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in records.names() if not name.endswith(OTHERS)])
def test_record(name):
    assert not too_far(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["basicvsrpp-c64n7-sr", "deoldify-artistic", "edvr-m-sr", "rrdbnet-x4", "swinir-real-m-x4"]
)
def test_record_with_convolutions_as_the_processor_likes_them(name, monkeypatch):
    """All that can be, those of few channels and small pictures too, where it is not faster."""
    monkeypatch.setattr(winograd, "FEWEST_PIXELS", dict.fromkeys(winograd.FEWEST_PIXELS, ((0, 1),)))
    monkeypatch.setattr(winograd, "_full_speed", lambda: True)
    replaced = []

    def quick(load, *arguments, **settings):
        network = load(*arguments, **settings).requires_grad_(False)
        tune(network)
        replaced.extend(part for part in network.modules() if isinstance(part, winograd.Winograd))
        return network.to(memory_format=torch.channels_last)

    for room in (networks, image_models):
        monkeypatch.setattr(room, "load", partial(quick, room.load))
    assert not too_far(name)
    assert any(isinstance(part, winograd.Winograd) for part in replaced)
