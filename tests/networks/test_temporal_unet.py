import pytest
import torch
import torch.nn.functional as F

from vsrestore.networks.layers.block_matching import joined, phases
from vsrestore.networks.layers.layout import pad_to_multiple
from vsrestore.networks.layers.luma import luma
from vsrestore.networks.temporal_unet import (
    LOUDER,
    TemporalUNet,
    beside,
    enlarged,
    evidence,
    fitting_mean,
    flicker,
    grain_level,
    median,
    recognise,
    stillness,
    stretch,
    vertical_lines,
)

from .temporal_samples import frames, shaken, windows

SMALL = {"radius": 2, "heads": 2, "widths": (8, 12, 16), "blocks": (1, 2, 1, 1, 0), "delayed": False}


@pytest.fixture(params=[False, True])
def network(request):
    return shaken(TemporalUNet, **{**SMALL, "delayed": request.param})


def test_untrained_network_is_a_careful_median():
    x = torch.full((1, 5, 3, 64, 64), 0.3)
    x[:, 2, :, 30:34, 30:34] = 0.7
    out = TemporalUNet(**SMALL).eval()(x, windows(2))
    assert (out - 0.3).abs().max() < 0.1  # the speck goes, but for the share that other candidates have


@torch.inference_mode()
def test_colours_beside_their_luma_are_offered_where_they_belong():
    patches = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(0))
    truth = F.interpolate(patches, size=(96, 160), mode="nearest")
    late = luma(truth) + torch.roll(truth - luma(truth), 4, dims=-1)
    network = TemporalUNet(**{**SMALL, "delayed": True}).eval()
    network.weigh.bias.view(2, -1, 4)[:, network.candidates - 1] = 50.0  # nothing but the last candidate
    out = network(late[None].expand(-1, 5, -1, -1, -1), windows(2))[0, 0]
    error = (out - truth[0])[..., 8:-8].abs().mean()
    assert error < 0.3 * (late - truth)[..., 8:-8].abs().mean()


@torch.inference_mode()
def test_flicker_is_no_difference():
    frame = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    even = torch.full((1, 3, 1, 32, 32), 0.05)
    torch.testing.assert_close(flicker(phases(frame * 0 + 0.05)), even)
    speck = torch.zeros(1, 3, 128, 128)
    speck[..., 60:64, 60:64] = 0.5
    assert (flicker(phases(speck + 0.03)) - 0.03).abs().max() < 0.01


@torch.inference_mode()
def test_output_has_a_frame_per_window_and_the_input_size(network):
    assert network(frames(2), windows(2, 3, 4)).shape == (2, 3, 3, 37, 53)


