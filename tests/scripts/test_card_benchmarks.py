"""The benchmarks that a user with a card runs and sends back, on the CPU or with a stand-in for the card."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import vapoursynth as vs

SMALL = (64, 48)


@pytest.fixture
def trial(part):
    return part("card").Trial("cpu", "bfloat16", 0.02, SMALL)


def half_as_bright(clip: vs.VideoNode, **_: object) -> vs.VideoNode:
    return clip.std.Expr("x 2 /")


def test_every_filter_has_a_row_for_each_precision_and_others_are_told_as_absent(part, trial, monkeypatch):
    card = part("card")
    monkeypatch.setattr(card, "find_spec", lambda _: None)
    table, mlrt, peer = card.run(trial, ["film", "interpolate"])
    assert [row[:3] for row in table.rows] == [
        (name, "64x48", precision) for name in ("film", "interpolate") for precision in ("float32", "bfloat16")
    ]
    for row in table.rows:
        assert row[3] > 0
        assert row[4:6] == ("not told", "not told")
        assert (row[6] == 0) or row[2] == "bfloat16"
        assert row[7] == "yes"
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
            return clip.std.BlankClip(color=[len(asked) % 200, 0, 0], length=1).get_frame(0)

        return clip.std.ModifyFrame(clips=clip, selector=paint)

    monkeypatch.setattr(card, "_filter", lambda *_: counted)
    rows = list(card._measured("counted", Path(), trial))
    assert [row[-1] for row in rows] == ["no", "no"]


def test_a_filter_that_fails_and_one_that_finds_no_time_are_told(part, trial, monkeypatch):
    card = part("card")

    def fails(clip: vs.VideoNode, **_: object) -> vs.VideoNode:
        raise vs.Error("toy: precision='bfloat16' harms this network\nmore")

    monkeypatch.setattr(card, "_filter", lambda *_: fails)
    assert {row[1:] for row in card._measured("toy", Path(), trial)} == {
        ("toy: precision='bfloat16' harms this network",) * 7
    }
    monkeypatch.setattr(card, "LIMIT", -1)
    monkeypatch.setattr(card, "_beside_mlrt", lambda *_: None)
    assert card.run(trial, ["film"])[0].rows == [("film", *["no time left"] * 7)]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for a program")
def test_what_the_card_tells_is_asked_for(part, tmp_path, monkeypatch):
    card = part("card")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 80\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    forgotten: list[str] = []
    stand_in = SimpleNamespace(
        reset_peak_memory_stats=forgotten.append,
        max_memory_allocated=lambda _: 2**31,
        is_available=lambda: False,
        get_device_name=lambda device: f"a card called {device}",
    )
    monkeypatch.setattr(card.torch, "cuda", stand_in)
    monkeypatch.setattr(card, "_filter", lambda *_: half_as_bright)
    slow = card.Trial("cuda:1", "float16", 1.2, SMALL)
    monkeypatch.setattr(card, "LENGTH", 10**7)
    rows = list(card._measured("toy", Path(), slow))
    assert [row[4:] for row in rows] == [("80 %", 2.0, 0, "yes")] * 2
    assert forgotten == ["cuda:1"] * 2
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
    speeds = dict(card._beside_mlrt(trial, tmp_path).rows)
    assert speeds["vs-mlrt, tensorrt"] > 0
    assert backends == [True]


def test_the_host_is_measured_without_network_and_card(part):
    (report,) = part("host").run(frames=8, repeats=1, size=(160, 96))
    assert [row[:2] for row in report.rows] == [("film", "160x96"), ("upscale", "320x192")]
    assert all(0 < row[2] < requirement.most for row, requirement in zip(report.rows, report.requirements, strict=True))
