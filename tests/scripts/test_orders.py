"""The tables of docs/orders.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest
import vapoursynth as vs

from vsrestore import ffmpeg

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"


@pytest.fixture
def orders(script):
    return script("orders")


@pytest.fixture
def paths(orders, tmp_path, monkeypatch):
    """Two small clips that are made up."""
    paths = [tmp_path / f"{number}.mp4" for number in range(2)]
    for number, path in enumerate(paths):
        graph = f"testsrc2=size=96x64:rate=24:duration=1,hue=h={90 * number}"
        made = ["-f", "lavfi", "-i", graph, "-c:v", "libx264", "-preset", "ultrafast", str(path)]
        subprocess.run([ffmpeg.program(), "-v", "error", "-nostdin", *made], check=True)
    for name, value in (("WIDTH", 64), ("HEIGHT", 48)):
        monkeypatch.setattr(orders, name, value)
    return paths


def twice(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Bicubic(2 * clip.width, 2 * clip.height)


def test_figures_are_means_and_what_is_there_is_not_run_again(orders, paths, tmp_path, monkeypatch, capsys):
    weights = tmp_path / "weights"
    weights.write_bytes(b"1")
    steps = {"deblur": orders.unsharp, "upscale": twice}
    table = orders.Table("Made up", orders.noisy, steps, {"ours": weights}, orders.all_orders(list(steps)), frames=2)
    runs = [orders.measured(table, path, tmp_path) for path in paths]
    orders.show("Made up", runs)
    title, _, head, _, first, second, last, _ = capsys.readouterr().out.splitlines()
    assert title == "## Made up"
    assert head.startswith("| order | PSNR, dB | behind the best, dB | SSIM |")
    assert "s/frame" in head
    assert "| s/frame" not in head
    ratios = [float(line.split("|")[2]) for line in (first, second, last)]
    assert ratios == sorted(ratios, reverse=True)
    best, worst = (line.split("|")[1].strip() for line in (first, last))
    assert ratios[0] == pytest.approx(sum(run[best]["psnr"] for run in runs) / 2, abs=0.005)
    behind = sorted(run[best]["psnr"] - run[worst]["psnr"] for run in runs)
    assert last.split("|")[3].strip() == f"{behind[0]:.2f} to {behind[1]:.2f}"
    monkeypatch.setattr(orders, "compare_orders", Mock(side_effect=RuntimeError("run again")))
    assert orders.measured(table, paths[0], tmp_path) == runs[0]
    weights.write_bytes(b"2")
    with pytest.raises(RuntimeError, match="run again"):
        orders.measured(table, paths[0], tmp_path)


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
    for fact in (*orders.NAMES, f"{orders.WIDTH}x{orders.HEIGHT}"):
        assert fact.removesuffix(".mp4").split("_")[0] in text
    parts = dict(part.partition("\n")[::2] for part in text.split("\n## "))
    for table in orders.tables(PAGE):
        rows = re.findall(r"^\| ([a-z-]+) \| \d", parts[table.title], flags=re.MULTILINE)
        assert sorted(rows) == sorted(["input", *map("-".join, table.orders)])
