import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import rvrt
from vsrestore.networks.layers.store import Store
from vsrestore.networks.rvrt import RVRT

SIDES = (33, 36)
DENOISES = {"same_size": True, "denoises": True, "conv_groups": (1, 3, 4, 2, 3, 4), "noise_level": 0.1}


def _network(**settings):
    torch.manual_seed(0)
    network = RVRT(**{"channels": 24, **settings}).eval()
    for module in network.spynet.basic_module:  # lively flows, else warping would not be seen
        module.basic_module[-1].conv.weight.data *= 20
    return network


def _close(found, expected, tolerance=5e-5):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize(
    ("settings", "size", "factor"), [({}, SIDES, 4), ({"same_size": True}, (132, 136), 1), (DENOISES, (132, 132), 1)]
)
def test_sizes(settings, size, factor):
    with torch.inference_mode():
        restored = _network(**settings)(torch.rand(2, 2, 3, *size))
    assert restored.shape == (2, 2, 3, size[0] * factor, size[1] * factor)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 3])
def test_of_an_odd_number_of_frames_the_last_one_is_seen_twice(length):
    network, frames = _network(), torch.rand(1, length, 3, *SIDES)
    with torch.inference_mode():
        _close(network(frames), network(torch.cat((frames, frames[:, -1:]), dim=1))[:, :length])


@pytest.mark.slow
def test_every_frame_depends_on_every_other_one():
    network, frames = _network(), torch.rand(1, 4, 3, *SIDES)
    with torch.inference_mode():
        before = network(frames)
        for changed in (0, 3):
            other = frames.clone()
            other[:, changed] = 1 - other[:, changed]
            assert ((network(other) - before).abs().amax(dim=(0, 2, 3, 4)) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("keep", [range(1), range(1, 3), range(3, 4)])
def test_frames_that_are_not_kept_are_not_reconstructed(keep):
    network, frames = _network(), torch.rand(1, 4, 3, *SIDES)
    calls = []
    with torch.inference_mode():
        everything = network(frames)
        network.conv_last.register_forward_hook(lambda *_: calls.append(1))
        kept = network(frames, keep=keep)
    _close(kept, everything[:, keep.start : keep.stop])
    assert len(calls) == len(keep)


@pytest.mark.slow
def test_last_pass_ends_with_the_last_group_that_is_kept():
    network, calls = _network(), []
    network.backbone["forward_2"].register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        network(torch.rand(1, 6, 3, *SIDES), keep=range(1, 3))
    assert len(calls) == 2


@pytest.mark.parametrize("keep", [range(2, 2), range(-1, 2), range(5), range(0, 4, 2)])
def test_frames_to_keep_outside_the_sequence_are_refused(keep):
    with pytest.raises(ValueError, match="consecutive frames of 0 to 3 are accepted"):
        _network()(torch.rand(1, 4, 3, *SIDES), keep=keep)


@pytest.mark.parametrize(("same_size", "size"), [(False, (32, 64)), (True, (128, 136)), (True, (132, 134))])
def test_sizes_that_do_not_fit_are_refused(same_size, size):
    with pytest.raises(ValueError, match=r"at least \d+ pixels each way, multiples of \d are accepted"):
        _network(same_size=same_size)(torch.rand(1, 2, 3, *size))


@pytest.mark.slow
def test_noise_level_is_a_number_or_a_map_and_the_network_has_one_of_its_own():
    network, frames = _network(**DENOISES), torch.rand(1, 2, 3, 132, 132)
    with torch.inference_mode():
        expected = network(frames, noise_level=0.1)
        assert torch.equal(network(frames), expected)
        assert torch.equal(network(frames, noise_level=torch.full((1, 2, 1, 132, 132), 0.1)), expected)
        assert not torch.equal(network(frames, noise_level=0.2), expected)
    with pytest.raises(ValueError, match="takes no noise level"):
        _network()(torch.rand(1, 2, 3, *SIDES), noise_level=0.1)


@pytest.mark.slow
def test_a_sequence_of_copies_in_one_batch_gives_copies():
    network, frames = _network(), torch.rand(1, 4, 3, *SIDES)
    with torch.inference_mode():
        batch = network(frames.repeat(2, 1, 1, 1, 1))
        _close(batch[:1], network(frames))
        _close(batch[1:], batch[:1])


@pytest.mark.slow
def test_bf16_weights_and_float32_frames():
    network, frames = _network(), torch.rand(1, 4, 3, *SIDES)
    with torch.inference_mode():
        expected = network(frames)
        found = network.bfloat16()(frames)
    assert found.dtype == torch.float32
    _close(found, expected, 0.02)


def test_features_rest_where_the_length_says(monkeypatch):
    asked = []
    monkeypatch.setattr(rvrt, "Store", lambda length, device, host: asked.append(host) or Store(length, device, host))
    network = _network(cpu_cache=2)
    with torch.inference_mode():
        network(torch.rand(1, 2, 3, *SIDES))
        assert not any(asked)
        asked.clear()
        network(torch.rand(1, 4, 3, *SIDES))
        assert all(asked)


@pytest.mark.slow
def test_chunks_that_begin_at_an_odd_frame_are_grouped_otherwise():
    """Why a filter must begin them at even ones: far from the cut, their frames are those of the whole clip."""
    network, frames = _network(), torch.rand(1, 8, 3, *SIDES)
    with torch.inference_mode():
        whole = network(frames)
        even, odd = network(frames[:, 2:])[:, 4:], network(frames[:, 1:7])[:, 3:5]
    assert (even - whole[:, 6:]).abs().mean() < (odd - whole[:, 4:6]).abs().mean()


@pytest.mark.parametrize("name", [name for name in records.names("rvrt") if not name.endswith("-op")])
def test_settings_are_read_off_the_published_layout(name):
    meta, keys = records.layout(name)
    shapes = {key: tuple(spec["shape"]) for key, spec in keys.items()}
    config = records.layout("rvrt-sr")[0]["config"] if name.endswith("-tiled") else meta["config"]
    expected = {
        "channels": config["channels"],
        "same_size": config["scale"] == 1,
        "denoises": config["sigma_channel"],
        "conv_groups": tuple(config["input_conv_groups_feat_b1_f1_b2_f2_recon"]),
        "attention_heads": config["swin_heads"],
        "residual_groups": tuple(config["residual_groups_feat_prop_recon"]),
        "groups": config["deform_groups"],
    }
    assert networks.recognise(shapes) == ("rvrt", expected)
