import pytest
import torch

from tests.golden import records
from vsrestore import networks
from vsrestore.networks import mmp_net
from vsrestore.networks.mmp_net import MMPNet


@pytest.mark.parametrize("size", [(16, 16), (45, 70), (52, 76)])
def test_the_map_has_the_size_of_the_frame_and_lies_in_0_to_1(size):
    torch.manual_seed(0)
    with torch.inference_mode():
        found = MMPNet().eval()(torch.rand(2, 3, *size))
    assert found.shape == (2, 1, *size)
    assert ((found > 0) & (found < 1)).all()


def test_folded_norms_give_the_same_map():
    tensors = records.read("mmp_rnn-mmpnet").tensors
    whole = MMPNet().eval()
    networks.fill(whole, tensors, "mmp_net")
    folded, frames = networks.load(tensors), torch.rand(1, 3, 32, 48)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    with torch.inference_mode():
        assert torch.allclose(folded(frames), whole(frames), atol=1e-5)


def test_the_file_of_the_prior_is_recognised():
    keys = records.layout("mmp_rnn-mmpnet")[1]
    shapes = {f"state_dict.{name}": tuple(spec["shape"]) for name, spec in keys.items()}
    assert networks.recognise(shapes) == ("mmp_net", {"width": 16})


def test_other_networks_are_not_recognised():
    assert mmp_net.recognise({"conv9x9.weight": (16, 3, 9, 9)}) is None
