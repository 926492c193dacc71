"""A comparison takes no more than a fifth of the restoration that it looks at."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest
import vapoursynth as vs

import vsrestore
from vsrestore import ffmpeg
from vsrestore.comparison.compare import compare

RESTORED, COMPARED = 16, 140
SHARE = 1 / 5


def processor_time() -> float:
    return time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="counts the time of children")
def test_a_fifth_of_the_restoration(tmp_path, soak):
    if soak == 1:
        pytest.skip("ten seconds of computing: with --soak")
    paths = [tmp_path / "before.mp4", tmp_path / "after.mp4"]
    for path, change in zip(paths, ("", ",unsharp"), strict=True):
        graph = f"testsrc2=size=320x240:rate=24,noise=alls=10:allf=t{change}"
        command = [ffmpeg.program(), "-v", "error", "-f", "lavfi", "-i", graph, "-frames:v", str(COMPARED)]
        subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(path)], check=True)
    source = vs.core.bs.VideoSource(str(paths[0]), cachemode=0)[:RESTORED]
    vsrestore.film(source, device="cpu").get_frame(0)  # torch is loaded
    began = processor_time()
    for _ in vsrestore.film(source, device="cpu").frames(close=True):
        pass
    restoration = (processor_time() - began) / RESTORED
    began = processor_time()
    compare(*paths, None, tmp_path / "out", lambda done, total: None, overwrite=False)
    assert (processor_time() - began) / COMPARED < SHARE * restoration
