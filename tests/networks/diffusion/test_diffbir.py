"""DiffBIR's second stage, whole and part by part, against what the published code gave for small networks."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import nn

from tests.golden import records
from vsrestore import networks
from vsrestore.filters.diffusion import BASE, TEXT, UNET, VAE
from vsrestore.networks.diffusion import text
from vsrestore.networks.diffusion.colour_fix import adain, fixed, low, wavelet
from vsrestore.networks.diffusion.diffbir import DiffBIR
from vsrestore.networks.diffusion.first_stage import working_size
from vsrestore.networks.diffusion.latent_sampler import LatentSampler, Sampling
from vsrestore.networks.diffusion.noise import Noise, normal
from vsrestore.networks.diffusion.remembered import Remembered
from vsrestore.networks.diffusion.schedule import Schedule
from vsrestore.networks.diffusion.tiling import Tiles, bell, blended
from vsrestore.networks.state_dict import strip
from vsrestore.networks.without_memory import WithoutMemory

HEADS = {UNET: 16, TEXT: 12}
TILES = Tiles(8, 4)
FULL = {"channels": (320, 640, 1280, 1280), "attends": (True, True, True, False), "context": 1024}


class Small(NamedTuple):
    """The recorded networks."""

    record: records.Record
    parts: dict[str, nn.Module]
    control: nn.Module
    states: torch.Tensor

    def diffbir(self, sampler: str = "spaced", scale: float = 4.0, **told: object) -> DiffBIR:
        kind = "v" if sampler.startswith("edm") else "eps"
        settings = {"steps": 3, "schedule": Schedule(kind, kind == "v"), **told}
        sampling = Sampling(sampler=sampler, guidance=scale, **settings)
        return DiffBIR(
            LatentSampler(self.parts[UNET], self.control, self.states, sampling),
            self.parts[VAE].encode,
            self.parts[VAE].decode,
            tiles=sampling.tiles,
            fix="wavelet",
            seed=1,
            size=tuple(self.faithful.shape[-2:]),
        )

    @property
    def faithful(self) -> torch.Tensor:
        return torch.from_numpy(self.record.inputs["in_cond"])

    def draws(self, height: int, width: int):
        start, noise = (torch.from_numpy(self.record.inputs[f"in_{name}"]) for name in ("x_T", "noise"))
        return iter([start[..., :height, :width], *noise[..., :height, :width]])


@pytest.fixture(scope="module")
def small() -> Small:
    record = records.read("diffbir-small-pipeline")
    heads = {prefix: {"head": head} for prefix, head in HEADS.items()}
    parts = {
        prefix: networks.load(strip(record.tensors, prefix), name, **heads.get(prefix, {}))
        for prefix, name in BASE.items()
    }
    bare = {name: tensor for name, tensor in record.tensors.items() if not name.startswith(tuple(BASE))}
    control = networks.load(bare, "diffusion_control", head=16)
    prompts = [record.config["positive_prompt"], record.config["negative_prompt"]]
    return Small(record, parts, control, text.states(parts[TEXT], prompts))


def close(found: torch.Tensor, record: records.Record, name: str, allowed: float = 1e-5) -> None:
    expected = record.outputs[f"out_{name}"]
    assert (found - expected).abs().max() < allowed * expected.abs().max()


def test_single_calls(small: Small) -> None:
    record, time = small.record, torch.tensor([600.0])
    x, wanted = torch.from_numpy(record.inputs["in_x_T"]), small.states[:1]
    with torch.inference_mode():
        condition = small.diffbir().condition(small.faithful)
        controls = small.control(x, condition, time, wanted)
        close(small.parts[UNET](x, time, wanted, controls), record, "eps_t600")
        close(small.parts[UNET](x, time, wanted), record, "eps_t600_uncontrolled")
    close(condition, record, "mid_c_img")
    for name, states in zip(("pos", "neg"), small.states, strict=True):
        close(states[None, :16], record, f"mid_c_txt_{name}")
    close(controls[0][..., ::4, ::4], record, "mid_control_0")
    for number in (11, 12):
        close(controls[number], record, f"mid_control_{number}")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("eps_spaced", {}),
        ("v_3m_sde", {"sampler": "edm_dpm++_3m_sde", "scale": 6.0}),
        ("eps_spaced_strength06", {"strength": 0.6}),
    ],
)
def test_latents_and_pictures(small: Small, name: str, told: dict[str, object]) -> None:
    network, draws = small.diffbir(**told), small.draws(16, 24)
    with torch.inference_mode():
        latents = network.sampler(network.condition(small.faithful), lambda: next(draws))
        close(latents, small.record, f"z_{name}", 1e-4)
        if name == "eps_spaced":
            close(network.picture(latents, small.faithful)[..., ::4, ::4], small.record, f"image_{name}_wavelet", 1e-4)


def test_tiled_latents(small: Small) -> None:
    """The record's condition was encoded whole."""
    draws = small.draws(15, 23)
    with torch.inference_mode():
        condition = small.parts[VAE].encode(2 * small.faithful - 1)
        latents = small.diffbir(tiles=TILES).sampler(condition, lambda: next(draws))
    close(latents, small.record, "z_eps_spaced_tiled", 1e-4)


