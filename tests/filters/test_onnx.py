"""The generic ONNX filter on tiny models whose result is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import vapoursynth as vs
from onnx import TensorProto, helper, numpy_helper

import vsrestore
from tests import clips

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def save(path: Path, nodes: list, taken: list, given: list, kind: int = FLOAT, **constants: np.ndarray) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", kind, taken)],
        [helper.make_tensor_value_info("y", kind, given)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def gain(path: Path, channels: int = 3, kind: int = FLOAT, size: tuple = ("h", "w"), batch: object = "n") -> Path:
    half = np.array(0.5, np.float16 if kind == HALF else np.float32)
    shape = [batch, channels, *size]
    return save(path, [helper.make_node("Mul", ["x", "half"], ["y"])], shape, shape, kind, half=half)


def enlarge(path: Path, scale: int = 2) -> Path:
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")
    scales = np.array([1, 1, scale, scale], np.float32)
    return save(path, [node], ["n", 3, "h", "w"], ["n", 3, "oh", "ow"], scales=scales)


def mean_of_three(path: Path, rank: int) -> Path:
    if rank == 5:
        node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)
        return save(path, [node], ["n", 3, 3, "h", "w"], ["n", 3, "h", "w"])
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b", "c"], axis=1),
        helper.make_node("Mean", ["a", "b", "c"], ["y"]),
    ]
    return save(path, nodes, [1, 9, "h", "w"], [1, 3, "h", "w"])


def first(clip: vs.VideoNode, n: int = 0) -> np.ndarray:
    return np.stack(clips.samples(clip.get_frame(n)))


@pytest.mark.parametrize("kind", [FLOAT, HALF])
@pytest.mark.parametrize(("batch", "tile"), [(1, None), (4, None), (2, 32)])
def test_rgb_model(tmp_path: Path, kind: int, batch: int, tile: int | None) -> None:
    source = clips.noise(width=50, height=40)
    result = vsrestore.onnx(source, gain(tmp_path / "m.onnx", kind=kind), batch=batch, tile=tile, provider="cpu")
    np.testing.assert_allclose(first(result, 5), first(source, 5) * 0.5, atol=1e-3 if kind == HALF else 1e-6)


@pytest.mark.parametrize("kind", [FLOAT, HALF])
def test_white_may_be_255(tmp_path: Path, kind: int) -> None:
    shape, brighter = ["n", 3, "h", "w"], np.array(51, np.float16 if kind == HALF else np.float32)
    node = helper.make_node("Add", ["x", "brighter"], ["y"])
    path, source = save(tmp_path / "m.onnx", [node], shape, shape, kind, brighter=brighter), clips.noise()
    result = vsrestore.onnx(source, path, peak=255, provider="cpu")
    expected = (first(source) + 0.2).clip(0, 1)
    np.testing.assert_allclose(first(result), expected, atol=1e-3 if kind == HALF else 1e-6)
    with pytest.raises(vs.Error, match="onnx: peak=0; a number of at least 1 is accepted"):
        vsrestore.onnx(source, path, peak=0)


def test_scale_is_read_from_the_file(tmp_path: Path) -> None:
    source = clips.noise()
    result = vsrestore.onnx(source, enlarge(tmp_path / "m.onnx", 3))
    assert (result.width, result.height) == (source.width * 3, source.height * 3)
    np.testing.assert_array_equal(first(result)[:, ::3, ::3], first(source))


@pytest.mark.parametrize("rank", [4, 5])
def test_three_frames(tmp_path: Path, rank: int) -> None:
    source = clips.numbered(6, cuts=(4,))
    result = vsrestore.onnx(source, mean_of_three(tmp_path / "m.onnx", rank), frames=3)
    values = [clips.number(result.get_frame(n)) for n in range(6)]
    assert values == pytest.approx([1 / 3, 1, 2, 8 / 3, 13 / 3, 14 / 3], abs=2e-3)


def test_luma_model_leaves_chroma_alone(tmp_path: Path) -> None:
    source = clips.noise(vs.YUV420P16, 32, 16).std.SetFrameProps(_Matrix=1)
    result = vsrestore.onnx(source, gain(tmp_path / "m.onnx", channels=1))
    before, after = clips.samples(source.get_frame(2)), clips.samples(result.get_frame(2))
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(after[2], before[2])
    expected = 4096 + (np.clip(before[0].astype(float), 4096, 60160) - 4096) / 2
    changed = (np.abs(expected - before[0]) > 65536 / 32) & (before[0] >= 4096)
    assert np.abs(after[0] - expected)[changed].max() <= 2


def test_a_model_of_one_size_works_in_tiles(tmp_path: Path) -> None:
    path = gain(tmp_path / "m.onnx", size=(32, 32), batch=1)
    source = clips.noise(width=70, height=45)
    np.testing.assert_allclose(first(vsrestore.onnx(source, path)), first(source) * 0.5, atol=1e-6)


def unfit_clip() -> vs.VideoNode:
    return clips.noise(width=70, height=45)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda p: p, {}, "does not exist; give the path"),
        (lambda p: (p.write_bytes(b"<html>not here</html>"), p)[1], {}, "is no ONNX file, or it is damaged"),
        (lambda p: (p.write_bytes(b""), p)[1], {}, "is no ONNX file"),
        (lambda p: (gain(p), p.write_bytes(p.read_bytes()[:60]), p)[2], {}, "is no ONNX file, or it is damaged"),
        (lambda p: gain(p, channels=6), {}, "takes 6 channels, .* frames=1; try frames=2 or frames=6"),
        (lambda p: mean_of_three(p, 5), {"frames": 5}, "takes 3 frames at once; call it with frames=3"),
        (lambda p: gain(p, size=(64, 32)), {}, "takes 32x64 only, but the clip is 70x45"),
        (lambda p: gain(p, size=(128, 128)), {}, "the clip is smaller"),
        (lambda p: gain(p, size=(32, 32)), {"tile": 64}, "tile=64, but m.onnx takes 32x32 only"),
        (lambda p: gain(p, batch=1), {"batch": 4}, "batch=4, but m.onnx takes one at a time"),
        (lambda p: gain(p, batch=3), {}, "takes 3 pictures at once"),
        (gain, {"scale": 2}, "scale=2, but m.onnx enlarges by 1"),
        (gain, {"frames": 0}, "frames=0; a whole number of at least 1"),
        (gain, {"tile": 5}, "tile=5; a whole number of at least 32"),
        (gain, {"provider": "directml"}, "provider='directml'; the installed onnxruntime offers"),
        (gain, {"border": "mirror"}, "border='mirror'; accepted"),
    ],
)
def test_unfit_models_are_explained(tmp_path: Path, make: object, arguments: dict, message: str) -> None:
    path = make(tmp_path / "m.onnx")
    with pytest.raises(vs.Error, match=f"onnx: .*{message}"):
        vsrestore.onnx(unfit_clip(), path, **arguments)


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    path = gain(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("sigma", FLOAT, [1]))
    onnx.save(model, path)
    with pytest.raises(vs.Error, match=r"has 2 inputs \(x, sigma\)"):
        vsrestore.onnx(clips.noise(), path)


def test_an_unknown_output_size_asks_for_the_scale(tmp_path: Path) -> None:
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")
    computed = helper.make_node("Abs", ["raw"], ["scales"])
    path = save(
        tmp_path / "m.onnx",
        [computed, node],
        ["n", 3, "h", "w"],
        ["n", 3, "oh", "ow"],
        raw=np.array([-1, -1, -2, -2], np.float32),
    )
    with pytest.raises(vs.Error, match="does not tell its output size; give scale="):
        vsrestore.onnx(clips.noise(), path)
    assert vsrestore.onnx(clips.noise(), path, scale=2).get_frame(0).width == 48
    wrong = vsrestore.onnx(clips.noise(), path, scale=3)
    with pytest.raises(vs.Error, match=r"onnx: frame 0: .*24x16 into 48x32; scale=3 was expected"):
        wrong.get_frame(0)
