from __future__ import annotations

import csv
import os
import re
from html.parser import HTMLParser

import av
import numpy as np
import pytest

from vsrestore.comparison.compare import compare
from vsrestore.comparison.errors import ComparisonError
from vsrestore.comparison.measures import change, psnr, squared_error, ssim
from vsrestore.comparison.page import table
from vsrestore.comparison.sources import Part
from vsrestore.ffmpeg import FFmpegError

NOTHING_FETCHED = {"data"}


def count_nothing(done, total):
    pass


def rows_of(folder):
    with (folder / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def picture_of(path):
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


class Addresses(HTMLParser):
    """Collects every address that a page names, and the tags."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.found += [value for key, value in attrs if key in ("src", "href", "srcset", "data", "poster")]


@pytest.fixture
def sources(video, truth, damaged):
    restored = [
        ((each.astype(int) + 2 * right) // 3).astype(np.uint8) for each, right in zip(damaged, truth, strict=True)
    ]
    named = (("damaged", damaged), ("restored", restored), ("truth", truth))
    return [video(f"{name} & <co>.mkv", pictures) for name, pictures in named], restored


@pytest.mark.slow
def test_with_truth(sources, truth, damaged, tmp_path):
    paths, restored = sources
    told = []
    totals = compare(*paths, tmp_path / "out", lambda *pair: told.append(pair), overwrite=False)
    assert told == [(n, 20) for n in range(1, 21)]
    rows = rows_of(tmp_path / "out")
    figures = ("psnr_before", "psnr_after", "ssim_before", "ssim_after")
    assert list(rows[0]) == ["frame", *figures, "flicker_before", "flicker_after", "flicker_truth"]
    assert [int(row["frame"]) for row in rows] == list(range(20))
    for row, before, after, right in zip(rows, damaged, restored, truth, strict=True):
        for name, mine in (("before", before), ("after", after)):
            assert float(row[f"psnr_{name}"]) == pytest.approx(psnr(squared_error(mine, right)), abs=1e-4)
            assert float(row[f"ssim_{name}"]) == pytest.approx(ssim(mine, right), abs=1e-4)
    assert [n for n, row in enumerate(rows) if row["flicker_after"] == ""] == [0, 12]
    assert totals["flicker_truth"] < totals["flicker_after"] < totals["flicker_before"]
    squares = np.square(np.stack(damaged).astype(float) - np.stack(truth)).mean()
    assert totals["psnr_before"] == pytest.approx(10 * np.log10(255**2 / squares), abs=1e-3)


def test_without_truth_what_was_changed_is_told_and_no_quality(sources, damaged, tmp_path):
    """PSNR against the source is no quality: the best figure would be that of doing nothing."""
    (before, after, _), restored = sources
    totals = compare(before, after, None, tmp_path / "out", count_nothing, overwrite=False)
    rows = rows_of(tmp_path / "out")
    assert list(rows[0]) == ["frame", "change_after", "flicker_before", "flicker_after"]
    assert float(rows[7]["change_after"]) == pytest.approx(change(restored[7], damaged[7]), abs=1e-4)
    text = (tmp_path / "out" / "index.html").read_text()
    assert "PSNR" not in text
    assert "SSIM" not in text
    assert "cannot be told without the truth" in text
    assert [cells[0] for cells in table(totals, ["before", "after"])] == ["", "before", "after"]
    assert table(totals, ["before", "after"])[0] == ("", "Changed by, codes", "Temporal flicker, codes")


@pytest.mark.slow
def test_of_long_clips_every_seventh_frame_is_measured_by_what_takes_time(sources, video, truth, damaged, tmp_path):
    (before, _, right), _ = sources
    long = [video(f"{name}.mkv", pictures * 7) for name, pictures in (("a", damaged), ("b", truth), ("c", truth))]
    totals = compare(*long, tmp_path / "long", count_nothing, overwrite=False)
    rows = rows_of(tmp_path / "long")
    assert all(row["psnr_before"] for row in rows)
    assert [n for n, row in enumerate(rows) if row["ssim_before"]] == list(range(3, 140, 7))
    assert {n % 7 for n, row in enumerate(rows) if row["flicker_before"]} == {3}
    short = compare(before, right, right, tmp_path / "short", count_nothing, overwrite=False)
    assert totals["ssim_before"] == pytest.approx(short["ssim_before"], rel=0.02)
    assert totals["flicker_before"] == pytest.approx(short["flicker_before"], rel=0.05)
    text = (tmp_path / "long" / "index.html").read_text()
    assert "measured on every 7th frame" in text
    assert "<circle" not in text  # the curves have no gaps but at cuts


def test_a_part_of_the_videos(sources, video, truth, damaged, tmp_path):
    """24 frames a second: half a second from the 7th frame on is 12 frames, whatever the rest is like."""
    paths, _ = sources
    longer = video("longer.mkv", truth + truth[:3])
    compare(paths[0], longer, None, tmp_path / "out", count_nothing, overwrite=False, part=Part(0.25, 0.75))
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 12
    assert float(rows[1]["change_after"]) == pytest.approx(change(truth[7], damaged[7]), abs=1e-4)
    with pytest.raises(ComparisonError, match=r"has 0\.83 s, of which none lie within the part"):
        compare(*paths, tmp_path / "late", count_nothing, overwrite=False, part=Part(5))


def test_a_name_that_is_no_utf8(sources, tmp_path):
    paths, _ = sources
    odd = tmp_path / os.fsdecode(b"caf\xe9.mkv")
    odd.write_bytes(paths[0].read_bytes())
    with pytest.raises(FFmpegError, match="the name is not in UTF-8; rename the file"):
        compare(odd, paths[1], None, tmp_path / "out", count_nothing, overwrite=False)


def test_crops_and_video(sources, truth, damaged, tmp_path):
    paths, _ = sources
    compare(*paths, tmp_path / "out", count_nothing, overwrite=False)
    crops = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert crops == sorted(f"crop-{n}-{name}.png" for n in range(1, 7) for name in ("before", "after", "truth"))
    # Frames are no larger than a crop here, so the crop of the spotted frame is that frame.
    assert np.array_equal(picture_of(tmp_path / "out" / "crop-3-before.png"), damaged[7])
    assert np.array_equal(picture_of(tmp_path / "out" / "crop-3-truth.png"), truth[7])
    with av.open(str(tmp_path / "out" / "side-by-side.mp4")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == 20
    assert frames[0].shape[1] == 3 * 96
    assert np.abs(frames[7][-64:, -96:].astype(int) - truth[7]).mean() < 12


def test_the_page_needs_nothing_beside_it(sources, tmp_path):
    paths, _ = sources
    compare(*paths, tmp_path / "out", count_nothing, overwrite=False)
    text = (tmp_path / "out" / "index.html").read_text()
    parser = Addresses()
    parser.feed(text)
    assert {address.partition(":")[0] for address in parser.found} == NOTHING_FETCHED
    assert not re.search(r"https?:|url\(|@import|<link", text)
    assert "default-src 'none'" in text
    tags = [tag for tag, _ in parser.tags]
    assert tags.count("img") == 6 * 3 + 6 * 3
    assert [given["type"] for tag, given in parser.tags if tag == "input"] == ["range"] * 6
    assert tags.count("svg") == 3
    classes = [given["class"] for tag, given in parser.tags if tag == "polyline"]
    assert sorted(set(classes)) == ["after", "before", "truth"]
    assert "damaged &amp; &lt;co&gt;.mkv" in text
    assert "<co>" not in text


def test_equal_and_short_clips(video, truth, tmp_path):
    paths = [video(name, truth[:1]) for name in ("a.mkv", "b.mkv")]
    totals = compare(*paths, None, tmp_path / "out", count_nothing, overwrite=False)
    assert totals["change_after"] == 0
    assert totals["flicker_after"] is None
    assert "They do not differ." in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
def test_what_is_kept_does_not_grow(video, truth, tmp_path):
    """A video five times as long makes a page of the same number of pictures."""
    pages = []
    for times in (1, 5):
        paths = [video(f"{name}{times}.mkv", truth * times) for name in "ab"]
        noisy = video(f"noisy{times}.mkv", [255 - each for each in truth] * times)
        compare(paths[0], noisy, None, tmp_path / f"out{times}", count_nothing, overwrite=False)
        pages.append((tmp_path / f"out{times}" / "index.html").read_text().count("<img"))
    assert pages[0] == pages[1] == 24
