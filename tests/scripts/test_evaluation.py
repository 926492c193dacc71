"""scripts/evaluate: what it measures with, the layouts it reads, and what it prints."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

import vsrestore
from tests.filters import seeded
from vsrestore import ffmpeg
from vsrestore.checkpoints import entries
from vsrestore.networks.temporal_unet import TemporalUNet
from vsrestore.networks.temporal_upscaler import TemporalUpscaler

from .conftest import SCRIPTS

WIDTH, HEIGHT, FRAMES = 48, 32, 3


@pytest.fixture
def part(monkeypatch):
    """Import a module of scripts/evaluation by its name."""
    pytest.importorskip("skimage")
    monkeypatch.syspath_prepend(SCRIPTS)
    yield lambda name: importlib.import_module(f"evaluation.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "evaluation"]:
        del sys.modules[name]


def pictures(length=FRAMES, height=HEIGHT, width=WIDTH, seed=0):
    """Smooth pictures with some noise, (T, H, W, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [[128 + 90 * np.sin((x + n + seed) / (4 + c)) * np.cos(y / 5) for c in range(3)] for n in range(length)]
    noise = np.random.default_rng(seed).normal(0, 6, (length, height, width, 3))
    return np.clip(np.moveaxis(np.array(waves), 1, -1) + noise, 0, 255).astype(np.uint8)


def save(folder, frames, name="{:08d}.png", first=0):
    folder.mkdir(parents=True)
    for n, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name.format(n + first))
    return frames


