"""What a network asks of the pictures it gets, as data that its architecture tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Padding = Literal["reflect", "symmetric", "replicate", "constant"]
Precision = Literal["float32", "float16", "bfloat16"]
Border = Literal["repeat", "reflect", "reflect_circle", "circle"]
"""Which frames stand for those beyond a clip's end or a cut; see ``networks.windows``."""
BlackBorder = Literal["black", "black_short"]
"""What else stands for them, in windows of networks that take black frames."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
BORDERS: tuple[Border, ...] = get_args(Border)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Sizes, layout and precisions of a network. All pictures are in [0, 1], sizes in pixels of the input."""

    scale: int = 1
    """Output size / input size."""
    multiple: int = 1
    """Width and height must be multiples of this; the runtime pads and crops."""
    padding: Padding = "reflect"
    """How it pads, to the right and the bottom; "symmetric" mirrors including the last pixel, "reflect" without it."""
    pads_always: bool = False
    """Whether a size that is a multiple already is padded to the next one, as some published scripts do."""
    pads_to: int = 1
    """Smaller widths and heights are padded up to this."""
    minimum: int = 1
    """The smallest width and height the network can work on, before padding."""
    tiles: bool = True
    """Whether tiles give the same picture but for their blended edges."""
    tile_overlap: int = 16
    """Pixels that neighbouring tiles share; chosen to cover most of the receptive field."""
    tile_grid: int = 1
    """Tiles begin at multiples of this, where windows or blocks of the network lie on a grid."""
    channels: Literal["rgb", "bgr", "luma"] = "rgb"
    """What the network sees, in its order."""
    precisions: tuple[Precision, ...] = PRECISIONS
    """What it can compute in without harm."""
    channels_last: bool = True
    """Whether frames and weights are laid out with channels last, which convolutions of torch are fastest on."""
    float32_frames: bool = False
    """Whether it takes float32 frames whatever the precision of its weights."""
    frames: int = 1
    """Frames that it sees for each one it gives, the wanted one in the middle (window networks)."""
    border: Border | BlackBorder = "repeat"
    """What stands for those beyond a clip's end or a cut (window networks)."""