@torch.inference_mode()
def test_frames_do_not_depend_on_what_else_is_in_the_call(network):
    x = frames(2)
    together = network(x, windows(2, 3, 4))
    alone = network(x[1:, 2:7], windows(2))
    torch.testing.assert_close(together[1:, 2:], alone, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_rows_may_repeat_frames(network):
    x = frames(t=3)
    repeated = x[:, [0, 0, 0, 1, 2]]
    by_row = network(x, torch.tensor([[0, 0, 0, 1, 2]]))
    torch.testing.assert_close(by_row, network(repeated, windows(2)), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_grain_is_linear_between_the_heads(network):
    x, w = frames(), windows(3)
    left, removed = network.restore(x, w)
    torch.testing.assert_close(network(x, w, grain=0.0), left)
    torch.testing.assert_close(network(x, w, grain=1.0), removed)
    torch.testing.assert_close(network(x, w, grain=0.25), 0.75 * left + 0.25 * removed, atol=1e-6, rtol=0)
    assert (left - removed).abs().max() > 1e-3


@torch.inference_mode()
def test_bf16_weights_keep_float32_frames_and_come_close(network):
    x, w = frames(), windows(3)
    plain = network(x, w)
    low = network.to(torch.bfloat16)(x, w)
    assert low.dtype == torch.float32
    assert (low - plain).abs().mean() < 0.01


@pytest.mark.parametrize("delayed", [False, True])
def test_recognise_finds_the_constructor_settings(delayed):
    settings = {**SMALL, "delayed": delayed}
    shapes = {name: tuple(t.shape) for name, t in TemporalUNet(**settings).state_dict().items()}
    assert recognise(shapes) == settings
    assert recognise({"conv.weight": (3, 3, 3, 3)}) is None


def test_every_weight_gets_a_gradient(network):
    restored = network.restore(frames(t=5), windows(2))
    (sum(head.square().mean() for head in restored)).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()] == []


@pytest.mark.parametrize("count", [3, 5])
def test_median_is_the_median(count):
    values = torch.rand(count, 4, 50)
    torch.testing.assert_close(median(list(values)), values.median(dim=0).values)


def test_evidence_is_what_the_centre_frame_alone_has():
    agreed, speck = torch.full((4, 1, 3, 1, 1), 0.1), torch.full((1, 3, 1, 1), -0.6)
    apart = evidence(list(agreed * -6))
    torch.testing.assert_close(apart[0], torch.zeros(1, 1, 1, 1))
    torch.testing.assert_close(apart[1], torch.full((1, 1, 1, 1), 0.6))
    moved = evidence([speck, -speck, speck, -speck])
    torch.testing.assert_close(moved[0], torch.full((1, 1, 1, 1), 1.2))
    torch.testing.assert_close(moved[1], torch.zeros(1, 1, 1, 1))


def test_stillness_is_the_larger_change():
    hair, moving = torch.zeros(1, 3, 1, 1), torch.full((1, 3, 1, 1), -0.3)
    torch.testing.assert_close(stillness([hair, moving]), torch.full((1, 1, 1, 1), 0.3))
    torch.testing.assert_close(stillness([hair, hair]), torch.zeros(1, 1, 1, 1))


def test_grain_level_is_that_of_the_quiet_part():
    generator = torch.Generator().manual_seed(0)
    first, second = (0.02 * torch.randn(1, 3, 96, 128, generator=generator) for _ in range(2))
    first[..., :48, :64] += 0.5
    level = grain_level([phases(first), phases(second)])
    assert level.shape == (1, 1, 1, 1, 1)
    assert (level - 0.02 * (2 / torch.pi) ** 0.5).abs().max() < 2e-3


def test_vertical_lines_are_found_and_specks_are_not():
    x = torch.full((1, 3, 96, 160), 0.4)
    x[..., 30] += 0.1
    x[..., 40:42, 90:92] = 1.0
    lines = joined(vertical_lines(phases(x)))
    assert (lines[..., 30] - 0.1).abs().max() < 0.025
    assert lines[..., 45:].abs().max() < 0.02


def test_a_grid_has_no_scratches():
    x = torch.full((1, 3, 96, 160), 0.1)
    x[..., ::12] = 0.6
    assert vertical_lines(phases(x)).abs().max() < 0.05


@pytest.mark.parametrize("size", [(64, 96), (480, 640)])
def test_stretched_maps_keep_a_ramp(size):
    ramp = torch.linspace(0, 1, 6)[:, None].expand(1, 1, 6, 6)
    tall = stretch(ramp, size)
    assert tall.shape[-2:] == size
    right = F.interpolate(ramp, size=size, mode="bilinear")
    assert (tall - right).abs().max() < 0.03


def test_fitting_mean_averages_grain_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    base, *aligned = (0.02 * torch.randn(1, 3, 64, 64, generator=generator) for _ in range(5))
    for difference in aligned:
        difference[..., 32:] += 0.3
    base, *aligned = (phases(difference) for difference in (base, *aligned))
    mean = fitting_mean(base, aligned, torch.full((1, 1, 1, 1, 1), 0.0226))
    base, mean = joined(base), joined(mean)
    assert mean[..., :24].std() < 0.02 / 2  # of five: 0.02 / 5 ** 0.5
    torch.testing.assert_close(mean[..., 40:], base[..., 40:])


def test_weights_of_cells_are_enlarged_linearly():
    cells = torch.rand(2, 1, 5, 7)
    torch.testing.assert_close(joined(enlarged(cells)), F.interpolate(cells, scale_factor=4.0, mode="bilinear"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_network_sees_all_beside_each_other(dtype):
    centre = torch.rand(2, 3, 8, 12)
    first, second = torch.rand(2, 3, 8, 12).to(dtype), torch.rand(2, 1, 8, 12).to(dtype)
    seen = beside(phases(centre), phases(first), phases(second))
    assert seen.is_contiguous(memory_format=torch.channels_last)
    channels = (centre - 0.5).to(dtype), first * LOUDER, second * LOUDER, first.new_zeros(2, 9, 8, 12)
    assert torch.equal(seen, torch.cat(channels, dim=1))


def test_padding_repeats_the_border():
    x = torch.rand(1, 1, 5, 33)
    padded = pad_to_multiple(x, 32)
    assert padded.shape == (1, 1, 32, 64)
    assert (padded[..., 5:, :33] == x[..., -1:, :]).all()
