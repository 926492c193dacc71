import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from random import Random

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vsrestore.checkpoints import CheckpointError, peek, read

STATE = {"conv.weight": torch.arange(12.0).reshape(3, 4), "conv.bias": torch.tensor([1, 2], dtype=torch.int64)}
SHAPES = {"conv.weight": (3, 4), "conv.bias": (2,)}


NOTHING_OF_A_MILLION = {"dtype": "F32", "shape": [1_000_000, 0], "data_offsets": [8, 8]}


class RunsCode:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_reads_what_was_saved(tmp_path, form):
    path = tmp_path / "a.checkpoint"
    if form == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=form == "zip")
    tensors = read(path)
    assert tensors.keys() == STATE.keys()
    assert all(torch.equal(tensors[name], STATE[name]) and tensors[name].dtype == STATE[name].dtype for name in STATE)
    assert peek(path) == SHAPES


def test_nested_dicts_are_joined_by_dots_and_other_things_left_out(tmp_path):
    torch.save({"epoch": 3, "state_dict": {"generator.a": torch.zeros(1)}, "meta": {"t": "x"}}, tmp_path / "a.pth")
    assert peek(tmp_path / "a.pth") == {"state_dict.generator.a": (1,)}


@pytest.mark.parametrize("zipped", [True, False])
def test_numbers_of_numpy_in_an_optimizer_are_left_out(tmp_path, zipped):
    group = {"lr": np.float64(1e-3), "betas": (np.float32(0.95), 0.99), "params": [np.int64(0)]}
    state = {"model": STATE, "opt": {"state": {}, "param_groups": [group]}}
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert peek(tmp_path / "a.pth") == {f"model.{name}": shape for name, shape in SHAPES.items()}


def test_peek_at_safetensors_needs_no_torch(tmp_path):
    save_file(STATE, tmp_path / "a.safetensors")
    code = (
        "import sys; from vsrestore.checkpoints import peek; "
        f"assert len(peek({str(tmp_path / 'a.safetensors')!r})) == 2; "
        "assert 'torch' not in sys.modules and 'vapoursynth' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_truncated_anywhere_is_an_error_of_peek(tmp_path, form):
    path, cut = tmp_path / "whole", tmp_path / "cut"
    if form == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=form == "zip")
    content = path.read_bytes()
    for length in range(1, len(content) - 1, max(1, len(content) // 40)):
        cut.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=str(cut)):
            peek(cut)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_damage_anywhere_is_an_error_in_words_or_changes_values_only(tmp_path, form):
    path, damaged = tmp_path / "whole", tmp_path / "damaged"
    if form == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=form == "zip")
    content, random, told = path.read_bytes(), Random(form), 0
    for _ in range(200):
        changed = bytearray(content)
        changed[random.randrange(len(changed))] ^= random.randrange(1, 256)
        damaged.write_bytes(changed)
        try:
            tensors = read(damaged)
        except CheckpointError:
            told += 1
        else:
            assert tensors
    assert told > 20


def test_a_longer_safetensors_file_is_damaged(tmp_path):
    save_file(STATE, tmp_path / "a.safetensors")
    with (tmp_path / "a.safetensors").open("ab") as file:
        file.write(b"more")
    with pytest.raises(CheckpointError, match="damaged"):
        read(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-2, -1], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": NOTHING_OF_A_MILLION},
        {"a": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}},
        {"a": {"shape": [2], "data_offsets": [0, 8]}},
        {"a": [2]},
        [[[]]],
    ],
)
def test_forged_safetensors_headers(tmp_path, header):
    text = json.dumps(header).encode() if isinstance(header, dict) else b"{" + json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(CheckpointError, match="header"):
        peek(tmp_path / "a.safetensors")


def test_a_header_longer_than_the_formats_limit_is_refused(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b'{"a":1}')
    with pytest.raises(CheckpointError, match="no valid safetensors"):
        peek(tmp_path / "a.safetensors")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("call", [peek, read])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, call, zipped):
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    torch.save({"a": RunsCode(str(trace)), **STATE}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="could run code"):
        call(path)
    assert not trace.exists()


