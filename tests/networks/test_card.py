"""Every network as it would run on a card, which is a fake one here: nothing is copied, types and devices fit."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from scripts.benchmarks.fake_card import CARD, HostCopyError, OrderError, fake_card, there
from tests.filters import image_networks, seeded
from vsrestore import networks
from vsrestore.networks import image_models
from vsrestore.networks.ddcolor import DDColorPainter
from vsrestore.networks.deoldify import DeOldifyPainter
from vsrestore.networks.fastai_unet import FrameRepair
from vsrestore.networks.steady_colour import SteadyColour
from vsrestore.networks.tcvc import TCVC

GIB = 2**30


@dataclass(frozen=True)
class Row:
    """How a small network is called, pictures by keyword; numbers are shapes on the card."""

    shapes: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, object] = field(default_factory=dict)
    arguments: Mapping[str, object] = field(default_factory=dict)
    around: Callable[[nn.Module], nn.Module] = lambda network: network
    reads: int = 0
    """Numbers of the pictures that decide how to go on, which the host has to read."""
    half: torch.dtype | None = torch.float16


def clip(frames: int, side: int = 64) -> dict[str, tuple[int, ...]]:
    return {"frames": (1, frames, 3, side, side)}


def pair(count: int = 2, side: int = 64) -> dict[str, tuple[int, ...]]:
    return {"frames": (count, 3, side, side), "following": (count, 3, side, side)}


WINDOWS = {"windows": torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 4]])}
TIMES = {"times": torch.tensor([0.25, 0.5])}
ROWS = {
    "analog_swin_unet": Row(clip(5, 32), seeded.ANALOG_SWIN_UNET, WINDOWS),
    "basicvsrpp": Row(clip(4), seeded.BASICVSRPP, {"keep": range(1, 3)}),
    "ddcolor": Row({"frames": (2, 3, 50, 60)}, seeded.DDCOLOR, around=lambda n: DDColorPainter(n, 64, 256.0)),
    "deoldify": Row({"frames": (2, 3, 50, 60)}, seeded.DEOLDIFY, around=lambda n: DeOldifyPainter(n, 64, 256.0)),
    "edvr": Row(clip(5), seeded.EDVR, WINDOWS),
    "fastai_unet": Row({"frames": (2, 3, 50, 60)}, seeded.FASTAI_UNET, around=lambda n: FrameRepair(n, 64, 1.0)),
    "fast_neural_style": Row({"image": (2, 3, 64, 64)}),
    "frame_interpolator": Row(pair(side=32), {}, TIMES),
    "mark_finder": Row(clip(5), {"radius": 2}, WINDOWS),
    "mat": Row({"pictures": (1, 4, 128, 128)}, seeded.MAT, half=torch.bfloat16),
    "mmp_rnn": Row(clip(9), seeded.MMP_RNN),
    "propainter": Row(
        {
            **{"frames": (1, 3, 3, 64, 64), "mask": (1, 3, 1, 64, 64), "filled": (1, 3, 4, 64, 64)},
            **{"flow": (1, 3, 4, 64, 64), "features": (1, 3, 128, 16, 16), "references": (2, 128, 16, 16)},
        },
        {"tokens": 128, "spread": 4, "blocks": 1},
        reads=5,  # which windows have holes, twice for each block, and whether each frame has one
    ),
    "propainter_flow_completion": Row({"frames": (1, 3, 1, 64, 64), "flow": (1, 3, 4, 64, 64)}),
    "psrt": Row(clip(3, 40), seeded.PSRT),
    "raft": Row(clip(3, 128), half=None),
    "realbasicvsr": Row(clip(3), seeded.REALBASICVSR, reads=3),
    "rife": Row(pair(side=32), seeded.RIFE, TIMES, reads=2),
    "rvrt": Row(clip(2), seeded.RVRT),
    "scratch_repair": Row(clip(5), {}, WINDOWS),
    "sf_adacof": Row(pair(side=32), seeded.SF_ADACOF, TIMES),
    "spynet": Row({"reference": (2, 3, 64, 64), "other": (2, 3, 64, 64)}),
    "stain_repair": Row(clip(5, 32), {"radius": 2}, WINDOWS),
    "tape_reference": Row(
        {**clip(5, 128), "reference_frames": (1, 3, 3, 128, 128)},
        seeded.TAPE_REFERENCE,
        {"windows": WINDOWS["windows"][:1], "references": torch.tensor([[0, 1, 2]])},
    ),
    "tcvc_colour_net": Row({"frames": (2, 3, 64, 64)}, seeded.TCVC["tcvc_colour_net"]),
    "temporal_unet": Row(clip(5), {}, {**WINDOWS, "grain": 0.3}),
    "temporal_upscaler": Row(clip(5), {}, WINDOWS),
    "uformer": Row({"images": (2, 3, 100, 64)}, seeded.UFORMER),
}
OF_SHAPES = {
    "basicvsrpp at the same size": Row(clip(3), {**seeded.BASICVSRPP, "same_size": True}),
    "rvrt, noise": Row(clip(2, 144), seeded.RVRT_DENOISE, {"noise_level": 0.1}),
    "temporal_unet, tape": Row(clip(5), {"heads": 1, "delayed": True}, WINDOWS),
}
# Each is part of another: of ``TCVC``, below, of MMP-RNN, and of DiffBIR, whose forwards are those of diffusers.
PARTS = {"tcvc_encoder", "tcvc_decoder", "mmp_net"}
PARTS |= {f"diffusion_{part}" for part in ("control", "text", "unet", "vae")}
PRECISIONS = (pytest.param("float32", marks=pytest.mark.slow), "half")


def test_every_network_has_a_row() -> None:
    assert ROWS.keys() | PARTS == networks.ARCHITECTURES.keys()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", [*ROWS, *OF_SHAPES])
def test_networks_stay_on_the_card(name: str, precision: str) -> None:
    row = {**ROWS, **OF_SHAPES}[name]
    if precision == "half" and row.half is None:
        pytest.skip("float32 alone")
    network = row.around(built(name.partition(" ")[0].strip(","), row.settings))
    dtype = torch.float32 if precision == "float32" else row.half
    with fake_card() as card:
        there(network, dtype)
        pictures = {key: torch.empty(shape, device=CARD) for key, shape in row.shapes.items()}
        given = network(**pictures, **row.arguments)
    assert given.device == CARD
    assert given.dtype == torch.float32
    assert card.reads == row.reads


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("name", sorted(image_networks.SMALL.keys() - {"dncnn"}))
def test_image_models_stay_on_the_card(name: str, dtype: torch.dtype) -> None:
    told = image_models.describe(image_networks._state(name))
    network = image_models.load(image_networks._state(name))
    if str(dtype).removeprefix("torch.") not in told.traits.precisions:
        pytest.skip("not in this precision")
    with fake_card() as card:
        picture = torch.empty(1, told.channels[0], 128, 128, device=CARD, dtype=dtype)
        there(network, dtype)
        for card.prepares in (True, False):
            given = network(picture)
    assert (given.device, given.dtype, card.reads) == (CARD, dtype, 0)


def test_tcvc_stays_on_the_card() -> None:
    encoder, decoder = (built(f"tcvc_{part}", seeded.TCVC[f"tcvc_{part}"]) for part in ("encoder", "decoder"))
    with fake_card() as card:
        there(encoder, torch.float32)
        there(decoder, torch.float32)
        whole = TCVC(encoder, decoder.warper, decoder.decoder)
        given = whole(torch.empty(1, 4, 3, 64, 64, device=CARD), torch.empty(1, 3, 64, 64, device=CARD), range(4))
    assert (given.device, card.reads) == (CARD, 0)


def test_steady_colours_stay_on_the_card() -> None:
    with fake_card() as card:
        given = SteadyColour(0.1)(torch.empty(1, 5, 3, 64, 64, device=CARD), WINDOWS["windows"])
    assert (given.device, card.reads) == (CARD, 0)


@pytest.mark.parametrize(
    "wrong", [lambda x: x.cpu(), lambda x: x + torch.ones(3), lambda x: x * x.new_tensor((1, 2, 3))]
)
def test_copies_are_noticed(wrong: Callable[[Tensor], Tensor]) -> None:
    with fake_card(), pytest.raises((HostCopyError, RuntimeError)):
        wrong(torch.empty(3, device=CARD))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, places: x.cumsum(0),
        lambda x, places: x.index_add(0, places, x),
        lambda x, places: x.index_put_((places,), x, accumulate=True),
    ],
)
def test_sums_in_any_order_are_noticed(wrong: Callable[[Tensor, Tensor], Tensor]) -> None:
    with fake_card():
        x, places = torch.empty(3, device=CARD), torch.empty(3, device=CARD, dtype=torch.int64)
        places.cumsum(0)  # whole numbers are the same in any order
        x.index_put_((places,), x)
        with pytest.raises(OrderError):
            wrong(x, places)


def test_film_launches_few_kernels_at_1080p() -> None:
    """A chunk of the filter: 12,144 launches when all was done in the processor's small portions."""
    with fake_card() as card:
        network = there(built("temporal_unet", {}), torch.float16)
        frames, windows = torch.empty(1, 8, 3, 1088, 1920, device=CARD), torch.tensor([[0, 1, 2, 3, 4]] * 4)
        before = card.launches
        assert network(frames, windows).shape == (1, 4, 3, 1088, 1920)
    assert card.launches - before <= 4300
    assert card.memory.most < 2 * GIB


@pytest.mark.slow
def test_basicvsrpp_fits_small_cards_at_pal_size() -> None:
    """A chunk of 16 frames with its overlap: 9.6 GiB where features, samples and pictures all stood side by side."""
    with fake_card() as card:
        network = there(built("basicvsrpp", {}), torch.float16)
        given = network(torch.empty(1, 20, 3, 576, 720, device=CARD), keep=range(2, 18))
    assert given.shape == (1, 16, 3, 2304, 2880)
    assert card.memory.most < 6.5 * GIB


def built(architecture: str, settings: Mapping[str, object]) -> nn.Module:
    """Return a network with seeded weights, folded as a checkpoint's are."""
    path, _, name = networks.ARCHITECTURES[architecture].partition(":")
    network_class = getattr(importlib.import_module(path), name)
    network = network_class(**settings).eval()
    if hasattr(network, "fold"):
        network.fold()
    return network
