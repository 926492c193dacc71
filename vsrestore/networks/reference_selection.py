"""Which frames of a clip guide which: clean ones that look alike, from a score and a vector of every frame.

Scores and vectors may come from anywhere: `clip_scores` compares frames with words, as published, `tape_faults`
measures them. Arrays alone, no network.

Source:
    Agnolucci, Galteri, Bertini, Del Bimbo, "Reference-based Restoration of Digitized Analog Videotapes", WACV 2024,
    arXiv 2310.14926; threshold: Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on
    Systems, Man, and Cybernetics 9, 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

Selection = Literal["intended", "published"]

BINS = 256
AT_ONCE = 1 << 22  # pairs of frames that are compared together, to bound memory

SELECTIONS: Mapping[Selection, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "intended": lambda clean, ranks: clean[ranks],
    "published": lambda clean, ranks: ranks,
}
"""How positions in the list of clean frames become frame numbers. The released script takes them for frame numbers as
they are, a slip; its training set was made so, too."""


def similarity(texts: np.ndarray, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare frames with the words for artefacts.

    Args:
        texts: (P, K), the embedding of each prompt, of any length.
        pictures: (N, K), the embedding of each frame, of any length.

    Returns:
        Scores (N,), the cosine between a frame and the mean of the prompts, high where it shows artefacts; and vectors
        (N, K), the embeddings of the frames with length 1.
    """
    prompt = unit(unit(texts).mean(0))
    vectors = unit(pictures)
    return vectors @ prompt, vectors


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (..., K) with length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def otsu_threshold(scores: np.ndarray) -> float:
    """Return the score that parts scores (N,) best in two, the centre of a bin; if all are equal, that score.

    Of thresholds that part them alike the first counts; on the same dtype the result is scikit-image's.
    """
    low, high = scores.min(), scores.max()
    if low == high:
        return float(low)
    counts, edges = np.histogram(scores, BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below, above = counts.cumsum()[:-1], counts[::-1].cumsum()[::-1][1:]
    sums = counts * centres
    means = sums.cumsum()[:-1] / below, sums[::-1].cumsum()[::-1][1:] / above
    return float(centres[np.argmax(below * above * (means[0] - means[1]) ** 2)])


def clean_frames(scores: np.ndarray, least: int = 1) -> np.ndarray:
    """Return the frames whose score lies below the threshold, lowest first, (C,).

    Args:
        scores: (N,), low where a frame is clean.
        least: where no score lies below, because all are equal, so many frames of the lowest scores stand in (N at
            most); the released script fails there.
    """
    order = np.argsort(scores, kind="stable")
    clean = order[scores[order] < otsu_threshold(scores)]
    return clean if len(clean) else order[:least]


def select_references(
    scores: np.ndarray, vectors: np.ndarray, count: int = 5, selection: Selection = "intended"
) -> np.ndarray:
    """Return the frames that guide each frame: the clean ones most like it, best first.

    A clean frame may guide itself. Where there are fewer clean frames than asked for, the best is repeated.

    Args:
        scores: (N,), low where a frame is clean.
        vectors: (N, K), of length 1.
        count: frames for each, D.
        selection: see `SELECTIONS`; "published" gives what the released script gives.

    Returns:
        (N, D), int64: frame numbers.

    Raises:
        ValueError: no frames, not one vector for every score, a number that is not finite, no frame asked for or an
            unknown selection.
    """
    _check(scores, vectors, count, selection)
    clean = clean_frames(scores, count)
    rows = max(AT_ONCE // len(clean), 1)
    parts = (vectors[first : first + rows] @ vectors[clean].T for first in range(0, len(vectors), rows))
    ranks = np.concatenate([_highest(part, min(count, len(clean))) for part in parts])
    missing = count - ranks.shape[1]
    ranks = np.concatenate((ranks, np.repeat(ranks[:, :1], missing, axis=1)), axis=1)
    return SELECTIONS[selection](clean, ranks).astype(np.int64)


def _highest(values: np.ndarray, count: int) -> np.ndarray:
    """Return where the highest values of each row stand, highest first, (B, count); of equal ones the first."""
    ranks = []
    for _ in range(count):
        ranks.append(values.argmax(1))
        np.put_along_axis(values, ranks[-1][:, None], -np.inf, 1)
    return np.stack(ranks, 1)


def _check(scores: np.ndarray, vectors: np.ndarray, count: int, selection: str) -> None:
    if not len(scores) or scores.ndim != 1:
        raise ValueError(f"scores have the shape {scores.shape}; one score for each of one or more frames is needed")
    if vectors.ndim != 2 or len(vectors) != len(scores):
        raise ValueError(f"{len(scores)} scores came with vectors of the shape {vectors.shape}; one row each is needed")
    if not (np.isfinite(scores).all() and np.isfinite(vectors).all()):
        raise ValueError("scores or vectors are not finite; measure the frames again")
    if count < 1:
        raise ValueError(f"{count} references were asked for; at least 1 is needed")
    if selection not in SELECTIONS:
        raise ValueError(f"unknown selection {selection!r}; known are {', '.join(SELECTIONS)}")