def _zip_with(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>Google Drive", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"hello there, this is a readme", "is text"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (bytes(257) + b"ustar" + bytes(300), "tar archive"),
        (bytes(600), "neither"),
        (pickle.dumps({"a": 1}), "plain Python pickle"),
        (pickle.dumps({"module": "torch_utils.persistence"}), "network pickle without an averaged generator"),
        (_zip_with("readme.txt"), "zip archive without"),
        (_zip_with("m/data.pkl", "m/constants.pkl"), "TorchScript"),
        (b"PK\x03\x04" + bytes(100), "truncated or damaged"),
    ],
)
def test_says_what_a_file_is_instead(tmp_path, content, message):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    for call in (peek, read):
        with pytest.raises(CheckpointError, match=message):
            call(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        peek(tmp_path / "none.pth")


def test_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        peek(tmp_path)


def test_a_zip_bomb_is_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", pickle.dumps({}))
        archive.writestr("m/data/0", bytes(50_000_000))
    with pytest.raises(CheckpointError, match="would unpack"):
        peek(tmp_path / "bomb.pth")


def test_a_repacked_zip_is_read(tmp_path):
    torch.save(STATE, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as source,
        zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert torch.equal(read(tmp_path / "b.pth")["conv.weight"], STATE["conv.weight"])


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_expanded_and_sparse_tensors_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1).expand(1000, 1000)}, tmp_path / "expanded.pth")
    torch.save({"a": torch.eye(3).to_sparse()}, tmp_path / "sparse.pth")
    with pytest.raises(CheckpointError, match="larger than its data"):
        read(tmp_path / "expanded.pth")
    with pytest.raises(CheckpointError, match="sparse"):
        read(tmp_path / "sparse.pth")


@pytest.mark.parametrize("content", [[torch.zeros(1)], torch.zeros(1), {"epoch": 1}])
def test_files_without_named_tensors(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"not a state dict|no tensors"):
        read(tmp_path / "a.pth")


def test_dicts_nested_in_themselves_are_refused(tmp_path):
    nested = {"t": torch.zeros(1)}
    for _ in range(30):
        nested = {str(i): nested for i in range(10)}
    torch.save(nested, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="nested"):
        read(tmp_path / "a.pth")


@pytest.mark.parametrize("call", [peek, read])
def test_a_single_changed_byte_of_a_zip_file_is_told(tmp_path, call):
    """PyTorch maps the file into memory and looks at no checksum: the picture would change without a word."""
    path = tmp_path / "a.pth"
    torch.save({"a": torch.full((1000,), 3.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(np.float32(3).tobytes() * 8) + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.pth is damaged \(Bad CRC-32 for file 'a/data/0'"):
        call(path)


def _rewritten(source, target, change):
    """Write a zip file anew with right checksums; `change` takes a record's name and content and gives the new one."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as new:
        for name in archive.namelist():
            content = change(name, archive.read(name))
            if content is not None:
                new.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, data: data[:-4] if name.endswith("data/0") else data, "has 44 bytes instead of 48"),
        (lambda name, data: data + bytes(4) if name.endswith("data/0") else data, "has 52 bytes instead of 48"),
        (lambda name, data: None if name.endswith("data/0") else data, "record whole/data/0 is missing"),
    ],
)
def test_a_record_of_another_length_than_its_tensor_is_told(tmp_path, change, message):
    torch.save(STATE, tmp_path / "whole.pth")
    _rewritten(tmp_path / "whole.pth", tmp_path / "cut.pth", change)
    with pytest.raises(CheckpointError, match=message):
        read(tmp_path / "cut.pth")


def test_storages_of_every_kind_have_the_length_they_are_told_to_have(tmp_path):
    kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16]
    kinds += [torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128]
    state = {str(kind): torch.ones(5, dtype=kind)[:3] for kind in kinds}
    torch.save({**state, "shared": state["torch.float32"]}, tmp_path / "a.pth")
    assert len(read(tmp_path / "a.pth")) == len(kinds) + 1


def test_a_few_tensors_with_a_layer_number_of_millions_are_refused_at_once(tmp_path):
    from vsrestore.networks import NetworkError, image_models, recognise

    compact = {
        "body.0.weight": torch.zeros(64, 3, 3, 3),
        "body.0.bias": torch.zeros(64),
        "body.1.weight": torch.ones(64),
    }
    last = {"body.2000000.weight": torch.zeros(48, 64, 3, 3), "body.2000000.bias": torch.zeros(48)}
    save_file({**compact, **last}, tmp_path / "a.safetensors")
    for call in (
        lambda: image_models.describe(read(tmp_path / "a.safetensors")),
        lambda: recognise(peek(tmp_path / "a.safetensors")),
    ):
        with pytest.raises(NetworkError, match="no network numbers its layers so high"):
            call()


def test_a_tensor_without_elements_may_not_claim_what_no_file_of_the_size_holds(tmp_path):
    torch.save({"a": torch.zeros(3, 0), "b": torch.zeros(2)}, tmp_path / "a.pth")
    assert peek(tmp_path / "a.pth") == {"a": (3, 0), "b": (2,)}
    torch.save({"a": torch.zeros(1 << 40, 0), "b": torch.zeros(2)}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="claims a shape larger than its data"):
        peek(tmp_path / "b.pth")
