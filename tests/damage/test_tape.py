from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vsrestore.damage.chroma import Bandwidth, ChromaFaults, ChromaShift
from vsrestore.damage.composite import Composite
from vsrestore.damage.dropouts import Dropouts
from vsrestore.damage.echoes import Ghosting, Ringing
from vsrestore.damage.fields import FieldFaults, Interlacing, Pulldown
from vsrestore.damage.luma import Levels, LumaNoise
from vsrestore.damage.ranges import out_of_range
from vsrestore.damage.sync import HeadSwitching, LostSync, Mistracking, TimeBase
from vsrestore.damage.tape import PRESETS, TapeDamage, damage_tape
from vsrestore.damage.tape_mixtures import ALONE, sample_kind, sample_tape

from .pictures import flat, noise

ROOT = Path(__file__).parents[2]
FAULTS = {
    "interlacing": TapeDamage(interlacing=Interlacing(combing=1, soften=0.5)),
    "dot crawl": TapeDamage(composite=Composite(amount=1)),
    "pal": TapeDamage(composite=Composite(amount=0.6, system="pal")),
    "bandwidth": TapeDamage(bandwidth=Bandwidth(luma=1, chroma=6, generations=2)),
    "chroma shift": TapeDamage(chroma_shift=ChromaShift(right=8, down=2, bleed=6)),
    "chroma noise": TapeDamage(chroma=ChromaFaults(noise=0.04)),
    "hue": TapeDamage(chroma=ChromaFaults(hue_jitter=10)),
    "lost colour": TapeDamage(chroma=ChromaFaults(loss=10)),
    "time base": TapeDamage(time_base=TimeBase(jitter=2, waving=4, flagging=60)),
    "ringing": TapeDamage(ringing=Ringing(peaking=1, ring=0.3, smear=0.1)),
    "drop-outs": TapeDamage(dropouts=Dropouts(rate=8, crease=0.1)),
    "mistracking": TapeDamage(mistracking=Mistracking(bands=2, height=120)),
    "head switching": TapeDamage(head_switching=HeadSwitching(height=12, skew=100)),
    "luma noise": TapeDamage(luma_noise=LumaNoise(amount=0.05, streaks=0.005)),
    "ghosts": TapeDamage(ghosting=Ghosting(gain=0.2, delay=100)),
    "levels": TapeDamage(levels=Levels(gain=1.1, pumping=0.05, hum=0.05)),
    "clipped": TapeDamage(levels=Levels(white=0.9, black=0.1, shading=0.2)),
    "pull-down": TapeDamage(pulldown=Pulldown(on=True, phase=2)),
    "lost field": TapeDamage(fields=FieldFaults(lost=0.5)),
    "blended": TapeDamage(fields=FieldFaults(blend=0.5)),
    "Hanover bars": TapeDamage(chroma=ChromaFaults(hue_jitter=10, alternate=True)),
    "colour killer": TapeDamage(chroma=ChromaFaults(killer=3)),
    "wow": TapeDamage(time_base=TimeBase(wow=0.02)),
    "fields apart": TapeDamage(time_base=TimeBase(waving=4, flagging=30, apart=1)),
    "lost sync": TapeDamage(lost_sync=LostSync(rate=1)),
    "heads apart": TapeDamage(head_switching=HeadSwitching(height=12, skew=100, apart=2)),
    "swing": TapeDamage(time_base=TimeBase(swing=3)),
    "missing lines": TapeDamage(dropouts=Dropouts(lines=6)),
    "colour lost in bands": TapeDamage(chroma=ChromaFaults(bands=12, band_hue=60)),
    "white dashes": TapeDamage(mistracking=Mistracking(bands=2, height=120, dash=40, bright=1)),
    "single pixels": TapeDamage(mistracking=Mistracking(bands=2, height=120, dash=1, colour=0.2, edge=0.1)),
    "noise at the bottom": TapeDamage(head_switching=HeadSwitching(height=20, snow=1, dash=1, colour=0.3)),
    "frozen noise": TapeDamage(luma_noise=LumaNoise(amount=0.05, frozen=0.7)),
}
FIXED = ("interlacing", "dot crawl", "pal", "bandwidth", "ringing", "clipped", "pull-down", "blended")
SHIFTED = (
    "time base",
    "swing",
    "white dashes",
    "mistracking",
    "single pixels",
    "head switching",
    "noise at the bottom",
    "fields apart",
    "lost sync",
    "heads apart",
    *PRESETS,
)
MIXTURES = {**FAULTS, **PRESETS, "sample": sample_tape(3)}


