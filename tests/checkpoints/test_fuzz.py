"""Registries, checkpoints and tensor shapes that chance has changed: whatever comes is an error in words, and soon.

Two seconds each by default; `VSRESTORE_FUZZ_SECONDS` gives more. The seed stands in the message of a failure.
"""

import io
import json
import os
import pickle
import resource
import struct
import time
import zipfile
from random import Random

import pytest
import torch
from safetensors.torch import save_file

from tests.checkpoints.whole_files import safetensors
from vsrestore.checkpoints import CheckpointError, peek, read
from vsrestore.checkpoints.registry import Entry, read_registry, weights_folder
from vsrestore.checkpoints.verify import check
from vsrestore.networks import NetworkError, recognise

SECONDS = float(os.environ.get("VSRESTORE_FUZZ_SECONDS", "2"))
MOST = 600  # MB by which memory may grow, however large the numbers in a file are
SLOWEST = 5.0  # seconds that one changed file may take, on a machine that does other things too
STATE = {"conv.weight": torch.arange(60.0).reshape(3, 4, 5), "conv.bias": torch.ones(3), "n": torch.tensor(4)}
PIECES = [
    b"\x00",
    b"\xff",
    b"0",
    b"9" * 30,
    b"-1",
    b'"',
    b"[" * 40,
    b"{",
    b"}",
    b"\n",
    b"true",
    b"\x80",
    b"1e999",
    b".",
]


def seeds(first=1):
    """Numbers one after another until the time is over, at least 50."""
    end, seed = time.monotonic() + SECONDS, first
    while time.monotonic() < end or seed < first + 50:
        yield seed
        seed += 1


def mutated(content, random):
    """Bytes flipped, cut out, doubled, moved, or replaced by what parsers stumble over."""
    content = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5))):
        at, length = random.randrange(len(content) + 1), random.choice((1, 1, 4, 30))
        kind = random.randrange(5)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << random.randrange(8)
        elif kind == 1 and len(content) > length:
            del content[at : at + length]
        elif kind == 2:
            content[at:at] = content[at : at + length]
        elif kind == 3:
            content[at : at + length] = random.choice(PIECES)
        else:
            content[at:at] = random.choice(PIECES)
    return bytes(content)


def taken(call, errors, seed):
    """Call; tell whether it was refused. Any other exception than these, or a long wait, is a finding."""
    began, before = time.monotonic(), peak()
    try:
        call()
    except errors as error:
        refused = True
        message = str(error).strip()
    except Exception as error:
        pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
    else:
        refused, message = False, "taken"
    assert message, f"seed {seed}: no message"
    assert time.monotonic() - began < SLOWEST, f"seed {seed} took {time.monotonic() - began:.1f} s"
    assert peak() - before < MOST, f"seed {seed} took {peak() - before:.0f} MB"
    return refused


def peak():
    """The most memory the process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
