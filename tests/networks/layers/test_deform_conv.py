import pytest
import torch

from vsrestore.networks.layers import deform_conv as room
from vsrestore.networks.layers.deform_conv import deform_conv, gather_deform_conv, torchvision_deform_conv


def _case(n=2, channels=16, groups=4, height=7, width=9, outputs=5, spread=3.0, dtype=torch.float32):
    torch.manual_seed(0)
    x = torch.randn(n, channels, height, width, dtype=dtype)
    offset = spread * torch.randn(n, 18 * groups, height, width, dtype=dtype)
    mask = torch.rand(n, 9 * groups, height, width, dtype=dtype)
    weight = torch.randn(outputs, channels, 3, 3, dtype=dtype) / channels
    return x, offset, mask, weight, torch.randn(outputs, dtype=dtype)


def _by_definition(x, offset, mask, weight, bias):
    """The sum over taps and channels of weight * mask * bilinear sample, zeros outside, one loop per index."""
    n, channels, height, width = x.shape
    groups = mask.shape[1] // 9
    result = bias[None, :, None, None].repeat(n, 1, height, width)
    for b in range(n):
        for y in range(height):
            for x0 in range(width):
                for g in range(groups):
                    for k in range(9):
                        down = y - 1 + k // 3 + float(offset[b, 18 * g + 2 * k, y, x0])
                        right = x0 - 1 + k % 3 + float(offset[b, 18 * g + 2 * k + 1, y, x0])
                        group = slice(g * channels // groups, (g + 1) * channels // groups)
                        sample = _bilinear(x[b, group], down, right) * mask[b, 9 * g + k, y, x0]
                        result[b, :, y, x0] += weight[:, group, k // 3, k % 3] @ sample
    return result


def _bilinear(image, down, right):
    _, height, width = image.shape
    top, left = int(down // 1), int(right // 1)
    total = torch.zeros(len(image), dtype=image.dtype)
    for y in (top, top + 1):
        for x in (left, left + 1):
            if 0 <= y < height and 0 <= x < width:
                total += image[:, y, x] * (1 - abs(down - y)) * (1 - abs(right - x))
    return total


def test_gather_is_the_definition():
    case = _case(n=2, channels=4, groups=2, height=4, width=5, outputs=3, spread=2.0, dtype=torch.float64)
    expected = _by_definition(*case).float()
    torch.testing.assert_close(gather_deform_conv(*(tensor.float() for tensor in case)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gather_equals_torchvision(spread, layout, monkeypatch):
    monkeypatch.setattr(
        room, "BYTES_AT_ONCE", 48 * 16 * 9 * 4
    )  # several runs, the last one incomplete, across both images
    x, offset, mask, weight, bias = _case(spread=spread)
    expected = torchvision_deform_conv(x, offset, mask, weight, bias)
    found = gather_deform_conv(*(tensor.contiguous(memory_format=layout) for tensor in (x, offset, mask)), weight, bias)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_points_far_outside_count_as_zero():
    x, offset, mask, weight, bias = _case(spread=0.0)
    found = deform_conv(x, offset + 1e12, mask, weight, bias)
    torch.testing.assert_close(found, bias[None, :, None, None].expand_as(found))


def test_nan_in_offsets_shows_where_it_is():
    x, offset, mask, weight, bias = _case(n=1)
    offset[0, 0, 2, 3] = float("nan")
    spoilt = deform_conv(x, offset, mask, weight, bias).isnan().any(1)[0]
    assert spoilt[2, 3]
    assert spoilt.sum() == 1


def test_bf16_features_are_sampled_at_float32_coordinates():
    x, offset, mask, weight, bias = _case(height=2, width=1100, spread=0.3)
    halved = [tensor.bfloat16() for tensor in (x, weight, bias)]
    found = deform_conv(halved[0], offset, mask, *halved[1:])
    assert found.dtype == torch.bfloat16
    expected = torchvision_deform_conv(halved[0].float(), offset, mask, *(tensor.float() for tensor in halved[1:]))
    torch.testing.assert_close(found.float(), expected, atol=0.02, rtol=0.01)


def test_training_gets_gradients():
    case = [tensor.requires_grad_() for tensor in _case()]
    deform_conv(*case).square().sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in case)
