"""The sheet of restored frames and the plot of losses, read back from their files."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from vsrestore.training.pictures import ACROSS, CURVE, GAP, LINE, PANEL, plot, sheet
from vsrestore.training.task import Sample


class Inverted:
    """A network that gives the negative of the centre, in one head."""

    radius = 1

    def restore(self, frames, windows):
        return (1 - frames[:, windows[:, 1]],)


def read(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_every_row_has_input_output_and_truth_of_the_middle_frame():
    clips = {name: np.full((3, 40, 60, 3), value, np.uint8) for name, value in (("a", 50), ("b", 100))}
    clips["a"][[0, 2]] = 0
    cases = {
        "half": lambda frames: Sample(frames / 2, (frames,)),
        "same": lambda frames: Sample(frames, (frames,)),
    }
    found = read(sheet(Inverted(), clips, cases))
    assert found.shape == (2 * (40 + LINE + GAP) + GAP, 3 * (60 + GAP) + GAP, 3)
    rows = [GAP + LINE + 20, GAP + LINE + 20 + 40 + LINE + GAP]
    columns = [GAP + 30 + number * (60 + GAP) for number in range(3)]
    assert [[int(found[y, x, 0]) for x in columns] for y in rows] == [[25, 230, 50], [100, 155, 100]]


def test_an_enlarged_clip_is_shown_at_the_size_of_the_truth():
    class Twice:
        radius = 0

        def restore(self, frames, windows):
            return (torch.zeros(1, len(windows), 3, 80, 120),)

    cases = {"small": lambda frames: Sample(frames[:, ::2, ::2], (frames,))}
    found = read(sheet(Twice(), {"a": np.full((2, 80, 120, 3), 200, np.uint8)}, cases))
    assert found.shape[1] == 3 * (120 + GAP) + GAP
    assert found[-GAP - 2, GAP + 118, 0] == 200


def test_the_plot_has_a_panel_for_every_column_with_figures(tmp_path):
    (tmp_path / "train.csv").write_text("step,progress,seconds,rate,loss,l1\n50,0.1,3,1,-2,9\n100,0.2,6,1,-3,8\n")
    (tmp_path / "gan.csv").write_text("step,progress,seconds,rate,critic,content\n150,1,9,1,0.6,\n151,1,9,1,,0.3\n")
    (tmp_path / "validation.csv").write_text("step,heavy clean\n")
    logs = [tmp_path / name for name in ("train.csv", "gan.csv", "validation.csv", "none.csv")]
    found = read(plot(logs))
    width, height = PANEL
    assert found.shape == (2 * height, ACROSS * width, 3)
    drawn = (found == CURVE).all(-1)
    panels = drawn.reshape(2, height, ACROSS, width).sum(axis=(1, 3)).flatten().tolist()
    assert min(panels[:2]) > 200  # lines across
    assert 5 < min(panels[2:4]) <= max(panels[2:4]) < 100  # single points
    assert panels[4:] == [0, 0]
    assert read(plot([])).shape == (height, ACROSS * width, 3)


def test_one_value_all_the_time_is_a_level_line(tmp_path):
    (tmp_path / "train.csv").write_text("step,loss\n1,0\n2,0\n3,0\n")
    assert (read(plot([tmp_path / "train.csv"])) == CURVE).all(-1).sum() > 200
