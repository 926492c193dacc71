from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage import compression
from vsrestore.damage.compression import Compression, CompressionError, compressed

from .pictures import smooth

CODECS = {"mpeg2": (3, 20), "h264": (20, 40), "h265": (20, 40)}


def moving(length=6, height=64, width=80):
    return np.stack([np.roll(smooth(height, width), 2 * t, axis=1) for t in range(length)])


def error(frames, codec, quality):
    return float(np.abs(compressed(frames, 0, Compression(codec=codec, quality=quality)) - frames).mean())


def test_no_codec_is_the_identity():
    frames = moving()
    assert compressed(frames, 0, Compression()) is frames


@pytest.mark.parametrize("codec", CODECS)
def test_more_compression_means_more_error(codec):
    frames = moving()
    good, bad = (error(frames, codec, quality) for quality in CODECS[codec])
    assert 0 < good < bad < 0.2


@pytest.mark.parametrize("codec", CODECS)
def test_groups_of_pictures_stand_alone_bit_by_bit(codec):
    frames, settings = moving(), Compression(codec=codec, quality=28 if codec != "mpeg2" else 8, gop=3)
    run = compressed(frames, 6, settings)
    assert np.array_equal(compressed(frames[3:], 9, settings), run[3:])
    assert np.array_equal(compressed(frames, 6, settings), run)


@pytest.mark.parametrize("codec", CODECS)
def test_frames_keep_number_order_and_odd_sizes(codec):
    levels = np.linspace(0.1, 0.9, 7, dtype=np.float32)
    frames = np.broadcast_to(levels[:, None, None, None], (7, 33, 47, 3))
    done = compressed(frames, 0, Compression(codec=codec, quality=10, gop=4, b_frames=3))
    assert done.shape == frames.shape
    assert done.dtype == np.float32
    np.testing.assert_allclose(done.mean(axis=(1, 2, 3)), levels, atol=0.03)


def test_the_deblocking_filter_can_be_off():
    frames = moving()
    on, off = (compressed(frames, 0, Compression(codec="h264", quality=40, deblock=d)) for d in (True, False))
    assert not np.array_equal(on, off)


def test_what_ffmpeg_refuses_is_told(monkeypatch):
    monkeypatch.setattr(compression, "_encoder", lambda settings: ("-c:v", "nothing"))
    with pytest.raises(CompressionError, match="ffmpeg failed"):
        compressed(moving(1), 0, Compression(codec="h264"))


def test_a_missing_ffmpeg_is_told(monkeypatch):
    import imageio_ffmpeg

    def missing():
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(CompressionError, match="compressed: no ffmpeg"):
        compressed(moving(1), 0, Compression(codec="h264"))
