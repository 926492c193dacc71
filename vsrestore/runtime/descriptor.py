"""What the runtime must know about a network, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from ..video.formats import Planes

Kind = Literal["image", "window", "recurrent"]
Border = Literal["repeat", "reflect", "reflect_circle", "circle"]
Padding = Literal["reflect", "symmetric", "replicate", "constant"]
Precision = Literal["float32", "float16", "bfloat16"]

BORDERS: tuple[Border, ...] = ("repeat", "reflect", "reflect_circle", "circle")
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A network seen as: from the frames [start - before, end + after), give those of [start, end).

    The kind says what the network is called with, and what it gives:

    - ``image``: ``network(images (B, C, H, W)) -> (B, C', s*H, s*W)``.
    - ``window``: ``network(frames (1, T, C, H, W), windows (K, before + 1 + after))``
      ``-> (1, K * factor, C', s*H, s*W)``; row k of ``windows`` holds the positions in T of the window of the k-th
      wanted frame, borders resolved.
    - ``recurrent``: ``network(frames (1, T, C, H, W)) -> (1, T * factor, C', s*H, s*W)``; the runtime drops the
      overlap, or the network does when it is told what to ``keep``.

    All pictures are in [0, 1].
    """

    name: str
    """The filter's name, for messages."""
    kind: Kind = "image"
    chunk: int = 1
    """Frames that are given by one call."""
    before: int = 0
    """Earlier frames that a call sees beside its chunk (window: the radius; recurrent: the overlap)."""
    after: int = 0
    """Later frames, likewise."""
    border: Border = "repeat"
    """Window kind: which frames stand for those beyond a clip's end or a cut."""
    scale: int = 1
    """Output size / input size."""
    output_size: tuple[int, int] | None = None
    """Width and height of the output where they do not follow from the input's; ``scale`` does not count then."""
    frame_factor: int = 1
    """Output frames / input frames."""
    planes: Planes = "rgb"
    """Whether the network sees RGB or luma alone."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    multiple: int = 1
    """Width and height must be multiples of this; the runtime pads and crops."""
    padding: Padding = "reflect"
    """How it pads, to the right and the bottom; "symmetric" mirrors including the last pixel, "reflect" without it."""
    pads_always: bool = False
    """Whether a size that is a multiple already is padded to the next one, as some published scripts do."""
    minimum: int = 1
    """The smallest width and height the network can work on, before padding."""
    tile_overlap: int = 16
    """Pixels that neighbouring tiles share; chosen to cover most of the receptive field."""
    tiles: bool = True
    """Whether tiles give the same picture but for their blended edges."""
    precisions: tuple[Precision, ...] = PRECISIONS
    """What the network can compute in without harm."""
    channels_last: bool = True
    """Whether frames and weights are laid out with channels last, which convolutions of torch are fastest on."""
    float32_frames: bool = False
    """Whether the network takes float32 frames whatever the precision of its weights."""
    skips_repeats: bool = False
    """Window kind: whether a frame that a transfer repeated is no neighbour of itself."""
    halves: bool = False
    """Window kind: whether half a chunk costs about half as much, so that the CPU does well to compute both halves side
    by side; not where features are shared by all windows of a chunk."""
    keeps: bool = False
    """Recurrent kind: whether the network takes ``keep``, the range of frames in T that it has to give."""

    @property
    def reach(self) -> tuple[int, int]:
        """How many frames before and after a chunk may be needed, border rules included."""
        if self.kind == "window" and self.border != "repeat":
            both = self.before + self.after
            return both, both
        return self.before, self.after

    def changed(self, **settings: object) -> Self:
        """Return a copy with some settings changed."""
        return replace(self, **settings)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user chose for the runtime."""

    device: str | None = None
    """A torch device such as "cuda", "cuda:1", "mps" or "cpu"; None takes the first of CUDA, MPS and CPU there is."""
    precision: Precision = "float32"
    tile: int | None = None
    """Edge of a square tile in pixels of the input; None: the whole frame at once."""
    scene_changes: bool = True
    """Whether cuts are detected where the clip does not name them."""
