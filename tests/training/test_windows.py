from types import SimpleNamespace

from vsrestore.training.windows import clip_windows, ends, training_windows

RESTORES = SimpleNamespace(radius=2)
INTERPOLATES = SimpleNamespace(radius=1, makes_between=True)


def test_frames_with_all_neighbours_come_first_and_ends_take_turns():
    assert training_windows(RESTORES, 7, 0)[:3].tolist() == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]]
    assert training_windows(RESTORES, 7, 0)[3:, 2].tolist() == [0, 5]


def test_the_ends_of_a_sample_take_turns():
    assert [ends(7, 2, step) for step in range(3)] == [(0, 5), (1, 6), (0, 5)]
    assert ends(7, 0, 3) == ()


def test_frames_between_others_are_made_from_those_beside_and_now_and_then_from_those_far_apart():
    near, far = [[0, 1, 2], [1, 2, 3]], [[0, 1, 3], [0, 2, 3]]
    assert [training_windows(INTERPOLATES, 4, step).tolist() for step in range(5)] == [near, near, near, far, near]


def test_of_a_clip_every_frame_is_given_that_can_be():
    assert clip_windows(RESTORES, 5)[:, 2].tolist() == [0, 1, 2, 3, 4]
    assert clip_windows(INTERPOLATES, 5).tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert clip_windows(INTERPOLATES, 5, [2]).tolist() == [[1, 2, 3]]
