"""Two small 3D convolutions: a backbone for tests and first runs, never for a result."""

from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.part import Part


class TinyConfig(Part):
    """The tiny backbone as a value; `width` is the number of channels of its map."""

    width: int = 16

    def build(self) -> "Tiny":
        """Return the network with random weights."""
        return Tiny(self.width)


class Tiny(nn.Module):
    """Two 3x3x3 convolutions (4,128 parameters at width 16), no batch norm: rows of a batch never meet.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], t >= 1, h and w >= 8 -> map
    (b, width, t, h/4, w/4), sides rounded up.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.width = width
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv3d(3, 8, 3, stride=(1, 2, 2), padding=1)
        self.conv2 = nn.Conv3d(8, width, 3, stride=(1, 2, 2), padding=1)
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        return F.relu(self.conv2(F.relu(self.conv1(self.normalize(pixels)))))
