import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import psrt
from vsrestore.networks.psrt import PSRT

SMALL = {"channels": 8, "groups": 1, "layers": 2, "heads": 2, "hidden": 12}


def _network(**settings):
    torch.manual_seed(0)
    network = PSRT(**{**SMALL, **settings}).eval()
    for module in network.spynet.basic_module:  # lively flows, else alignment would not be seen
        module.basic_module[-1].conv.weight.data *= 2
    return network


def _close(found, expected, tolerance=5e-5):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def test_size():
    with torch.inference_mode():
        assert _network()(torch.rand(2, 3, 3, 33, 43)).shape == (2, 3, 3, 132, 172)


def test_a_single_frame_needs_no_flow():
    with torch.inference_mode():
        assert _network()(torch.rand(1, 1, 3, 33, 40)).shape == (1, 1, 3, 132, 160)


def test_every_frame_depends_on_every_other_one():
    network, frames = _network(), torch.rand(1, 3, 3, 33, 40)
    with torch.inference_mode():
        before = network(frames)
        for changed in (0, 2):
            other = frames.clone()
            other[:, changed] = 1 - other[:, changed]
            assert ((network(other) - before).abs().amax(dim=(0, 2, 3, 4)) > 0).all()


@pytest.mark.parametrize("keep", [range(1), range(1, 3), range(3, 4)])
def test_frames_that_are_not_kept_are_neither_refined_nor_enlarged(keep):
    network, frames = _network(), torch.rand(1, 4, 3, 33, 40)
    pictures, refined = [], []
    with torch.inference_mode():
        everything = network(frames)
        network.conv_last.register_forward_hook(lambda *_: pictures.append(1))
        network.patch_align["forward_2"].register_forward_hook(lambda *_: refined.append(1))
        kept = network(frames, keep=keep)
    _close(kept, everything[:, keep.start : keep.stop])
    assert (len(pictures), len(refined)) == (len(keep), keep.stop)


@pytest.mark.parametrize("keep", [range(2, 2), range(-1, 2), range(5), range(0, 4, 2)])
def test_frames_to_keep_outside_the_sequence_are_refused(keep):
    with pytest.raises(ValueError, match="consecutive frames of 0 to 3 are accepted"):
        _network()(torch.rand(1, 4, 3, 33, 40), keep=keep)


def test_small_frames_are_refused():
    with pytest.raises(ValueError, match="frames are 40x32; 33 pixels each way are the least"):
        _network()(torch.rand(1, 2, 3, 32, 40))


def test_a_sequence_of_copies_in_one_batch_gives_copies():
    network, frames = _network(), torch.rand(1, 3, 3, 34, 40)
    with torch.inference_mode():
        batch = network(frames.repeat(2, 1, 1, 1, 1))
        _close(batch[:1], network(frames))
        _close(batch[1:], batch[:1])


@pytest.mark.parametrize("pixels", [0, 5 * 44])
def test_strips_give_the_picture_of_the_whole(monkeypatch, pixels):
    network, frames = _network(), torch.rand(1, 2, 3, 37, 44)
    with torch.inference_mode():
        whole = network(frames)
        monkeypatch.setattr(psrt, "TAIL_PIXELS", pixels)
        _close(network(frames), whole, 1e-6)


@pytest.mark.slow
def test_flows_stay_float32_when_the_rest_is_not():
    network, frames = _network(), torch.rand(1, 4, 3, 33, 40)
    with torch.inference_mode():
        expected, flows = network(frames), network.spynet.between_neighbours(frames)
        half = network.to(dtype=torch.bfloat16).to(memory_format=torch.channels_last)
        found = half(frames)
        for flow, same in zip(half.spynet.between_neighbours(frames), flows, strict=True):
            torch.testing.assert_close(flow, same)
    assert half.conv_first.weight.dtype == torch.bfloat16
    assert found.dtype == torch.float32
    assert 0 < (found - expected).abs().max() < 0.02


def test_flows_follow_to_another_device():
    assert _network().to("meta").spynet.mean.device.type == "meta"


def test_features_rest_where_the_length_says(monkeypatch):
    asked = []
    store = psrt.Store
    monkeypatch.setattr(psrt, "Store", lambda length, device, host: asked.append(host) or store(length, device, host))
    network = _network(cpu_cache=2)
    with torch.inference_mode():
        network(torch.rand(1, 2, 3, 36, 36))
        assert not any(asked)
        asked.clear()
        network(torch.rand(1, 3, 3, 36, 36))
        assert all(asked)


def test_settings_are_read_off_the_published_layout():
    meta, keys = records.layout("psrt-recurrent")
    shapes = {key: tuple(spec["shape"]) for key, spec in keys.items()}
    config = meta["config"]
    assert networks.recognise({f"params.{name}": shape for name, shape in shapes.items()}) == (
        "psrt",
        {
            "channels": config["channels"],
            "groups": config["groups_per_branch"],
            "layers": config["layers_per_group"],
            "heads": config["heads"],
            "hidden": config["channels"] * config["mlp_ratio"],
        },
    )


def test_what_is_published_but_never_used_may_be_missing():
    network = _network()
    state = network.state_dict()
    published = {**state, "patch_align.forward_1.conv_first_feat.weight": torch.zeros(120, 64, 3, 3)}
    for layout in (state, published):
        loaded = networks.load({"params": layout}, patch=4)
        assert loaded.patch == 4
        assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.state_dict().items())


def test_other_networks_are_not_recognised():
    assert psrt.recognise({"conv_last.weight": (3, 64, 3, 3), "spynet.mean": (1, 3, 1, 1)}) is None
