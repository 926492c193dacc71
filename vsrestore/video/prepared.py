"""A clip on its way to networks and back: one way in, one way out."""

from __future__ import annotations

from functools import cached_property

import vapoursynth as vs

from . import checks
from .between import Between
from .cache import keep, keep_shared
from .formats import Planes, from_planes, to_planes, with_colours, with_matrix
from .scenes import scenes


class Prepared:
    """A clip of any constant format as the planes that networks see, and the way back into that format.

    Args:
        name: the filter, for messages.
        clip: any constant format, progressive.
        scene_changes: whether cuts are marked where the clip does not name them.
        kept: frames that are asked for again, once where the last frame comes out while others are made.

    Raises:
        vs.Error: the clip does not fit.

    """

    def __init__(self, name: str, clip: vs.VideoNode, *, scene_changes: bool = False, kept: int = 0) -> None:
        self.name = name
        self._kept = kept + vs.core.num_threads
        source = self._keep(checks.whole_sdr_frames(name, checks.constant_clip(name, clip)))
        self.source = self._keep(scenes(source)) if scene_changes else source
        """The clip, each frame checked."""
        self._frames: dict[Planes, vs.VideoNode] = {}

    @cached_property
    def named(self) -> vs.VideoNode:
        """The clip with a matrix on every frame."""
        return self._keep(with_matrix(self.name, self.source))

    def planes(self, planes: Planes) -> vs.VideoNode:
        """Return the clip as RGBS or GRAYS in [0, 1], as networks see it."""
        if planes not in self._frames:
            self._frames[planes] = self._keep(to_planes(self.named, planes))
        return self._frames[planes]

    def continued(self, result: vs.VideoNode, planes: Planes) -> tuple[vs.VideoNode, vs.VideoNode]:
        """Return what a network gave as the next one sees it, and the picture that it belongs to.

        Args:
            result: RGBS or GRAYS, as long as the clip.
            planes: what the next network sees.

        """
        picture = result.std.CopyFrameProps(self.source)
        if planes == "rgb" and result.format.color_family == vs.GRAY:
            picture = from_planes(picture, self.planes("luma"), self.planes("rgb"))
        frames = to_planes(picture, planes) if planes == "luma" and picture.format.color_family == vs.RGB else picture
        return keep(frames, 0), picture

    def finished(self, result: vs.VideoNode) -> vs.VideoNode:
        """Return what a network gave in the format of the clip, with the properties of its frames.

        Args:
            result: RGBS or GRAYS of any size, as long as the clip.

        """
        frames = self.planes("luma" if result.format.color_family == vs.GRAY else "rgb")
        back = from_planes(result, frames, self.named)
        # A matrix is guessed by the size, so a clip of another size keeps the guess that was made of this one.
        resized = (result.width, result.height) != (self.source.width, self.source.height)
        return keep_shared(back.std.CopyFrameProps(self.named if resized else self.source))

    def completed(self, result: vs.VideoNode, between: Between) -> vs.VideoNode:
        """Return the clip at another frame rate, with what a network gave between its frames.

        Args:
            result: RGBS or GRAYS of the size of the clip, as long as the output.
            between: where the frames of the output lie.

        """
        frames = self.planes("luma" if result.format.color_family == vs.GRAY else "rgb")
        made = from_planes(result, between.first(frames), between.first(self.named))
        return keep_shared(between.completed(made, self.source))

    def painted(self, rgb: vs.VideoNode, target: vs.VideoFormat) -> vs.VideoNode:
        """Return the clip in ``target`` with the colours of ``rgb`` and its own luma."""
        result = with_colours(rgb, self.named, target)
        same = target.color_family == self.source.format.color_family
        return keep_shared(result.std.CopyFrameProps(self.source) if same else result)

    def _keep(self, clip: vs.VideoNode) -> vs.VideoNode:
        return keep(clip, self._kept)
