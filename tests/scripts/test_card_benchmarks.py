"""The benchmarks that a user with a card runs and sends back, on the CPU or with a stand-in for the card."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import vapoursynth as vs

import vsrestore
from tests.filters import seeded
from vsrestore.networks import ARCHITECTURES

SMALL = (64, 48)


@pytest.fixture
def trial(part):
    return part("card").Trial("cpu", "bfloat16", 0.02, SMALL)


def half_as_bright(clip: vs.VideoNode, **_: object) -> vs.VideoNode:
    return clip.std.Expr("x 2 /")


def later() -> float:
    """When time is up, long after these tests."""
    return time.monotonic() + 600


def test_every_filter_that_takes_a_device_is_measured(part):
    """A new filter has to have its case."""
    filters = part("card_filters")
    with_device = {name for name in vsrestore.FILTERS if "device:" in Path(_file_of(name)).read_text()}
    assert set(filters.filters()) == filters.CASES.keys() == with_device


def _file_of(name: str) -> str:
    return str(importlib.import_module(vsrestore.FILTERS[name]).__file__)


@pytest.mark.slow
def test_every_filter_takes_the_weights_of_its_case(part, tmp_path):
    filters, clip = part("card_filters"), part("material").moving_clip(30, 64, 64, vs.YUV420P8)
    for name, case in filters.CASES.items():
        with case.within():
            made = filters.prepared(name, tmp_path)(clip, device="cpu", precision="float32")
        assert made.num_frames >= clip.num_frames
        for path in tmp_path.iterdir():
            path.unlink()


def test_networks_stand_for_checkpoints_whose_tensors_have_other_names(part, trial, tmp_path, monkeypatch):
    filters = part("card_filters")

    def small(architecture: str) -> partial[torch.nn.Module]:
        module, _, name = ARCHITECTURES[architecture].partition(":")
        return partial(getattr(importlib.import_module(module), name), **seeded.TCVC[architecture])

    monkeypatch.setattr(filters, "_network_class", small)
    arguments = {"reference": trial.clip("tcvc")[:1], "render_size": 32, "chunk": 3, "memory": 0}
    case = filters.Case(arguments=lambda _: arguments, within=filters.CASES["tcvc"].within)
    monkeypatch.setitem(filters.CASES, "tcvc", case)
    rows = list(part("card")._measured("tcvc", tmp_path, trial, later()))
    assert [row[-1] for row in rows] == ["yes", "yes"]


def test_diffusion_has_networks_of_the_size_that_is_asked_for(part, trial, tmp_path, monkeypatch):
    monkeypatch.setattr("vsrestore.networks.diffusion.first_stage.SHORTEST", 32)
    filters, diffusion = part("card_filters"), part("diffusion")
    sizes: list[Mapping[str, object]] = []
    network = diffusion.UNet
    monkeypatch.setattr(diffusion, "UNet", lambda **settings: sizes.append(settings) or network(**settings))
    tiny = {**seeded.DIFFBIR, "context": 16}
    case = filters.CASES["diffbir"]
    monkeypatch.setattr(filters, "CASES", {"diffbir": replace(case, within=partial(diffusion.seeded_networks, tiny))})
    made = filters.prepared("diffbir", tmp_path)
    with filters.CASES["diffbir"].within():
        made(trial.clip("film")[:2], device="cpu", precision="float32").get_frame(0)
    assert sizes == [tiny]


def test_every_filter_has_a_row_for_each_precision_and_others_are_told_as_absent(part, trial, monkeypatch):
    card = part("card")
    monkeypatch.setattr(card, "find_spec", lambda _: None)
    table, mlrt, peer = card.run(trial, ["film", "interpolate"])
    assert [row[:3] for row in table.rows] == [
        (name, "64x48", precision) for name in ("film", "interpolate") for precision in ("bfloat16", "float32")
    ]
    for row in table.rows:
        assert row[3] > 0
        assert row[4:7] == ("not told",) * 3
        assert (row[7] == 0) or row[2] == "bfloat16"
        assert row[8] == "yes"
    assert table.requirements[0].met
    speeds = dict(mlrt.rows)
    assert speeds["vsrestore.onnx, cpu"] > 0
    assert speeds["vs-mlrt, tensorrt"] == "not run: vsmlrt is not installed"
    assert peer.rows[0][2] == "not run: no GPU"


def test_frames_that_depend_on_the_order_are_told(part, trial, monkeypatch):
    card = part("card")
    asked: list[int] = []

    def counted(clip: vs.VideoNode, **_: object) -> vs.VideoNode:
        def paint(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
            asked.append(n)
            frame = f.copy()
            np.asarray(frame[0])[:] = len(asked) % 200
            return frame

        return clip.std.ModifyFrame(clips=clip, selector=paint)

    monkeypatch.setattr(card, "prepared", lambda *_: counted)
    rows = list(card._measured("film", Path(), trial, later()))
    assert [row[-1] for row in rows] == ["no", "no"]


def test_a_filter_that_fails_and_one_that_finds_no_time_are_told(part, trial, monkeypatch):
    card = part("card")

    def fails(clip: vs.VideoNode, **_: object) -> vs.VideoNode:
        raise vs.Error("toy: precision='bfloat16' harms this network\nmore")

    monkeypatch.setattr(card, "prepared", lambda *_: fails)
    assert {row[1:] for row in card._measured("film", Path(), trial, later())} == {
        ("toy: precision='bfloat16' harms this network",) * 8
    }
    monkeypatch.setattr(card, "LIMIT", -1)
    monkeypatch.setattr(card, "_beside_mlrt", lambda *_, **__: None)
    assert card.run(trial, ["film"])[0].rows == [("film", *["no time left"] * 8)]


def test_a_filter_that_uses_up_its_time_is_not_begun_in_another_precision(part, trial, monkeypatch):
    card = part("card")
    monkeypatch.setattr(card, "prepared", lambda *_: half_as_bright)
    clock = iter([2.0])
    monkeypatch.setattr(card, "_figures", lambda *_: ([np.zeros(1, np.uint8)], ["told"] * 5))
    monkeypatch.setattr(card, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    rows = list(card._measured("film", Path(), trial, until=1.0))
    assert [row[2:4] for row in rows] == [("no time left", "no time left"), ("bfloat16", "told")]
    assert rows[1][7] == "not told"  # the error, without float32 beside it


def test_a_slow_filter_takes_no_time_of_the_others_beyond_their_second_precision(part, trial, monkeypatch):
    card = part("card")
    passed = [0.0]

    def figures(*_: object) -> tuple[list[np.ndarray], list[str]]:
        passed[0] += 100.0 if not passed[0] else 1.0
        return [np.zeros(1, np.uint8)], ["told"] * 5

    monkeypatch.setattr(card, "prepared", lambda *_: half_as_bright)
    monkeypatch.setattr(card, "_figures", figures)
    monkeypatch.setattr(card, "_beside_mlrt", lambda *_, **__: None)
    monkeypatch.setattr(card, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    monkeypatch.setattr(card, "LIMIT", 120.0)
    rows = card.run(trial, ["film", "tape", "upscale"])[0].rows
    assert sorted((row[0], row[2]) for row in rows) == [
        ("film", "bfloat16"),
        ("film", "no time left"),
        ("tape", "bfloat16"),
        ("tape", "no time left"),
        ("upscale", "bfloat16"),
        ("upscale", "float32"),
    ]


def test_the_rate_is_that_between_arrivals(part, monkeypatch):
    """Four frames of a chunk come at once, every two seconds."""
    card = part("card")
    clock = iter([10.0, 10.0, 10.0, 10.0, 12.0, 12.0, 12.0, 12.0, 14.0])
    monkeypatch.setattr(card, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert card._fps(iter(range(40)), 3.0) == 2.0


class Moment:
    """An event of a card, by a clock that tells ms."""

    def __init__(self, clock: Iterator[float]) -> None:
        self.clock = clock

    def record(self) -> None:
        self.at = next(self.clock)

    def elapsed_time(self, later: Moment) -> float:
        return later.at - self.at


def test_the_share_of_time_in_networks_counts_what_overlaps_once(part, monkeypatch):
    card = part("card")
    # From 100 to 1100; networks from 300 to 500, from 400 to 700, and from 1000 beyond the end.
    clock = iter([100.0, 300.0, 500.0, 400.0, 700.0, 1000.0, 1300.0, 1100.0])
    cuda = SimpleNamespace(device=lambda _: nullcontext(), synchronize=lambda: None, Event=lambda **_: Moment(clock))
    monkeypatch.setattr(card.torch, "cuda", cuda)
    graphs = card.Graphs(None)
    with card._networks_under_way("cuda") as share:
        for _ in range(3):
            graphs.called(lambda inputs: inputs, "pictures", None)
    assert share == [pytest.approx(0.5)]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for a program")
def test_what_the_card_tells_is_asked_for(part, tmp_path, monkeypatch):
    card = part("card")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n[ $3 = --id=1 ] || exit 1\necho 80\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    forgotten: list[str] = []
    events = iter([0.0, 1000.0])  # ms; no network is called between
    stand_in = SimpleNamespace(
        reset_peak_memory_stats=forgotten.append,
        max_memory_allocated=lambda _: 2**31,
        is_available=lambda: False,
        device=lambda _: nullcontext(),
        synchronize=lambda: None,
        Event=lambda **_: Moment(events),
    )
    monkeypatch.setattr(card.torch, "cuda", stand_in)
    monkeypatch.setattr(card, "prepared", lambda *_: half_as_bright)
    slow = card.Trial("cuda:1", None, 0.8, SMALL)
    monkeypatch.setattr(card, "LENGTH", 10**7)
    rows = list(card._measured("lines_in_place", Path(), slow, later()))
    assert [row[4:] for row in rows] == [("80 %", 0.0, 2.0, 0, "yes")]
    assert forgotten == ["cuda:1"]
    assert card.trial_on("cuda").size is None


def test_vs_mlrt_is_asked_for_tensorrt_where_it_is_installed(part, trial, tmp_path, monkeypatch):
    card = part("card")
    backends: list[bool] = []
    stand_in = SimpleNamespace(
        Backend=SimpleNamespace(TRT=lambda *, fp16: backends.append(fp16)),
        inference=lambda shown, _path, *, backend: half_as_bright(shown[0]),
    )
    monkeypatch.setitem(sys.modules, "vsmlrt", stand_in)
    monkeypatch.setattr(card, "find_spec", lambda _: True)
    speeds = dict(card._beside_mlrt(trial, tmp_path, later()).rows)
    assert speeds["vs-mlrt, tensorrt"] > 0
    assert backends == [True]


def test_the_host_is_measured_without_network_and_card(part):
    (report,) = part("host").run(frames=8, repeats=1, size=(160, 96))
    assert [row[:2] for row in report.rows] == [("film", "160x96"), ("upscale", "320x192")]
    assert all(0 < row[2] < requirement.most for row, requirement in zip(report.rows, report.requirements, strict=True))
