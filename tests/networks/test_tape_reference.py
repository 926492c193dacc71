import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import tape_reference
from vsrestore.networks.absent_frames import BLACK
from vsrestore.networks.tape_reference import SMALLEST, ReferenceAttention, SwinT, TapeReference

SMALL = {"width": 16, "depths": (1, 2, 1, 2), "heads": 2}
WINDOW = torch.arange(5)[None]


def filled(network):
    """Noise in every parameter, so that nothing is left out unseen."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.7 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3, generator=generator)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return filled(TapeReference(**SMALL))


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def test_the_clip_is_restored_as_recorded():
    record = records.read("tape-pipeline")
    frames = torch.from_numpy(record.inputs["in_frames"]).permute(0, 3, 1, 2)[None].float() / 255
    count = frames.shape[1]
    around = [range(centre - 2, centre + 3) for centre in range(count)]
    windows = torch.tensor([[p if 0 <= p < count else BLACK for p in row] for row in around])
    some = slice(None, None, 3)  # both ends and the middle: no window knows of another
    with torch.inference_mode():
        network, references = networks.load(record.tensors), torch.from_numpy(record.inputs["in_ref_index"])
        restored = network(frames, windows[some], references[some])
    close(restored[0].clamp(0, 1), record.outputs["out_frames"][some])


@torch.inference_mode()
def test_every_window_is_restored_for_itself(network):
    frames, references = noise(2, 6, 3, 64, 80), noise(2, 3, 3, 64, 80).flip(-1)
    windows = torch.tensor([[BLACK, 0, 1, 2, 3], [1, 2, 3, 4, 5]])
    rows = torch.tensor([[0, 1, 2, 1, 0], [2, 2, 2, 2, 0]])
    found = network(frames, windows, rows, references)
    assert found.shape == (2, 2, 3, 64, 80)
    black = torch.zeros_like(frames[:1, :1])
    for item in range(2):
        longer = torch.cat((black, frames[item, None]), dim=1)
        for k in range(2):
            alone = network(longer[:, windows[k] + 1], WINDOW, WINDOW, references[item, None][:, rows[k]])
            close(found[item, k, None, None], alone)


@torch.inference_mode()
def test_features_of_a_reference_are_computed_once(network, monkeypatch):
    asked = []
    features = TapeReference.reference_features
    monkeypatch.setattr(TapeReference, "reference_features", lambda n, x: asked.append(len(x)) or features(n, x))
    network(noise(1, 6, 3, 64, 64), torch.stack((WINDOW[0], WINDOW[0] + 1)), torch.tensor([[0, 3, 3], [3, 0, 0]]))
    assert len(asked) == 2


@torch.inference_mode()
def test_references_are_taken_from_the_frames_where_there_are_no_others(network):
    frames, rows = noise(1, 5, 3, 64, 64), torch.tensor([[4, 3, 2, 1, 0]])
    close(network(frames, WINDOW, rows), network(frames, WINDOW, WINDOW, frames.flip(1)))


@torch.inference_mode()
def test_more_frames_of_a_window_can_be_kept(network):
    frames = noise(1, 5, 3, 64, 64)
    everything = network(frames, WINDOW, WINDOW, keep=range(5))
    assert everything.shape == (1, 5, 3, 64, 64)
    close(network(frames, WINDOW, WINDOW), everything[:, 2:3])
    close(network(frames, WINDOW, WINDOW, keep=range(1, 4)), everything[:, 1:4])


@torch.inference_mode()
def test_a_frame_meets_the_reference_of_its_own_place_alone():
    """With as many references as frames, as the grouping in memory has it where windows divide by frames."""
    attention = filled(ReferenceAttention(16, 2, shifted=False))
    x, references = noise(1, 5, 8, 40, 16), noise(1, 5, 8, 40, 16).flip(-2)
    changed = references.clone()
    changed[:, 1] *= -1
    difference = (attention(x, changed) - attention(x, references)).abs().amax((0, 2, 3, 4))
    assert (difference > 1e-3).tolist() == [False, True, False, False, False]


@torch.inference_mode()
def test_the_reference_branch_is_that_of_torchvision():
    models = pytest.importorskip("torchvision.models")
    theirs = models.swin_t(weights=None).features[:6].eval()
    ours = filled(SwinT())
    missing, unexpected = theirs.load_state_dict(ours.swin_net.state_dict(), strict=False)
    assert not unexpected
    assert all(name.endswith("relative_position_index") for name in missing)
    frames = noise(2, 3, 72, 88)
    x, expected = (frames - ours.mean) / ours.std, []
    for index, part in enumerate(theirs):
        x = part(x)
        expected += [x] if index % 2 else []
    for found, tap in zip(ours(frames), expected, strict=True):
        close(found[0], tap)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_weights_and_float32_frames(dtype):
    frames = noise(1, 5, 3, 64, 64)
    with torch.inference_mode():
        expected = filled(TapeReference(**SMALL))(frames, WINDOW, WINDOW)
        found = filled(TapeReference(**SMALL)).to(dtype)(frames, WINDOW, WINDOW)
    assert found.dtype == torch.float32
    assert (found - expected).std() < 0.03 * (expected - frames[:, 2:3]).std()


@pytest.mark.parametrize(
    ("frames", "references", "others", "message"),
    [
        ((1, 5, 3, SMALLEST, 72), WINDOW, None, "multiples of 16 from 64 up"),
        ((1, 5, 3, 48, 96), WINDOW, None, "frames are 96x48"),
        ((1, 5, 3, 64, 64), WINDOW, (1, 5, 3, 64, 80), "reference frames are 80x64, frames 64x64"),
        ((1, 5, 3, 64, 64), WINDOW.expand(2, 5), None, "1 windows have 2 rows"),
    ],
)
def test_what_it_cannot_take_is_refused(network, frames, references, others, message):
    with pytest.raises(ValueError, match=message):
        network(torch.zeros(frames), WINDOW, references, None if others is None else torch.zeros(others))


@pytest.mark.parametrize("prefix", ["", "state_dict.net."])
def test_settings_are_read_off_the_published_layout(prefix):
    """As released, and as the training code saves it; index tables and statistics included."""
    _, keys = records.layout("tape-base")
    assert len(keys) == 785
    shapes = {f"{prefix}{key}": tuple(spec["shape"]) for key, spec in keys.items()}
    settings = {"width": 96, "depths": (2, 2, 6, 2), "heads": 8}
    assert networks.recognise(shapes) == ("tape_reference", settings)


def test_other_settings_are_recognised():
    shapes = {name: tuple(tensor.shape) for name, tensor in TapeReference(**SMALL).state_dict().items()}
    assert networks.recognise(shapes) == ("tape_reference", SMALL)


def test_other_networks_are_not_recognised():
    assert tape_reference.recognise({"conv_input.weight": (96, 3, 3, 3)}) is None
