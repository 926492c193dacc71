import numpy as np
import pytest

from vsrestore.damage.tape import PRESETS, damage_tape
from vsrestore.networks.reference_selection import select_references
from vsrestore.networks.tape_faults import measure, off_column, worse_lines


def scene(seed=0, height=96, width=128):
    """Slopes, edges and some texture, (3, H, W)."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = []
    for _ in range(3):
        a, b, phase = generator.uniform(0.02, 0.2, 3)
        planes.append(0.5 + 0.2 * np.sin(a * x + phase) + 0.15 * np.sign(np.sin(b * (x + 2 * y))))
    return np.stack(planes).astype(np.float32)


def test_slopes_and_edges_are_no_faults():
    y, x = np.mgrid[:32, :40].astype(np.float32)
    for plane in (y, x * y, (x + y > 30).astype(np.float32), (y > 16).astype(np.float32)):
        assert not off_column(plane).any()


def test_a_sample_counts_by_what_it_lies_outside():
    plane = np.tile(np.array([[0.2], [0.7], [0.4], [0.1]], np.float32), (1, 5))
    np.testing.assert_allclose(off_column(plane), [[0.3] * 5, [0] * 5], atol=1e-6)


def test_lines_count_by_what_they_are_worse_than_most():
    off = np.full((32, 16), 0.1)
    assert worse_lines(off) == 0
    off[5] = 0.3
    assert worse_lines(off) == pytest.approx(np.sqrt((0.3**2 - 0.1**2) / 32))


def with_noise(frame):
    return frame + np.random.default_rng(1).normal(0, 0.02, frame.shape[1:]).astype(np.float32)


def with_noisy_colours(frame):
    noise = np.random.default_rng(1).normal(0, 0.02, frame.shape[1:]).astype(np.float32)
    return frame + noise * np.array([0.114, 0.0, -0.299], np.float32)[:, None, None]


def with_displaced_lines(frame):
    frame = frame.copy()
    frame[:, 40:50:2] = np.roll(frame[:, 40:50:2], 12, axis=2)
    return frame


def with_a_dropout(frame):
    frame = frame.copy()
    frame[:, 30, 40:100] = 1
    return frame


@pytest.mark.parametrize("damage", [with_noise, with_noisy_colours, with_displaced_lines, with_a_dropout])
def test_every_fault_raises_the_score(damage):
    frame = scene()
    assert measure(damage(frame))[0] > measure(frame)[0] + 1e-4


def test_references_are_undamaged_frames_of_the_same_scene():
    """Two scenes in turn, every third frame damaged as tapes are."""
    frames = np.stack([scene(number // 6) for number in range(12)])
    damaged = damage_tape(frames[::3].transpose(0, 2, 3, 1), 0, 1, PRESETS["vhs"]).damaged
    frames[::3] = damaged.transpose(0, 3, 1, 2)
    scores, vectors = zip(*(measure(frame) for frame in frames), strict=True)
    references = select_references(np.array(scores), np.stack(vectors), 3)
    assert (references % 3 > 0).all()
    assert (references // 6 == np.arange(12)[:, None] // 6).all()


def test_the_vector_has_length_one_and_a_flat_frame_has_none():
    score, vector = measure(scene())
    assert vector.shape == (192,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    score, vector = measure(np.full((3, 16, 16), 0.5, np.float32))
    assert score == 0
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 15, 32), (32, 32)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="RGB"):
        measure(np.zeros(shape, np.float32))
