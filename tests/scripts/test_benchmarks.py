"""The benchmarks' own parts: what they measure with must be right before any figure is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.comparison.measures import HIGHEST_PSNR

SCRIPTS = Path(__file__).parents[2] / "scripts"
CHAINS = """
import json
import numpy as np
import vapoursynth as vs
from benchmarks import chains, material

clean = np.repeat(material.moving_frames(96, 64)[:1], 7, axis=0)
damaged = clean + np.random.default_rng(1).normal(0, 0.02, clean.shape).astype(np.float32)
damaged[3, 20:26, 40:46] = 1
clip = material.clip_of(damaged.clip(0, 1)).resize.Bicubic(format=vs.YUV444P16, matrix=vs.MATRIX_BT709)
psnr = lambda made: material.quality(made.resize.Bicubic(format=vs.RGBS), clean).psnr
print(json.dumps({name: psnr(chain(clip)) - psnr(clip) for name, chain in chains.CHAINS.items()}))
"""


def flat(value: float, length: int = 5) -> np.ndarray:
    return np.full((length, 32, 48, 3), value, np.float32)


def test_requirement_has_a_lower_or_an_upper_bound(part):
    requirement = part("report").Requirement
    assert requirement("speed", 0.95, least=0.95).met
    assert not requirement("speed", 0.94, least=0.95).met
    assert requirement("memory", 1.05, most=1.05).met
    assert not requirement("memory", 1.06, most=1.05).met


def test_report_is_saved_with_its_machine_and_requirements(part, tmp_path):
    report = part("report")
    made = report.Report("name", ("method", "fps"), [("a", 1.5)], [report.Requirement("fps", 1.5, least=2)])
    saved = json.loads(made.save(tmp_path).read_text())
    assert saved["rows"] == [{"method": "a", "fps": 1.5}]
    assert [requirement["met"] for requirement in saved["requirements"]] == [False]
    assert saved["machine"]["cores"] >= 1


def test_medians_take_turns_and_leave_the_first_round_out(part, monkeypatch):
    timing = part("timing")
    seconds = iter([9.0, 9.0, 1.0, 4.0, 3.0, 5.0, 2.0, 6.0])
    order: list[str] = []
    monkeypatch.setattr(timing, "duration", lambda run: (run(), next(seconds))[1])
    found = timing.medians({name: lambda name=name: order.append(name) for name in "ab"}, repeats=3)
    assert found == {"a": 2.0, "b": 5.0}
    assert order == ["a", "b"] * 4


def test_runs_that_need_no_warm_up_all_count(part, monkeypatch):
    timing = part("timing")
    seconds = iter([1.0, 4.0, 3.0, 6.0])
    monkeypatch.setattr(timing, "duration", lambda run: next(seconds))
    assert timing.medians({"a": str, "b": str}, repeats=2, warm_up=False) == {"a": 2.0, "b": 5.0}


def test_successive_runs_ask_for_every_frame_once(part):
    asked: list[int] = []
    blank = vs.core.std.BlankClip(length=12, keep=True)

    def note(n, f):
        asked.append(n)
        return f

    run = part("timing").successive(blank.std.ModifyFrame(clips=blank, selector=note), 4)
    for _ in range(3):
        run()
    assert sorted(asked) == list(range(12))


def test_quality_of_equal_and_of_known_pictures(part):
    material = part("material")
    same = material.quality(material.clip_of(flat(0.5)), flat(0.5))
    assert same == (HIGHEST_PSNR, pytest.approx(1))
    off = material.quality(material.clip_of(flat(0.6)), flat(0.5))
    assert off.psnr == pytest.approx(20, abs=1e-3)
    assert off.ssim < 1


def test_plain_network_is_the_same_as_its_onnx_file(part, tmp_path):
    pytest.importorskip("onnx")
    runtime, torch, networks = pytest.importorskip("onnxruntime"), pytest.importorskip("torch"), part("networks")
    networks.write_onnx(networks.plain(), tmp_path / "plain.onnx")
    images = np.random.default_rng(0).random((2, 3, 16, 24), np.float32)
    session = runtime.InferenceSession(str(tmp_path / "plain.onnx"), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = networks.plain()(torch.from_numpy(images)).numpy()
    assert np.abs(expected - images).max() > 0.01
    np.testing.assert_allclose(session.run(None, {"input": images})[0], expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(hasattr(vs.core, name) for name in ("mv", "zsmooth", "bm3d", "dfttest2_cpu", "akarin")),
    reason="needs the plugins of the bench extra",
)
def test_every_chain_brings_a_damaged_clip_nearer_to_the_truth():
    """In a process of its own: a plugin aborts one in which VapourSynth had more threads before than it has now."""
    done = subprocess.run([sys.executable, "-c", CHAINS], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    gains = json.loads(done.stdout)
    assert len(gains) > 5
    assert min(gains.values()) > 0.5, gains


def test_a_date_is_drawn_where_its_mask_says(part):
    dates = part("dates")
    date = dates.Date("", "yellow", "edge", "bottom right", 14, ticks=True)
    frames = np.full((3, 120, 320, 3), 90, np.uint8)
    written, masks = dates.with_date(frames, date, 2)
    assert (masks[0] == masks[1]).all()
    assert (masks[1] != masks[2]).any()
    changed = (written != frames).any(-1)
    assert changed[masks].all()
    assert not changed[:, :60].any()
    assert dates.Date.drawn_by_lot((1, 2)) == dates.Date.drawn_by_lot((1, 2))


def test_what_a_mask_covers_of_a_date_and_in_vain(part):
    date = np.zeros((20, 20), bool)
    date[8:12, 8:12] = True
    mask = np.zeros((20, 20), bool)
    mask[8:12, 8:10] = True
    mask[0, :4] = mask[7, 8] = True
    shares = part("overlay").shares_of(mask, date)
    assert shares == (0.5, 4 / 400, 5 / 400)
