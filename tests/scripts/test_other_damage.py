"""The second generator of damage, and the measures by kind."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "benchmarks" / "other_damage"
FILM = ("dirt", "scratches", "cue marks", "stains", "all together")
TAPE = ("lines out of place", "tracking band", "drop-outs", "bands and noise", "chroma lost", "all together")


def picture(length: int = 5) -> np.ndarray:
    y, x = np.mgrid[:120, :160].astype(np.float32)
    waves = [np.sin(x / 5 + y / 9), np.sin(x / 7 - y / 6 + 1), np.cos(x / 11 + y / 4)]
    return np.stack([(0.5 + 0.3 * np.stack(waves, axis=-1)).astype(np.float32)] * length)


def test_it_shares_no_code_with_the_generator_that_trains():
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("vsrestore")], path.name


@pytest.mark.parametrize(("module", "kind"), [*(("film", k) for k in FILM), *(("tape", k) for k in TAPE)])
def test_every_kind_damages_repeatably_and_leaves_a_picture(part, module, kind):
    kinds = part(f"other_damage.{module}").KINDS
    frames = picture()
    kept = frames.copy()
    one, again, other = (kinds[kind](frames, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(frames, kept)
    assert one.shape == frames.shape
    assert one.dtype == np.float32
    assert 0 <= one.min() <= one.max() <= 1
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.abs(one - frames).max() > 0.02


def test_scratches_of_other_hands_last_and_dirt_does_not(part):
    kinds = part("other_damage.film").KINDS
    flat = np.full((6, 120, 160, 3), 0.5, np.float32)

    def likeness(kind):
        change = np.abs(kinds[kind](flat, np.random.default_rng(3)) - 0.5).mean(axis=(1, 3))
        return np.mean([np.corrcoef(one, two)[0, 1] for one, two in pairwise(change)])

    assert likeness("scratches") > 0.4
    assert abs(likeness("dirt")) < 0.3


def test_stains_of_other_hands_lie_still_on_all_frames_or_on_none(part):
    flat = np.full((8, 120, 160, 3), 0.5, np.float32)
    still = []
    for seed in range(8):
        stained = part("other_damage.film").KINDS["stains"](flat, np.random.default_rng(seed))
        changes = (stained - flat).reshape(len(flat), -1)
        alike = [one @ two > 0.99 * np.linalg.norm(one) * np.linalg.norm(two) for one, two in pairwise(changes)]
        assert all(alike) or not any(alike)
        still.append(all(alike))
    assert 0 < sum(still) < len(still)


def test_rows_are_moved_back_to_where_the_truth_has_them(part):
    rng = np.random.default_rng(1)
    truth = np.cumsum(rng.standard_normal((1, 24, 200, 1)), axis=2).astype(np.float32) * np.ones(3, np.float32)
    shifts = rng.integers(-12, 13, 24)
    moved = np.stack([np.roll(row, shift, axis=0) for row, shift in zip(truth[0], shifts, strict=True)])[None]
    back = part("rows").in_place(moved, truth)
    np.testing.assert_allclose(back[:, :, 24:-24], truth[:, :, 24:-24], atol=1e-5)


def test_clean_clips_of_upright_lines_stand_still_or_move(part):
    clips = part("verticals").clips(3)
    assert len(clips) == 6
    for name, frames in clips.items():
        assert frames.shape == (3, 360, 480, 3)
        steps = np.abs(np.diff(frames, axis=0)).mean()
        assert steps == 0 if name.endswith("still") else steps > 0.005


def test_gain_by_kind_counts_all_frames_together(part, monkeypatch, tmp_path):
    kinds, cases = part("kinds"), part("damage_cases")
    for module in (kinds, cases):
        monkeypatch.setattr(module, "find_clips", lambda folder, patterns: [Path("a.mp4"), Path("b.mp4")])
        monkeypatch.setattr(module, "read_frames", lambda path, count, width: picture(count))
    monkeypatch.setattr(kinds, "verticals", lambda count: {})
    monkeypatch.setattr(kinds.vsrestore, "film", lambda clip, **_: clip)
    settings = cases.Settings(tmp_path, frames=5, kinds=("scratches", "cue marks", "clean"))
    by_kind, clean = kinds.film_kinds(settings)
    assert [row[:2] for row in by_kind.rows] == [
        (kind, generator) for kind in ("cue marks", "scratches") for generator in ("other hands", "ours")
    ]
    for row in by_kind.rows:
        assert row[2] < cases.SEEN
        assert row[4] == pytest.approx(0, abs=1e-3)
    assert not any(requirement.met for requirement in by_kind.requirements)
    assert clean.requirements[0].met


def test_an_unknown_kind_or_generator_is_named(part, monkeypatch, tmp_path):
    kinds, cases = part("kinds"), part("damage_cases")
    monkeypatch.setattr(cases, "find_clips", lambda folder, patterns: [Path("a.mp4")])
    with pytest.raises(SystemExit, match="no kind of damage is called 'rust'; there are: all together"):
        kinds.film_kinds(cases.Settings(tmp_path, kinds=("rust",)))
    with pytest.raises(SystemExit, match="no generator is called 'mine'"):
        kinds.tape_kinds(cases.Settings(tmp_path, generators=("mine",)))
