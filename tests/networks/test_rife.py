import pytest
import torch

from tests.golden import records
from tests.networks.test_golden import pair_of
from vsrestore import networks
from vsrestore.checkpoints import find, is_here, read
from vsrestore.checkpoints.registry import get
from vsrestore.networks.rife import RIFE, SCALES, Guess, describe, recognise

SMALL = {"channels": (8, 8, 6, 4), "context": 2, "layers": 2}


def _network(**settings):
    torch.manual_seed(0)
    return RIFE(**{**SMALL, **settings}).eval()


def _pair(height=64, width=128):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(1, 3, height, width, generator=generator) for _ in range(2)]


def _made(network, *given):
    with torch.inference_mode():
        return network(*given)


def test_recognises_what_shapes_show():
    shapes = {name: tuple(tensor.shape) for name, tensor in _network(refine=False).state_dict().items()}
    assert recognise(shapes) == SMALL
    teacher = {**shapes, "block_tea.lastconv.weight": (4, 5, 4, 4)}
    assert networks.recognise(teacher)[0] == "rife"


@pytest.mark.parametrize("scale", SCALES)
def test_sizes_of_every_scale(scale):
    multiple = describe({"scale": scale}).multiple
    assert multiple == max(64 / scale, 16)
    frames = _pair(multiple, 2 * multiple)
    assert _made(_network(scale=scale, refine=False), *frames, torch.tensor([0.5])).shape == frames[0].shape


def test_each_pair_decides_for_itself():
    """Far motion in one pair does not coarsen the search in another."""
    network = _network(refine=False)
    reductions = []

    def step(seen, flow, reduction):
        reductions.append(reduction)
        far = 40.0 if float(seen.mean()) > 0.5 else 4.0
        shape = (1, 1, *seen.shape[-2:])
        return Guess(torch.full((1, 4, *shape[2:]), far), torch.zeros(shape))

    for index in range(4):
        getattr(network, f"block{index}").forward = step
    dark, light = torch.full((1, 3, 64, 64), 0.2), torch.full((1, 3, 64, 64), 0.9)
    pair = torch.cat((light, dark))
    _made(network, pair, pair, torch.tensor([0.5, 0.5]))
    assert reductions == [8, 4, 16, 8, 4, 2, 8, 4, 2, 1]
    assert network.reductions == [8, 4, 2, 1]


def test_a_batch_gives_what_each_pair_gives():
    network, (first, second) = _network(), _pair()
    times = torch.tensor([0.25, 0.75])
    both = _made(network, torch.cat((first, second)), torch.cat((second, first)), times)
    alone = [_made(network, first, second, times[:1]), _made(network, second, first, times[1:])]
    assert torch.equal(both, torch.cat(alone))


def test_the_refinement_stays_within_the_picture():
    network, pair = _network(), _pair()
    network.unet.conv.weight.data *= 50
    refined = _made(network, *pair, torch.tensor([0.5]))
    network.refine = False
    blended = _made(network, *pair, torch.tensor([0.5]))
    assert (float(refined.min()), float(refined.max())) == (0, 1)
    assert 0 < float(blended.min()) < float(blended.max()) < 1


def test_an_ensemble_is_the_same_in_both_orders():
    network, (first, second) = _network(refine=False, ensemble=True), _pair()
    one = _made(network, first, second, torch.tensor([0.25]))
    other = _made(network, second, first, torch.tensor([0.75]))
    assert torch.allclose(one, other, atol=1e-5)


def test_flows_stay_float32():
    network = _network().to(torch.bfloat16).requires_grad_(False)
    guess = network.guess(*_pair(), torch.tensor([0.5]))
    assert {part.dtype for part in guess} == {torch.float32}
    assert _made(network, *_pair(), torch.tensor([0.5])).dtype == torch.float32


@pytest.mark.slow
@pytest.mark.skipif(not is_here(get("rife")), reason="run: vsrestore weights fetch rife")
def test_the_published_weights_give_the_recorded_frames():
    record = records.read("rife-real")
    network = networks.load(read(find("rife")), "rife", refine=False)
    pair, half = pair_of(record), torch.tensor([0.5])
    edge = [padded - side for padded, side in zip(record.config["padded_to"], pair[0].shape[-2:], strict=True)]
    padded = [torch.nn.functional.pad(x, (0, edge[1], 0, edge[0])) for x in pair]
    rows, columns = pair[0].shape[-2:]
    found = {
        "out_frame": _made(network, *pair, half)[0],
        "out_frame_t": _made(network, *pair, torch.tensor([1 / 3]))[0, :, ::2, ::2],
        "out_frame_padded": _made(network, *padded, half)[0, :, :rows:2, :columns:2],
    }
    with torch.inference_mode():
        guess = network.guess(*pair, half)
    found["out_mid_flow3"] = guess.flow[0, :, ::4, ::4] / 10  # ten times the tolerance of a picture
    network.refine = True
    found["out_frame_refined"] = _made(network, *pair, half)[0, :, ::2, ::2]
    expected = {**record.outputs, "out_mid_flow3": record.outputs["out_mid_flow3"] / 10}
    for name, value in found.items():
        assert (value - expected[name]).abs().max() < 2e-4, name
