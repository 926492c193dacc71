import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import realbasicvsr
from vsrestore.networks.realbasicvsr import RealBasicVSR


def _network(**settings):
    torch.manual_seed(0)
    return RealBasicVSR(**{"channels": 16, "blocks": 1, "cleaning_blocks": 1, **settings}).eval()


def _passes(network, frames):
    calls = []
    network.image_cleaning.register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        network.clean(frames)
    return len(calls) / frames.shape[1]


@pytest.mark.parametrize(
    ("settings", "passes"), [({}, 1), ({"threshold": 0.0}, 3), ({"passes": 2}, 2), ({"threshold": 0.0, "passes": 1}, 1)]
)
def test_cleaning_is_repeated_as_the_settings_say(settings, passes):
    assert _passes(_network(**settings), torch.rand(1, 2, 3, 16, 16)) == passes


def test_passes_out_of_range_are_refused():
    with pytest.raises(ValueError, match="1 to 3 are accepted"):
        _network(passes=4)


def test_input_is_left_as_it_was():
    frames = torch.rand(1, 3, 3, 33, 34)
    before = frames.clone()
    with torch.inference_mode():
        restored = _network(passes=3)(frames)
    assert torch.equal(frames, before)
    assert restored.shape == (1, 3, 3, 132, 136)


def test_a_single_frame_needs_no_flow():
    with torch.inference_mode():
        assert _network()(torch.rand(1, 1, 3, 32, 32)).shape == (1, 1, 3, 128, 128)


@pytest.mark.parametrize("keep", [range(1), range(1, 3), range(3, 4)])
def test_frames_that_are_not_kept_are_not_made(keep):
    network, frames = _network(), torch.rand(1, 4, 3, 32, 32)
    calls = []
    with torch.inference_mode():
        everything = network(frames)
        network.basicvsr.conv_last.register_forward_hook(lambda *_: calls.append(1))
        kept = network(frames, keep=keep)
    torch.testing.assert_close(kept, everything[:, keep.start : keep.stop], atol=1e-5, rtol=0)
    assert len(calls) == len(keep)


def test_bf16_weights_and_float32_frames():
    network, frames = _network(), torch.rand(1, 3, 3, 32, 32)
    with torch.inference_mode():
        expected = network(frames)
        found = network.bfloat16()(frames)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.02


@pytest.mark.parametrize("name", records.names("realbasicvsr"))
def test_settings_are_read_off_the_published_layout(name):
    meta, keys = records.layout(name)
    shapes = {key: tuple(spec["shape"]) for key, spec in keys.items()}
    config = meta["config"]
    expected = {
        "channels": config["channels"],
        "blocks": config["propagation_blocks"],
        "cleaning_blocks": config["cleaning_blocks"],
    }
    assert networks.recognise(shapes) == ("realbasicvsr", expected)


def test_other_networks_are_not_recognised():
    assert realbasicvsr.recognise({"conv_last.weight": (3, 64, 3, 3)}) is None
