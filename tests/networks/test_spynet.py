import torch

from vsrestore import networks
from vsrestore.networks import spynet
from vsrestore.networks.layers.at_once import AtOnce
from vsrestore.networks.spynet import SPyNet


def _network():
    torch.manual_seed(0)
    return SPyNet().eval()


def test_neighbours_get_the_flows_of_their_pairs(monkeypatch):
    monkeypatch.setattr(spynet, "PIXELS", AtOnce(3 * 40 * 36, 3 * 40 * 36))  # three pairs at a time
    network, frames = _network(), torch.rand(2, 3, 3, 40, 36)
    with torch.inference_mode():
        onward, back = network.between_neighbours(frames)
        for t in range(2):
            expected = network(frames[:, t], frames[:, t + 1]), network(frames[:, t + 1], frames[:, t])
            for found, flow in zip((onward[:, t], back[:, t]), expected, strict=True):
                torch.testing.assert_close(found, flow, atol=1e-5, rtol=1e-4)


def test_flow_has_the_size_of_the_image_in_its_own_pixels():
    network = _network()
    for module in network.basic_module:  # flow that only the last bias makes, one pixel right and two down per level
        torch.nn.init.zeros_(module.basic_module[-1].conv.weight)
        module.basic_module[-1].conv.bias.data = torch.tensor([1.0, 2.0])
    with torch.inference_mode():
        flow = network(torch.rand(1, 3, 48, 40), torch.rand(1, 3, 48, 40))
    levels = sum(2**level for level in range(6))
    assert flow.shape == (1, 2, 48, 40)
    torch.testing.assert_close(flow[:, 0], torch.full((1, 48, 40), levels * 40 / 64))
    torch.testing.assert_close(flow[:, 1], torch.full((1, 48, 40), 2 * levels * 48 / 64))


def test_flow_stays_float32_with_bf16_weights():
    network, images = _network(), torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        expected = network(images[:1], images[1:])
        found = network.bfloat16()(images[:1], images[1:])
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05


def test_both_published_layouts_are_loaded():
    network = _network()
    ours = network.state_dict()
    counted = {_basicsr_name(name): tensor for name, tensor in ours.items()}
    buffers = {"mean": torch.zeros(1, 3, 1, 1), "std": torch.ones(1, 3, 1, 1)}
    for layout in ({**ours, **buffers}, {"params": counted}):
        loaded = networks.load(layout)
        assert isinstance(loaded, SPyNet)
        assert all(torch.equal(tensor, ours[name]) for name, tensor in loaded.state_dict().items())


def _basicsr_name(name):
    outer, inner, _, leaf = name.rsplit(".", 3)
    return f"{outer}.{2 * int(inner)}.{leaf}"


def test_other_networks_are_not_recognised():
    assert spynet.recognise({"basic_module.0.weight": (32, 8, 7, 7)}) is None
