"""The tape filter with the weights that are shipped: what it repairs, what it leaves, what it refuses."""

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters.test_film import as_clip, as_frames, panned, psnr
from vsrestore.damage.tape import PRESETS, damage_tape
from vsrestore.training.tasks.tape import progressive

UV = np.array([[-0.147, -0.289, 0.436], [0.615, -0.515, -0.1]])


@pytest.mark.parametrize(("preset", "gain"), [("vhs", 1.5), ("hi8", 2.5)])
def test_tape_is_repaired(preset: str, gain: float) -> None:
    clean = panned()
    damaged = damage_tape(clean, 0, 5, progressive(PRESETS[preset]), frame_width=480).damaged
    restored = as_frames(vsrestore.tape(as_clip(damaged), device="cpu"))
    assert psnr(restored, clean) > psnr(damaged, clean) + gain
    before, after = (np.square((frames - clean) @ UV.T).mean() for frames in (damaged, restored))
    assert after < 0.7 * before


def test_an_undamaged_clip_is_left_alone() -> None:
    frames = panned()
    assert psnr(as_frames(vsrestore.tape(as_clip(frames), device="cpu")), frames) > 40


def test_half_precision_gives_the_same_picture() -> None:
    source = as_clip(damage_tape(panned()[:3], 0, 5, progressive(PRESETS["vhs"])).damaged)
    exact = as_frames(vsrestore.tape(source, device="cpu"))
    assert psnr(as_frames(vsrestore.tape(source, device="cpu", precision="bfloat16")), exact) > 45


def test_an_interlaced_frame_is_refused() -> None:
    source = clips.noise(vs.YUV420P8, 64, 64, 2).std.SetFieldBased(2)
    with pytest.raises(vs.Error, match="tape: frame 0 is interlaced"):
        vsrestore.tape(source, device="cpu").get_frame(0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "tpae"}, "tape: .*tape"),
        ({"model": "upscale-x2"}, "tape: .*temporal_u"),
        ({"tile": 32}, "tape: tile=32; a whole number of at least 128"),
        ({"device": "tpu"}, "tape: unknown device 'tpu'"),
    ],
)
def test_unfit_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.tape(clips.noise(), **arguments)
