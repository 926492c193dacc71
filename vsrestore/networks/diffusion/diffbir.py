"""DiffBIR's second stage: detail painted by Stable Diffusion, led by what a first network made of the picture.

Published for single pictures. Here the noise follows from numbers alone, pictures come in batches, and whoever waits
is told how far it is.

Source:
    Lin, He, Chen, Lyu, Dai, Yu, Qiao, Ouyang, Dong, "DiffBIR: Toward Blind Image Restoration with Generative Diffusion
    Prior", ECCV 2024, arXiv 2308.15070; github.com/XPixelGroup/DiffBIR.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vsrestore.networks.diffusion.colour_fix import Fix, fixed
from vsrestore.networks.diffusion.noise import Noise
from vsrestore.networks.diffusion.tiling import Tiles, blended
from vsrestore.networks.diffusion.vae import FACTOR, LATENT, pictures_of, standardised

MULTIPLE = 64
"""Pixels of which width and height are multiples, by zeros at the right and the bottom; with tiles, 8 are enough."""
MARGIN = 8
"""Latent pixels by which tiles of the VAE overlap at least."""


class DiffBIR(nn.Module):
    """Paint detail on pictures.

    Args:
        sampler: paints latents.
        encode: pictures to latents.
        decode: latents to pictures.
        tiles: in which all of them work, None for whole pictures.
        fix: how colours are put back.
        seed: of the noise.
        size: height and width of the output.
        still: whether all pictures have the same noise.
    """

    def __init__(
        self,
        sampler: nn.Module,
        encode: nn.Module,
        decode: nn.Module,
        *,
        tiles: Tiles | None,
        fix: Fix,
        seed: int,
        size: tuple[int, int],
        still: bool = True,
    ) -> None:
        super().__init__()
        self.sampler, self.encode, self.decode, self.tiles = sampler, encode, decode, tiles
        self.fix, self.seed, self.size, self.still = fix, seed, size, still

    def forward(self, frames: Tensor, numbers: Tensor) -> Tensor:
        """Paint.

        Args:
            frames: (K, 1, 3 * H, W), float32: what the first stage made, red, green and blue below each other, about
                in [0, 1].
            numbers: of the frames, (K,).

        Returns:
            (K, 3, *size), not limited to [0, 1].
        """
        faithful = frames.unflatten(2, (3, -1))[:, 0]
        keys = [0 if self.still else number + 1 for number in numbers.tolist()]
        condition = self.condition(faithful)
        noise = Noise(self.seed, keys, (LATENT, *condition.shape[-2:]), frames.device)
        latents = self.sampler(condition, noise)
        return resized(self.picture(latents, faithful), self.size)

    def condition(self, faithful: Tensor) -> Tensor:
        """Return the latents (K, 4, h, w) of pictures (K, 3, H, W) in [0, 1]."""
        multiple = FACTOR if self.tiles else MULTIPLE
        height, width = faithful.shape[-2:]
        whole = standardised(F.pad(faithful, (0, -width % multiple, 0, -height % multiple)))
        if self.tiles is None:
            return self.encode(whole)
        size = whole.shape[-2] // FACTOR, whole.shape[-1] // FACTOR

        def encoded(rows: slice, columns: slice) -> Tensor:
            return self.encode(whole[..., _pixels(rows), _pixels(columns)])

        return blended(encoded, size, _wider(self.tiles))

    def picture(self, latents: Tensor, faithful: Tensor) -> Tensor:
        """Return the pictures (K, 3, H, W) of latents, with the colours of the faithful ones put back."""
        if self.tiles is None:
            decoded = self.decode(latents)
        else:

            def part(rows: slice, columns: slice) -> Tensor:
                return self.decode(latents[..., rows, columns])

            decoded = blended(part, (latents.shape[-2], latents.shape[-1]), _wider(self.tiles), FACTOR)
        height, width = faithful.shape[-2:]
        return fixed(pictures_of(decoded[..., :height, :width]), faithful, self.fix)


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures (N, C, H, W) in another size, as Pillow's bicubic resizes them but without rounding."""
    if tuple(pictures.shape[-2:]) == tuple(size):
        return pictures
    return F.interpolate(pictures.float(), size, mode="bicubic", antialias=True)


def _pixels(latents: slice) -> slice:
    return slice(latents.start * FACTOR, latents.stop * FACTOR)


def _wider(tiles: Tiles) -> Tiles:
    """Return tiles for the VAE: as large, with less overlap, for only its margins need it."""
    return Tiles(tiles.edge, max(tiles.edge - 2 * MARGIN, tiles.stride))
