"""The BSRNet filter: names and refusals; its record is reproduced through ``image_model``."""

from __future__ import annotations

from pathlib import Path

import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import image_networks
from vsrestore.filters import bsrnet


@pytest.mark.parametrize("model", bsrnet.PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"bsrnet: .*vsrestore weights fetch {bsrnet.PUBLISHED[model]}"):
        vsrestore.bsrnet(clips.noise(), model)


def test_other_networks_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match=r"a checkpoint of SwinIR, not of ESRGAN; image_model runs it"):
        vsrestore.bsrnet(clips.noise(), image_networks.checkpoint(tmp_path / "swinir.pth", "swinir"))
    with pytest.raises(vs.Error, match="bsrnet: model='x3'; accepted: 'x4'"):
        vsrestore.bsrnet(clips.noise(), "x3")
