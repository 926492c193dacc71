"""ONNX files that chance has made or changed: a filter that gives frames, or an error in words."""

from __future__ import annotations

from random import Random

import vapoursynth as vs
from hypothesis import strategies as st
from onnx import TensorProto, helper

import vsrestore
from tests.fuzzing import mutated, seeds, structures, taken

OPERATORS = ("Relu", "Identity", "Add", "Concat", "Resize", "DepthToSpace", "Reshape", "Conv", "Shape", "If", "Nothing")
LENGTHS = st.sampled_from([0, 1, 2, 3, 8, 64, 2**31, 2**62, -1]) | st.sampled_from(["n", "h", ""])
SHAPES = st.lists(LENGTHS, max_size=6) | st.just(["n", 3, "h", "w"]) | st.just([1, 3, 8, 8]) | st.none()
TYPES = st.sampled_from([TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.STRING, 99])
VALUES = st.lists(st.tuples(st.sampled_from("xyz"), TYPES | st.just(TensorProto.FLOAT), SHAPES), max_size=3)
NODES = st.lists(
    st.tuples(st.sampled_from(OPERATORS), st.lists(st.sampled_from("xyz"), max_size=2), st.sampled_from("xyz")),
    max_size=3,
)
OPSETS = st.sampled_from([13, 13, 13, 17, 1, 0, 2**40, -1])


def run(path):
    """Evaluate a script and ask for a frame."""
    clip = vs.core.std.BlankClip(format=vs.RGBS, width=8, height=8, length=1)
    vsrestore.onnx(clip, str(path), provider="cpu").get_frame(0)


def model(inputs, outputs, nodes, opset):
    values = [
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in given] for given in (inputs, outputs)
    ]
    graph = helper.make_graph([helper.make_node(kind, taken, [made]) for kind, taken, made in nodes], "g", *values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def relu():
    ends = [("x", TensorProto.FLOAT, ["n", 3, "h", "w"])], [("y", TensorProto.FLOAT, ["n", 3, "h", "w"])]
    return model(*ends, [("Relu", ["x"], "y")], 13)


def test_bytes(tmp_path):
    whole, path, refused = relu().SerializeToString(), tmp_path / "a.onnx", 0
    path.write_bytes(whole)
    run(path)
    for seed in seeds():
        path.write_bytes(mutated(whole, Random(seed)))
        refused += taken(lambda: run(path), vs.Error, seed)
    assert refused > 10


def test_structures(tmp_path):
    path = tmp_path / "a.onnx"

    def check(made):
        path.write_bytes(model(*made).SerializeToString())
        taken(lambda: run(path), vs.Error, made)

    structures(st.tuples(VALUES, VALUES, NODES, OPSETS), check, examples=30)


def with_weights_in(location):
    """A model that adds what lies in another file."""
    made = relu()
    weight = made.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1, 3, 1, 1])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=str(location))
    made.graph.node[0].op_type = "Add"
    made.graph.node[0].input[:] = ["x", "w"]
    return made


def test_no_file_outside_the_folder_is_read(tmp_path):
    """Weights may lie beside a model; what lies elsewhere is nobody's business."""
    folder, secret = tmp_path / "models", tmp_path / "secret"
    folder.mkdir()
    secret.write_bytes(bytes(12))
    (folder / "beside").write_bytes(bytes(12))
    (folder / "link").symlink_to(secret)
    refused = {}
    for location in ("beside", "../secret", secret, "link"):
        path = folder / "a.onnx"
        path.write_bytes(with_weights_in(location).SerializeToString())
        refused[location] = taken(lambda path=path: run(path), vs.Error, location)
    assert refused == {"beside": False, "../secret": True, secret: True, "link": True}
