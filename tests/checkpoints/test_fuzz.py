"""Registries, checkpoints and tensor shapes that chance has made or changed: whatever comes is an error in words."""

import io
import json
import pickle
import struct
import zipfile
from random import Random

import pytest
import torch
from hypothesis import strategies as st
from safetensors.torch import save_file

from tests.checkpoints.whole_files import safetensors
from tests.fuzzing import LETTERS, mutated, seeds, structures, taken
from vsrestore.checkpoints import CheckpointError, peek, read
from vsrestore.checkpoints.registry import Entry, read_registry, weights_folder
from vsrestore.checkpoints.verify import check
from vsrestore.networks import NetworkError, recognise

STATE = {"conv.weight": torch.arange(60.0).reshape(3, 4, 5), "conv.bias": torch.ones(3), "n": torch.tensor(4)}


def test_registries(tmp_path):
    whole = (weights_folder() / "registry.toml").read_bytes()
    entries = whole.split(b"\n\n")
    path, refused = tmp_path / "registry.toml", 0
    for seed in seeds():
        random = Random(seed)
        path.write_bytes(mutated(b"\n\n".join(random.sample(entries, 5)), random))
        refused += taken(lambda: read_registry(path), CheckpointError, seed)
    assert refused > 10


def saved(form):
    """A whole checkpoint as bytes."""
    buffer = io.BytesIO()
    torch.save(STATE, buffer, _use_new_zipfile_serialization=form == "zip")
    return safetensors(bytes(60)) if form == "safetensors" else buffer.getvalue()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_checkpoints(tmp_path, form):
    whole, path, refused = saved(form), tmp_path / "a.pth", 0
    for seed in seeds():
        path.write_bytes(mutated(whole, Random(seed)))
        refused += taken(lambda: read(path), CheckpointError, seed)
    assert refused > 10


@pytest.mark.filterwarnings("ignore")
def test_pickles_in_zip_files_with_right_checksums(tmp_path):
    """What a checksum cannot tell: the pickle itself is changed, and the archive written anew around it."""
    path, refused = tmp_path / "a.pth", 0
    with zipfile.ZipFile(io.BytesIO(saved("zip"))) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in records if name.endswith("data.pkl"))
    for seed in seeds():
        with zipfile.ZipFile(path, "w") as new:
            for each, content in records.items():
                new.writestr(each, mutated(content, Random(seed)) if each == name else content)
        refused += taken(lambda: read(path), CheckpointError, seed)
    assert refused > 10


@pytest.mark.filterwarnings("ignore")
def test_network_pickles(tmp_path):
    whole = pickle.dumps({"G_ema": {"torch_utils.persistence": [1, 2.0, "x", None]}}, protocol=3)
    path, refused = tmp_path / "a.pkl", 0
    for seed in seeds():
        path.write_bytes(mutated(whole, Random(seed)))
        refused += taken(lambda: read(path), CheckpointError, seed)
    assert refused > 10


NUMBERS = (0, 1, 2, 3, 5, 7, 27, 63, 64, 255, 1000, 65_536, 10**6, 2**31, 2**40, 2**63 - 1)


def changed(shapes, random):
    """The same names, some of them with another length or none at all in one place."""
    shapes = dict(shapes)
    for name in random.sample(sorted(shapes), random.choice((1, 2, 5))):
        shape = list(shapes[name]) or [1]
        shape[random.randrange(len(shape))] = random.choice(NUMBERS)
        shapes[name] = (*shape, 0) if random.random() < 0.2 else tuple(shape)
    return shapes


