"""The generator beyond its golden record: sizes, references, codes, frames without a hole."""

from __future__ import annotations

import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks.propainter import ProPainter

SMALL = {"tokens": 128, "blocks": 2, "spread": 4}


def shapes() -> dict[str, tuple[int, ...]]:
    return {name: tuple(spec["shape"]) for name, spec in records.layout("propainter-generator")[1].items()}


def test_sizes_are_read_off_the_tensors() -> None:
    assert networks.recognise(shapes()) == ("propainter", {"tokens": 512, "blocks": 8, "spread": 40})
    with pytest.raises(networks.NetworkError, match="unexpected"):
        networks.recognise({**shapes(), "encoder.layers.18.weight": (3, 3, 3, 3)})


@pytest.fixture(scope="module")
def small() -> ProPainter:
    torch.manual_seed(3)
    return ProPainter(**SMALL).eval()


def window(length: int) -> dict[str, torch.Tensor]:
    """What the generator takes, with a hole in all frames but the second one."""
    generator = torch.Generator().manual_seed(6)
    mask = torch.zeros(1, length, 1, 32, 40)
    mask[..., 9:17, 20:31] = 1
    mask[:, 1] = 0
    frames = torch.rand(1, length, 3, 32, 40, generator=generator)
    return {
        "frames": frames,
        "mask": mask,
        "filled": torch.cat(((frames * 2 - 1) * (1 - mask), mask), 2),
        "flow": torch.randn(1, length, 4, 32, 40, generator=generator),
        "features": torch.randn(1, length, 128, 8, 10, generator=generator),
    }


def test_holes_alone_are_painted(small: ProPainter) -> None:
    given = window(3)
    with torch.inference_mode():
        painted = small(**given)
    holed = given["mask"].expand_as(painted) > 0
    assert torch.equal(painted[~holed], given["frames"][~holed])
    assert (painted[holed] != given["frames"][holed]).all()
    assert torch.equal(painted[:, 1], given["frames"][:, 1])


def test_references_count_and_may_be_missing(small: ProPainter) -> None:
    given = window(3)
    references = torch.randn(2, 128, 8, 10, generator=torch.Generator().manual_seed(8))
    with torch.inference_mode():
        assert torch.equal(small(**given, references=references[:0]), small(**given))
        assert not torch.equal(small(**given, references=references), small(**given))


def test_one_frame_alone_attends_to_itself(small: ProPainter) -> None:
    given = {name: x[:, :1] for name, x in window(2).items()}
    with torch.inference_mode():
        assert torch.isfinite(small(**given)).all()


def test_codes_are_cut_down(small: ProPainter) -> None:
    given = window(3)
    with torch.inference_mode():
        exact, cut = small(**given), small(**given, levels=255)
    holed = given["mask"].expand_as(cut) > 0
    assert torch.equal(cut[holed], (exact[holed] * 255).floor() / 255)
    assert torch.equal(cut[~holed], exact[~holed])
