"""Inception-v1 I3D: an image network of parallel branches whose kernels grew a time axis; CoMix and CO2A use it.

Topology and constants follow the public Kinetics models of DeepMind (Carreira and Zisserman, CVPR 2017) and their
port to PyTorch (`rgb_imagenet.pt`), so that both sets of weights fit after renaming: docs/backbones.md.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import Normalize
from glad.errors import UserError
from glad.part import Part

Sizes = tuple[int, int, int]  # of time, height and width

# (mean, deviation) of RGB pixels in [0, 255]. "unit": pixels come to lie in [-1, 1], as the weights were trained.
# "co2a": what CO2A feeds the same weights, its constants on [0, 1] times 255.
NORMALIZATIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "unit": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "co2a": (
        (255 * 0.4345, 255 * 0.4051, 255 * 0.3775),
        (255 * 0.2768, 255 * 0.2713, 255 * 0.2737),
    ),
}


class InceptionI3DConfig(Part):
    """Inception-v1 I3D as a value.

    Attributes:
        normalization: `unit` brings pixels to [-1, 1]; `co2a` takes CO2A's mean and deviation instead.
    """

    normalization: Literal["unit", "co2a"] = "unit"

    def build(self) -> "InceptionI3D":
        """Return the network with random weights (see `InceptionI3D`)."""
        return InceptionI3D(self.normalization)


class InceptionI3D(nn.Module):
    """Inception-v1 I3D without pooling and without a head; `width` is 1024.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], of any size from one frame of one pixel up -> map
    (b, 1024, t/8, h/32, w/32), all rounded up: 8 frames of 224x224 become (1, 7, 7), 16 frames (2, 7, 7). Training on
    a single clip whose map is a single place leaves batch norm nothing to compare: `UserError`.

    The published heads average over windows of (2, 7, 7), CoMix over (1, 7, 7) at 8 frames. At 224x224 and up to 16
    frames one window covers the map, and the mean over everything is that average. Of longer clips the published
    windows overlap and count the middle twice; the mean over everything does not.

    Fresh weights: Kaiming normal convolutions (fan out, ReLU), batch norm 1 and 0.
    """

    def __init__(self, normalization: Literal["unit", "co2a"] = "unit") -> None:
        super().__init__()
        self.width = 1024
        self.normalize = Normalize(*NORMALIZATIONS[normalization])
        self.conv_1a = Unit(3, 64, (7, 7, 7), stride=(2, 2, 2))
        self.pool_2a = MaxPool((1, 3, 3), stride=(1, 2, 2))
        self.conv_2b = Unit(64, 64, (1, 1, 1))
        self.conv_2c = Unit(64, 192, (3, 3, 3))
        self.pool_3a = MaxPool((1, 3, 3), stride=(1, 2, 2))
        self.mixed_3b = Mixed(192, 64, (96, 128), (16, 32), 32)
        self.mixed_3c = Mixed(256, 128, (128, 192), (32, 96), 64)
        self.pool_4a = MaxPool((3, 3, 3), stride=(2, 2, 2))
        self.mixed_4b = Mixed(480, 192, (96, 208), (16, 48), 64)
        self.mixed_4c = Mixed(512, 160, (112, 224), (24, 64), 64)
        self.mixed_4d = Mixed(512, 128, (128, 256), (24, 64), 64)
        self.mixed_4e = Mixed(512, 112, (144, 288), (32, 64), 64)
        self.mixed_4f = Mixed(528, 256, (160, 320), (32, 128), 128)
        self.pool_5a = MaxPool((2, 2, 2), stride=(2, 2, 2))
        self.mixed_5b = Mixed(832, 256, (160, 320), (32, 128), 128)
        self.mixed_5c = Mixed(832, 384, (192, 384), (48, 128), 128)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        frames, *sides = pixels.shape[2:]
        if self.training and len(pixels) == 1 and frames <= 8 and max(sides) <= 32:
            raise UserError(
                f"Inception-I3D cannot train on a single clip of {frames} frames of {sides[0]}x{sides[1]} pixels: its "
                f"map is one place, and batch norm compares several; take more clips, or over 8 frames or 32 pixels"
            )
        x = self.pool_2a(self.conv_1a(self.normalize(pixels)))
        x = self.pool_3a(self.conv_2c(self.conv_2b(x)))
        x = self.pool_4a(self.mixed_3c(self.mixed_3b(x)))
        x = self.mixed_4f(self.mixed_4e(self.mixed_4d(self.mixed_4c(self.mixed_4b(x)))))
        return self.mixed_5c(self.mixed_5b(self.pool_5a(x)))


class Mixed(nn.Module):
    """Four branches side by side, concatenated: 1x1x1; 1x1x1 then 3x3x3, twice; 3x3x3 maximum then 1x1x1.

    (b, inputs, t, h, w) -> (b, b0 + b1[1] + b2[1] + b3, t, h, w); the arguments are the channels of the branches.
    """

    def __init__(self, inputs: int, b0: int, b1: tuple[int, int], b2: tuple[int, int], b3: int) -> None:
        super().__init__()
        self.b0 = Unit(inputs, b0, (1, 1, 1))
        self.b1a = Unit(inputs, b1[0], (1, 1, 1))
        self.b1b = Unit(b1[0], b1[1], (3, 3, 3))
        self.b2a = Unit(inputs, b2[0], (1, 1, 1))
        self.b2b = Unit(b2[0], b2[1], (3, 3, 3))
        self.b3a = MaxPool((3, 3, 3), stride=(1, 1, 1))
        self.b3b = Unit(inputs, b3, (1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class Unit(nn.Module):
    """Convolution with 'same' padding, batch norm (eps 0.001, momentum 0.01), ReLU.

    (b, inputs, t, h, w) -> (b, outputs, t/stride, h/stride, w/stride), rounded up.
    """

    def __init__(self, inputs: int, outputs: int, kernel: Sizes, stride: Sizes = (1, 1, 1)) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=0.001, momentum=0.01)
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        x, padding = padded(x, self.kernel, self.stride)
        return F.relu(self.bn(F.conv3d(x, self.conv.weight, None, self.stride, padding)))


class MaxPool(nn.Module):
    """Maximum with 'same' padding: (b, c, t, h, w) -> (b, c, t/stride, h/stride, w/stride), rounded up.

    What is padded never counts: every input here is at least 0, so that zeros at the back are as good as nothing.
    """

    def __init__(self, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        x, padding = padded(x, self.kernel, self.stride)
        return F.max_pool3d(x, self.kernel, self.stride, padding)


def padded(x: Tensor, kernel: Sizes, stride: Sizes) -> tuple[Tensor, Sizes]:
    """Return x (..., t, h, w) and the padding that is left to the operation: the same at the front and the back.

    Zeros are put around x itself only where an axis needs more of them at the back than at the front; most do not,
    and a copy of every map would be kept for the gradient.
    """
    t, h, w = (same_padding(n, k, s) for n, k, s in zip(x.shape[-3:], kernel, stride, strict=True))
    if all(front == back for front, back in (t, h, w)):
        return x, (t[0], h[0], w[0])
    return F.pad(x, (*w, *h, *t)), (0, 0, 0)


def same_padding(n: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how many zeros go before and after an axis of `n` so that it has ceil(n / stride) outputs.

    The odd one goes to the back, as TensorFlow's 'SAME' has it.
    """
    total = max(kernel - (n % stride or stride), 0)
    return total // 2, total - total // 2
