import os
import pickle
import resource
import sys
import zipfile
from random import Random
from types import ModuleType

import pytest
import torch

from tests import network_pickles
from vsrestore.checkpoints import CheckpointError, peek, read

STATE = {
    "synthesis.conv.weight": torch.arange(12.0).reshape(3, 4),
    "synthesis.conv.resample_filter": torch.ones(2, 2),
    "mapping.bias": torch.tensor([1.0, 2.0], dtype=torch.float16),
}


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_the_averaged_generator_is_read(tmp_path, protocol):
    path = network_pickles.save(tmp_path / "a.pkl", STATE, protocol=protocol)
    tensors = read(path)
    assert tensors.keys() == {f"G_ema.{name}" for name in STATE}
    assert all(torch.equal(tensors[f"G_ema.{name}"], tensor) for name, tensor in STATE.items())
    assert peek(path) == {f"G_ema.{name}": tuple(tensor.shape) for name, tensor in STATE.items()}


def test_source_inside_is_not_run(tmp_path):
    trace = tmp_path / "trace"
    source = f"open({str(trace)!r}, 'w')"
    assert read(network_pickles.save(tmp_path / "a.pkl", STATE, source=source))
    assert not trace.exists()


@pytest.mark.parametrize("call", [peek, read])
@pytest.mark.parametrize("place", ["an entry", "the generator"])
def test_a_pickle_that_runs_a_command_is_refused_and_does_nothing(tmp_path, place, call):
    trace = tmp_path / "trace"
    evil = Calls(os.system, f"touch '{trace}'")
    more = {"augment_pipe": evil} if place == "an entry" else {"G_ema": evil}
    path = network_pickles.save(tmp_path / "evil.pkl", STATE, **more)
    with pytest.raises(CheckpointError, match=rf"evil\.pkl is not read: .*\({os.name}\.system\).*could run code"):
        call(path)
    assert not trace.exists()


@pytest.mark.parametrize("function", [eval, exec, __import__])
def test_builtins_that_run_code_are_refused(tmp_path, function):
    path = network_pickles.save(tmp_path / "evil.pkl", STATE, augment_pipe=Calls(function, "os"))
    with pytest.raises(CheckpointError, match=f"builtins.{function.__name__}"):
        read(path)


def test_functions_of_torch_are_not_called(tmp_path):
    trace = tmp_path / "trace"
    evil = Calls(torch.save, STATE, str(trace))
    assert read(network_pickles.save(tmp_path / "a.pkl", STATE, augment_pipe=evil))
    assert not trace.exists()


def test_nothing_is_imported(tmp_path, monkeypatch):
    """A class of a module that lies on the path stays unknown, whatever the file says of it."""
    (tmp_path / "networks.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\nclass Loss: pass\n")
    fake = ModuleType("networks")
    fake.Loss = type("Loss", (), {"__module__": "networks"})
    monkeypatch.setitem(sys.modules, "networks", fake)
    path = network_pickles.save(tmp_path / "a.pkl", STATE, augment_pipe=fake.Loss())
    monkeypatch.delitem(sys.modules, "networks")
    monkeypatch.syspath_prepend(tmp_path)
    assert read(path)
    assert not (tmp_path / "trace").exists()
    assert "networks" not in sys.modules


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_within_the_tensors_is_read_as_tensors_only(tmp_path):
    """Storages are files of their own, which torch would unpickle in full."""
    trace = tmp_path / "trace"
    inner = pickle.dumps(Calls(os.system, f"touch '{trace}'"))
    evil = Calls(torch.storage._load_from_bytes, inner)
    path = network_pickles.save(tmp_path / "evil.pkl", STATE, augment_pipe=evil)
    with pytest.raises(CheckpointError, match=r"evil\.pkl"):
        read(path)
    assert not trace.exists()


@pytest.mark.parametrize("generator", [None, {"a": 1}, 3])
def test_a_network_pickle_without_an_averaged_generator(tmp_path, generator):
    path = network_pickles.save(tmp_path / "a.pkl", STATE, G_ema=generator)
    with pytest.raises(CheckpointError, match=r"without an averaged generator \(G_ema\)"):
        read(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_truncated_or_damaged_anywhere_is_an_error_in_words_or_changes_values_only(tmp_path):
    content = network_pickles.save(tmp_path / "whole.pkl", STATE).read_bytes()
    path, random, told = tmp_path / "damaged.pkl", Random(1), 0
    for _ in range(150):
        changed = bytearray(content)
        changed[random.randrange(len(changed))] ^= random.randrange(1, 256)
        path.write_bytes(changed if random.random() < 0.7 else content[: random.randrange(1, len(content))])
        try:
            assert read(path)
        except CheckpointError:
            told += 1
    assert told > 40


@pytest.mark.parametrize("zipped", [True, False])
def test_a_number_in_a_pickle_is_no_size_of_a_table(tmp_path, zipped):
    """The unpickler in C keeps what it has read in a table as long as the highest number: 32 GB for these bytes."""
    asked = b"r" + (300_000_000).to_bytes(4, "little")  # keep what was read last as number so and so
    path = tmp_path / "a.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", b"\x80\x02}" + asked + b".")
    else:
        path.write_bytes(b"\x80\x02}" + asked + b"X\x17\x00\x00\x00torch_utils.persistenceq\x00s.")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB
