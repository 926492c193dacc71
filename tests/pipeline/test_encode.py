from __future__ import annotations

import pytest

from vsrestore.pipeline.containers import CONTAINERS
from vsrestore.pipeline.encode import ENCODERS, accepted_chroma, encoder_named, encoder_options
from vsrestore.pipeline.errors import PipelineError


def test_unknown_and_missing_encoders_are_told():
    with pytest.raises(PipelineError, match="accepted: x264, x265, ffv1, svt-av1"):
        encoder_named("h264", frozenset())
    with pytest.raises(PipelineError, match="built without libx265; it has: x264"):
        encoder_named("x265", frozenset({"libx264"}))


@pytest.mark.parametrize(
    ("name", "crf", "preset", "message"),
    [
        ("x264", 52, None, "accepts 0 to 51"),
        ("x264", -1, None, "accepts 0 to 51"),
        ("ffv1", 10, None, "lossless"),
        ("ffv1", None, "slow", "leave --preset out"),
        ("svt-av1", None, "medium", "accepted: 0, 1"),
    ],
)
def test_quality_that_does_not_exist(name, crf, preset, message):
    with pytest.raises(PipelineError, match=message):
        encoder_options(name, crf, preset)


def test_quality_reaches_ffmpeg():
    options = encoder_options("x265", 20.5, "slow")
    assert options[options.index("-crf") + 1] == "20.5"
    assert options[options.index("-preset") + 1] == "slow"


@pytest.mark.parametrize(
    ("encoder", "given", "size", "expected"),
    [
        ("ffv1", (2, 2), (64, 48), (2, 0)),
        ("ffv1", (0, 1), (64, 48), (0, 0)),
        ("x264", (1, 1), (64, 48), (1, 1)),
        ("x264", (2, 0), (64, 48), (1, 0)),
        ("x264", (0, 1), (64, 48), (0, 0)),
        ("x264", (1, 1), (63, 48), (0, 0)),
        ("svt-av1", (0, 0), (64, 48), (1, 1)),
        ("svt-av1", (1, 1), (63, 48), None),
        ("ffv1", (2, 0), (64, 48), (2, 0)),
    ],
)
def test_chroma(encoder, given, size, expected):
    assert accepted_chroma(ENCODERS[encoder], given, size, 8) == expected
    assert accepted_chroma(ENCODERS["ffv1"], (2, 0), (64, 48), 16) == (1, 0)


def test_every_encoder_has_a_container():
    assert all(any(name in row.encoders for row in CONTAINERS.values()) for name in ENCODERS)
    assert all(row.encoders <= set(ENCODERS) for row in CONTAINERS.values())
