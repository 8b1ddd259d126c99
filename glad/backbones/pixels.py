"""From pixels in [0, 255] to the numbers a network was trained on: subtract a mean, divide by a deviation."""

import torch
from torch import Tensor, nn

# RGB, of pixels in [0, 255]: the ImageNet constants that R50-I3D and TSM were trained with.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class Normalize(nn.Module):
    """`(pixels - mean) / std` per channel, in the precision this module was moved to.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255]; output of the same shape. The constants travel
    with the module to its device but are no weights: they are in no checkpoint.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).reshape(3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(3, 1, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.to(self.mean.dtype) - self.mean) / self.std
