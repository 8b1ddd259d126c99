"""R50-I3D: a ResNet-50 that also looks along time, with non-local blocks that compare all places at once.

The network of the paper's Table 3. Topology, names of stages and constants follow the public Kinetics-400
model "i3d imagenet-pretrained r50 nl-dot-product" of mmaction2, so that its weights fit: docs/backbones.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.flat import FlatConv3d, channels_last, every_second_moment, pooled, pooled_along_time
from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.errors import UserError
from glad.part import Part

EXPANSION = 4
MIN_FRAMES = 5  # below, nothing is left for the second temporal pooling
MIN_SIDE = 17  # below, nothing is left for the non-local blocks of layer3 to pool


class R50I3DConfig(Part):
    """R50-I3D as a value; `non_local=False` leaves the five non-local blocks out."""

    non_local: bool = True

    def build(self) -> "R50I3D":
        """Return the network with random weights (see `R50I3D`)."""
        return R50I3D(non_local=self.non_local)


class R50I3D(nn.Module):
    """R50-I3D without pooling and without a head; `width` is 2048.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], t >= 5, h and w >= 17 (`UserError` otherwise) ->
    map (b, 2048, t', h', w') with t' about t/8 and h' about h/32: 8 frames of 224x224 become (1, 7, 7), 32 frames
    (4, 7, 7). The last frame of an 8-frame clip lies outside every receptive field, as in the public model.

    Fresh weights: Kaiming normal convolutions (fan out, ReLU), batch norm 1 and 0; non-local blocks start as
    the identity.
    """

    def __init__(self, non_local: bool = True) -> None:
        super().__init__()
        self.width = 512 * EXPANSION
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv3d(3, 64, (5, 7, 7), stride=2, padding=(2, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        on = 1 if non_local else 0
        self.layer1 = layer(64, 64, 1, inflate=(1, 1, 1), non_local=(0, 0, 0))
        self.layer2 = layer(256, 128, 2, inflate=(1, 0, 1, 0), non_local=(0, on, 0, on))
        self.layer3 = layer(512, 256, 2, inflate=(1, 0, 1, 0, 1, 0), non_local=(0, on, 0, on, 0, on))
        self.layer4 = layer(1024, 512, 2, inflate=(0, 1, 0), non_local=(0, 0, 0))
        for module in self.modules():
            if isinstance(module, nn.Conv3d) and module.bias is None:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for module in self.modules():
            if isinstance(module, NonLocal):
                module.reset_parameters()

    def forward(self, pixels: Tensor) -> Tensor:
        frames, *sides = pixels.shape[2:]
        if frames < MIN_FRAMES or min(sides) < MIN_SIDE:
            raise UserError(
                f"R50-I3D needs clips of at least {MIN_FRAMES} frames of {MIN_SIDE}x{MIN_SIDE} pixels, "
                f"not {frames} frames of {sides[0]}x{sides[1]}; sample longer or larger clips"
            )
        x = pooled(F.relu(self.stem(channels_last(self.normalize(pixels)))), side=3, stride=2, padding=1)
        x = pooled_along_time(self.layer1(x))
        return self.layer4(self.layer3(self.layer2(x)))

    def stem(self, x: Tensor) -> Tensor:
        """Return the moments of the first convolution that the pooling after it looks at: every second one.

        The others are nothing but part of the statistics of a training batch, and without those are not computed.
        """
        if self.bn1.training:
            return every_second_moment(self.bn1(self.conv1(x)))
        along, *sides = self.conv1.stride
        return self.bn1(F.conv3d(x, self.conv1.weight, None, (2 * along, *sides), self.conv1.padding))


def layer(
    channels: int, inner: int, stride: int, inflate: tuple[int, ...], non_local: tuple[int, ...]
) -> nn.Sequential:
    """Return a bottleneck per entry of `inflate`, the first with the stride; 1 means yes in both tuples."""
    blocks = []
    for block in range(len(inflate)):
        inputs, step = (channels, stride) if block == 0 else (inner * EXPANSION, 1)
        blocks.append(Bottleneck(inputs, inner, step, bool(inflate[block]), bool(non_local[block])))
    return nn.Sequential(*blocks)


class Bottleneck(nn.Module):
    """1x1x1 (or 3x1x1 when `inflate`), then 1x3x3 with the spatial stride, then 1x1x1, plus the shortcut.

    (b, channels, t, h, w) -> (b, 4 inner, t, h/stride, w/stride).
    """

    def __init__(self, channels: int, inner: int, stride: int, inflate: bool, non_local: bool) -> None:
        super().__init__()
        outer = inner * EXPANSION
        depth = 3 if inflate else 1
        self.conv1 = FlatConv3d(channels, inner, (depth, 1, 1), padding=(depth // 2, 0, 0), bias=False)
        self.bn1 = nn.BatchNorm3d(inner)
        self.conv2 = FlatConv3d(inner, inner, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False)
        self.bn2 = nn.BatchNorm3d(inner)
        self.conv3 = FlatConv3d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outer)
        self.downsample = None
        if channels != outer or stride != 1:
            shortcut = FlatConv3d(channels, outer, 1, stride=(1, stride, stride), bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(outer))
        self.non_local = NonLocal(outer) if non_local else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y = F.relu(y + (x if self.downsample is None else self.downsample(x)))
        return y if self.non_local is None else self.non_local(y)


class NonLocal(nn.Module):
    """Every place receives a mix of all places, weighted by a plain dot product (Wang et al. 2018, Eq. 4).

    x (b, c, t, h, w) -> same shape. Queries `theta`, keys `phi` and values `g` have c/2 channels and a bias;
    keys and values are max-pooled 2x2 in space. The weights are divided by the number of pooled keys: no
    softmax and no 1/sqrt(width). The result passes `out` and a batch norm and is added to x.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = FlatConv3d(channels, inner, 1)
        self.phi = FlatConv3d(channels, inner, 1)
        self.g = FlatConv3d(channels, inner, 1)
        self.out = FlatConv3d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm3d(channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw convolutions from N(0, 0.01^2), bias 0; the last norm weighs 0: the block is the identity."""
        for conv in (self.theta, self.phi, self.g, self.out):
            nn.init.normal_(conv.weight, std=0.01)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        query = self.theta(x).flatten(2)  # (b, c/2, places)
        key = pooled(self.phi(x), side=2, stride=2, padding=0).flatten(2)  # (b, c/2, keys)
        value = pooled(self.g(x), side=2, stride=2, padding=0).flatten(2)
        weights = torch.matmul(query.transpose(1, 2), key) / key.shape[2]  # (b, places, keys)
        mixed = torch.matmul(weights, value.transpose(1, 2)).transpose(1, 2)
        return x + self.norm(self.out(mixed.unflatten(2, x.shape[2:])))
