from __future__ import annotations

import base64
import io

import av
import numpy as np
import pytest

from vsrestore.comparison.images import data_uri, jpeg, png


def decoded(image):
    with av.open(io.BytesIO(image)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize("size", [(64, 96), (17, 33)])
def test_png_loses_nothing(size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert np.array_equal(decoded(png(picture)), picture)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 160, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0)])
def test_jpeg_keeps_the_colours(colour):
    pytest.importorskip("PIL")
    from PIL import Image

    picture = np.tile(np.array(colour, np.uint8), (33, 48, 1))
    image = Image.open(io.BytesIO(jpeg(picture)))
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - picture).max() <= 3


def test_the_address_holds_the_file():
    image = png(np.zeros((8, 8, 3), np.uint8))
    kind, _, rest = data_uri(image).partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(rest) == image
    assert data_uri(jpeg(np.zeros((8, 8, 3), np.uint8))).startswith("data:image/jpeg;base64,")
