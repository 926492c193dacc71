"""The steps that recipes name, and the filters that can do each of them, the one to be preferred first.

The last filter of a row comes with its weights where we have any. Those before it are published networks, which were
made for that very task and are larger; a recipe takes one of them as soon as its weights have been fetched. Weights are
named in the call, so that whether it can run is known without loading anything. Filters that this version does not have
yet are passed over.
"""

from __future__ import annotations

STEPS: dict[str, tuple[str, ...]] = {
    # Before fields are joined, for each field has lines of its own.
    "lines": ("lines_in_place",),
    "deinterlace": ("deinterlace",),
    "tape": (
        "tape_reference(model='tape-base', references='sharpest')",
        "analog_swin_unet(model='analog-swin-unet')",
        "tape(model='tape')",
    ),
    "levels": ("levels",),
    "flicker": ("deflicker",),
    "weave": ("stabilise",),
    "film": ("film(model='film', grain=0.5)",),
    # Left, right, top, bottom: what the edges of a tape show of blanking, and the lines where the heads switch.
    "edges": (
        "outpaint(trim=(8, 8, 2, 10), model='propainter', flow_model='raft-things', "
        "completion_model='propainter-flowcomp')",
        "outpaint(trim=(8, 8, 2, 10), model='mirror')",
    ),
    # Shots in colour stay as they are, which ddcolor and deoldify would paint as well.
    "colour": (
        "tcvc(only_gray=True, model={'first': 'tcvc-stage1-paper', 'encoder': 'tcvc-stage2-encoder', "
        "'decoder': 'tcvc-stage2-decoder'})",
    ),
    "deblur": (
        "rvrt(task='deblur', model='rvrt-deblur-gopro')",
        "mmp_rnn(model='mmp-rnn-gopro')",
        "uformer(task='deblur', model='uformer-b-gopro')",
    ),
    "denoise": (
        "rvrt(task='denoise', model='rvrt-denoise-davis')",
        "scunet(model='scunet-color-real-psnr')",
        "film(model='film', grain=1)",
    ),
    "decompress": ("basicvsrpp(model='basicvsrpp-decompress-3')", "scunet(model='scunet-color-real-psnr')"),
    "upscale": ("upscale(scale=2, model='upscale-x2')",),
    "interpolate": ("rife(factor=2, model='rife')", "interpolate(factor=2, model='interpolate')"),
    "duplicates": (
        "rife(replace_duplicates=True, model='rife')",
        "interpolate(replace_duplicates=True, model='interpolate')",
    ),
}
"""Step -> calls as ``--filter`` takes them."""
