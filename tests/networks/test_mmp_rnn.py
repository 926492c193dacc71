import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import mmp_rnn
from vsrestore.networks.mmp_rnn import MMPRNN

SMALL = {"features": 8, "cell_blocks": 1, "decoder_blocks": 2}


def _network(**settings):
    torch.manual_seed(0)
    network = MMPRNN(**{**SMALL, **settings}).eval()
    network.fold()
    return network


def _published_chunks(length, chunk):
    """First frames of chunks that overlap by 4, the last one moved back to the end of the clip."""
    return [*range(0, length - chunk, chunk - 4), length - chunk]


def test_a_whole_clip_gives_the_published_frames():
    record = records.read("mmp_rnn-pipeline")
    clip, chunk = record.frames(), record.config["chunk"]
    network, sharp = networks.load(record.tensors), {}
    with torch.inference_mode():
        for first in _published_chunks(clip.shape[1], chunk):
            restored = network(clip[:, first : first + chunk])[0]
            sharp |= {first + 2 + index: frame for index, frame in enumerate(restored)}
    expected = record.outputs["out_frames"]
    assert sorted(sharp) == list(range(2, clip.shape[1] - 2))
    found = torch.stack([sharp[number] for number in sorted(sharp)])
    assert (found - 0.5 - expected).abs().max() < 1e-5 * expected.abs().max()


def test_frames_see_all_before_them_and_two_after_in_their_chunk():
    network, clip = _network(), torch.rand(1, 9, 3, 16, 16)
    with torch.inference_mode():
        before = network(clip)
        seen = []
        for changed in range(9):
            other = clip.clone()
            other[:, changed] = 1 - other[:, changed]
            differs = (network(other) - before).abs().amax(dim=(0, 2, 3, 4)) > 0
            seen.append([number + 2 for number, is_different in enumerate(differs) if is_different])
    assert seen == [[number for number in range(2, 7) if number >= changed - 2] for changed in range(9)]


def _published(attention_on):
    """Tensors as initialised, their attention as it is after training or as it began."""
    torch.manual_seed(0)
    tensors = MMPRNN(**SMALL).state_dict()
    if attention_on:
        tensors["fusion.ca.conv_du.2.weight"][0, 0] = 1
    return {f"state_dict.module.model.{name}": tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("attention_on", [True, False])
def test_attention_counts_where_it_was_trained(attention_on):
    network = networks.load(_published(attention_on))
    assert network.fusion.attention is attention_on
    assert networks.load(_published(attention_on), attention=not attention_on).fusion.attention is not attention_on


def test_attention_stored_in_half_precision_is_seen_as_untrained():
    tensors = {name: tensor.half() for name, tensor in MMPRNN(**SMALL).state_dict().items()}
    bound = (5 * 5 * 8) ** -0.5
    tensors["fusion.ca.conv_du.0.weight"][0, 0] = bound
    assert not mmp_rnn.attention_is_trained(tensors)


def test_bf16_weights_and_float32_frames():
    network, clip = _network(), torch.rand(1, 6, 3, 32, 32)
    with torch.inference_mode():
        expected = network(clip)
        found = network.bfloat16()(clip)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.01 * expected.abs().max()


@pytest.mark.parametrize("size", [(18, 16), (16, 18), (12, 16)])
def test_sizes_that_the_network_cannot_take_are_refused(size):
    with pytest.raises(ValueError, match="multiples of 4 from 16 pixels on are accepted"):
        _network()(torch.rand(1, 5, 3, *size))


@pytest.mark.parametrize(("length", "keep"), [(4, None), (7, range(1, 4)), (7, range(3, 6)), (7, range(3, 3))])
def test_frames_without_two_on_either_side_are_refused(length, keep):
    with pytest.raises(ValueError, match="each needs 2 more on either side"):
        _network()(torch.rand(1, length, 3, 16, 16), keep=keep)


@pytest.mark.parametrize("keep", [range(2, 4), range(3, 6), range(5, 6)])
def test_only_frames_that_are_kept_are_decoded(keep):
    network, clip = _network(), torch.rand(1, 8, 3, 16, 16)
    calls = []
    with torch.inference_mode():
        everything = network(clip)
        network.cell.register_forward_hook(lambda *_: calls.append("cell"))
        network.recons.register_forward_hook(lambda *_: calls.append("decoder"))
        kept = network(clip, keep=keep)
    assert torch.equal(kept, everything[:, keep.start - 2 : keep.stop - 2])
    assert (calls.count("cell"), calls.count("decoder")) == (keep.stop + 2, len(keep))


@pytest.mark.parametrize("name", ["mmp_rnn-gopro-a9b10f18", "mmp_rnn-a3b4f16-noca"])
def test_settings_are_read_off_the_published_tensors(name):
    meta, keys = records.layout(name)
    shapes = {f"state_dict.module.model.{name}": tuple(spec["shape"]) for name, spec in keys.items()}
    config = meta["config"]
    assert networks.recognise(shapes) == (
        "mmp_rnn",
        {
            "features": config["n_features"],
            "cell_blocks": config["n_blocks_cell"],
            "decoder_blocks": config["n_blocks_recon"],
            "frames": config["past_frames"] + 1 + config["future_frames"],
            "skip": config["input_skip"],
        },
    )


def test_settings_that_are_not_published_are_read_too():
    network = _network(frames=3, skip=False)
    shapes = {name: tuple(tensor.shape) for name, tensor in MMPRNN(**SMALL, frames=3, skip=False).state_dict().items()}
    assert mmp_rnn.recognise(shapes) == {**SMALL, "frames": 3, "skip": False}
    with torch.inference_mode():
        assert network(torch.rand(1, 4, 3, 16, 16)).shape == (1, 2, 3, 16, 16)


def test_other_networks_are_not_recognised():
    assert mmp_rnn.recognise({"cell.F_B0.weight": (18, 3, 5, 5)}) is None
