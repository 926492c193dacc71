from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vsrestore.damage.blotches import Blotches, Mould
from vsrestore.damage.burns import Burns
from vsrestore.damage.canvas import view_of
from vsrestore.damage.colour import DyeLoss, Edges, Fading
from vsrestore.damage.cue_marks import CueMarks
from vsrestore.damage.film import KINDS, PRESETS, FilmDamage, damage_film
from vsrestore.damage.film_mixtures import ALONE, sample_film, sample_kind
from vsrestore.damage.grain import Grain
from vsrestore.damage.hairs import Hairs
from vsrestore.damage.rain import Rain
from vsrestore.damage.ranges import out_of_range
from vsrestore.damage.scratches import Scratches
from vsrestore.damage.specks import Dirt
from vsrestore.damage.splices import Splices
from vsrestore.damage.stains import Stains
from vsrestore.damage.transport import Bars, Flicker, Jumps, Weave

from .pictures import flat, noise

FAULTS = {
    "dirt": FilmDamage(dirt=Dirt(rate=60)),
    "halo": FilmDamage(dirt=Dirt(rate=60, halo=0.4)),
    "cue marks": FilmDamage(cue_marks=CueMarks(rate=0.6, anywhere=True)),
    "hairs": FilmDamage(hairs=Hairs(loose=3, lint=10, gate=2)),
    "scratches": FilmDamage(scratches=Scratches(count=5, broken=0.5)),
    "rain": FilmDamage(rain=Rain(rate=10)),
    "blotches": FilmDamage(blotches=Blotches(rate=2)),
    "stains": FilmDamage(stains=Stains(rate=0.5)),
    "mould": FilmDamage(mould=Mould(cover=0.3)),
    "splice edges": FilmDamage(splices=Splices(rate=0.5, offset=0, flash=0, edge=10)),
    "burns": FilmDamage(burns=Burns(rate=0.5, size=1)),
    "bars": FilmDamage(bars=Bars(strength=0.2)),
    "soft marks": FilmDamage(dirt=Dirt(rate=60), softness=1.0),
    "grain": FilmDamage(grain=Grain(amount=0.05, coloured=True)),
    "signal grain": FilmDamage(grain=Grain(amount=0.05, method="signal")),
    "soft-light grain": FilmDamage(grain=Grain(amount=0.2, method="softlight")),
    "gray": FilmDamage(tone="gray"),
    "sepia": FilmDamage(tone="sepia"),
    "fading": FilmDamage(fading=Fading(gain=(0.9, 0.7, 0.7), saturation=0.6)),
    "weave": FilmDamage(weave=Weave(amount=0.5, turn=0.02)),
    "flicker": FilmDamage(flicker=Flicker(amount=0.04)),
    "exposure": FilmDamage(flicker=Flicker(exposure=0.2)),
    "beat": FilmDamage(flicker=Flicker(beat=0.1)),
    "lost dyes": FilmDamage(dye_loss=DyeLoss(loss=(0.5, 0.1, 0.3), stain=(0, 0, 0.1))),
    "edges": FilmDamage(edges=Edges(vignette=0.5, vinegar=0.5, gate=20)),
    "jumps": FilmDamage(jumps=Jumps(rate=1, height=300)),
}
CONSTANT = ("gray", "sepia", "fading", "lost dyes", "edges")
KEPT = (*CONSTANT, "weave", "flicker", "exposure", "beat", "jumps")
GRAIN = ("grain", "signal grain", "soft-light grain")
MIXTURES = {**FAULTS, **PRESETS}


def test_no_fault_is_the_identity_bit_by_bit():
    frames = noise()
    done = damage_film(frames, 5, 1, FilmDamage())
    for part in done[:3]:
        assert part.dtype == np.float32
        assert np.array_equal(part, frames)
    assert not done.mask.any()


@pytest.mark.parametrize("name", MIXTURES)
def test_a_frame_alone_is_the_frame_of_the_run_bit_by_bit(name):
    frames = noise(4)
    kept = frames.copy()
    run = damage_film(frames, -2, 9, MIXTURES[name])
    assert np.array_equal(frames, kept)
    for i in (3, 0, 2):
        alone = damage_film(frames[i : i + 1], i - 2, 9, MIXTURES[name])
        for whole, part in zip(run, alone, strict=True):
            assert np.array_equal(whole[i], part[0])


