"""Frame properties as ffmpeg options: what y4m does not carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

UNSPECIFIED = 2
FIELD_MODES = {0: "prog", 1: "bff", 2: "tff"}


@dataclass(frozen=True)
class Tags:
    """How a picture is to be understood.

    Attributes:
        colour: ffmpeg's numbers by ffmpeg's option names; only those that are known.
        sar: shape of a sample, None when unknown.
        fields: 0 progressive, 1 bottom field first, 2 top field first.

    """

    colour: dict[str, int]
    sar: Fraction | None
    fields: int

    @property
    def chroma(self) -> int:
        """ffmpeg's number of the chroma location, 0 when unknown."""
        return self.colour.get("chroma_sample_location", 0)


def from_props(props: Mapping[str, Any]) -> Tags:
    """Return the tags that the properties of a YUV or GRAY frame tell.

    ffmpeg and VapourSynth both number matrix, primaries and transfer as H.273 does; range and chroma location differ
    by one.
    """
    colour = {
        "color_range": _shifted(props.get("_Range")),
        "colorspace": _known(props.get("_Matrix")),
        "color_primaries": _known(props.get("_Primaries")),
        "color_trc": _known(props.get("_Transfer")),
        "chroma_sample_location": _shifted(props.get("_ChromaLocation")),
    }
    numerator, denominator = props.get("_SARNum", 0), props.get("_SARDen", 0)
    sar = Fraction(numerator, denominator) if numerator > 0 and denominator > 0 else None
    return Tags({name: value for name, value in colour.items() if value is not None}, sar, props.get("_FieldBased", 0))


def input_options(tags: Tags) -> list[str]:
    """Return what goes before ``-i``: the tags as the decoder of the raw frames is to see them.

    y4m's header says "centre" for 4:2:0 chroma whatever the clip says, so the chroma location must be put right here.
    """
    return _options(tags.colour)


def filters(tags: Tags) -> str:
    """Return the filter chain that puts shape of the samples and field order on the frames."""
    chain = [f"setparams=field_mode={FIELD_MODES[tags.fields]}{_colour_parameters(tags.colour)}"]
    if tags.sar is not None:
        chain.append(f"setsar=sar={tags.sar.numerator}/{tags.sar.denominator}:max=65535")
    return ",".join(chain)


def output_options(tags: Tags) -> list[str]:
    """Return what goes to the encoder."""
    options = _options(tags.colour)
    if tags.fields:
        options += ["-flags", "+ildct+ilme", "-field_order", "tt" if tags.fields == UNSPECIFIED else "bb"]
    return options


def _options(colour: Mapping[str, int]) -> list[str]:
    return [word for name, value in colour.items() for word in (f"-{name}", str(value))]


def _colour_parameters(colour: Mapping[str, int]) -> str:
    names = {"color_range": "range", "colorspace": "colorspace", "color_primaries": "color_primaries"}
    names["color_trc"] = "color_trc"
    return "".join(f":{names[name]}={value}" for name, value in colour.items() if name in names)


def _known(value: int | None) -> int | None:
    return None if value in (None, 0, UNSPECIFIED) else value


def _shifted(value: int | None) -> int | None:
    return None if value is None else int(value) + 1
