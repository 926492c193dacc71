import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import edvr
from vsrestore.networks.edvr import EDVR

SMALL = {"channels": 16, "front_blocks": 1, "back_blocks": 2}
VARIANTS = [
    {},
    {"frames": 7},
    {"tsa": False},
    {"predeblur": True},
    {"hr_in": True},
    {"predeblur": True, "hr_in": True},
    {"groups": 4, "front_blocks": 3, "back_blocks": 5},
]


def _network(**settings):
    torch.manual_seed(0)
    return EDVR(**{**SMALL, **settings}).eval()


def _close(found, expected, tolerance=2e-5):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("settings", VARIANTS)
def test_every_window_gives_what_the_plain_way_gives(settings):
    network = _network(**settings)
    count, size = network.frames, network.multiple * 4
    frames = torch.rand(2, count + 2, 3, size, size * 2)
    at_a_start = [1] * (count // 2) + [*range(1, count - count // 2 + 1)]
    windows = torch.tensor([[*range(count)], at_a_start, [*range(2, count + 2)]])
    with torch.inference_mode():
        found = network(frames, windows)
        plain = torch.stack([network.plain(frames[:, window]) for window in windows], dim=1)
    assert found.shape == (2, 3, 3, size * network.scale, size * 2 * network.scale)
    _close(found, plain)


def test_features_of_a_frame_are_computed_once_and_dropped_after_their_last_window(monkeypatch):
    network = _network()
    computed, alive = [], []
    features, fuse = network._features, network._fuse
    monkeypatch.setattr(
        network, "_features", lambda frame: computed.append(float(frame[0, 0, 0, 0])) or features(frame)
    )
    monkeypatch.setattr(network, "_fuse", lambda row, known: alive.append(sorted(known)) or fuse(row, known))
    frames = torch.arange(9.0).view(1, 9, 1, 1, 1).expand(1, 9, 3, 16, 16)
    with torch.inference_mode():
        network(frames, torch.arange(5)[:, None] + torch.arange(5))
    assert computed == list(range(9))
    assert alive == [[k, k + 1, k + 2, k + 3, k + 4] for k in range(5)]


def test_repeated_frames_of_a_window_are_aligned_once():
    network = _network()
    calls = []
    network.pcd_align.register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        network(torch.rand(1, 3, 3, 16, 16), torch.tensor([[0, 0, 0, 1, 2]]))
    assert len(calls) == 3


def test_order_of_windows_does_not_matter():
    network, frames = _network(), torch.rand(1, 7, 3, 16, 16)
    windows = torch.arange(3)[:, None] + torch.arange(5)
    with torch.inference_mode():
        assert torch.equal(network(frames, windows).flip(1), network(frames, windows.flip(0)))


def test_bf16_weights_and_float32_frames():
    network, frames = _network(), torch.rand(1, 5, 3, 32, 32)
    window = torch.arange(5)[None]
    with torch.inference_mode():
        expected = network(frames, window)
        found = network.bfloat16()(frames, window)
    assert found.dtype == torch.float32
    _close(found, expected, 0.01)


@pytest.mark.parametrize(("size", "settings"), [((18, 16), {}), ((16, 18), {}), ((32, 40), {"hr_in": True})])
def test_sizes_that_are_no_multiple_are_refused(size, settings):
    with pytest.raises(ValueError, match=r"multiples of (4|16) are accepted"):
        _network(**settings)(torch.rand(1, 5, 3, *size), torch.arange(5)[None])


def test_windows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="this network takes 5"):
        _network()(torch.rand(1, 7, 3, 16, 16), torch.arange(7)[None])


@pytest.mark.parametrize("settings", VARIANTS)
def test_settings_are_read_off_the_tensors(settings):
    network = _network(**settings)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    expected = {"frames": 5, "groups": 8, "predeblur": False, "hr_in": False, "tsa": True, **SMALL, **settings}
    assert edvr.recognise(shapes) == expected


@pytest.mark.parametrize("name", records.names("edvr"))
def test_settings_are_read_off_every_published_layout(name):
    meta, keys = records.layout(name)
    shapes = {key: tuple(spec["shape"]) for key, spec in keys.items()}
    config = {key: value for key, value in meta["config"].items() if key not in {"layout", "window_indices"}}
    assert networks.recognise(shapes) == ("edvr", config)


def test_other_networks_are_not_recognised():
    assert edvr.recognise({"conv.weight": (3, 3, 3, 3)}) is None
