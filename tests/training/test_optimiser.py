import torch
from torch import nn

from vsrestore.training.optimiser import Orthogonal, optimisers, orthogonal
from vsrestore.training.recipe import ScheduleRecipe


def test_every_direction_becomes_about_equally_long():
    generator = torch.Generator().manual_seed(0)
    for shape in ((8, 72), (72, 8), (16, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=generator) * 1e-3))
        assert values.max() < 1.3
        assert values.median() > 0.6


def test_a_step_does_not_depend_on_the_size_of_the_gradient():
    moved = []
    for size in (1.0, 1e-4):
        torch.manual_seed(0)
        kernel = nn.Parameter(torch.randn(4, 2, 3, 3))
        before = kernel.detach().clone()
        kernel.grad = torch.randn(4, 2, 3, 3) * size
        Orthogonal([kernel], lr=0.1, decay=0.0).step()
        moved.append(kernel.detach() - before)
    torch.testing.assert_close(moved[0], moved[1], atol=1e-3, rtol=0)
    assert moved[0].norm() > 0.1


def test_kernels_of_the_body_and_the_rest_are_divided():
    network = nn.ModuleDict({"body": nn.Conv2d(3, 4, 3), "add": nn.Conv2d(4, 3, 3)})
    kernels, rest = optimisers(network, ("add",), ScheduleRecipe(kernel_rate=0.5, rate=0.25))
    assert [tuple(p.shape) for p in kernels.param_groups[0]["params"]] == [(4, 3, 3, 3)]
    assert len(rest.param_groups[0]["params"]) == 3
    assert kernels.param_groups[0]["initial_lr"] == 0.5
    assert rest.param_groups[0]["initial_lr"] == 0.25
