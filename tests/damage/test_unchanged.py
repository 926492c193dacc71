"""Presets and mixtures make what they made when weights were trained on them; new figures here ask for new weights."""

from __future__ import annotations

import numpy as np
import pytest

from vsrestore.damage import film, film_mixtures, tape, tape_mixtures

from .pictures import smooth

FILM = {**film.PRESETS, "mixture 3": film_mixtures.sample_film(3), "mixture 8": film_mixtures.sample_film(8)}
TAPE = {**tape.PRESETS, "mixture 3": tape_mixtures.sample_tape(3), "mixture 8": tape_mixtures.sample_tape(8)}
# Change of each sample: mean, root mean square.
FILM_FIGURES = {
    "film-light": (8e-05, 0.010025),
    "film-heavy": (0.001228, 0.255916),
    "mixture 3": (0.027039, 0.079379),
    "mixture 8": (-0.142729, 0.284585),
}
TAPE_FIGURES = {
    "vhs": (-0.007557, 0.162031),
    "hi8": (0.000751, 0.041057),
    "mixture 3": (-0.004789, 0.108957),
    "mixture 8": (0.007938, 0.031945),
}


def figures(damaged):
    """The change of all samples: mean and root mean square."""
    change = damaged - smooth()
    return float(change.mean()), float(np.sqrt(np.square(change).mean()))


@pytest.mark.parametrize("name", FILM)
def test_film_is_as_it_was(name):
    done = film.damage_film(np.stack([smooth()] * 2), 5, 3, FILM[name]).damaged
    assert figures(done) == pytest.approx(FILM_FIGURES[name], abs=1e-5)


@pytest.mark.parametrize("name", TAPE)
def test_tape_is_as_it_was(name):
    done = tape.damage_tape(np.stack([smooth()] * 2), 5, 3, TAPE[name]).damaged
    assert figures(done) == pytest.approx(TAPE_FIGURES[name], abs=1e-5)
