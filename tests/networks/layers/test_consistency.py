"""Flows there and back that agree, and those that do not."""

from __future__ import annotations

import torch

from vsrestore.networks.layers.consistency import consistent


def test_flows_agree_where_the_one_undoes_the_other() -> None:
    flow = torch.zeros(1, 2, 8, 16)
    flow[:, 0] = 3
    back = -flow
    back[:, 0, :, 9:] = 3
    found = consistent(flow, back)[0, 0]
    assert found[:, :6].all()  # they lead to the left of column 9
    assert not found[:, 6:].any()  # to where the way back goes on, or out of the picture


def test_small_motion_is_believed_anywhere() -> None:
    assert consistent(torch.full((1, 2, 4, 4), 0.4), torch.full((1, 2, 4, 4), 0.05)).all()
    assert not consistent(torch.full((1, 2, 4, 4), 0.6), torch.full((1, 2, 4, 4), 0.05)).any()
