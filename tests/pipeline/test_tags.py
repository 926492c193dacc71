from __future__ import annotations

from fractions import Fraction

from vsrestore.pipeline.tags import filters, from_props, input_options, output_options


def test_numbers_of_ffmpeg():
    props = {"_Range": 1, "_Matrix": 9, "_Primaries": 9, "_Transfer": 16, "_ChromaLocation": 2}
    assert from_props(props).colour == {
        "color_range": 2, "colorspace": 9, "color_primaries": 9, "color_trc": 16, "chroma_sample_location": 3,
    }  # fmt: skip


def test_what_is_not_known_is_not_said():
    tags = from_props({"_Matrix": 2, "_Primaries": 2, "_Transfer": 2})
    assert tags.colour == {}
    assert tags.sar is None
    assert input_options(tags) == output_options(tags) == []
    assert filters(tags) == "setparams=field_mode=prog"


def test_rgb_matrix_is_not_put_on_yuv():
    assert "colorspace" not in from_props({"_Matrix": 0}).colour


def test_shape_and_fields():
    tags = from_props({"_SARNum": 1480, "_SARDen": 1431, "_FieldBased": 2})
    assert tags.sar == Fraction(1480, 1431)
    assert filters(tags) == "setparams=field_mode=tff,setsar=sar=1480/1431:max=65535"
    assert output_options(tags) == ["-flags", "+ildct+ilme", "-field_order", "tt"]
