"""The tables of docs/orders.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import vapoursynth as vs

from vsrestore import ffmpeg

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"


@pytest.fixture
def orders(script):
    return script("orders")


@pytest.fixture
def clips(orders, tmp_path, monkeypatch):
    """A folder with the clips that the tables are made of, small and made up."""
    for number, name in enumerate(orders.NAMES):
        graph = f"testsrc2=size=96x64:rate=24:duration=1,hue=h={90 * number}"
        made = ["-f", "lavfi", "-i", graph, "-c:v", "libx264", "-preset", "ultrafast", str(tmp_path / name)]
        subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    for name, value in (("WIDTH", 64), ("HEIGHT", 48), ("FRAMES", 2)):
        monkeypatch.setattr(orders, name, value)
    return tmp_path


def twice(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Bicubic(2 * clip.width, 2 * clip.height)


def test_figures_are_means_over_the_clips_best_first(orders, clips, capsys):
    figures = orders.measured(clips, {"deblur": orders.unsharp, "upscale": twice}, orders.noisy, clips)
    assert set(figures) == {"deblur-upscale", "upscale-deblur", "input"}
    ratios = [row["psnr"] for row in figures.values()]
    assert ratios == sorted(ratios, reverse=True)
    orders.show("Made up", figures)
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "## Made up"
    assert table[4].startswith(f"| {next(iter(figures))} | {ratios[0]:.2f} |")


def test_noise_is_as_strong_as_told(orders):
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=128, height=128, length=2, color=[126, 128, 128])
    square = vs.core.std.Expr([orders.noisy(clip), clip], ["x y - dup *", ""], format=vs.YUV420P16).std.PlaneStats()
    deviation = (square.get_frame(1).props["PlaneStatsAverage"] * 65535) ** 0.5
    assert deviation == pytest.approx(orders.SIGMA * 219 / 255, rel=0.05)


def test_sharpening_leaves_flat_places_alone(orders):
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=16, height=16, length=1, color=[77, 90, 160])
    assert [int(plane[0, 0]) for plane in orders.unsharp(clip).get_frame(0)] == [77, 90, 160]


def test_the_page_tells_what_the_script_measures(orders):
    text = PAGE.read_text()
    assert "scripts/orders.py CLIPS DNCNN OUT" in text
    for fact in (*orders.NAMES, f"{orders.FRAMES} frames", f"{orders.WIDTH}x{orders.HEIGHT}"):
        assert fact.removesuffix(".mp4").split("_")[0] in text
    rows = re.findall(r"^\| (?:tape|deblur|denoise|upscale)-[\w-]+ \|", text, flags=re.MULTILINE)
    assert len(rows) == 24 + sum(len(order) > 1 for order in orders.FEWER) + 6