@pytest.mark.parametrize("name", MIXTURES)
def test_same_seed_same_samples_other_seed_others(name):
    frames = noise()
    one, again, other = (damage_film(frames, 20, seed, MIXTURES[name]) for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert np.array_equal(one.damaged, other.damaged) == (name in CONSTANT)


@pytest.mark.parametrize("name", MIXTURES)
def test_results_are_pictures(name):
    for part in damage_film(noise(2), 0, 1, MIXTURES[name]):
        assert part.dtype == np.float32
        assert part.min() >= 0
        assert part.max() <= 1


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_in_the_outputs_it_belongs_to(name):
    frames = noise(3, 96, 128)
    done = damage_film(frames, 0, 2, FAULTS[name])
    assert not np.array_equal(done.damaged, frames)
    assert np.array_equal(done.grained, frames) == (name not in KEPT + GRAIN)
    assert np.array_equal(done.clean, frames) == (name not in KEPT)
    assert np.array_equal(done.damaged, done.grained) == (name in KEPT + GRAIN)
    assert done.mask.any() == (name not in (*KEPT, *GRAIN, "bars"))


def test_outside_the_mask_the_damaged_frame_is_the_grained_one():
    params = dataclasses.replace(PRESETS["film-heavy"], weave=Weave())
    done = damage_film(noise(3, 96, 128), 0, 2, params)
    clear = done.mask == 0
    assert 0.3 < clear.mean() < 0.999
    assert np.array_equal(done.damaged[clear], done.grained[clear])


@pytest.mark.parametrize("kind", ALONE)
def test_a_kind_alone_is_marked_as_that_kind(kind):
    assert tuple(ALONE) == KINDS
    laid = np.zeros(len(KINDS), dtype=bool)
    for seed in range(6):
        done = damage_film(noise(2, 96, 128), 50, seed, sample_kind(kind, seed))
        assert np.array_equal(done.mask, done.kinds.max(axis=-1))
        assert np.array_equal(done.grained, done.clean)
        laid |= done.kinds.any(axis=(0, 1, 2))
    assert [name for name, there in zip(KINDS, laid, strict=True) if there] == [kind]


def test_parameters_of_one_fault_leave_the_draws_of_the_others():
    frames = flat(0.5, 96, 128, 2)
    alone = damage_film(frames, 0, 3, FilmDamage(scratches=Scratches(count=3)))
    mixed = damage_film(
        frames, 0, 3, FilmDamage(scratches=Scratches(count=3), dirt=Dirt(rate=30), grain=Grain(amount=0))
    )
    dirt = damage_film(frames, 0, 3, FilmDamage(dirt=Dirt(rate=30)))
    assert alone.mask.any()
    assert np.array_equal(mixed.mask, np.maximum(alone.mask, dirt.mask))


def test_marks_on_black_and_white_film_are_gray():
    params = FilmDamage(
        tone="gray", dirt=Dirt(rate=80, tint=1), blotches=Blotches(rate=2), scratches=Scratches(count=4, coloured=1)
    )
    assert np.ptp(damage_film(noise(2), 0, 1, params).damaged, axis=-1).max() < 1e-6


def test_a_piece_gets_its_share_of_the_marks_of_the_frame():
    dirt = FilmDamage(dirt=Dirt(rate=100, burst=0, clusters=0))
    whole = np.mean([damage_film(flat(0.5, 384, 512), 0, seed, dirt).mask.mean() for seed in range(12)])
    piece = np.mean(
        [damage_film(flat(0.5, 128, 128), 0, seed, dirt, frame_width=512).mask.mean() for seed in range(60)]
    )
    assert piece == pytest.approx(whole, rel=0.3)


@pytest.mark.parametrize("shape", [(48, 64, 3), (1, 48, 64, 1), (1, 3, 48, 64)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"damage_film: .*\(T, H, W, 3\)"):
        damage_film(np.zeros(shape, np.float32), 0, 0, FilmDamage())


def test_sampled_mixtures_are_repeatable_usual_and_varied():
    mixtures = [sample_film(seed) for seed in range(400)]
    assert mixtures[:20] == [sample_film(seed) for seed in range(20)]
    assert not [told for params in (*mixtures, *PRESETS.values()) for told in out_of_range(params)]
    shares = {
        "dirt": np.mean([params.dirt.rate > 0 for params in mixtures]),
        "gate": np.mean([params.hairs.gate > 0 for params in mixtures]),
        "scratches": np.mean([params.scratches.count > 0 for params in mixtures]),
        "blotches": np.mean([params.blotches.rate > 0 for params in mixtures]),
        "cue marks": np.mean([params.cue_marks.rate > 0 for params in mixtures]),
        "bars": np.mean([params.bars.strength != 0 for params in mixtures]),
        "grain": np.mean([params.grain.amount > 0 for params in mixtures]),
        "gray": np.mean([params.tone == "gray" for params in mixtures]),
        "sepia": np.mean([params.tone == "sepia" for params in mixtures]),
    }
    assert all(0.02 < share < 0.97 for share in shares.values()), shares
    rates = [params.dirt.rate for params in mixtures if params.dirt.rate]
    assert min(rates) < 6
    assert max(rates) > 200
    almost_clean = [
        params for params in mixtures if not (params.dirt.rate or params.scratches.count or params.hairs.lint)
    ]
    assert almost_clean


def test_every_sampled_mixture_can_be_rendered():
    frames = noise(1, 32, 40)
    for seed in range(60):
        done = damage_film(frames, seed, seed, sample_film(seed), frame_width=300)
        assert all(np.isfinite(part).all() for part in done)


def test_a_piece_of_the_edges_is_that_of_the_frame():
    """Pieces know where in the frame they lie."""
    edges = FilmDamage(edges=Edges(vignette=0.5, gate=20))
    whole = damage_film(flat(0.5, 540, 720), 0, 1, edges).clean[0]
    piece = damage_film(flat(0.5, 96, 128), 0, 1, edges, frame_width=720).clean[0]
    view = view_of(96, 128, 720, 1)
    assert np.array_equal(piece, whole[view.top : view.top + 96, view.left : view.left + 128])


def test_new_faults_are_in_no_mixture_that_weights_were_trained_on():
    old = FilmDamage()
    for name in ("dye_loss", "edges", "jumps", "burns"):
        assert all(getattr(sample_film(seed), name) == getattr(old, name) for seed in range(50))
        assert all(getattr(params, name) == getattr(old, name) for params in PRESETS.values())


def test_uneven_exposure_leaves_black_and_white_alone():
    ends = np.stack([np.zeros((8, 8, 3)), np.ones((8, 8, 3))]).astype(np.float32)
    assert np.array_equal(damage_film(ends, 0, 1, FAULTS["exposure"]).damaged, ends)
