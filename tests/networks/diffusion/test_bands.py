"""The VAE band by band, beside diffusers' own way of computing it."""

from __future__ import annotations

import pytest
import torch

from vsrestore.networks.diffusion import bands, vae

CHANNELS = (32, 64, 64)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> tuple[vae.VAE, vae.VAE]:
    """Ours, and the same as diffusers builds it."""
    ours = vae.VAE(CHANNELS).eval()
    monkeypatch.setattr(vae, "in_bands", lambda coder: coder)
    plain = vae.VAE(CHANNELS).eval()
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@pytest.mark.parametrize("rows", [1, 6, 32])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pictures_are_those_of_diffusers(
    both: tuple[vae.VAE, vae.VAE], monkeypatch: pytest.MonkeyPatch, rows: int, layout: torch.memory_format
) -> None:
    monkeypatch.setattr(bands, "LEAST_ROWS", rows)
    monkeypatch.setattr(bands, "VALUES", 1)
    generator = torch.Generator().manual_seed(1)
    pictures, latents = torch.rand(2, 3, 28, 20, generator=generator), torch.randn(2, 4, 7, 5, generator=generator)
    ours, plain = (network.to(memory_format=layout) for network in both)
    with torch.inference_mode():
        torch.testing.assert_close(ours.encode(pictures), plain.encode(pictures), atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(ours.decode(latents), plain.decode(latents), atol=1e-5, rtol=1e-5)


def test_half_precision_is_as_near_to_float32_as_that_of_diffusers(both: tuple[vae.VAE, vae.VAE]) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        exact = both[1].decode(latents)
        ours, plain = ((network.bfloat16().decode(latents) - exact).abs().mean().item() for network in both)
    assert 0 < ours < 1.2 * plain