def by_definition(one, other):
    """SSIM of two channels, window by window, as the paper writes it."""
    distance = np.arange(-5, 6) ** 2
    window = np.exp(-(distance[:, None] + distance[None]) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for top in range(one.shape[0] - 10):
        for left in range(one.shape[1] - 10):
            x, y = one[top : top + 11, left : left + 11], other[top : top + 11, left : left + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            both = (window * (x - mx) * (y - my)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append((2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


def run(part, **settings):
    measure = part("measure")
    given = {"low": None, "filter": "input", **settings}
    return list(measure.results(measure.Settings(**given)))


def test_psnr_of_known_differences(part):
    score = part("metrics").score
    black, grey = np.zeros((12, 16, 3), np.uint8), np.full((12, 16, 3), 10, np.uint8)
    assert score(grey, black).psnr_rgb == pytest.approx(20 * np.log10(255 / 10))
    assert score(grey, black).psnr_y == pytest.approx(20 * np.log10(255 / (10 * 219 / 255)))
    assert score(grey, grey) == (np.inf, 1, np.inf, 1)
    red = grey.copy()
    red[..., 0] += 30
    assert score(red, grey).psnr_rgb == pytest.approx(20 * np.log10(255 / 30) + 10 * np.log10(3))
    assert score(red, grey).psnr_y == pytest.approx(20 * np.log10(255 / (30 * 65.481 / 255)))


def test_luma_is_that_of_bt601_and_not_rounded(part):
    luma = part("metrics").luma
    np.testing.assert_allclose(luma(np.array([0, 0, 0])), 16)
    np.testing.assert_allclose(luma(np.array([255, 255, 255])), 235)
    np.testing.assert_allclose(luma(np.array([1, 2, 3])), 16 + (65.481 + 2 * 128.553 + 3 * 24.966) / 255)


def test_ssim_is_that_of_its_definition(part):
    metrics = part("metrics")
    one, other = pictures(1, 17, 19)[0], pictures(1, 17, 19, seed=1)[0]
    found = metrics.score(one, other)
    channels = [by_definition(one[..., c].astype(float), other[..., c].astype(float)) for c in range(3)]
    assert found.ssim_rgb == pytest.approx(np.mean(channels), abs=1e-9)
    y_one, y_other = metrics.luma(one.astype(float)), metrics.luma(other.astype(float))
    assert found.ssim_y == pytest.approx(by_definition(y_one, y_other), abs=1e-9)


def test_border_pixels_do_not_count(part):
    score = part("metrics").score
    truth = pictures(1)[0]
    edges = 255 - truth
    edges[8:-8, 8:-8] = truth[8:-8, 8:-8]
    assert score(edges, truth, 8) == (np.inf, 1, np.inf, 1)
    assert score(edges, truth, 7).psnr_rgb < 30


def test_bicubic_input_is_that_of_an_independent_resizer(part):
    """zimg, too, widens the kernel against aliasing and mirrors the picture at its edges."""
    downsample, images = part("downsample"), part("images")
    truth = seeded.as_clip(np.moveaxis(pictures(2), -1, 1) / np.float32(255))
    expected = truth.resize.Bicubic(WIDTH // 4, HEIGHT // 4, filter_param_a=0, filter_param_b=0.5)
    found = downsample.low_quality(truth, "BIx4")
    for mine, right in zip(found.frames(), expected.frames(), strict=True):
        np.testing.assert_array_equal(images.picture(mine), images.picture(right))
        samples = np.asarray(mine[0]) * 255
        np.testing.assert_allclose(samples, np.rint(samples), atol=1e-4)
    assert found.get_frame(0).props["_SceneChangePrev"] == 0


def test_blurred_input_is_that_of_matlab(part):
    """A 12x12 window whose sixth pixel lies on rows and columns 2, 6, 10 ..., counted from 1; edges are repeated."""
    downsample = part("downsample")
    plane = pictures(1, 16, 20)[0, ..., 0] / 255
    distance = (np.arange(12) - 5.5) ** 2
    kernel = np.exp(-(distance[:, None] + distance[None]) / (2 * 1.6**2))
    kernel /= kernel.sum()
    expected = np.zeros((4, 5))
    for row in range(4):
        for column in range(5):
            rows = np.clip(np.arange(12) + 4 * row + 1 - 5, 0, 15)
            columns = np.clip(np.arange(12) + 4 * column + 1 - 5, 0, 19)
            expected[row, column] = (kernel * plane[np.ix_(rows, columns)]).sum()
    np.testing.assert_allclose(downsample.downsampled(plane, downsample.gaussian()), expected, atol=1e-12)


@pytest.mark.parametrize("way", ["bicubic", "gaussian"])
def test_downsampling_keeps_flat_and_sloped_pictures(part, way):
    downsample = part("downsample")
    way = getattr(downsample, way)()
    np.testing.assert_allclose(downsample.downsampled(np.full((8, 12), 0.3), way), 0.3)
    slope = np.tile(np.arange(64.0), (64, 1))
    np.testing.assert_allclose(downsample.downsampled(slope, way)[8, 4:12], np.arange(4, 12) * 4 + 1.5)


def test_noise_has_its_strength_and_is_that_of_every_run(part):
    """Black and white stay at the mean: noise that were limited would move it."""
    frames = np.zeros((3, 3, 64, 64), np.float32)
    frames[:, 1] = 1
    clip = seeded.as_clip(frames)
    noisy = part("noise").noisy
    noise = seeded.as_frames(noisy(clip, 30)) - frames
    np.testing.assert_allclose(noise.std(axis=(2, 3)), 30 / 255, rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=(2, 3)), 0, atol=4 * 30 / 255 / 64)
    flat = noise.reshape(9, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(9)).max() < 0.08
    with noisy(clip, 30).get_frame(2) as last:
        np.testing.assert_array_equal(np.stack([np.asarray(plane) for plane in last]) - frames[2], noise[2])


@pytest.mark.parametrize("dataset", ["davis", "set8"])
def test_noise_is_made_from_the_true_frames(part, tmp_path, dataset):
    save(tmp_path / "tractor", np.full((2, 64, 62, 3), 128, np.uint8))
    weak, strong = (run(part, dataset=dataset, input=name, truth=tmp_path)[0] for name in ("noise10", "noise20"))
    assert weak.score.psnr_rgb == pytest.approx(20 * np.log10(255 / 10), abs=0.15)
    assert strong.score.psnr_rgb == pytest.approx(20 * np.log10(255 / 20), abs=0.15)


def test_the_tapes_of_a_set_and_their_truth_are_folders_of_their_own(part, tmp_path):
    frames = save(tmp_path / "gt" / "00", pictures())
    save(tmp_path / "input" / "00", frames ^ 1)
    (found,) = run(part, dataset="vhs", input="synthetic", truth=tmp_path / "gt", low=tmp_path / "input")
    assert found.score.psnr_rgb == pytest.approx(20 * np.log10(255))


def test_vid4_with_its_input_beside_the_truth(part, tmp_path):
    clips = {}
    for number, name in enumerate(("calendar", "city")):
        truth = save(tmp_path / "GT" / name, pictures(seed=number))
        low = save(tmp_path / "BIx4" / name, pictures(height=HEIGHT // 4, width=WIDTH // 4, seed=number + 5))
        clips[name] = truth, low
    found = run(part, dataset="vid4", input="BIx4", truth=tmp_path / "GT", low=tmp_path / "BIx4", filter="bicubic")
    assert [(result.clip, result.frames) for result in found] == [("calendar", FRAMES), ("city", FRAMES)]
    for result in found:
        truth, low = clips[result.clip]
        clip = seeded.as_clip(np.moveaxis(low, -1, 1) / np.float32(255))
        large = seeded.as_frames(clip.resize.Bicubic(WIDTH, HEIGHT, filter_param_a=0, filter_param_b=0.5))
        large = np.rint(np.clip(np.moveaxis(large, 1, -1), 0, 1) * 255)
        errors = np.square(large - truth).mean(axis=(1, 2, 3))
        assert result.score.psnr_rgb == pytest.approx(np.mean(10 * np.log10(255**2 / errors)), abs=1e-4)


@pytest.mark.slow
def test_input_is_made_where_no_folder_is_named(part, tmp_path):
    """A width that is no multiple of 4 is cut, as the papers do."""
    (tmp_path / ".hidden").mkdir()
    save(tmp_path / "calendar", pictures(width=WIDTH + 3))
    save(tmp_path / "walk", pictures(width=WIDTH, seed=2))
    bicubic, blurred = (
        run(part, dataset="vid4", input=name, truth=tmp_path, filter="bicubic") for name in ("BIx4", "BDx4")
    )
    assert len(bicubic) == 2
    assert bicubic[0].score.psnr_y != blurred[0].score.psnr_y
    made = part("images").clip_of(sorted((tmp_path / "walk").iterdir()))
    low = part("downsample").low_quality(made, "BIx4")
    for n, frame in enumerate(low.frames()):
        (tmp_path / "low" / "walk").mkdir(parents=True, exist_ok=True)
        Image.fromarray(part("images").picture(frame)).save(tmp_path / "low" / "walk" / f"{n:08d}.png")
    (tmp_path / "list.txt").write_text("walk\n")
    named = {"truth": tmp_path, "low": tmp_path / "low", "listed": tmp_path / "list.txt"}
    assert run(part, dataset="vid4", input="BIx4", filter="bicubic", **named)[0].score == bicubic[1].score


@pytest.mark.slow
def test_reds4_takes_its_four_clips_of_the_training_set(part, tmp_path):
    for name in ("000", "001", "011", "015", "020", "239"):
        save(tmp_path / "train_sharp" / name, pictures(1, seed=int(name)))
        save(tmp_path / "train_blur" / name, pictures(1, seed=int(name) + 1))
    folders = {"truth": tmp_path / "train_sharp", "low": tmp_path / "train_blur"}
    found = run(part, dataset="reds4", input="blur", **folders)
    assert [result.clip for result in found] == ["000", "011", "015", "020"]


def test_a_network_is_measured_on_reds4(part, tmp_path):
    path = seeded.checkpoint(tmp_path / "blur.safetensors", "edvr", **seeded.EDVR, predeblur=True, hr_in=True)
    (tmp_path / "list.txt").write_text("011\n")
    truth = save(tmp_path / "GT" / "011", pictures(5))
    low = save(tmp_path / "blur" / "011", pictures(5, seed=3))
    folders = {"truth": tmp_path / "GT", "low": tmp_path / "blur", "listed": tmp_path / "list.txt"}
    (found,) = run(part, dataset="reds4", input="blur", filter=f"edvr(model={str(path)!r}, device='cpu')", **folders)
    source = seeded.as_clip(np.moveaxis(low, -1, 1) / np.float32(255))
    restored = seeded.as_frames(vsrestore.edvr(source, path, device="cpu"))
    restored = np.rint(np.clip(np.moveaxis(restored, 1, -1), 0, 1) * 255).astype(np.uint8)
    metrics = part("metrics")
    assert found.score == pytest.approx(
        metrics.mean([metrics.score(*pair) for pair in zip(restored, truth, strict=True)])
    )


@pytest.mark.parametrize(
    ("dataset", "input", "truth", "low"),
    [
        ("gopro", "blur", "sharp", "blur"),
        ("udm10", "BDx4", "truth", "blur4"),
        ("dvd", "blur", "GT", "input"),
        ("bsd", "2ms16ms", "Sharp/RGB", "Blur/RGB"),
    ],
)
def test_clips_that_hold_both_versions(part, tmp_path, dataset, input, truth, low):
    frames = save(tmp_path / "first" / truth, pictures(), "{:06d}.png", 47)
    save(tmp_path / "first" / low, frames + np.uint8(1), "{:06d}.png", 47)
    save(tmp_path / "first" / "blur_gamma", frames)
    (tmp_path / "list.txt").write_text("first\n")
    folders = {"truth": tmp_path, "low": tmp_path, "listed": tmp_path / "list.txt"}
    (found,) = run(part, dataset=dataset, input=input, **folders)
    assert found.score.psnr_rgb == pytest.approx(20 * np.log10(255), abs=0.5)


def test_vimeo90k_counts_the_middle_frame_of_the_listed_clips(part, tmp_path):
    frames = save(tmp_path / "sequences" / "00001" / "0266", pictures(7), "im{}.png", 1)
    save(tmp_path / "sequences" / "00001" / "0267", pictures(7), "im{}.png", 1)
    other = 255 - frames
    other[3] = frames[3] ^ 2
    save(tmp_path / "low" / "00001" / "0266", other, "im{}.png", 1)
    (tmp_path / "sep_testlist.txt").write_text("00001/0266\n\n")
    folders = {"truth": tmp_path / "sequences", "low": tmp_path / "low", "listed": tmp_path / "sep_testlist.txt"}
    (found,) = run(part, dataset="vimeo90k", input="BIx4", **folders)
    assert (found.clip, found.frames) == ("00001/0266", 1)
    assert found.score.psnr_rgb == pytest.approx(20 * np.log10(255 / 2))


def test_a_mirrored_clip_is_restored_both_ways_and_averaged(part):
    """A filter that adds the number of the frame: its mean over both ways is the same for all frames."""

    def add_number(clip):
        def paint(n, f):
            frame = f.copy()
            for plane in range(3):
                np.asarray(frame[plane])[:] += n / 100
            return frame

        return clip.std.ModifyFrame(clips=clip, selector=paint)

    frames = np.zeros((4, 3, 8, 8), np.float32) + np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1) / 10
    found = seeded.as_frames(part("measure").mirrored(seeded.as_clip(frames), add_number))
    np.testing.assert_allclose(found, frames + 0.035, atol=1e-6)


def test_frames_skip_and_border(part, tmp_path):
    frames = save(tmp_path / "GT" / "walk", pictures(8))
    other = frames.copy()
    other[[0, 7]] = 255 - other[[0, 7]]
    other[:, :3] = 0
    other[1:7, 10, 10] ^= 4
    save(tmp_path / "low" / "walk", other)
    folders = {"dataset": "vid4", "input": "BIx4", "truth": tmp_path / "GT", "low": tmp_path / "low"}
    (found,) = run(part, skip=1, border=3, **folders)
    assert found.frames == 6
    inside = (HEIGHT - 6) * (WIDTH - 6)
    assert found.score.psnr_rgb == pytest.approx(10 * np.log10(255**2 * inside / 16))
    assert run(part, frames=5, **folders)[0].frames == 5
    with pytest.raises(part("errors").EvaluationError, match="walk has 8 frames; --skip 4 leaves none"):
        run(part, skip=4, **folders)
    with pytest.raises(part("errors").EvaluationError, match="walk is 48x32; at least 11 pixels"):
        run(part, border=11, **folders)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dataset": "vid5"},
            "vid5 is no known test set; accepted: vid4, reds4, udm10, gopro, vimeo90k, dvd, bsd, davis, set8, vhs",
        ),
        ({"input": "BIx2"}, "--input BIx2: accepted for vid4: BIx4, BDx4"),
        ({"dataset": "gopro", "input": "blur"}, "--input blur cannot be made from true frames"),
        ({}, "walk: the filter gives 12x8 where the truth is 48x32"),
        ({"low": "fewer"}, "walk has 3 true and 2 low-quality frames"),
        ({"low": "none"}, "none/walk holds no frames"),
        ({"low": "odd"}, "odd/walk holds images of 2 sizes"),
        ({"low": "broken"}, "0.png cannot be read as an image"),
        ({"truth": "empty"}, "empty names no clips"),
        ({"filter": "scenes(threshold=[])"}, "scenes: threshold"),
    ],
)
def test_what_does_not_fit_is_told(part, tmp_path, settings, message):
    save(tmp_path / "GT" / "walk", pictures())
    save(tmp_path / "fewer" / "walk", pictures(2))
    save(tmp_path / "odd" / "walk", [*pictures(2), pictures(1, width=WIDTH + 1)[0]])
    (tmp_path / "none").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken" / "walk").mkdir(parents=True)
    for n in range(FRAMES):
        (tmp_path / "broken" / "walk" / f"{n}.png").write_bytes(b"no image")
    given = {"dataset": "vid4", "input": "BIx4", "truth": "GT", "low": None, **settings}
    given |= {key: tmp_path / given[key] for key in ("truth", "low") if given[key]}
    with pytest.raises((part("errors").EvaluationError, vs.Error), match=message):
        run(part, **given)


def test_published_figures_are_of_known_models_and_sets(part):
    from vsrestore.filters import basicvsrpp, edvr, psrt, rvrt

    models = {
        "edvr": {*edvr.VARIANTS, *entries()},
        "basicvsrpp": {*basicvsrpp.VARIANTS},
        "rvrt": {*rvrt.VARIANTS},
        "psrt": {*psrt.PUBLISHED},
        "bicubic": {""},
    }
    rows = part("published").figures()
    assert len({(row.filter, row.model, row.dataset, row.input, row.channel) for row in rows}) == len(rows) == 52
    for row in rows:
        assert row.model in models[row.filter]
        assert row.input in part("datasets").DATASETS[row.dataset].inputs
        assert row.channel in ("RGB", "Y")
        assert 20 < row.psnr < 45
        if row.input.startswith("noise"):
            assert row.ssim is None
        else:
            assert 0.5 < row.ssim < 1
    (best,) = [row for row in part("published").figures_of("basicvsrpp", "udm10", "BDx4") if row.model == "vimeo90k_bd"]
    assert (best.psnr, best.ssim) == (40.7216, 0.9722)


def test_remarks_say_when_figures_cannot_be_compared(part):
    table, measure, metrics = part("table"), part("measure"), part("metrics")
    result = measure.Result("walk", 3, metrics.Score(30, 0.9, 31, 0.91))
    plain = {"dataset": "vid4", "truth": Path("GT"), "low": None, "input": "BIx4", "filter": "bicubic"}
    assert table.remarks([result] * 4, measure.Settings(**plain)) == []
    assert "means of 4 clips; these are of 1" in table.remarks([result], measure.Settings(**plain))[0]
    assert "--border" in table.remarks([result] * 4, measure.Settings(**plain, border=8))[0]
    unknown = measure.Settings(**{**plain, "filter": "input"})
    assert table.remarks([result], unknown) == ["No published figure of input for this input is in published.toml."]


def test_a_figure_without_ssim_leaves_its_cell_empty(part, capsys):
    table, measure, metrics = part("table"), part("measure"), part("metrics")
    result = measure.Result("tractor", 3, metrics.Score(30, 0.9, 31, 0.91))
    filter = "rvrt(task='denoise', sigma=20)"
    settings = {"dataset": "set8", "truth": Path("Set8"), "low": None, "input": "noise20", "filter": filter}
    table.show([result] * 8, measure.Settings(**settings))
    last = [line for line in capsys.readouterr().out.splitlines() if "published" in line][-1]
    assert [cell.strip() for cell in last.strip("│").split("│")] == ["published: denoise", "", "34.8300", "", "", ""]


def command(*arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SCRIPTS), str(SCRIPTS.parent)))}
    given = [sys.executable, "-m", "evaluation", *arguments]
    return subprocess.run(given, capture_output=True, text=True, env=environment, check=False)


