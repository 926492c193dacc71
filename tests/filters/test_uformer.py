"""The Uformer filter: the published result, tiles, half precision and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests import clips
from tests.filters import seeded
from tests.golden import records
from vsrestore import networks
from vsrestore.checkpoints import read
from vsrestore.filters import uformer


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return seeded.checkpoint(tmp_path / "small.safetensors", "uformer", **seeded.UFORMER)


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "output"), [(False, "out_raw"), (True, "out_raw_shift")])
def test_the_record_is_reproduced_from_the_published_wrapping(tmp_path: Path, shift: bool, output: str) -> None:
    record, path = records.read("uformer-b"), tmp_path / "Uformer_B.pth"
    published = {f"module.{name}": tensor for name, tensor in record.tensors.items()}
    torch.save({"epoch": 1, "state_dict": published, "optimizer": {"state": {0: {"step": 1}}}}, path)
    source = seeded.as_clip(record.inputs["in_rgb"].transpose(2, 0, 1)[None].astype(np.float32) / 255)
    result = seeded.as_frames(vsrestore.uformer(source, model=path, bottleneck_shift=shift, device="cpu"))
    expected = record.outputs[output].permute(2, 0, 1).clamp(0, 1).numpy()
    np.testing.assert_allclose(result[0], expected, atol=1e-5)


def test_every_tile_is_what_the_network_gives_for_it(small: Path) -> None:
    frames = seeded.noise(1, 128, 256)
    tiled = seeded.as_frames(vsrestore.uformer(seeded.as_clip(frames), model=small, device="cpu", tile=128))
    with torch.inference_mode():
        first = networks.load(read(small))(torch.from_numpy(frames[..., :128])).clamp(0, 1).numpy()
    np.testing.assert_allclose(tiled[..., :64], first[..., :64], atol=1e-5)  # the second tile begins at 64


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_nearly_the_same_picture(small: Path, precision: str) -> None:
    source = seeded.as_clip(seeded.noise(1, 32, 40))
    exact, half = (
        seeded.as_frames(vsrestore.uformer(source, model=small, device="cpu", precision=p))
        for p in ("float32", precision)
    )
    assert 35 < seeded.psnr(half, exact) < 120


@pytest.mark.parametrize("task", uformer.PUBLISHED)
def test_every_task_tells_where_its_file_is(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSRESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(vs.Error, match=r"uformer: .*in a browser and download Uformer_B_(GoPro|SIDD)\.pth"):
        vsrestore.uformer(clips.noise(), task)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "dehaze"}, "uformer: task='dehaze'; accepted: 'deblur', 'denoise'"),
        ({"tile": 64}, "uformer: tile=64; a whole number of at least 128 is accepted"),
        ({"model": 3}, "uformer: model=3; a name of the registry or the path of a checkpoint"),
    ],
)
def test_bad_input(small: Path, arguments: dict, message: str) -> None:
    with pytest.raises(vs.Error, match=message):
        vsrestore.uformer(clips.noise(), **{"model": small, **arguments})


def test_another_networks_checkpoint_is_refused(tmp_path: Path) -> None:
    path = seeded.checkpoint(tmp_path / "edvr.safetensors", "edvr", **seeded.EDVR)
    with pytest.raises(vs.Error, match="uformer: no checkpoint of uformer; it is one of edvr"):
        vsrestore.uformer(clips.noise(), model=path)
