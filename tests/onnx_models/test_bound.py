"""Sessions read the memory of the pictures and write into that of the result; on a card two take turns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.filters.test_onnx import HALF, enlarge, gain
from vsrestore.onnx_models import session
from vsrestore.onnx_models.bound import BoundSessions
from vsrestore.onnx_models.session import OnnxError, Placement, load_session, onnx_network
from vsrestore.onnx_models.signature import Signature, read_signature

PATIENCE = 30.0
CPU = Placement("cpu", 0)


def loaded(path: Path, peak: float = 1.0, count: int = 1) -> BoundSessions:
    signature = read_signature(path)
    return BoundSessions([load_session(signature, CPU) for _ in range(count)], signature, peak)


def test_results_have_memory_of_their_own_and_inputs_stay(tmp_path: Path) -> None:
    sessions = loaded(enlarge(tmp_path / "m.onnx"))
    pictures = [torch.full((1, 3, 4, 6), value) for value in (0.1, 0.2, 0.3)]
    results = [sessions.run(picture) for picture in pictures]
    other = sessions.run(torch.ones(2, 3, 2, 2))
    assert other.shape == (2, 3, 4, 4)
    for value, picture, result in zip((0.1, 0.2, 0.3), pictures, results, strict=True):
        assert result.shape == (1, 3, 8, 12)
        for tensor in (picture, result):
            np.testing.assert_array_equal(tensor.numpy(), np.float32(value))


def test_what_is_known_of_a_shape_is_written_straight_into_the_result(tmp_path: Path) -> None:
    signature = read_signature(gain(tmp_path / "m.onnx"))
    noted = Noted(load_session(signature, CPU))
    sessions = BoundSessions([noted], signature, 1.0)
    pictures = torch.rand(1, 3, 4, 6)
    first, second = sessions.run(pictures), sessions.run(pictures)
    assert torch.equal(first, second)
    assert noted.inputs == [pictures.data_ptr()] * 2
    assert noted.outputs == [None, second.data_ptr()]


class Noted:
    """A session whose bindings tell where they point."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.inputs: list[int] = []
        self.outputs: list[int | None] = []
        self.get_outputs = real.get_outputs
        self.run_with_iobinding = real.run_with_iobinding

    def io_binding(self) -> Any:
        binding = self.real.io_binding()
        bind_input, bind_output = binding.bind_input, binding.bind_output

        def noted_input(*how: Any) -> None:
            self.inputs.append(how[-1])
            bind_input(*how)

        def noted_output(*how: Any) -> None:
            self.outputs.append(how[-1] if len(how) > 2 else None)
            bind_output(*how)

        binding.bind_input, binding.bind_output = noted_input, noted_output
        return binding


@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_float16_models_give_the_same_in_both_kinds_of_memory(tmp_path: Path, peak: float) -> None:
    sessions = loaded(gain(tmp_path / "m.onnx", kind=HALF), peak)
    pictures = torch.rand(1, 3, 5, 7)
    first, second = sessions.run(pictures), sessions.run(pictures)
    assert first.dtype == second.dtype == torch.float32
    assert torch.equal(first, second)
    np.testing.assert_allclose(first, pictures / 2, atol=1e-3)


def test_two_sessions_run_at_once(tmp_path: Path) -> None:
    signature = read_signature(gain(tmp_path / "m.onnx"))
    together = Barrier(2)

    def meeting(real: Any) -> SimpleNamespace:
        def run(binding: Any) -> None:
            if known:
                together.wait(PATIENCE)  # is broken unless both are there
            real.run_with_iobinding(binding)

        return SimpleNamespace(get_outputs=real.get_outputs, io_binding=real.io_binding, run_with_iobinding=run)

    known: list[bool] = []
    sessions = BoundSessions([meeting(load_session(signature, CPU)) for _ in range(2)], signature, 1.0)
    sessions.run(torch.rand(1, 3, 4, 4))  # the first of its shape is alone
    known.append(True)
    pictures = [torch.full((1, 3, 4, 4), n / 8) for n in range(6)]
    with ThreadPoolExecutor(2) as threads:
        for picture, result in zip(pictures, threads.map(sessions.run, pictures), strict=True):
            assert torch.equal(result, picture / 2)


def test_a_session_that_fails_is_there_for_the_next_call(tmp_path: Path) -> None:
    sessions = loaded(gain(tmp_path / "m.onnx", size=(4, 4)))
    with pytest.raises(Exception, match="invalid dimensions"):
        sessions.run(torch.rand(1, 3, 5, 5))
    assert sessions.run(torch.ones(1, 3, 4, 4)).mean() == 0.5


@pytest.fixture
def on_a_card(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Sessions say that CUDA runs them; the numbers of those loaded."""
    loads: list[int] = []

    def load(signature: Signature, _: Placement) -> Any:
        loads.append(len(loads))
        if signature.path.name == "large.onnx" and len(loads) > 1:
            raise OnnxError("out of memory")
        real = load_session(signature, CPU)
        told = {"get_providers": lambda: ["CUDAExecutionProvider"]}
        named = {name: getattr(real, name) for name in ("get_outputs", "io_binding", "run_with_iobinding")}
        return SimpleNamespace(**named, **told)

    monkeypatch.setattr(session, "load_session", load)
    monkeypatch.setattr(session, "fallen_back", lambda *_: None)
    return loads


@pytest.mark.parametrize(("name", "words"), [("small.onnx", []), ("large.onnx", ["no second one: out of memory"])])
def test_cards_have_two_sessions_or_a_word_why_not(
    tmp_path: Path, on_a_card: list[int], name: str, words: list[str]
) -> None:
    lines: list[str] = []
    network = onnx_network(read_signature(gain(tmp_path / name)), 1, CPU, warn=lines.append)
    assert len(on_a_card) == 2
    assert [line.partition(", ")[2] for line in lines] == words
    assert network(torch.ones(1, 3, 4, 4)).mean() == 0.5


def test_the_processor_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    real = session.load_session
    monkeypatch.setattr(session, "load_session", lambda *how: loads.append("one") or real(*how))
    onnx_network(read_signature(gain(tmp_path / "m.onnx")), 1, CPU)
    assert loads == ["one"]


def test_a_provider_without_its_libraries_is_an_error_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Video may go to stdout."""
    import onnxruntime

    if session.PROVIDERS["tensorrt"] not in onnxruntime.get_available_providers() or torch.cuda.is_available():
        pytest.skip("needs ONNX Runtime for cards on a machine without one")
    signature = read_signature(gain(tmp_path / "m.onnx"))
    with pytest.raises(OnnxError, match="provider='tensorrt'"):
        load_session(signature, Placement("tensorrt", 0))
    assert capfd.readouterr().out == ""


def test_without_a_choice_the_next_provider_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    real, tried = onnxruntime.InferenceSession, []

    def fails_on_directml(path: str, options: Any, providers: list, **how: Any) -> Any:
        tried.append([name for name, _ in providers])
        if providers[0][0] == "DmlExecutionProvider":
            raise RuntimeError("no such device")
        return real(path, options, providers=providers, **how)

    monkeypatch.setattr(onnxruntime, "InferenceSession", fails_on_directml)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["DmlExecutionProvider", "CPUExecutionProvider"]
    )
    signature = read_signature(gain(tmp_path / "m.onnx"))
    assert load_session(signature, Placement(None, 0)).get_providers() == ["CPUExecutionProvider"]
    assert tried == [["DmlExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]]
    tried.clear()
    with pytest.raises(OnnxError, match=r"cannot be loaded with provider='directml': no such device"):
        load_session(signature, Placement("directml", 0))
    assert len(tried) == 1