def test_tiles_paint_the_whole_picture(small: Small) -> None:
    """Also where the VAE sees tiles: what differs is little but for group norms, which see less."""
    faithful, network = small.faithful[..., :72, :80], small.diffbir(tiles=TILES, steps=2)
    network.size = (72, 80)
    with torch.inference_mode():
        painted = network(faithful.flatten(1, 2)[:, None], torch.tensor([3]))
    assert painted.shape == faithful.shape
    assert painted.isfinite().all()


def test_frames_of_a_batch_are_painted_alone(small: Small) -> None:
    frames = torch.cat((small.faithful, small.faithful.flip(-1)))[..., :64, :64].flatten(1, 2)[:, None]
    network = small.diffbir(steps=2)
    network.size, network.still = (64, 64), False
    with torch.inference_mode():
        both = network(frames, torch.tensor([4, 5]))
        alone = torch.cat([network(frames[n : n + 1], torch.tensor([4 + n])) for n in (0, 1)])
        network.still = True
        same = network(frames[:1].repeat(2, 1, 1, 1), torch.tensor([4, 5]))
    torch.testing.assert_close(both, alone, atol=1e-4, rtol=0)
    torch.testing.assert_close(same[0], same[1], atol=1e-4, rtol=0)
    assert (both[0] - same[0]).abs().max() > 0.01


def test_colours_are_put_back_as_recorded() -> None:
    record = records.read("diffbir-colorfix")
    content, style = (torch.from_numpy(record.inputs[f"in_{name}"]) for name in ("content", "style"))
    close(wavelet(content, style), record, "wavelet", 1e-6)
    close(adain(content, style), record, "adain", 1e-6)
    close(low(content), record, "mid_low", 1e-6)
    assert fixed(content, style, "none") is content
    weights = record.outputs["out_tile_weights"]
    torch.testing.assert_close(bell(8, 12) / bell(8, 12).max(), weights / weights.max())


def test_tiles_join_to_what_they_were_cut_from() -> None:
    picture = torch.rand(1, 4, 37, 50, generator=torch.Generator().manual_seed(1))
    tiles = Tiles(16, 8)
    assert [part.start for part in tiles.along(37)] == [0, 8, 16, 21]
    joined = blended(lambda rows, columns: picture[..., rows, columns], (37, 50), tiles)
    torch.testing.assert_close(joined, picture)


def test_noise_follows_from_numbers_alone() -> None:
    """The very values: they are the same on every machine."""
    noise = Noise(231, [7, 0, 7], (4, 2, 3), torch.device("cpu"))
    first, second = noise(), noise()
    assert torch.equal(first[0], first[2])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    assert torch.equal(second[1], normal((231, 0, 1), (4, 2, 3)))
    assert abs(normal((1, 2), (400, 400)).std().item() - 1) < 0.01
    torch.testing.assert_close(normal((231, 0, 0), (3,)), torch.tensor(NOISE), atol=0, rtol=0)


NOISE = [0.7242293953895569, -0.7105907201766968, -1.1000571250915527]


def test_the_shorter_side_is_at_least_512() -> None:
    assert working_size((480, 640)) == (512, 682)
    assert working_size((640, 480)) == (682, 512)
    assert working_size((512, 512)) == (512, 512)
    assert working_size((1080, 1920)) == (1080, 1920)


def test_keys_of_prompts_are_made_once_for_a_tensor() -> None:
    layer = nn.Linear(3, 2)
    layer.__class__ = Remembered
    one, other = torch.rand(2, 1, 3)
    with torch.inference_mode():
        first = layer(one)
        assert layer(one) is first
        torch.testing.assert_close(layer(other), nn.functional.linear(other, layer.weight, layer.bias))
        assert layer(one) is not first
        like = one.clone()
        assert layer(like) is not layer(one)


@pytest.mark.parametrize(
    ("name", "settings", "millions", "tensors"),
    [
        ("diffusion_unet", FULL, 865.91, 686),
        ("diffusion_control", FULL, 363.15, 324),
        ("diffusion_vae", {"channels": (128, 256, 512, 512)}, 83.65, 248),
    ],
)
def test_published_sizes(name: str, settings: dict[str, object], millions: float, tensors: int) -> None:
    with WithoutMemory():
        state = networks._build(name, settings).state_dict()
    assert len(state) == tensors
    assert round(sum(value.numel() for value in state.values()) / 1e6, 2) == millions
