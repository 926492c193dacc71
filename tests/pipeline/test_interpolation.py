"""Picture and sound of an interpolated film stay in step: a clap, which is a flash and a click, tells."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.pipeline.measures import onset, pictures, shown_at
from vsrestore import ffmpeg

CLAP = Fraction(2, 5)
TOY = """
from fractions import Fraction
from tests.runtime.networks import Between
from vsrestore.filters.interpolation import interpolated
from vsrestore.runtime.apply import Stage
from vsrestore.runtime.descriptor import Descriptor, Options
from vsrestore.runtime.plans.pair import Pair
stage = Stage(descriptor=Descriptor(name="toy", plan=Pair()), build=Between)
wishes = dict(factor=None, fps=None, replace_duplicates=False)
def toy(clip, **given):
    return interpolated(clip, stage, Options(device="cpu", scene_changes=False), **{**wishes, **given})
"""
UNEVEN = ("-vf", "select=not(eq(mod(n\\,5)\\,3))", "-fps_mode", "vfr")


def clapped(folder: Path, rate: str, *options: str, ending: str = ".mkv") -> Path:
    """A second of gray with a white frame from the clap on, where a tone begins, too."""
    # The first frame that is shown at the clap or after it.
    white = f"geq=lum='if(gte(T,{float(CLAP) - 1e-3}),235,40)':cb=128:cr=128"
    picture = (
        "-f",
        "lavfi",
        "-i",
        f"color=gray:size=32x32:rate={rate}:duration=1,format=yuv420p,{white},setparams=colorspace=smpte170m",
    )
    sound = ("-f", "lavfi", "-i", f"aevalsrc='if(lt(t,{float(CLAP)}),0,sin(2*PI*1000*t)*0.5)':d=1:s=48000")
    path = folder / f"clap{ending}"
    command = [ffmpeg.program(), "-v", "error", "-nostdin", *picture, *sound, "-map", "0:v", "-map", "1:a", *options]
    subprocess.run([*command, "-c:v", "ffv1", "-c:a", "pcm_s16le", str(path)], check=True, capture_output=True)
    return path


def flash(path: Path) -> float:
    """When the white picture is shown, in seconds after the first one."""
    bright = pictures(path)[:, :32].mean((1, 2))
    return float(shown_at(path)[int(np.argmax(bright > 230))])


@pytest.mark.parametrize(
    ("rate", "options", "wish", "given"),
    [
        ("24000/1001", (), "fps=47.952", Fraction(48000, 1001)),
        ("25", (), "fps=60", Fraction(60)),
        ("24", UNEVEN, "factor=2", None),
    ],
    ids=["23.976 to 47.952", "25 to 60", "uneven, doubled"],
)
def test_a_clap_stays_in_step(run, tmp_path, rate, options, wish, given):
    source = clapped(tmp_path, rate, *options)
    output, told = run(source, line=f"{TOY}\nclip = toy(clip, {wish})", encoder="ffv1")
    assert not told
    before, after = shown_at(source), shown_at(output)
    # Matroska holds whole milliseconds.
    assert flash(output) == pytest.approx(flash(source), abs=0.0016)
    assert onset(output) == pytest.approx(onset(source), abs=0.002)
    if given:
        expected = [n / given for n in range(-(-len(before) * given // Fraction(rate)))]
    else:
        expected = [time for early, late in pairwise(before) for time in (early, (early + late) / 2)]
        after = after[:-2]
    assert len(after) == len(expected)
    assert max(abs(time - due) for time, due in zip(after, expected, strict=True)) < Fraction(16, 10_000)


def test_frames_that_are_lost_beside_are_told(clip, run):
    _, told = run(clip("plain.mp4"), line=f"{TOY}\nclip = toy(clip, factor=2)[:40]")
    assert any(
        "the source holds 24 frames, the output 40, where 2 should come of each" in sentence for sentence in told
    )