def test_no_fault_is_the_identity_bit_by_bit():
    frames = noise()
    done = damage_tape(frames, 5, 1, TapeDamage())
    assert done.damaged.dtype == np.float32
    assert np.array_equal(done.damaged, frames)
    assert not done.mask.any()
    assert not done.shifts.any()


@pytest.mark.parametrize("name", MIXTURES)
def test_a_frame_alone_is_the_frame_of_the_run_bit_by_bit(name):
    frames = noise(4)
    kept = frames.copy()
    run = damage_tape(frames, -2, 9, MIXTURES[name])
    assert np.array_equal(frames, kept)
    for i in (3, 0, 2):
        following = frames[min(i + 1, 3)]
        alone = damage_tape(frames[i : i + 1], i - 2, 9, MIXTURES[name], following=following)
        for whole, part in zip(run, alone, strict=True):
            assert np.array_equal(whole[i], part[0])


@pytest.mark.parametrize("name", MIXTURES)
def test_same_seed_same_samples_other_seed_others(name):
    frames = noise()
    one, again, other = (damage_tape(frames, 20, seed, MIXTURES[name]) for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert np.array_equal(one.damaged, other.damaged) == (name in FIXED)


@pytest.mark.parametrize("name", MIXTURES)
def test_results_are_pictures_that_differ_from_the_source(name):
    frames = noise(2)
    done = damage_tape(frames, 0, 1, MIXTURES[name])
    assert done.damaged.dtype == done.mask.dtype == done.shifts.dtype == np.float32
    assert (done.damaged.shape, done.mask.shape, done.shifts.shape) == (frames.shape, frames.shape[:3], (2, 48))
    assert 0 <= done.damaged.min() <= done.damaged.max() <= 1
    assert 0 <= done.mask.min() <= done.mask.max() <= 1
    assert np.abs(done.damaged - frames).max() > 0.01
    assert (done.shifts != 0).any() == (name in SHIFTED or MIXTURES[name].time_base.jitter > 0)


@pytest.mark.parametrize("name", ["bandwidth", "chroma shift", "ringing", "time base", "wow", "interlacing"])
def test_a_flat_picture_stays_flat_where_only_detail_can_suffer(name):
    frames = flat((0.2, 0.5, 0.7))
    np.testing.assert_allclose(damage_tape(frames, 0, 1, FAULTS[name]).damaged, frames, atol=1e-5)


def test_parameters_of_one_fault_leave_the_draws_of_the_others():
    frames = flat(0.5, 96, 128, 2)
    drops, head = FAULTS["drop-outs"].dropouts, HeadSwitching(height=12, skew=0, snow=0, blank=0)
    alone = damage_tape(frames, 0, 3, TapeDamage(dropouts=drops))
    mixed = damage_tape(frames, 0, 3, TapeDamage(dropouts=drops, head_switching=head))
    assert alone.mask.any()
    assert np.array_equal(alone.mask, mixed.mask)


def test_the_shifts_told_are_those_made():
    """A ramp shows by how much each line was shifted."""
    ramp = np.broadcast_to((np.arange(256, dtype=np.float32) / 256)[None, None, :, None], (1, 96, 256, 3))
    params = TapeDamage(
        time_base=TimeBase(jitter=2, waving=3), head_switching=HeadSwitching(height=12, snow=0, blank=0)
    )
    done = damage_tape(ramp, 3, 1, params)
    seen = (ramp[0, :, 128, 1] - done.damaged[0, :, 128, 1]) * 256
    np.testing.assert_allclose(seen, done.shifts[0], atol=1e-3)
    assert np.abs(done.shifts[0]).max() > 1


def test_a_piece_of_a_frame_gets_marks_of_its_size():
    frames = flat(0.5, 64, 96, 8)
    whole = damage_tape(frames, 0, 1, FAULTS["drop-outs"]).mask.mean()
    pieces = [damage_tape(frames, 0, seed, FAULTS["drop-outs"], 720).mask.mean() for seed in range(6)]
    assert 0 < np.mean(pieces) < whole


def test_samples_are_repeatable_varied_and_within_the_ranges():
    drawn = [sample_tape(seed) for seed in range(200)]
    assert drawn[7] == sample_tape(7)
    assert len(set(drawn)) == 200
    for params in drawn:
        assert not list(out_of_range(params))
    for name in ("ringing", "ghosting", "levels", "dropouts", "mistracking", "head_switching"):
        assert 10 < sum(getattr(params, name) == getattr(TapeDamage(), name) for params in drawn) < 190
    assert 10 < sum(params.composite.amount == 0 for params in drawn) < 190


@pytest.mark.parametrize("kind", ALONE)
def test_kinds_alone_are_repeatable_and_within_the_ranges(kind):
    drawn = [sample_kind(kind, seed) for seed in range(60)]
    assert drawn[7] == sample_kind(kind, 7)
    assert len(set(drawn)) == 60
    for params in drawn:
        assert not list(out_of_range(params))


def test_lines_out_of_place_lose_no_signal_but_at_the_bottom():
    frames = noise(2, 96, 128)
    for seed in range(6):
        done = damage_tape(frames, 3, seed, sample_kind("lines out of place", seed))
        assert (done.shifts != 0).any()
        assert not done.mask[:, :80].any()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_within_the_ranges(name):
    assert not list(out_of_range(PRESETS[name]))


def test_snow_may_be_single_coloured_pixels_in_a_band_with_sharp_edges():
    frames, band = np.full((1, 480, 640, 3), 0.5, np.float32), Mistracking(bands=1, height=60, strength=0.4, bright=1)
    likeness, full = [], []
    for more in ({"dash": 10.0}, {"dash": 1.0, "colour": 0.2, "edge": 0.05}):
        luma = damage_tape(frames, 3, 4, TapeDamage(mistracking=dataclasses.replace(band, **more))).damaged[0].mean(-1)
        depth = 0.5 - np.median(luma, axis=1)
        full.append((depth > 0.9 * depth.max()).sum() / (depth > 0.01).sum())
        middle = luma[depth > 0.9 * depth.max()]
        middle = middle - middle.mean()
        likeness.append((middle[:, 1:] * middle[:, :-1]).mean() / np.square(middle).mean())
    assert full[0] < 0.5
    assert full[1] > 0.9
    assert likeness[0] > 0.6
    assert likeness[1] < 0.3


def test_hi8_is_the_better_tape():
    frames = noise(1, 96, 128)
    vhs, hi8 = (np.abs(damage_tape(frames, 0, 1, PRESETS[name]).damaged - frames).mean() for name in ("vhs", "hi8"))
    assert hi8 < vhs


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"damage_tape: frames have the shape \(48, 64, 3\)"):
        damage_tape(noise()[0], 0, 1, TapeDamage())
    with pytest.raises(ValueError, match="damage_tape: following has the shape"):
        damage_tape(noise(), 0, 1, TapeDamage(), following=noise()[0, :-2])


def test_parameters_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["vhs"].composite = Composite()


def test_another_process_makes_the_same_samples():
    told = (
        "import hashlib, numpy as np; from vsrestore.damage.tape import PRESETS, damage_tape;"
        "frames = np.linspace(0, 1, 2 * 48 * 64 * 3, dtype=np.float32).reshape(2, 48, 64, 3);"
        "print(hashlib.sha256(damage_tape(frames, 7, 3, PRESETS['vhs']).damaged.tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    frames = np.linspace(0, 1, 2 * 48 * 64 * 3, dtype=np.float32).reshape(2, 48, 64, 3)
    here = damage_tape(frames, 7, 3, PRESETS["vhs"]).damaged
    assert there.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_new_faults_are_in_no_mixture_or_preset_that_was_there_before():
    old = TapeDamage()
    for params in (*PRESETS.values(), *(sample_tape(seed) for seed in range(50))):
        assert (params.pulldown, params.fields, params.lost_sync) == (old.pulldown, old.fields, old.lost_sync)
        assert (params.time_base.wow, params.chroma.alternate, params.luma_noise.frozen) == (0, False, 0)
