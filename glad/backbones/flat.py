"""3D convolutions and maxima computed as the 2D ones that they are, of maps whose channels lie side by side in memory.

Most kernels of a 3D ResNet look along time or across the picture, not both, and of a kernel along time nothing but
its middle ever meets a map of one moment. Two axes are what the fast kernels of every library are made for.

Everything here takes and returns (b, c, t, h, w), to within rounding what the layer itself returns, and copies
nothing of an x that is laid out in memory as (b, t, h, w, c): see `channels_last`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROWS = 16  # from so many rows of a batch on, PyTorch leaves 1x1 convolutions to oneDNN, on one thread too


def channels_last(x: Tensor) -> Tensor:
    """Return x (b, c, t, h, w) laid out in memory as (b, t, h, w, c)."""
    return x.contiguous(memory_format=torch.channels_last_3d)


class FlatConv3d(nn.Conv3d):
    """A convolution with kernel (d, 1, 1), d odd and all strides 1, or (1, k, k); as many moments out as in.

    Taps that lie outside of the clip get a gradient of 0, as ever.
    """

    def forward(self, input: Tensor) -> Tensor:
        if exporting():
            return super().forward(input)
        (t, h, w), depth = input.shape[2:], self.kernel_size[0]
        if depth > 1 and t > 1:
            y = F.conv2d(along_time(input), self.weight.flatten(3), self.bias, padding=(depth // 2, 0))
            return y.unflatten(3, (h, w))
        weight = self.weight.squeeze(2) if depth == 1 else self.weight[:, :, depth // 2]
        if weight.shape[2:] == (1, 1):
            weight = weight.flatten(1)[:, :, None, None]  # a matrix: its gradient then has the strides of the weight
        y = frames(input)
        if weight.shape[2:] == (1, 1) and self.stride == (1, 1, 1) and y.device.type == "cpu" and len(y) * h >= ROWS:
            # Each place alone: a row of a picture may as well be a picture of one row.
            y = y.permute(0, 2, 3, 1).flatten(0, 1).unsqueeze(1).permute(0, 3, 1, 2)
            y = F.conv2d(y, weight, self.bias).permute(0, 2, 3, 1).squeeze(1)
            return y.unflatten(0, (-1, t, h)).permute(0, 4, 1, 2, 3)
        return videos(F.conv2d(y, weight, self.bias, self.stride[1:], self.padding[1:]), t)


def pooled_along_time(x: Tensor) -> Tensor:
    """Return the larger of every two moments: (b, c, t, h, w) to (b, c, t/2, h, w), rounded down."""
    if exporting():
        return F.max_pool3d(x, (2, 1, 1))
    return F.max_pool2d(along_time(x), (2, 1), (2, 1)).unflatten(3, x.shape[3:])


def pooled(x: Tensor, side: int, stride: int, padding: int) -> Tensor:
    """Return the largest value in every square of a picture: (b, c, t, h, w) to (b, c, t, h/stride, w/stride)."""
    if exporting():
        return F.max_pool3d(x, (1, side, side), (1, stride, stride), (0, padding, padding))
    return videos(F.max_pool2d(frames(x), side, stride, padding), x.shape[2])


def every_second_moment(x: Tensor) -> Tensor:
    """Return the moments 0, 2, 4, ... of x: (b, c, t, h, w) to (b, c, t/2, h, w), rounded up."""
    return x.permute(0, 2, 3, 4, 1)[:, ::2].permute(0, 4, 1, 2, 3)  # so that the gradient has the layout of x too


def exporting() -> bool:
    """Return whether a graph is being recorded for another engine, which chooses its own kernels and layouts."""
    return torch.jit.is_tracing() or torch.compiler.is_exporting()  # pyright: ignore[reportPrivateImportUsage]


def frames(x: Tensor) -> Tensor:
    """Return all moments of all videos as pictures: (b, c, t, h, w) to (b t, c, h, w)."""
    return x.transpose(1, 2).flatten(0, 1)


def videos(y: Tensor, t: int) -> Tensor:
    """Return pictures as videos again: (b t, c, h, w) to (b, c, t, h, w)."""
    return y.unflatten(0, (-1, t)).transpose(1, 2)


def along_time(x: Tensor) -> Tensor:
    """Return a video as a picture of time by place: (b, c, t, h, w) to (b, c, t, h w)."""
    return x.permute(0, 2, 3, 4, 1).flatten(2, 3).permute(0, 3, 1, 2)
