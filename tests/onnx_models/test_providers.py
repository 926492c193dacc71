"""Which provider runs an ONNX model, that it is told, and that what CUDA's needs is installed along."""

from __future__ import annotations

import configparser
import mmap
import re
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from vsrestore.onnx_models import session
from vsrestore.onnx_models.session import Placement, fallen_back

SETUP = Path(__file__).parents[2] / "setup.cfg"
OF_THE_DRIVER = {"libcuda.so.1"}
OFFERED = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime for cards, on a machine with one."""
    library = SimpleNamespace(get_available_providers=lambda: OFFERED)
    monkeypatch.setattr(session, "onnxruntime", lambda: library)
    monkeypatch.setattr(session, "_usable", lambda _: True)


def running(provider: str) -> SimpleNamespace:
    return SimpleNamespace(get_providers=lambda: [provider, "CPUExecutionProvider"])


@pytest.mark.usefixtures("offered")
def test_what_tensorrt_cannot_do_cuda_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [name for name, _ in Placement("tensorrt", 0).settings()] == OFFERED
    assert [name for name, _ in Placement(None, 0).settings()] == OFFERED[1:]


@pytest.mark.skipif(sys.platform != "linux", reason="where the cache is differs")
@pytest.mark.usefixtures("offered")
def test_tensorrt_keeps_engines_and_timings_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for half in (True, False):
        (_, tensorrt), (_, cuda), _ = Placement("tensorrt", 1, half).settings()
        folder = tmp_path / "vsrestore" / "tensorrt"
        assert folder.is_dir()
        for kept in ("engine", "timing"):
            assert tensorrt[f"trt_{kept}_cache_enable"] is True
            assert tensorrt[f"trt_{kept}_cache_path"] == str(folder)
        assert tensorrt["trt_fp16_enable"] is half
        assert tensorrt["device_id"] == cuda["device_id"] == 1
        assert cuda["use_tf32"] is False


@pytest.mark.usefixtures("offered")
def test_a_fall_back_to_the_processor_is_told() -> None:
    placement = Placement(None, 0)
    assert fallen_back(running("CUDAExecutionProvider"), placement) is None
    told = fallen_back(running("CPUExecutionProvider"), placement)
    assert told is not None
    assert told.startswith("cuda does not work here")
    assert "cpu runs the model" in told


@pytest.mark.skipif(sys.platform != "linux", reason="reads libraries of Linux")
def test_every_library_that_cuda_needs_comes_with_a_requirement() -> None:
    """A missing one makes ONNX Runtime run models on the CPU."""
    needed = _needed()
    if not needed:
        pytest.skip("ONNX Runtime for processors alone")
    assert needed <= _brought()
    assert needed - _brought(without="nvidia-curand") == {name for name in needed if name.startswith("libcurand.")}


def _needed() -> set[str]:
    """The libraries of the newest CUDA that the provider names, and those that `preload_dlls` opens for it."""
    import onnxruntime

    path = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    if not path.is_file():
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        named = {name.decode() for name in re.findall(rb"(lib(?:cu|nv)[A-Za-z_]+\.so\.\d+)\0", content)}
    # cuDNN and cuFFT are opened by names that the provider puts together.
    named |= {path[-1] for path in onnxruntime._get_nvidia_dll_paths(is_windows=False)}
    assert {name.partition(".")[0] for name in named} >= {"libcudnn", "libcufft", "libcurand"}
    newest: dict[str, str] = {}
    for name in sorted(named - OF_THE_DRIVER, key=lambda name: int(name.rpartition(".")[2])):
        newest[name.partition(".")[0]] = name
    return set(newest.values())


def _brought(without: str = "") -> set[str]:
    """The libraries in what the package requires, and what that requires, but for one requirement of the package."""
    parser = configparser.ConfigParser()
    parser.read(SETUP)
    waiting = [(line, "") for line in parser["options"]["install_requires"].strip().splitlines()]
    waiting = [(line, extra) for line, extra in waiting if Requirement(line).name != without]
    known: set[tuple[str, str]] = set()
    libraries: set[str] = set()
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            if (requirement.name, wanted) not in known:
                known.add((requirement.name, wanted))
                try:
                    distribution = metadata.distribution(requirement.name)
                except metadata.PackageNotFoundError:
                    continue
                libraries |= {file.name for file in distribution.files or () if ".so" in file.name}
                waiting += [(line, wanted) for line in distribution.requires or ()]
    return libraries
