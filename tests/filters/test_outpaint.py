"""The outpaint filter: sides cut off and grown, what networks see of that, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.filters.propainter_protocol import Flow, StandIns
from tests.filters.test_propainter import as_rgb24, assert_official, frames_of, published
from tests.golden import records
from vsrestore.filters import inpainting


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> StandIns:
    standing = StandIns()
    monkeypatch.setattr(inpainting.Networks, "found", lambda *_: standing)
    return standing


def test_what_is_left_of_the_picture_stays_where_it_is(networks: StandIns) -> None:
    source = clips.noise(vs.YUV420P10, 64, 48, 3)
    result = vsrestore.outpaint(source, trim=(2, 4, 6, 8), left=10, bottom=0, device="cpu")
    assert (result.width, result.height) == (64 - 2 - 4 + 10 + 4, 48 - 6 - 8 + 6)
    kept = result.std.Crop(left=10, right=4, top=6)
    expected = source.std.Crop(left=2, right=4, top=6, bottom=8)
    for n in range(3):
        assert clips.picture(kept.get_frame(n)) == clips.picture(expected.get_frame(n))
    assert networks.made["painting"].calls


def test_what_is_cut_off_is_grown_back(networks: StandIns) -> None:
    source = clips.noise(vs.RGB24, 64, 48, 2)
    result = vsrestore.outpaint(source, trim=4, device="cpu")
    assert (result.width, result.height, result.format.id) == (64, 48, vs.RGB24)
    before, after = (np.stack(clips.samples(clip.get_frame(1))) for clip in (source, result))
    changed = (before != after).any(0)
    assert not changed[4:-4, 4:-4].any()
    assert changed[:4].mean() > 0.9


def test_networks_see_black_beyond_the_old_picture(networks: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def note(network: Flow, frames: object, keep: range) -> object:
        seen.append(frames)
        return network.made(frames)[:, keep.start : keep.stop]

    monkeypatch.setattr(Flow, "forward", note)
    source = vs.core.std.BlankClip(format=vs.YUV420P8, width=160, height=144, length=2, color=[200, 90, 140])
    vsrestore.outpaint(source, left=16, device="cpu").get_frame(0)
    frame = seen[0][0, 0].numpy()
    assert frame.shape == (3, 144, 176)
    assert not frame[..., :16].any()
    assert np.ptp(frame[..., 16:], axis=(1, 2)).max() < 1e-6  # no chroma of the border in the picture


@pytest.mark.parametrize("model", ["mirror", "flow"])
def test_edges_are_painted_without_weights(model: str) -> None:
    y, x = np.mgrid[:64, :96]
    frames = np.stack([np.stack([0.2 + 0.6 * x / 96, 0.2 + 0.6 * y / 64, 0.5 + 0.3 * np.sin(x / 20)])] * 3).astype("f4")
    result = seeded.as_frames(vsrestore.outpaint(seeded.as_clip(frames), trim=8, model=model, device="cpu"))
    inside = (..., slice(8, -8), slice(8, -8))
    np.testing.assert_array_equal(result[inside], frames[inside])
    edge = np.ones((64, 96), bool)
    edge[inside] = False
    error = np.abs(result - frames)[..., edge].mean()
    assert error < np.abs(frames[inside].mean() - frames)[..., edge].mean()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "outpaint: no side grows; give left, right, top or bottom, or trim, which is grown back"),
        ({"left": -1}, "outpaint: left=-1; a whole number of at least 0 is accepted"),
        ({"left": 3}, "left=3 of the left side, but YUV420P8 has a sample of chroma for 2 pixels; a multiple of 2"),
        ({"trim": 5, "left": 2}, "trim=5 of the left side, but YUV420P8 has a sample of chroma for 2 pixels"),
        ({"trim": (2, 2)}, "trim=.2, 2.; a number of pixels, or one for each of left, right, top, bottom, is accepted"),
        ({"trim": 32}, "trim=32 leaves nothing of a clip of 64x48; less is accepted"),
        ({"left": 8, "neighbor_length": 1}, "neighbor_length=1; a whole number of at least 2 is accepted"),
        ({"left": 8, "subvideo_length": 2000}, "subvideo_length=2000; at most 1024 is accepted"),
        ({"left": 8, "references": -1}, "references=-1; a whole number of at least 0 is accepted"),
        ({"left": 8, "precision": "half"}, "precision='half'; accepted:"),
        ({"left": 8, "device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_bad_input_is_refused(networks: StandIns, told: dict[str, object], message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.outpaint(clips.noise(vs.YUV420P8, 64, 48, 2), **told)


@pytest.mark.slow
def test_the_published_networks_give_the_published_clip(tmp_path: Path) -> None:
    record = records.read("propainter-outpaint")
    told = {"flow_iterations": record.config["raft_iter"], "device": "cpu", **published(tmp_path, record.name)}
    sides = {"left": 16, "right": 16, "top": 8, "bottom": 8}  # of 120x112, to 152x128
    result = vsrestore.outpaint(as_rgb24(record.inputs["in_frames"]), **sides, **told)
    assert_official(frames_of(result), record.outputs["out_frames"].numpy())


@pytest.mark.slow
def test_the_networks_of_other_filters_are_refused(tmp_path: Path) -> None:
    paths = seeded.inpainting(tmp_path)
    clip = clips.noise(vs.RGB24, 64, 48, 2)
    with pytest.raises(vs.Error, match=r"no checkpoint of raft; it is one of propainter"):
        vsrestore.outpaint(clip, trim=4, **{**paths, "flow_model": paths["model"]})
    with pytest.raises(vs.Error, match="no checkpoint of propainter; it is one of raft"):
        vsrestore.outpaint(clip, trim=4, **{**paths, "model": paths["flow_model"]})
