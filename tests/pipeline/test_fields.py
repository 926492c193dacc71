"""Interlaced sources, and the filter that makes whole frames of them."""

from __future__ import annotations

import pytest

from tests.pipeline.measures import shown_at
from vsrestore.pipeline.errors import PipelineError


def test_an_interlaced_source_is_deinterlaced_and_its_order_told(clip, run):
    source = clip("fields.mkv")
    output, told = run(source, filters=("deinterlace",))
    before, after = shown_at(source), shown_at(output)
    assert len(after) == 2 * len(before)
    assert after[2] - after[0] == pytest.approx(float(before[1] - before[0]), abs=0.002)
    assert [sentence for sentence in told if "deinterlace: " in sentence and "field first (as flagged)" in sentence]


def test_whole_frames_are_left_as_they_are(clip, run):
    source = clip("plain.mp4")
    output, told = run(source, filters=("deinterlace", "scenes"))
    assert "the picture is not flagged as interlaced; deinterlace is left out" in told
    assert len(shown_at(output)) == len(shown_at(source))


def test_nothing_left_to_do_is_told(clip, run, tmp_path):
    with pytest.raises(PipelineError, match=r"nothing is left to do; where it is all the same, give --filter"):
        run(clip("plain.mp4"), filters=("deinterlace",))
    assert not list(tmp_path.iterdir())


def test_an_order_that_is_given_makes_fields_of_any_source(clip, run):
    source = clip("plain.mp4")
    output, told = run(source, filters=("deinterlace(field_order='top', rate='single')",))
    assert len(shown_at(output)) == len(shown_at(source))
    assert [sentence for sentence in told if "top field first (as given)" in sentence]
