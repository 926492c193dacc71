from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import vapoursynth as vs

from vsrestore.video.png import read_colours, read_png

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> PNG's number


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, picture: np.ndarray) -> Path:
    """Write a picture (H, W) or (H, W, C), uint8 or uint16, as a PNG file; a second writer, for the tests."""
    pixels = picture if picture.ndim == 3 else picture[..., None]
    height, width, channels = pixels.shape
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, COLOUR_TYPES[channels], 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


@pytest.fixture
def gray() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (13, 17), np.uint8)


def test_gray_and_colour(tmp_path: Path, gray: np.ndarray) -> None:
    deep = gray.astype(np.uint16) * 257
    rgb = np.stack([gray, gray // 2, 255 - gray], axis=-1)
    for picture, expected in ((gray, gray), (deep, gray), (rgb, rgb @ (0.2126, 0.7152, 0.0722))):
        found = read_png("toy", "mask", png(tmp_path / "mask.png", picture), 17, 13)
        np.testing.assert_allclose(found, expected, atol=1)


def test_transparent_is_black(tmp_path: Path, gray: np.ndarray) -> None:
    white = np.full_like(gray, 255)
    found = read_png("toy", "mask", png(tmp_path / "mask.png", np.stack([white, white, white, gray], axis=-1)), 17, 13)
    np.testing.assert_array_equal(found, gray)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: b"", "is no PNG file; open other pictures as a clip, e.g. with core.bs.VideoSource"),
        (lambda whole: b"#EXTM3U\nhttp://example.org/mask.png", "is no PNG file"),
        (lambda whole: whole[:20], "is no PNG file"),
        (lambda whole: whole[:-40], "is damaged; save it anew"),
        (lambda whole: whole[:100] + bytes(40) + whole[140:], "is damaged"),
        (lambda whole: whole[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + whole[24:], "is 2147483647x2147483647"),
        (lambda whole: whole + bytes(2**20 + 2000), "has more than .* bytes, which no picture of 17x13 needs"),
    ],
)
def test_files_that_are_no_mask(tmp_path: Path, gray: np.ndarray, change, message: str) -> None:
    file = png(tmp_path / "mask.png", gray)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(vs.Error, match=rf"toy: mask='.*mask.png' {message}"):
        read_png("toy", "mask", file, 17, 13)


def test_colours_of_any_size(tmp_path: Path, gray: np.ndarray) -> None:
    rgb = np.stack([gray, gray // 2, 255 - gray], axis=-1)
    found = read_colours("toy", "reference", png(tmp_path / "picture.png", rgb))
    np.testing.assert_array_equal(found, rgb)
    whole = (tmp_path / "picture.png").read_bytes()
    (tmp_path / "picture.png").write_bytes(whole[:16] + struct.pack(">II", 2**14, 2**14) + whole[24:])
    with pytest.raises(vs.Error, match=r"toy: reference=.* is 16384x16384; pictures of up to 67108864 pixels"):
        read_colours("toy", "reference", tmp_path / "picture.png")


def test_names_that_cannot_be_read(tmp_path: Path, gray: np.ndarray) -> None:
    for path in (tmp_path / "absent.png", tmp_path, "nul\0.png"):
        with pytest.raises(vs.Error, match=r"toy: mask=.* cannot be read .*; give the path of a PNG file"):
            read_png("toy", "mask", path, 17, 13)
    with pytest.raises(vs.Error, match="is 17x13 but the clip is 16x13; both must agree"):
        read_png("toy", "mask", png(tmp_path / "mask.png", gray), 16, 13)
