import numpy as np
import pytest

from tests.golden import records
from vsrestore.networks import reference_selection
from vsrestore.networks.reference_selection import (
    SELECTIONS,
    clean_frames,
    otsu_threshold,
    select_references,
    similarity,
    unit,
)


def test_scores_and_references_are_the_recorded_ones():
    record = records.read("tape-reference-selection")
    scores, vectors = similarity(record.inputs["in_text"], record.inputs["in_features"])
    expected = {name.removeprefix("out_"): value.numpy() for name, value in record.outputs.items()}
    np.testing.assert_allclose(scores, expected["scores"], atol=1e-6)
    assert otsu_threshold(scores) == pytest.approx(expected["threshold"].item(), abs=1e-6)
    np.testing.assert_array_equal(clean_frames(scores), expected["clean"])
    for selection in SELECTIONS:
        np.testing.assert_array_equal(select_references(scores, vectors, 5, selection), expected[f"refs_{selection}"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_is_that_of_scikit_image(dtype):
    filters = pytest.importorskip("skimage.filters")
    generator = np.random.default_rng(1)
    for _ in range(50):
        low, high = generator.normal(0.2, 0.01, 30), generator.normal(generator.uniform(0.2, 0.4), 0.01, 20)
        scores = np.concatenate((low, high)).astype(dtype)
        assert otsu_threshold(scores) == float(filters.threshold_otsu(scores))


def clip_of_four():
    """Scores of two clean frames, 1 and 3, and two others; frames 0 and 1 look alike, and so do 2 and 3."""
    vectors = unit(np.array([[1.0, 0.1], [1.0, 0.0], [0.1, 1.0], [0.0, 1.0]]))
    return np.array([0.9, 0.1, 0.8, 0.2]), vectors


def test_the_most_similar_clean_frame_comes_first():
    assert select_references(*clip_of_four(), 2).tolist() == [[1, 3], [1, 3], [3, 1], [3, 1]]


def test_published_takes_places_among_the_clean_frames_for_frame_numbers():
    assert select_references(*clip_of_four(), 2, "published").tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


def test_the_best_is_repeated_where_clean_frames_are_few():
    assert select_references(*clip_of_four(), 4)[2].tolist() == [3, 1, 3, 3]


def test_long_clips_are_compared_in_parts(monkeypatch):
    generator = np.random.default_rng(4)
    scores, vectors = generator.random(50), unit(generator.normal(size=(50, 3)))
    whole = select_references(scores, vectors)
    clean = clean_frames(scores)
    similar = vectors @ vectors[clean].T
    np.testing.assert_array_equal(whole, clean[np.argsort(-similar, axis=1, kind="stable")[:, :5]])
    monkeypatch.setattr(reference_selection, "AT_ONCE", 4 * len(clean))
    np.testing.assert_array_equal(select_references(scores, vectors), whole)


def test_frames_of_equal_scores_guide_each_other():
    scores, vectors = np.full(4, 0.5), clip_of_four()[1]
    assert clean_frames(scores).tolist() == [0]
    assert select_references(scores, vectors, 3).tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1], [2, 0, 1]]


def test_a_single_frame_guides_itself():
    references = select_references(np.array([0.3]), np.array([[1.0]]), 5)
    assert references.tolist() == [[0] * 5]
    assert references.dtype == np.int64


def test_vectors_of_length_zero_stay():
    assert unit(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0.6, 0.8]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros(0)}, "one or more frames"),
        ({"vectors": np.zeros((3, 2))}, "4 scores came with vectors of the shape"),
        ({"scores": np.array([0, 1, np.nan, 1])}, "not finite"),
        ({"count": 0}, "at least 1"),
        ({"selection": "wrong"}, "known are intended, published"),
    ],
)
def test_what_cannot_be_selected_from_is_refused(change, message):
    scores, vectors = clip_of_four()
    arguments = {"scores": scores, "vectors": vectors, "count": 2, "selection": "intended", **change}
    with pytest.raises(ValueError, match=message):
        select_references(**arguments)