def test_the_command_prints_figures_beside_those_published(tmp_path):
    for name in ("calendar", "city", "foliage", "walk"):
        save(tmp_path / name, pictures(seed=len(name)))
    done = command("dataset", "vid4", "--truth", str(tmp_path), "--filter", "bicubic")
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in done.stdout.splitlines() if "│" in line]
    assert [row[0] for row in rows] == ["calendar", "city", "foliage", "walk", "mean", "published: bicubic"]
    figures = np.array([[float(cell) for cell in row[2:]] for row in rows[:5]])
    np.testing.assert_allclose(figures[4], figures[:4].mean(axis=0), atol=1e-4)
    assert rows[-1][2:] == ["", "", "23.7800", "0.6347"]
    assert len(done.stderr.splitlines()) == 4


@pytest.fixture
def clean_clip(tmp_path):
    path = tmp_path / "clip.mkv"
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=24", "-frames:v", "3"]
    subprocess.run([ffmpeg.program(), "-loglevel", "error", *picture, "-c:v", "ffv1", str(path)], check=True)
    return path


OWN = {
    "film": (lambda: TemporalUNet(), ("film-light", "film-heavy", "mixture 101", "undamaged"), 2),
    "tape": (lambda: TemporalUNet(heads=1), ("vhs", "hi8", "mixture 101", "undamaged"), 1),
    "upscale": (lambda: TemporalUpscaler(2), ("plain", "h264 crf 28", "h264 crf 20"), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", OWN)
def test_the_command_measures_our_own_weights(part, tmp_path, clean_clip, task):
    build, cases, heads = OWN[task]
    weights = tmp_path / "own.safetensors"
    save_file(build().state_dict(), weights)
    seed = () if task == "upscale" else ("--seed", "101")
    words = [task, str(weights), str(clean_clip), "--frames", "2", *seed, "--csv", str(tmp_path / "figures.csv")]
    done = CliRunner().invoke(part("__main__").app, words)
    assert done.exit_code == 0, done.stderr
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    assert [row[1] for row in rows] == [*cases, *cases]  # of the clip, and their means
    assert {len(row) for row in (head, *rows)} == {2 + 3 * heads + {"film": 0, "tape": 2, "upscale": 6}[task]}
    assert len((tmp_path / "figures.csv").read_text().splitlines()) == 1 + len(cases)


def test_chroma_errors_are_those_of_the_hand(part):
    """Red raised by 0.1: U falls by 0.0299 / 1.772, V rises by 0.0701 / 1.402, luma does not count."""
    import torch

    truth = torch.full((1, 3, 4, 4), 0.5)
    seen = truth.clone()
    seen[:, 0] += 0.1
    found = part("own").chroma_errors(seen, truth + 0.2, truth)
    expected = 255**2 * ((0.0299 / 1.772) ** 2 + (0.0701 / 1.402) ** 2) / 2
    assert found["UV error before"] == pytest.approx(expected, rel=1e-4)
    assert found["UV error after"] == pytest.approx(0, abs=1e-6)


def test_enlarging_is_held_against_lanczos_and_bicubic(part):
    """A still clip does not flicker; one that changes by 4 codes from frame to frame has that much of it."""
    import torch

    truth = torch.full((3, 3, 32, 32), 0.5)
    restored = truth.clone()
    restored[1] += 4 / 255
    found = part("own").enlarging(truth[..., ::2, ::2], restored, truth)
    assert found["lanczos"] == pytest.approx(80, abs=0.1)
    assert found["flicker truth"] == found["flicker bicubic"] == 0
    assert found["flicker ours"] == pytest.approx(4, abs=1e-3)


def test_weights_of_another_task_are_refused(part, tmp_path, clean_clip):
    weights = tmp_path / "film.safetensors"
    save_file(TemporalUNet(heads=2).state_dict(), weights)
    with pytest.raises(part("errors").EvaluationError, match="no network for tape: it has 2 heads"):
        part("own").measure("tape", weights, [clean_clip], 2, 64)


def test_the_command_refuses_in_one_line(tmp_path):
    save(tmp_path / "walk", pictures())
    for filter, message in (("edvr(model='no')", "edvr: model='no'; accepted"), ("sharpen", "sharpen: unknown")):
        done = command("dataset", "vid4", "--truth", str(tmp_path), "--filter", filter)
        assert done.returncode == 2
        assert done.stderr.startswith("evaluate: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
