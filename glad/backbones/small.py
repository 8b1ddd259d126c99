"""A 38 thousand parameter network for 32-pixel clips: what moves, and 2D convolutions that pass features along time.

Ours. The temporal shift is that of TSM (Lin et al., ICCV 2019); the rest is as small as the miniature benchmark allows.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glad.backbones.pixels import Normalize
from glad.part import Part

Norm = Literal["batch", "none"]


class SmallConfig(Part):
    """The small backbone as a value.

    Attributes:
        norm: `batch` to train from random weights; `none` has its batch norms folded into the convolutions (see
            `fold`), so that no statistics of a batch can pass between domains.
    """

    norm: Norm = "none"

    def build(self) -> "Small":
        """Return the network with random weights."""
        return Small(self.norm)


class Small(nn.Module):
    """Patches of pixels and their changes in time, then four 3x3 convolutions, each after a temporal shift.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], t >= 1, h and w >= 16 -> map (b, 64, t, h/16, w/16),
    sides rounded up where they are multiples of 4. At 32 pixels the map is 2 x 2.
    """

    width = 64

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        self.normalize = Normalize((127.5, 127.5, 127.5), (64.0, 64.0, 64.0))
        self.patches = Unit(6, 16, 6, 4, 1, norm)
        self.same1 = Unit(16, 16, 3, 1, 1, norm)
        self.down1 = Unit(16, 32, 3, 2, 1, norm)
        self.same2 = Unit(32, 32, 3, 1, 1, norm)
        self.down2 = Unit(32, 64, 3, 2, 1, norm)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.normalize(pixels).transpose(1, 2)
        b, t = x.shape[:2]
        change = F.pad(x[:, 1:] - x[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
        x = self.patches(torch.cat([x, change], dim=2).flatten(0, 1))
        x = x + self.same1(time_shifted(x, t))
        x = self.down1(time_shifted(x, t))
        x = x + self.same2(time_shifted(x, t))
        x = self.down2(time_shifted(x, t))
        return x.unflatten(0, (b, t)).transpose(1, 2)


class Unit(nn.Module):
    """Convolution, batch norm (or a bias in its place), ReLU: (m, c, h, w) to (m, c', h', w')."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int, padding: int, norm: Norm) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, stride, padding, bias=norm == "none")
        self.bn = nn.BatchNorm2d(outputs) if norm == "batch" else nn.Identity()
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def time_shifted(x: Tensor, t: int) -> Tensor:
    """Return frames (b * t, c, h, w) with a quarter of the channels from the frame before, a quarter from the next.

    Beyond the ends of a clip there is 0.
    """
    x = x.unflatten(0, (-1, t))
    quarter = x.shape[2] // 4
    before, after, still = x[:, :, :quarter], x[:, :, quarter : 2 * quarter], x[:, :, 2 * quarter :]
    before = F.pad(before[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    after = F.pad(after[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    return torch.cat([before, after, still], dim=2).flatten(0, 1)


def fold(state: dict[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """Return the weights of `Small("none")` that compute what `Small("batch")` with `state` computes in eval mode.

    `conv.weight` is scaled by gamma / sqrt(var + eps), and the rest of the batch norm becomes `conv.bias`.
    """
    folded = {}
    for unit in [name.removesuffix("conv.weight") for name in state if name.endswith("conv.weight")]:
        bn = {name: state[f"{unit}bn.{name}"] for name in ("weight", "bias", "running_mean", "running_var")}
        scale = bn["weight"] / torch.sqrt(bn["running_var"] + eps)
        folded[f"{unit}conv.weight"] = state[f"{unit}conv.weight"] * scale[:, None, None, None]
        folded[f"{unit}conv.bias"] = bn["bias"] - bn["running_mean"] * scale
    return folded
