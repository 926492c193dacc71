"""Every sampler gives what the published one gave for a network of one line, draw by draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.golden import records
from vsrestore.networks.diffusion import discrete, karras
from vsrestore.networks.diffusion.karras import Stochastic
from vsrestore.networks.diffusion.samplers import SAMPLERS, calls_of, check_steps, sampled
from vsrestore.networks.diffusion.sampling import guided, ramped
from vsrestore.networks.diffusion.schedule import Schedule
from vsrestore.networks.state_dict import NetworkError

RECORD = records.read("diffbir-samplers")
STEPS = RECORD.config["steps"]
CONDITION = torch.from_numpy(RECORD.inputs["in_c_img"])
SCHEDULES = {"eps": Schedule("eps", zero_terminal=False), "v": Schedule("v", zero_terminal=True)}
# Their state begins at 10,000 times the size of the result; the notes of the record tell how much rounding does there.
ROUGH = {"eps": 5e-4, "v": 2e-4}
ROUGHEST = ("heun", "dpm_2")
SPECIAL = {
    "eps_edm_euler_churn3_cfg1": ("edm_euler", 1.0, Stochastic(churn=3.0)),
    "eps_edm_lms_order4": ("edm_lms", RECORD.config["cfg_scale"], Stochastic(order=4)),
}


def predicted(kind: str, x: torch.Tensor, time: float, text: float) -> torch.Tensor:
    """The network of the record."""
    if kind == "v":
        return 0.8 * torch.tanh(0.9 * x + 0.4 * CONDITION) + 0.3 * text * math.cos(0.004 * time)
    angle = math.pi / 2 * time / 999
    noise = math.sin(angle) * (x - math.cos(angle) * CONDITION)
    return noise + 0.05 * math.cos(angle) * text * torch.tanh(x)


def allowed(name: str) -> float:
    if "edm_" not in name:
        return 1e-6 if name.startswith("eps") else 3e-5
    return 0.03 if any(rough in name for rough in ROUGHEST) else ROUGH[name.partition("_")[0]]


@pytest.mark.parametrize("name", [key[4:] for key in RECORD.outputs if "mid" not in key])
def test_a_sampler_gives_what_was_recorded(name: str) -> None:
    kind, _, sampler = name.partition("_")
    plain = sampler.removesuffix("_rescaled")
    sampler, scale, settings = SPECIAL.get(name, (plain, RECORD.config["cfg_scale"], Stochastic()))
    wanted, unwanted = map(float, RECORD.inputs["in_c_txt"])
    noise = iter(torch.from_numpy(RECORD.inputs["in_noise"]))
    calls = []

    def predict(x: torch.Tensor, time: float) -> torch.Tensor:
        calls.append(time)
        strength = ramped(scale, time) if name.endswith("_rescaled") else scale
        return guided(predicted(kind, x, time, wanted), predicted(kind, x, time, unwanted), strength)

    start = torch.from_numpy(RECORD.inputs["in_x_T"])
    found = sampled(sampler, predict, start, SCHEDULES[kind], STEPS, lambda: next(noise), settings)
    expected = RECORD.outputs[f"out_{name}"]
    assert (found - expected).abs().max() < allowed(name) * expected.abs().max()
    assert len(calls) == calls_of(sampler, STEPS)
    runs = RECORD.config["runs"]
    if f"{kind}:{sampler}" in runs and name not in SPECIAL:
        assert len(RECORD.inputs["in_noise"]) - sum(1 for _ in noise) == runs[f"{kind}:{sampler}"]["noise_draws"]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_schedules_are_the_recorded_ones(kind: str) -> None:
    told = {name: RECORD.outputs[f"out_mid_{kind}_{name}"].numpy() for name in ("alphas_cumprod", "edm_sigmas")}
    np.testing.assert_allclose(SCHEDULES[kind].alphas[::37], told["alphas_cumprod"], atol=1e-7)
    times, sigmas = karras.levels(SCHEDULES[kind], STEPS)
    np.testing.assert_array_equal(sigmas.numpy(), told["edm_sigmas"])
    assert times == RECORD.outputs[f"out_mid_{kind}_edm_timesteps"].tolist()
    assert discrete.spaced_times(STEPS)[::-1] == RECORD.outputs[f"out_mid_{kind}_spaced_timesteps"].tolist()
    assert discrete.ddim_times(STEPS)[::-1] == RECORD.outputs["out_mid_ddim_timesteps"].tolist()


@pytest.mark.parametrize(
    ("sampler", "steps", "message"),
    [
        ("spaced", 1, "spaced takes 2 to 999"),
        ("dpm++_m2", 1, "takes 2 to 999"),
        ("edm_euler", 0, "edm_euler takes 1 to 999"),
        ("ddim", 1000, "ddim takes 1 to 999"),
        ("ddim", 9, "beyond the last step of training; take 10, or a divisor"),
    ],
)
def test_steps_that_a_sampler_cannot_go_are_told(sampler: str, steps: int, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        check_steps(sampler, steps)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_sampler_goes_its_fewest_steps(kind: str, sampler: str) -> None:
    noise = iter(torch.from_numpy(RECORD.inputs["in_noise"]))
    check_steps(sampler, 2)
    found = sampled(sampler, lambda x, _: 0.5 * x, next(noise), SCHEDULES[kind], 2, lambda: next(noise))
    assert found.isfinite().all()
