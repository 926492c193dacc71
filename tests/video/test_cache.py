"""How many frames are kept follows what VapourSynth may hold."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import vapoursynth as vs

from vsrestore.video import cache
from vsrestore.video.cache import PART, keep, uncached

PROGRAM = """
import json, sys
import vapoursynth as vs
from tests.runtime.kinds import KINDS
from vsrestore.runtime.descriptor import Options
core = vs.core
core.num_threads, core.max_cache_size = 16, 40
blank = core.std.BlankClip(format=vs.YUV420P8, width=480, height=270, length=60)
source = blank.std.ModifyFrame(blank, lambda n, f: f.copy())
most = 0
for _ in KINDS["window, repeats"].restored(source, Options(device="cpu")).frames(close=True):
    most = max(most, core.used_cache_size)
print(json.dumps(most / 2**20))
"""


@pytest.mark.parametrize(
    ("fmt", "size", "limit", "expected"),
    [
        (vs.GRAYS, 4 << 20, 64, 2),
        (vs.RGBS, 12 << 20, 480, 5),
        (vs.YUV420P8, 3 << 19, 120, 10),
        (vs.RGBS, 12 << 20, 40, 1),  # one is always kept
    ],
)
def test_a_clip_keeps_its_part(fmt: int, size: int, limit: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    clip = vs.core.std.BlankClip(format=fmt, width=1024, height=1024, length=1)
    assert expected == max(int(limit * PART * 2**20 / size), 1)
    before = vs.core.max_cache_size
    vs.core.max_cache_size = limit
    try:
        assert cache._allowed(clip) == expected
        kept.append(cache._allowed(keep(clip, 100)))
    finally:
        vs.core.max_cache_size = before
    assert kept == [expected]


def test_uncached_functions_are_those_of_the_core() -> None:
    clip = uncached.BlankClip(format=vs.GRAY8, width=8, height=8, length=5)
    assert uncached.Trim(clip, first=2).num_frames == 3


def test_a_window_filter_stays_near_the_limit_of_the_core() -> None:
    """Beside what is kept, the frames of the chunks under way are in memory: two runs of twelve, and their source."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) < 40 * 1.6
