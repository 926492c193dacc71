import torch
from torch import nn

from vsrestore.networks.layers.split_conv import conv_share


def test_shares_add_up_to_the_convolution_of_all_inputs():
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, 3, stride=2, padding=1)
    a, b = torch.randn(2, 2, 8, 6), torch.randn(2, 3, 8, 6)
    whole = conv(torch.cat((a, b), dim=1))
    torch.testing.assert_close(conv_share(conv, a) + conv_share(conv, b, 2, bias=True), whole, atol=1e-5, rtol=0)
