"""Windows of five frames for networks trained on analogue tape: what stands for frames beyond the ends of a shot."""

from __future__ import annotations

from typing import Literal

from ..networks.absent_frames import ABSENT, BLACK
from .mirrored_chunks import mirrored

TapeBorder = Literal["published", "black", "mirror"]

RADIUS = 2


def tape_window(centre: int, length: int, border: TapeBorder = "published") -> list[int]:
    """Return the numbers of the five frames around one of a shot, or what stands for them.

    Analog Swin-UNet was trained with black frames beyond the ends. Its authors run it with them too, but leave the last
    one of a window at the end of the clip out by mistake.

    Args:
        centre: number of the wanted frame in the shot; it stands third.
        length: frames of the shot.
        border: "black" frames; the same with the last one beyond the end left out, as "published"; or the shot
            mirrored (2, 1 before 0).
    """
    numbers = range(centre - RADIUS, centre + RADIUS + 1)
    if border == "mirror":
        return [mirrored(number, length) for number in numbers]
    window = [number if 0 <= number < length else BLACK for number in numbers]
    if border == "published" and window[-1] == BLACK:
        window[-1] = ABSENT
    return window