@pytest.mark.filterwarnings("ignore")
def test_shapes_of_any_size(tmp_path):
    """Shapes that a header may claim at no cost, because a tensor of no elements has no data."""
    known = [peek(file) for file in sorted(weights_folder().glob("*.safetensors"))]
    path = tmp_path / "a.safetensors"
    for seed in seeds():
        random = Random(seed)
        write_claiming(path, changed(random.choice(known), random))
        taken(lambda: recognise(peek(path)), (CheckpointError, NetworkError), seed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_shapes_of_image_models(tmp_path):
    """Those whose networks a library builds, by constructors that trust what they are given."""
    from tests.filters.image_networks import SMALL
    from vsrestore.networks import image_models

    networks = [make().state_dict() for make in SMALL.values()]
    known = [{name: tuple(tensor.shape) for name, tensor in state.items()} for state in networks]
    path = tmp_path / "a.safetensors"
    for seed in seeds():
        random = Random(seed)
        write_claiming(path, changed(random.choice(known), random))
        taken(lambda: image_models.describe(read(path)), (CheckpointError, NetworkError), seed)


def write_claiming(path, shapes):
    """Write a header with these shapes, in which tensors that would be large have one dimension of nothing."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        if size > 1 << 20:
            shape, size = (*shape[1:], 0, shape[0]), 0
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def test_files_that_nobody_published_a_hash_of(tmp_path):
    """What is accepted and pinned is whole."""
    entry = Entry(
        name="a", architecture="edvr", variant="", file="a.pth", urls=("https://a",), licence="MIT", commercial=True
    )
    path, whole = tmp_path / "a.pth", saved("zip")
    for seed in seeds():
        path.write_bytes(mutated(whole, Random(seed)))
        path.with_name("a.pth.sha256").unlink(missing_ok=True)
        if not taken(lambda: check(path, entry, pinned_as=path), CheckpointError, seed):
            assert read(path).keys() == STATE.keys()
    path.with_name("a.pth.sha256").unlink(missing_ok=True)
    save_file(STATE, path)
    assert check(path, entry, pinned_as=path)


WORDS = st.text(LETTERS, max_size=6) | st.sampled_from(
    ["https://a", "a.pth", "0" * 64, "A", "MIT", "../a", "A+T1", "\x1b[2J"]
)
VALUES = st.recursive(
    WORDS | st.integers(-(2**70), 2**70) | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)
KEYS = st.sampled_from([*Entry.__dataclass_fields__, "unknown", ""]) | WORDS
GOOD = {"architecture": "edvr", "variant": "", "file": "a.pth", "urls": ["https://a"], "licence": "MIT"}


def toml(value):
    """A value as TOML; strings and keys are written as JSON writes them, which TOML reads."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool) else repr(value)


def test_registries_of_any_structure(tmp_path):
    path = tmp_path / "registry.toml"
    refused = []

    def read_one(tables):
        lines = []
        for name, (whole, changes) in tables.items():
            table = {**(GOOD if whole else {}), **changes}
            lines += [f"[{json.dumps(name)}]", *(f"{json.dumps(key)} = {toml(value)}" for key, value in table.items())]
        path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
        refused.append(taken(lambda: read_registry(path), CheckpointError, tables))

    changes = st.dictionaries(KEYS, VALUES, max_size=3)
    structures(st.dictionaries(WORDS, st.tuples(st.booleans(), changes), max_size=3), read_one)
    assert True in refused
    assert False in refused


TENSORS = st.builds(
    lambda shape, kind: torch.zeros(shape, dtype=kind),
    st.lists(st.integers(0, 4), max_size=5),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]),
)
OBJECTS = st.recursive(
    TENSORS
    | st.none()
    | st.integers()
    | st.floats()
    | st.text(LETTERS, max_size=5)
    | st.binary(max_size=5)
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(LETTERS, max_size=8) | st.integers() | st.tuples(st.integers()), inner, max_size=4)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.filterwarnings("ignore")
def test_checkpoints_of_any_structure(tmp_path):
    """What is read are named tensors and nothing else."""
    path = tmp_path / "a.pth"

    def read_one(saved):
        form, held = saved
        if form == "pickle":
            path.write_bytes(pickle.dumps(held, protocol=2))
        else:
            torch.save(held, path, _use_new_zipfile_serialization=form == "zip")
        state = {}
        taken(lambda: state.update(read(path)), CheckpointError, form)
        assert all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items())

    structures(st.tuples(st.sampled_from(["zip", "legacy", "pickle"]), OBJECTS), read_one)
