from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vsrestore.damage.sync import TimeBase
from vsrestore.damage.tape import TapeDamage, damage_tape
from vsrestore.networks.layers.line_matching import LineMatcher, Shifts, at_lines, beside_neighbours
from vsrestore.networks.line_shifts import LineShifts

LENGTH, HEIGHT, WIDTH = 7, 96, 320


def scene(pan: int = 0) -> np.ndarray:
    """A smooth random picture, panned by so many px a frame, with a disc that goes its own way: (T, H, W, 3)."""
    rng = np.random.default_rng(2)
    spectrum = np.fft.rfft2(rng.standard_normal((HEIGHT, 512)))
    far = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(512)[None])
    wide = np.fft.irfft2(spectrum / (0.02 + far) ** 1.5, (HEIGHT, 512))
    wide = 0.5 + 0.15 * (wide - wide.mean()) / wide.std()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frames = []
    for number in range(LENGTH):
        picture = wide[:, pan * number : pan * number + WIDTH].copy()
        picture[np.hypot(rows - 40, columns - 60 - 9 * number) < 16] = 0.9
        frames.append(picture)
    return np.repeat(np.stack(frames)[..., None], 3, -1).clip(0, 1).astype(np.float32)


def shifts_of(frames: np.ndarray) -> np.ndarray:
    windows = torch.tensor([[p if 0 <= p < LENGTH else -1 for p in range(n - 3, n + 4)] for n in range(LENGTH)])
    luma = torch.from_numpy(np.ascontiguousarray(frames[None, :, None, :, :, 1]))
    return LineShifts()(luma, windows)[0, :, 0, 0].numpy()


@pytest.mark.parametrize("pan", [0, 6])
def test_jitter_is_found_whether_the_camera_stands_or_pans(pan: int) -> None:
    done = damage_tape(scene(pan), 0, 3, TapeDamage(time_base=TimeBase(jitter=2)))
    truth = done.shifts - np.median(done.shifts, 1, keepdims=True)
    error = shifts_of(done.damaged) - done.shifts
    error -= np.median(error, 1, keepdims=True)
    assert truth.std() > 0.8
    assert error.std() < 0.45 * truth.std()


@pytest.mark.parametrize("pan", [0, 6])
def test_lines_in_place_are_left_exactly_there(pan: int) -> None:
    assert not shifts_of(scene(pan)).any()


def test_a_bend_that_stays_is_left() -> None:
    bent = np.stack([np.stack([np.roll(row, y * y // 900, 0) for y, row in enumerate(frame)]) for frame in scene()])
    assert not shifts_of(bent).any()


def test_a_frame_alone_has_nothing_to_be_held_against() -> None:
    luma = torch.from_numpy(scene()[None, :1, None, :, :, 1].copy())
    assert not LineShifts()(luma, torch.tensor([[-1, -1, -1, 0, -1, -1, -1]])).any()


def moved_lines(shifts: Tensor, fall: int) -> LineMatcher:
    """The first frame's lines lie further right by so many whole px, and what is seen lies lower in the second one."""
    picture = torch.from_numpy(scene()[0, :, :, 1].copy())
    first = torch.stack([row.roll(int(shift)) for row, shift in zip(picture, shifts, strict=True)])
    return LineMatcher(torch.stack((first, picture.roll(fall, 0)))[:, None])


def test_lines_of_two_frames_are_matched_and_the_other_way_round() -> None:
    shifts = torch.from_numpy(np.random.default_rng(0).integers(-6, 7, HEIGHT))
    found = moved_lines(shifts, 5).shifts(0, 1)
    assert found.fall == 5
    assert (found.lines[0] - shifts)[:-5].abs().median() < 0.1
    assert found.doubt[-5:].isinf().all()
    assert (found.turned().lines[0][5:] == -found.lines[0][:-5]).all()


def test_shifts_over_two_steps_add_up() -> None:
    lines, doubt = torch.arange(12.0).view(3, 4), torch.ones(4)
    whole = Shifts(lines, doubt, 1).then(Shifts(10 * lines, doubt, 2))
    assert whole.fall == 3
    assert whole.lines[0].tolist() == [10, 21, 32, 3]
    assert whole.doubt.tolist() == [2, 2, 2, torch.inf]


@pytest.mark.parametrize(("fall", "lines"), [(1, [1, 2, 9]), (-2, [9, 9, 0]), (0, [0, 1, 2]), (5, [9, 9, 9])])
def test_lines_below_and_above(fall: int, lines: list[float]) -> None:
    assert at_lines(torch.tensor([0.0, 1, 2]), fall, 9.0).tolist() == lines


def test_one_line_beside_its_neighbours() -> None:
    shifts = torch.zeros(HEIGHT)
    shifts[30] = 2
    beside, doubt = beside_neighbours(moved_lines(shifts, 0).lines[0])
    assert beside[30] == pytest.approx(2, abs=0.5)
    assert doubt[[0, -1]].isinf().all()
