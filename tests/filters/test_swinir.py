"""The SwinIR filter: names, half precision and refusals; records are reproduced through ``image_model``."""

from __future__ import annotations

from pathlib import Path

import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import image_networks, seeded
from vsrestore.checkpoints import get
from vsrestore.filters import swinir


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(tmp_path: Path, precision: str) -> None:
    path = image_networks.checkpoint(tmp_path / "small.pth", "swinir")
    source = seeded.as_clip(seeded.noise(2, 37, 29))
    exact, half = (
        seeded.as_frames(vsrestore.swinir(source, path, device="cpu", precision=p)) for p in ("float32", precision)
    )
    assert 40 < seeded.psnr(half, exact) < 120


def test_every_name_is_an_entry_of_the_registry() -> None:
    assert len(swinir.PUBLISHED) == 30
    assert all(get(name, "swinir") for name in swinir.PUBLISHED.values())


def test_a_name_asks_for_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=r"swinir: .*vsrestore weights fetch swinir-real-m-x4"):
        vsrestore.swinir(clips.noise())


def test_other_networks_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match=r"a checkpoint of Compact, not of SwinIR; image_model runs it"):
        vsrestore.swinir(clips.noise(), image_networks.checkpoint(tmp_path / "compact.pth", "compact"))
    with pytest.raises(vs.Error, match="swinir: model='x4'; accepted: 'real_m_x4'"):
        vsrestore.swinir(clips.noise(), "x4")
