"""TSM: a ResNet-50 for images that sees motion because a quarter of its channels is swapped with neighbouring frames.

The network of the paper's Table 2 (Lin et al. 2019). Names are those of torchvision's ResNet-50, so ImageNet weights
fit too; the public Kinetics-400 models of mmaction2 and of the TSM authors fit after renaming, see docs/backbones.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.errors import UserError
from glad.part import Part

# One row per layer: inner channels, blocks, stride of the first block.
LAYERS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4
SHIFT_SHARE = 8  # one eighth of the channels looks ahead, one eighth looks back


class TSMConfig(Part):
    """TSM-R50 as a value. `segments` frames exchange channels; None: all frames of a clip do."""

    segments: int | None = None

    def build(self) -> "TSM":
        """Return the network with random weights (see `TSM`)."""
        return TSM(segments=self.segments)


class TSM(nn.Module):
    """TSM-R50 without pooling and without a head; `width` is 2048.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], any t >= 1 -> map (b, 2048, t, h/32, w/32): 224x224
    becomes 7x7. With `segments` set, t must be a multiple of it and frames are exchanged only inside consecutive
    groups of that many; `UserError` otherwise.

    Fresh weights: Kaiming normal convolutions (fan out, ReLU), batch norm 1 and 0.
    """

    def __init__(self, segments: int | None = None) -> None:
        super().__init__()
        self.width = LAYERS[-1][0] * EXPANSION
        self.segments = segments
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 64
        for number, (inner, count, stride) in enumerate(LAYERS, start=1):
            blocks = []
            for block in range(count):
                blocks.append(Bottleneck(channels, inner, stride if block == 0 else 1))
                channels = inner * EXPANSION
            self.add_module(f"layer{number}", nn.ModuleList(blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        frames = pixels.shape[2]
        segments = self.segments or frames
        if frames % segments:
            raise UserError(
                f"TSM with segments={segments} needs clips whose length is a multiple of it, not {frames} frames; "
                f"leave segments unset or sample {segments} frames"
            )
        x = self.normalize(pixels).transpose(1, 2).flatten(0, 1)  # (b t, 3, h, w)
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))
        for name in ("layer1", "layer2", "layer3", "layer4"):
            for block in self.get_submodule(name).children():
                x = block(x, segments)
        return x.unflatten(0, (-1, frames)).transpose(1, 2)


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1, plus the shortcut; frames are shifted in front of the first, not in the shortcut.

    (n segments, channels, h, w) -> (n segments, 4 inner, h/stride, w/stride).
    """

    def __init__(self, channels: int, inner: int, stride: int) -> None:
        super().__init__()
        outer = inner * EXPANSION
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = None
        if channels != outer or stride != 1:
            shortcut = nn.Conv2d(channels, outer, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outer))

    def forward(self, x: Tensor, segments: int) -> Tensor:
        y = F.relu(self.bn1(self.conv1(shifted(x, segments))))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def shifted(x: Tensor, segments: int) -> Tensor:
    """Return x with its first eighth of channels taken from the next frame and its second from the previous one.

    (n segments, c, h, w) -> same shape; zeros where there is no such frame; the other channels stay (Lin et al.,
    section 3: bidirectional shift).
    """
    x = x.unflatten(0, (-1, segments))  # (n, segments, c, h, w)
    fold = x.shape[2] // SHIFT_SHARE
    ahead, back, rest = x.split([fold, fold, x.shape[2] - 2 * fold], dim=2)
    ahead = F.pad(ahead[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    back = F.pad(back[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat([ahead, back, rest], dim=2).flatten(0, 1)
