"""TSM: a ResNet-50 for images that sees motion because neighbouring frames swap a quarter of their channels.

The network of the paper's Table 2 (Lin et al. 2019). Tensors are named as in torchvision's ResNet-50, so
ImageNet weights fit too; the public models of mmaction2 and of the TSM authors fit after renaming: docs/backbones.md.
"""

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.backbones.resnet import EXPANSION, layer
from glad.errors import UserError
from glad.part import Part

SHIFT_SHARE = 8  # one eighth of the channels looks ahead, one eighth looks back


class TSMConfig(Part):
    """TSM-R50 as a value. `segments` frames exchange channels; None: all frames of a clip do."""

    segments: PositiveInt | None = None

    def build(self) -> "TSM":
        """Return the network with random weights (see `TSM`)."""
        return TSM(segments=self.segments)


class TSM(nn.Module):
    """TSM-R50 without pooling and without a head; `width` is 2048.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], any t >= 1 -> map (b, 2048, t, h/32, w/32):
    224x224 becomes 7x7. With `segments` set, channels are exchanged only inside consecutive groups of that
    many frames, and t must be a multiple of it (`UserError` otherwise).

    Fresh weights: Kaiming normal convolutions (fan out, ReLU), batch norm 1 and 0.
    """

    def __init__(self, segments: int | None = None) -> None:
        super().__init__()
        self.width = 512 * EXPANSION
        self.segments = segments
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = layer(64, 64, blocks=3, stride=1)
        self.layer2 = layer(256, 128, blocks=4, stride=2)
        self.layer3 = layer(512, 256, blocks=6, stride=2)
        self.layer4 = layer(1024, 512, blocks=3, stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        frames = pixels.shape[2]
        segments = self.segments or frames
        if frames % segments:
            raise UserError(
                f"TSM with segments={segments} needs a multiple of {segments} frames per clip, not {frames} frames; "
                f"leave segments unset or sample {segments} frames"
            )
        x = self.normalize(pixels).transpose(1, 2).flatten(0, 1)  # (b t, 3, h, w)
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))
        for block in (*self.layer1, *self.layer2, *self.layer3, *self.layer4):
            x = block(x, shifted(x, segments))  # the shortcut is not shifted
        return x.unflatten(0, (-1, frames)).transpose(1, 2)


def shifted(x: Tensor, segments: int) -> Tensor:
    """Return x with its first eighth of channels taken from the next frame, the second from the previous one.

    (n segments, c, h, w) -> same shape; zeros where there is no such frame; the other channels stay (Lin et
    al. 2019, the bidirectional shift).
    """
    x = x.unflatten(0, (-1, segments))  # (n, segments, c, h, w)
    fold = x.shape[2] // SHIFT_SHARE
    ahead, back, rest = x.split([fold, fold, x.shape[2] - 2 * fold], dim=2)
    ahead = F.pad(ahead[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    back = F.pad(back[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat([ahead, back, rest], dim=2).flatten(0, 1)
