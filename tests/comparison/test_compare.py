from __future__ import annotations

import csv
import re
from html.parser import HTMLParser

import av
import numpy as np
import pytest

from vsrestore.comparison.compare import compare
from vsrestore.comparison.measures import psnr, quality

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
            found = quality(mine, right)
            assert float(row[f"psnr_{name}"]) == pytest.approx(psnr(found.error), abs=1e-4)
            assert float(row[f"ssim_{name}"]) == pytest.approx(found.ssim, abs=1e-4)
    assert [n for n, row in enumerate(rows) if row["flicker_after"] == ""] == [0, 12]
    assert totals["flicker_truth"] < totals["flicker_after"] < totals["flicker_before"]
    squares = np.square(np.stack(damaged).astype(float) - np.stack(truth)).mean()
    assert totals["psnr_before"] == pytest.approx(10 * np.log10(255**2 / squares), abs=1e-3)


def test_without_truth_the_result_is_held_against_the_source(sources, damaged, tmp_path):
    (before, after, _), restored = sources
    compare(before, after, None, tmp_path / "out", count_nothing, overwrite=False)
    rows = rows_of(tmp_path / "out")
    assert list(rows[0]) == ["frame", "psnr_after", "ssim_after", "flicker_before", "flicker_after"]
    found = quality(restored[7], damaged[7])
    assert float(rows[7]["psnr_after"]) == pytest.approx(psnr(found.error), abs=1e-4)


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
    assert totals["psnr_after"] == 100
    assert totals["flicker_after"] is None
    assert "They do not differ." in (tmp_path / "out" / "index.html").read_text()


def test_what_is_kept_does_not_grow(video, truth, tmp_path):
    """A video five times as long makes a page of the same number of pictures."""
    pages = []
    for times in (1, 5):
        paths = [video(f"{name}{times}.mkv", truth * times) for name in "ab"]
        noisy = video(f"noisy{times}.mkv", [255 - each for each in truth] * times)
        compare(paths[0], noisy, None, tmp_path / f"out{times}", count_nothing, overwrite=False)
        pages.append((tmp_path / f"out{times}" / "index.html").read_text().count("<img"))
    assert pages[0] == pages[1] == 24
