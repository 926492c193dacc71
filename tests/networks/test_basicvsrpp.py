import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import basicvsrpp
from vsrestore.networks.basicvsrpp import BasicVSRpp
from vsrestore.networks.layers.store import Store


def _network(**settings):
    torch.manual_seed(0)
    network = BasicVSRpp(**{"channels": 16, "blocks": 1, **settings}).eval()
    for module in network.spynet.basic_module:  # lively flows, else warping would not be seen
        module.basic_module[-1].conv.weight.data *= 20
    return network


def _close(found, expected, tolerance=5e-5):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize(("settings", "size", "factor"), [({}, (33, 35), 4), ({"same_size": True}, (64, 68), 1)])
def test_sizes(settings, size, factor):
    with torch.inference_mode():
        restored = _network(**settings)(torch.rand(2, 3, 3, *size))
    assert restored.shape == (2, 3, 3, size[0] * factor, size[1] * factor)


def test_a_single_frame_needs_no_flow():
    with torch.inference_mode():
        assert _network()(torch.rand(1, 1, 3, 32, 32)).shape == (1, 1, 3, 128, 128)


def test_every_frame_depends_on_every_other_one():
    network, frames = _network(), torch.rand(1, 4, 3, 32, 32)
    with torch.inference_mode():
        before = network(frames)
        for changed in (0, 3):
            other = frames.clone()
            other[:, changed] = 1 - other[:, changed]
            assert ((network(other) - before).abs().amax(dim=(0, 2, 3, 4)) > 0).all()


@pytest.mark.parametrize("keep", [range(1), range(1, 3), range(3, 4)])
def test_frames_that_are_not_kept_are_not_reconstructed(keep):
    network, frames = _network(), torch.rand(1, 4, 3, 32, 32)
    calls = []
    with torch.inference_mode():
        everything = network(frames)
        network.conv_last.register_forward_hook(lambda *_: calls.append(1))
        kept = network(frames, keep=keep)
    _close(kept, everything[:, keep.start : keep.stop])
    assert len(calls) == len(keep)


def test_last_branch_ends_with_the_last_frame_that_is_kept():
    network, calls = _network(), []
    network.backbone["forward_2"].register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        network(torch.rand(1, 4, 3, 32, 32), keep=range(1, 2))
    assert len(calls) == 2


@pytest.mark.parametrize("keep", [range(2, 2), range(-1, 2), range(5), range(0, 4, 2)])
def test_frames_to_keep_outside_the_sequence_are_refused(keep):
    with pytest.raises(ValueError, match="consecutive frames of 0 to 3 are accepted"):
        _network()(torch.rand(1, 4, 3, 32, 32), keep=keep)


def test_sizes_that_are_no_multiple_are_refused():
    with pytest.raises(ValueError, match="multiples of 4 are accepted"):
        _network(same_size=True)(torch.rand(1, 2, 3, 64, 66))


def test_a_sequence_of_copies_in_one_batch_gives_copies():
    network, frames = _network(), torch.rand(1, 3, 3, 32, 32)
    with torch.inference_mode():
        batch = network(frames.repeat(2, 1, 1, 1, 1))
        _close(batch[:1], network(frames))
        _close(batch[1:], batch[:1])


def test_bf16_weights_and_float32_frames():
    network, frames = _network(), torch.rand(1, 4, 3, 32, 32)
    with torch.inference_mode():
        expected = network(frames)
        found = network.bfloat16()(frames)
    assert found.dtype == torch.float32
    _close(found, expected, 0.02)


def test_features_rest_where_the_length_says(monkeypatch):
    asked = []
    monkeypatch.setattr(
        basicvsrpp, "Store", lambda length, device, host: asked.append(host) or Store(length, device, host)
    )
    network = _network(cpu_cache=2)
    with torch.inference_mode():
        network(torch.rand(1, 2, 3, 32, 32))
        assert not any(asked)
        asked.clear()
        network(torch.rand(1, 3, 3, 32, 32))
        assert all(asked)


@pytest.mark.parametrize("name", records.names("basicvsrpp"))
def test_settings_are_read_off_the_published_layout(name):
    meta, keys = records.layout(name)
    shapes = {key: tuple(spec["shape"]) for key, spec in keys.items()}
    config = meta["config"]
    expected = {
        "channels": config["channels"],
        "blocks": config["blocks_per_branch"],
        "same_size": config["same_size_output"],
        "groups": config["deform_groups"],
    }
    assert networks.recognise(shapes) == ("basicvsrpp", expected)


def test_names_of_basicsr_are_known():
    network = _network(same_size=True)
    ours = network.state_dict()
    theirs = {_basicsr_name(name): tensor for name, tensor in ours.items()}
    assert theirs.keys() != ours.keys()
    loaded = networks.load({"params": theirs})
    assert all(torch.equal(tensor, ours[name]) for name, tensor in loaded.state_dict().items())


def _basicsr_name(name):
    if name.startswith("spynet."):
        outer, inner, _, leaf = name.rsplit(".", 3)
        return f"{outer}.{2 * int(inner)}.{leaf}"
    return name.replace("upsample1.upsample_conv", "upconv1").replace("upsample2.upsample_conv", "upconv2")


def test_other_networks_are_not_recognised():
    assert basicvsrpp.recognise({"conv_last.weight": (3, 64, 3, 3)}) is None
