"""Every 2D form computes what the 3D layer does, values and gradients, and keeps the layout it was given."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from glad.backbones.flat import FlatConv3d, channels_last, every_second_moment, pooled, pooled_along_time

LAST = torch.channels_last_3d


def clip(t: int, b: int = 2, c: int = 6) -> Tensor:
    x = torch.randn(b, c, t, 6, 5, dtype=torch.float64, generator=torch.manual_seed(t))
    return channels_last(x).requires_grad_()


def same_in_both_directions(ours: Tensor, plain: Tensor, leaves: list[Tensor]) -> None:
    """Hold values and the gradients of `leaves` together, the gradient being different at every place."""
    torch.testing.assert_close(ours, plain)
    push = torch.randn(plain.shape, dtype=plain.dtype, generator=torch.manual_seed(9))
    for found, expected in zip(
        torch.autograd.grad(ours, leaves, push), torch.autograd.grad(plain, leaves, push), strict=True
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("t", [1, 2, 5])
@pytest.mark.parametrize("b", [1, 9])  # fewer rows than 16, and more
@pytest.mark.parametrize(
    ("kernel", "stride"),
    [((1, 1, 1), 1), ((3, 1, 1), 1), ((5, 1, 1), 1), ((1, 3, 3), 1), ((1, 3, 3), 2), ((1, 1, 1), 2)],
)
@pytest.mark.parametrize("bias", [False, True])
def test_a_convolution_is_that_of_the_layer(kernel, stride, t, b, bias):
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    layer = FlatConv3d(6, 4, kernel, (1, stride, stride), padding, bias=bias).double()
    x = clip(t, b)
    plain = F.conv3d(x, layer.weight, layer.bias, layer.stride, layer.padding)
    same_in_both_directions(layer(x), plain, [x, *layer.parameters()])


@pytest.mark.parametrize("t", [1, 2])
@pytest.mark.parametrize("b", [1, 9])
@pytest.mark.parametrize(
    ("kernel", "stride"),
    [((1, 1, 1), 1), ((3, 1, 1), 1), ((5, 1, 1), 1), ((1, 3, 3), 1), ((1, 3, 3), 2), ((1, 1, 1), 2)],
)
def test_the_gradient_of_a_weight_lies_in_memory_as_the_weight_does(kernel, stride, t, b):
    """Along axes of length 1 too: otherwise PyTorch warns where several processes train together."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    layer = FlatConv3d(6, 4, kernel, (1, stride, stride), padding)
    for _ in range(2):
        layer(clip(t, b).detach().float()).sum().backward()
        assert layer.weight.grad is not None
        assert layer.weight.grad.stride() == layer.weight.stride()


def test_taps_that_meet_nothing_learn_nothing():
    layer = FlatConv3d(6, 4, (3, 1, 1), padding=(1, 0, 0)).double()
    layer(clip(1)).sum().backward()
    assert layer.weight.grad is not None
    assert not layer.weight.grad[:, :, [0, 2]].any() and layer.weight.grad[:, :, 1].all()


@pytest.mark.parametrize("t", [1, 2, 5])
def test_pooling_is_that_of_three_axes(t):
    x = clip(t)
    same_in_both_directions(pooled(x, 3, 2, 1), F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1)), [x])
    same_in_both_directions(pooled(x, 2, 2, 0), F.max_pool3d(x, (1, 2, 2)), [x])
    same_in_both_directions(pooled(every_second_moment(x), 3, 2, 1), F.max_pool3d(x, (1, 3, 3), 2, (0, 1, 1)), [x])
    if t > 1:
        same_in_both_directions(pooled_along_time(x), F.max_pool3d(x, (2, 1, 1)), [x])


@pytest.mark.parametrize("t", [1, 2])
@pytest.mark.parametrize(
    "job",
    [
        FlatConv3d(6, 6, 1, bias=False),
        FlatConv3d(6, 6, (3, 1, 1), padding=(1, 0, 0)),
        FlatConv3d(6, 6, (1, 3, 3), (1, 2, 2), (0, 1, 1)),
        lambda x: pooled(x, 3, 2, 1),
        lambda x: F.relu(every_second_moment(x)),
    ],
)
def test_the_layout_stays_forth_and_back(job, t):
    x = clip(t, b=8).detach().float().requires_grad_()
    y = job(x)
    assert y.is_contiguous(memory_format=LAST)
    (gradient,) = torch.autograd.grad(y, x, channels_last(torch.randn_like(y)))
    assert gradient.is_contiguous(memory_format=LAST)


def test_any_layout_computes_the_same():
    layer = FlatConv3d(6, 4, (3, 1, 1), padding=(1, 0, 0)).double()
    x = clip(3)
    torch.testing.assert_close(layer(x.contiguous()), layer(x))


def test_another_engine_is_given_the_layers_as_they_are():
    layer = FlatConv3d(6, 4, 1).eval()
    graph = torch.export.export(layer, (clip(1, b=16).detach().float(),)).graph
    called = [str(node.target) for node in graph.nodes if node.op == "call_function"]
    assert called == ["aten.conv3d.default"]
