"""The SCUNet filter: names and refusals; its record is reproduced through ``image_model``."""

from __future__ import annotations

from pathlib import Path

import pytest
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import image_networks
from vsrestore.filters import scunet


@pytest.mark.parametrize("model", scunet.PUBLISHED)
def test_every_name_asks_for_its_file(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=f"scunet: .*vsrestore weights fetch {scunet.PUBLISHED[model]}"):
        vsrestore.scunet(clips.noise(), model)


def test_other_networks_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(vs.Error, match=r"a checkpoint of SwinIR, not of SCUNet; image_model runs it"):
        vsrestore.scunet(clips.noise(), image_networks.checkpoint(tmp_path / "swinir.pth", "swinir"))
    with pytest.raises(vs.Error, match="scunet: model='x3'; accepted: 'real_psnr', 'real_gan'"):
        vsrestore.scunet(clips.noise(), "x3")
