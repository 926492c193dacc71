from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.comparison.damaged import clean_and_damaged, damaged_and_truth, held
from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.measures import psnr, squared_error
from vsrestore.comparison.orders import INPUT, all_orders, compare_orders
from vsrestore.comparison.orders_page import orders_table
from vsrestore.comparison.sources import as_rgb, picture


def brighter(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.Expr("x 60 +")


def limited(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.Expr("x 200 min")


def blurred(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.std.BoxBlur(hradius=2, vradius=2)


def twice(clip: vs.VideoNode) -> vs.VideoNode:
    return clip.resize.Point(2 * clip.width, 2 * clip.height)


@pytest.fixture
def clips(video, truth):
    """A clip that lacks 60 codes, and the truth."""
    clean = video("truth.mkv", truth[:8])
    dark = video("dark.mkv", [np.clip(each.astype(int) - 60, 0, 255).astype(np.uint8) for each in truth[:8]])
    return damaged_and_truth(dark, clean, 0, 99)


def ran(clips, folder, steps, orders=None, **settings):
    orders = all_orders(list(steps)) if orders is None else orders
    return compare_orders(*clips, steps, orders, folder, lambda done, total: None, overwrite=False, **settings)


def test_orders_that_differ_are_told_apart(clips, tmp_path):
    steps = {"brighter": brighter, "limited": limited, "nothing": lambda clip: clip}
    outcomes = ran(clips, tmp_path / "out", steps)
    figures = {each.name: each.figures for each in outcomes}
    assert len(figures) == 7
    assert [each.figures["psnr"] for each in outcomes] == sorted(
        (row["psnr"] for row in figures.values()), reverse=True
    )
    assert figures["limited-brighter-nothing"]["psnr"] > figures["brighter-limited-nothing"]["psnr"] + 0.5
    assert figures["nothing-limited-brighter"]["psnr"] == figures["limited-brighter-nothing"]["psnr"]
    made = as_rgb(limited(brighter(clips[0])))
    errors = [
        squared_error(picture(one), picture(other)) for one, other in zip(made.frames(), clips[1].frames(), strict=True)
    ]
    assert figures["brighter-limited-nothing"]["psnr"] == pytest.approx(psnr(float(np.mean(errors))), abs=1e-6)
    assert min(row["seconds"] for row in figures.values()) > 0


def test_the_table_and_the_page(clips, tmp_path):
    steps = {"brighter": brighter, "blurred": blurred}
    outcomes = ran(clips, tmp_path / "out", steps, [("brighter",), ("blurred", "brighter")])
    assert [each.name for each in outcomes] == ["brighter", "blurred-brighter", INPUT]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"index.html", "orders.csv", "comparison.sha256"}
    rows = list(csv.DictReader((tmp_path / "out" / "orders.csv").open()))
    assert [row["order"] for row in rows] == [each.name for each in outcomes]
    assert float(rows[0]["ssim"]) == pytest.approx(outcomes[0].figures["ssim"], abs=1e-5)
    page = (tmp_path / "out" / "index.html").read_text()
    words = re.findall(r"<t[hd]>([^<]*)</t[hd]>", page)
    assert words == [word for row in orders_table({each.name: each.figures for each in outcomes}) for word in row]
    assert set(re.findall(r'data-clip="([^"]+)"', page)) == {"truth", *(each.name for each in outcomes)}
    assert f'<option value="{INPUT} brighter">' in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_lpips_has_a_column_where_it_is_measured(clips, tmp_path):
    outcomes = ran(clips, tmp_path / "out", {"brighter": brighter}, lpips=lambda one, other: 0.25)
    assert {each.figures["lpips"] for each in outcomes} == {0.25}
    assert "LPIPS" in orders_table({each.name: each.figures for each in outcomes})[0]


def test_a_clip_that_is_made_small_and_damaged_is_measured_at_its_own_size(video, truth, tmp_path):
    path = video("truth.mkv", [each[:63, :95] for each in truth[:4]])
    clips = clean_and_damaged(path, [blurred], [brighter, twice], 0.05, 2)
    assert [(clip.width, clip.height, clip.num_frames) for clip in clips] == [(47, 31, 2), (94, 62, 2)]
    assert np.array_equal(picture(clips[1].get_frame(0)), truth[1][:62, :94])
    outcomes = ran(clips, tmp_path / "out", {"twice": twice})
    assert len(outcomes) == 2


def test_the_clip_that_goes_in_is_made_once(video, truth):
    asked = []
    clip = vs.core.std.BlankClip(format=vs.RGB24, width=32, height=32, length=3)
    clip = clip.std.ModifyFrame(clips=clip, selector=lambda n, f: asked.append(n) or f)
    kept = held(clip)
    for n in (2, 0, 1, 1):
        kept.get_frame(n)
    assert sorted(asked) == [0, 1, 2]


def test_what_does_not_fit_is_told(clips, video, truth, tmp_path):
    with pytest.raises(ComparisonError, match="twice: gives 8 frames of 192x128, the truth has 8 frames of 96x64"):
        ran(clips, tmp_path / "out", {"twice": twice})
    with pytest.raises(ComparisonError, match="5 steps have 120 orders; name those to be tried"):
        all_orders(["a", "b", "c", "d", "e"])
    path = video("some.mkv", truth[:2])
    with pytest.raises(ComparisonError, match="has 2 frames; the part begins behind them"):
        clean_and_damaged(path, [], [], 9, 1)
    with pytest.raises(ComparisonError, match=r"make 97x64 of 96x64; give a damaged clip and its --truth"):
        clean_and_damaged(path, [], [lambda clip: clip.std.AddBorders(right=1)], 0, 1)
    assert not (tmp_path / "out").exists()


def test_a_step_that_fails_leaves_nothing(clips, tmp_path):
    def failing(n, f):
        raise ValueError("no such luck")

    with pytest.raises(ComparisonError, match=r"(?s)a frame cannot be made .*no such luck"):
        ran(clips, tmp_path / "out", {"failing": lambda clip: clip.std.ModifyFrame(clips=clip, selector=failing)})
    assert not (tmp_path / "out").exists()
