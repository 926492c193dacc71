import pytest
import torch

from vsrestore.networks.layers.store import Store


def test_store_keeps_tensors_in_host_memory_and_hands_them_out_on_the_device():
    store = Store(2, torch.device("meta"), host=True)
    store[0] = torch.ones(3)
    assert store.tensors[0].device.type == "cpu"
    assert store[0].device.type == "meta"
    with pytest.raises(IndexError, match="frame 1"):
        store[1]
