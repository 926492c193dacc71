import numpy as np
import pytest
import torch

from vsrestore.networks.layers.holes import AroundHoles, fill, windows

SIZE = 64


def marked(height, width, *areas):
    holes = np.zeros((height, width), bool)
    for top, bottom, left, right in areas:
        holes[top:bottom, left:right] = True
    return holes


def picture(holes):
    rgb = torch.rand(3, *holes.shape)
    return torch.cat((rgb, torch.from_numpy(holes).float()[None]))


class Counted(torch.nn.Module):
    """Paints holes with the number of the call, and what is known with 9."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, squares):
        assert squares.shape == (1, 4, SIZE, SIZE)
        self.calls += 1
        return torch.where(squares[:, 3:] > 0, float(self.calls), 9.0).expand(-1, 3, -1, -1)


def test_a_frame_without_holes_runs_nothing():
    run, whole = Counted(), picture(marked(100, 80))
    assert torch.equal(fill(whole, run, SIZE), whole[:3])
    assert run.calls == 0


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ((90, 100, 40, 60), (63, 18)),
        ((0, 10, 0, 10), (0, 0)),
        ((190, 200, 95, 100), (136, 36)),
    ],
)
def test_a_window_lies_around_its_hole_and_inside_the_frame(area, expected):
    assert windows(marked(200, 100, area), SIZE) == [expected]


def test_holes_far_apart_have_windows_of_their_own():
    found = windows(marked(300, 300, (10, 20, 10, 20), (280, 290, 270, 280)), SIZE)
    assert found == [(0, 0), (236, 236)]


@pytest.mark.parametrize("shape", [(64, 64), (90, 200), (131, 65)])
def test_windows_hold_every_hole(shape):
    rng = np.random.default_rng(0)
    for _ in range(20):
        holes = rng.random(shape) < rng.choice([0.0005, 0.01, 0.6])
        held = np.zeros(shape, bool)
        for top, left in windows(holes, SIZE):
            assert 0 <= top <= shape[0] - SIZE
            assert 0 <= left <= shape[1] - SIZE
            held[top : top + SIZE, left : left + SIZE] = True
        assert not (holes & ~held).any()


def test_overlaps_are_blended_and_the_rest_is_untouched():
    holes = marked(64, 150, (20, 30, 0, 150))
    whole, run = picture(holes), Counted()
    filled = fill(whole, run, SIZE)
    assert run.calls == 4
    assert torch.equal(filled[:, ~holes], whole[:3, ~holes])
    line = filled[0, 25]
    assert line[0] == 1
    assert line[-1] == 4
    assert (line.diff() >= -1e-6).all()
    assert line.diff().max() < 0.5


@pytest.mark.parametrize("shape", [(20, 100), (30, 17)])
def test_small_frames_are_mirrored(shape):
    holes = marked(*shape, (2, 5, 2, 5))
    whole, seen = picture(holes), []

    def run(squares):
        seen.append(squares[0])
        return squares[:, :3] + 1

    filled = fill(whole, run, SIZE)
    assert torch.equal(filled[:, ~holes], whole[:3, ~holes])
    torch.testing.assert_close(filled[:, holes], whole[:3, holes] + 1)
    height = shape[0]
    torch.testing.assert_close(seen[0][:, height : 2 * height], seen[0][:, :height].flip(1))


def test_every_picture_of_a_batch_has_its_own_windows():
    run = Counted()
    wholes = torch.stack([picture(marked(70, 70)), picture(marked(70, 70, (5, 6, 5, 6)))])
    filled = AroundHoles(run, SIZE)(wholes[:, :3], wholes[:, 3:])
    assert torch.equal(filled[0], wholes[0, :3])
    assert filled[1, 0, 5, 5] == 1
