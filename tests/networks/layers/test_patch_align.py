import torch

from vsrestore.networks.layers.patch_align import patch_align


def _picture(height=16, width=24):
    """Tokens that name their place: row, column and picture."""
    pictures, rows, columns = torch.meshgrid(
        torch.arange(2.0), torch.arange(1.0, height + 1), torch.arange(1.0, width + 1), indexing="ij"
    )
    return torch.stack((rows, columns, pictures), dim=-1)


def _flow(height=16, width=24):
    return torch.zeros(2, 2, height, width)


def test_no_flow_copies_everything():
    assert torch.equal(patch_align(_picture(), _flow()), _picture())


def test_a_block_comes_from_where_its_flow_points_to():
    flow, picture = _flow(), _picture()
    flow[1, 0, :8, 8:16], flow[1, 1, :8, 8:16] = 3, 5
    aligned = patch_align(picture, flow)
    assert torch.equal(aligned[1, :8, 8:16], picture[1, 5:13, 11:19])
    assert torch.equal(aligned[0], picture[0])
    assert torch.equal(aligned[1, 8:], picture[1, 8:])


def test_the_flow_of_a_block_is_the_mean_in_whole_pixels():
    flow, picture = _flow(), _picture()
    flow[:, 0, :8, :4] = 5.2  # a mean of 2.6
    aligned = patch_align(picture, flow)
    assert torch.equal(aligned[:, :8, :8], picture[:, :8, 3:11])


def test_what_comes_from_outside_is_zero():
    flow, picture = _flow(), _picture()
    flow[:, 0, :8, 16:], flow[:, 1, 8:, :8] = 3, -1e12
    aligned = patch_align(picture, flow)
    assert torch.equal(aligned[:, :8, 16:21], picture[:, :8, 19:24])
    assert not aligned[:, :8, 21:].any()
    assert not aligned[:, 8:, :8].any()


def test_blocks_that_the_edge_cuts_mirror_their_flow():
    flow = _flow(12, 10)
    flow[:, 0, :, 8] = 8  # mirrored about the last column, the block holds one more column of 8s: a mean of 2
    flow[:, 0, :, 6] = 16
    picture = _picture(12, 10)
    aligned = patch_align(picture, flow)
    means = (8 + 0 + 8 + 0 + 16 + 0 + 0 + 0) / 8  # columns 8, 9, 8, 7, 6, 5, 4, 3
    assert means == 4
    assert not aligned[:, :, 8:].any()
    assert torch.equal(aligned[:, :, :8], picture[:, :, 2:10])  # 16 / 8 = 2


def test_values_stay_what_they_are_in_half_precision():
    picture = _picture().bfloat16()
    flow = torch.randn(2, 2, 16, 24)
    assert patch_align(picture, flow).dtype == torch.bfloat16
    assert torch.equal(patch_align(picture, flow), patch_align(picture.float(), flow).bfloat16())


def test_other_blocks():
    flow, picture = _flow(), _picture()
    flow[:, 1, :4, :4] = 1
    aligned = patch_align(picture, flow, patch=4)
    assert torch.equal(aligned[:, :4, :4], picture[:, 1:5, :4])
    assert torch.equal(aligned[:, :, 4:], picture[:, :, 4:])
