import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import NetworkError
from vsrestore.networks.layers.collaborating_flows import adaptive_collaboration
from vsrestore.networks.sf_adacof import VARIANTS, AdaCoF, recognise

SMALL = {"width": 8, "kernel": 3}


def _network(**settings):
    torch.manual_seed(0)
    return AdaCoF(**{**SMALL, **settings}).eval()


def _pair(height=32, width=48):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(1, 3, height, width, generator=generator) for _ in range(2)]


def test_parts_of_a_frame_give_the_whole(monkeypatch):
    from vsrestore.networks.layers import collaborating_flows

    frames, weights, down, across = torch.rand(1, 3, 10, 8), *torch.randn(3, 1, 9, 10, 8)
    whole = adaptive_collaboration(frames, weights, down, across)
    monkeypatch.setattr(collaborating_flows, "TOGETHER", 24)
    assert torch.equal(adaptive_collaboration(frames, weights, down, across), whole)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_recognised_and_gives_a_frame(variant):
    network = _network(variant=variant)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert recognise(shapes) == {"variant": variant, **SMALL}
    with torch.inference_mode():
        assert network(*_pair(), torch.tensor([0.5])).shape == (1, 3, 32, 48)


@pytest.mark.parametrize("size", [(17, 17), (33, 45)])
def test_any_size_from_17_on(size):
    with torch.inference_mode():
        assert _network()(*_pair(*size), torch.tensor([0.5])).shape == (1, 3, *size)


@pytest.mark.parametrize(
    ("time", "calls"), [(0.5, 1), (0.25, 2), (0.75, 2), (0.125, 3), (5 / 12, 3), (0.99, 0), (0.01, 0)]
)
def test_other_times_come_about_by_halving(time, calls):
    class Mean(AdaCoF):
        made = 0

        def halfway(self, earlier, later):
            self.made += 1
            return (earlier + later) / 2

    network = Mean(**SMALL)
    frame = network(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.tensor([time]))
    assert float(frame.mean()) == round(time * 8) / 8
    assert network.made == calls


@pytest.mark.slow
def test_quarters_and_halves_are_those_of_the_published_script():
    record = records.read("sf_adacof-repeat")
    network = networks.load(record.tensors)
    frames = torch.from_numpy(record.inputs["in_frames"]).permute(0, 3, 1, 2).float() / 255
    for repeat, times in {"out_repeat1": [0.5], "out_repeat2": [0.25, 0.5, 0.75]}.items():
        shown = []
        for earlier, later in zip(frames[:-1].split(1), frames[1:].split(1), strict=True):
            copies = len(times)
            with torch.inference_mode():
                made = network(
                    earlier.expand(copies, -1, -1, -1), later.expand(copies, -1, -1, -1), torch.tensor(times)
                )
            shown += [earlier, made]
        pictures = (torch.cat(shown) * 255 + 0.5).clamp(0, 255).floor().permute(0, 2, 3, 1)
        apart = (pictures - record.outputs[repeat].float()).abs()
        assert (apart > 1).float().mean() < 1e-3
        assert (apart > 0).float().mean() < 1e-2


def test_the_order_of_the_frames_counts():
    network, (earlier, later) = _network(), _pair()
    with torch.inference_mode():
        one, other = (network(*pair, torch.tensor([0.5])) for pair in ((earlier, later), (later, earlier)))
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("settings", [{"variant": "sepconv"}, {"kernel": 4}, {"dilation": 0}])
def test_settings_of_no_network_are_refused(settings):
    with pytest.raises(ValueError, match="fit no network"):
        _network(**settings)


def test_even_kernels_of_a_checkpoint_are_refused():
    state = _network().state_dict()
    even = {name: tensor[:4] if name.endswith("weight1.7.weight") else tensor for name, tensor in state.items()}
    with pytest.raises(NetworkError):
        networks.load(even, "sf_adacof")


def test_displacements_stay_float32():
    network = _network().to(torch.bfloat16).requires_grad_(False)
    assert {maps.dtype for maps in network.maps(*_pair(32, 64)).values()} == {torch.float32}
