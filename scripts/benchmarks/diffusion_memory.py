"""What a card must hold for DiffBIR, reckoned at full size without weights, and the VAE's share measured at small size.

Reckoned on tensors without memory (``live_memory``), for the published sizes of the networks. Published: all networks
are on the card from first to last, UNet and control branch in float16, the text encoder and the VAE's weights in
float32; both prompts one after the other; the VAE of diffusers under PyTorch's autocast to float16, which computes
group norms in float32.

``python -m benchmarks.diffusion_memory WAY EDGE`` decodes a picture in a process of its own and prints by how many MiB
that grew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from vsrestore.networks.diffusion.control import Control
from vsrestore.networks.diffusion.library import library
from vsrestore.networks.diffusion.unet import UNet
from vsrestore.networks.diffusion.vae import VAE
from vsrestore.networks.without_memory import WithoutMemory

from .diffusion import ATTENDS
from .live_memory import autocast_card, metered
from .process import MIB, figures_of, resident_now, resident_peak
from .report import Cell, Report, Requirement

PUBLISHED = {"channels": (320, 640, 1280, 1280), "attends": ATTENDS, "context": 1024}
PUBLISHED_VAE = (128, 256, 512, 512)
TEXT_BYTES, CLEANER_BYTES = 4 * 340_000_000, 4 * 15_790_000
SIZES: Sequence[tuple[int, int, int | None]] = ((512, 512, None), (1920, 2560, 512), (1920, 2560, None))
SAVED = 1.5
GIB = 1 << 30
SMALL_VAE, SMALL_EDGE = (64, 128, 256, 256), 768
DEFAULT = "default"


def run() -> list[Report]:
    """Reckon what a card must hold, and measure the VAE."""
    return [reckoned(), measured()]


def reckoned() -> Report:
    """Reckon the most that a card must hold, the networks being those published."""
    rows: list[Sequence[Cell]] = []
    requirements = []
    for height, width, tile in SIZES:
        needs = needed(height, width, tile)
        published = needs["published"]
        picture = f"{width}x{height}"
        rows += [(picture, tile or "whole", way, most / GIB, published / most) for way, most in needs.items()]
        requirements.append(
            Requirement(f"published / {DEFAULT}, {picture} {tile or ''}", published / needs[DEFAULT], least=SAVED)
        )
    columns = ("picture", "tiles", "way", "GiB", "published / this")
    return Report("diffusion-memory", columns, rows, requirements)


def measured(edge: int = SMALL_EDGE) -> Report:
    """Compare what is reckoned for the decoder with what a process takes for it, ours and that of diffusers."""
    memory_of: dict[str, tuple[float, float]] = {}
    for way, build in DECODERS.items():
        with WithoutMemory():
            decode = build(SMALL_VAE)
        most = most_of(partial(decode, meta(1, 4, edge // 8, edge // 8))) / MIB
        memory_of[way] = most, figures_of("diffusion_memory", way, edge)[0]
    columns = (f"decoder, {edge}x{edge}", "MiB reckoned", "MiB measured")
    required = [
        Requirement(f"diffusers / ours, {column}", theirs / ours, least=SAVED)
        for column, ours, theirs in zip(columns[1:], memory_of["ours"], memory_of["diffusers"], strict=True)
    ]
    return Report("diffusion-memory-small", columns, [(way, *figures) for way, figures in memory_of.items()], required)


def needed(height: int, width: int, tile: int | None) -> dict[str, float]:
    """Return the bytes that each way needs at most."""
    with WithoutMemory():
        unet, control = UNet(**PUBLISHED).half(), Control(**PUBLISHED).half()  # type: ignore[arg-type]
        vae = VAE(PUBLISHED_VAE)
    sampler = size_of(unet) + size_of(control)
    size = (tile or height, tile or width)
    steps = {batch: most_of(partial(asked, unet, control, batch, *size)) for batch in (1, 2)}
    picture = 4 * 3 * height * width
    resident = sampler + size_of(vae) + TEXT_BYTES + CLEANER_BYTES
    needs: dict[str, float] = {"published": resident + picture + max(steps[1], published_coding(*size))}
    for precision, dtype in (("", torch.float32), (", VAE in bfloat16", torch.bfloat16)):
        coding = most_coding(vae.to(dtype), *size)
        needs[f"{DEFAULT}{precision}"] = sampler + picture + max(steps[2], coding)
        needs[f"offload{precision}"] = picture + max(sampler + steps[2], coding)
    return needs


def asked(unet: UNet, control: Control, batch: int, height: int, width: int) -> Tensor:
    """Ask both networks for one step of pictures."""
    x, text = meta(batch, 4, height // 8, width // 8).half(), meta(batch, 77, 1024).half()
    time = meta(batch)
    return unet(x, time, text, control(x, x, time, text))


def most_coding(vae: VAE, height: int, width: int) -> int:
    """Return the most that one half of our VAE takes with its weights; the other half rests."""
    encode = size_of(vae.encode) + most_of(partial(vae.encode, meta(1, 3, height, width)))
    return max(encode, size_of(vae.decode) + most_of(partial(vae.decode, meta(1, 4, height // 8, width // 8))))


def published_coding(height: int, width: int) -> int:
    """Return the most that the VAE of diffusers takes beside its weights, float32, under autocast to float16."""
    with autocast_card(torch.float16):
        vae = of_diffusers(PUBLISHED_VAE).requires_grad_(False)
        pictures, latents = torch.empty(1, 3, height, width), torch.empty(1, 4, height // 8, width // 8)
        encode, decode = vae.get_submodule("encoder"), vae.get_submodule("decoder")
        return max(most_of(partial(encode, pictures)), most_of(partial(decode, latents)))


def of_diffusers(channels: Sequence[int]) -> nn.Module:
    """Return the VAE as diffusers has it."""
    count = len(channels)
    vae: nn.Module = library("diffusers").AutoencoderKL(
        block_out_channels=tuple(channels),
        down_block_types=("DownEncoderBlock2D",) * count,
        up_block_types=("UpDecoderBlock2D",) * count,
        layers_per_block=2,
        latent_channels=4,
    )
    return vae


DECODERS: Mapping[str, Callable[[Sequence[int]], nn.Module]] = {
    "ours": lambda channels: VAE(channels).decode,
    "diffusers": lambda channels: of_diffusers(channels).get_submodule("decoder"),
}


def meta(*shape: int) -> Tensor:
    """Return a tensor without memory."""
    return torch.empty(shape, device="meta")


def most_of(call: Callable[[], Tensor]) -> int:
    """Return the most bytes that are alive in a call."""
    with metered() as meter:
        call()
    return meter.most


def size_of(network: nn.Module) -> int:
    """Return the bytes of a network's weights."""
    return sum(weight.numel() * weight.element_size() for weight in network.parameters())


def grown(way: str, edge: int) -> float:
    """Return the MiB by which this process grows when it decodes a picture."""
    torch.set_num_threads(1)
    decode = DECODERS[way](SMALL_VAE).eval()
    with torch.inference_mode():
        decode(torch.zeros(1, 4, 8, 8))  # what is loaded at the first call
        before = resident_now()
        decode(torch.zeros(1, 4, edge // 8, edge // 8))
    return resident_peak() - before


if __name__ == "__main__":
    print(grown(sys.argv[1], int(sys.argv[2])))
