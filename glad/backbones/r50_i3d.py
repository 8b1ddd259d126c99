"""R50-I3D: a ResNet-50 whose kernels also look along time, with non-local blocks that compare all places at once.

The network of the paper's Table 3. Topology, names of stages and constants follow the public Kinetics-400 model
"i3d imagenet-pretrained r50 nl-dot-product" (mmaction2), so that its weights fit; see docs/backbones.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.errors import UserError
from glad.part import Part

# One row per layer: inner channels, spatial stride, then per block whether conv1 spans 3 frames and whether a
# non-local block follows.
LAYERS = (
    (64, 1, (True, True, True), (False, False, False)),
    (128, 2, (True, False, True, False), (False, True, False, True)),
    (256, 2, (True, False, True, False, True, False), (False, True, False, True, False, True)),
    (512, 2, (False, True, False), (False, False, False)),
)
EXPANSION = 4
MIN_FRAMES = 5  # below, nothing is left for the second temporal pooling
MIN_SIDE = 17  # below, nothing is left for the non-local blocks of layer3 to pool


class R50I3DConfig(Part):
    """R50-I3D as a value. `non_local=False` leaves the five non-local blocks out (27.2 instead of 34.6 M parameters)."""

    non_local: bool = True

    def build(self) -> "R50I3D":
        """Return the network with random weights (see `R50I3D`)."""
        return R50I3D(non_local=self.non_local)


class R50I3D(nn.Module):
    """R50-I3D without pooling and without a head; `width` is 2048.

    Pixels (b, 3, t, h, w), RGB, uint8 or float in [0, 255], t >= 5, h and w >= 17 -> map (b, 2048, t', h', w') with
    t' about t/8 and h' about h/32: 8 frames of 224x224 become (1, 7, 7), 32 frames (4, 7, 7). The last frame of an
    8-frame clip lies outside every receptive field, as in the public model.

    Fresh weights: Kaiming normal convolutions (fan out, ReLU), batch norm 1 and 0; non-local blocks start as the
    identity.
    """

    def __init__(self, non_local: bool = True) -> None:
        super().__init__()
        self.width = LAYERS[-1][0] * EXPANSION
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv3d(3, 64, (5, 7, 7), stride=2, padding=(2, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.pool1 = nn.MaxPool3d((1, 3, 3), stride=2, padding=(0, 1, 1))
        self.pool2 = nn.MaxPool3d((2, 1, 1), stride=(2, 1, 1))
        channels = 64
        for number, (inner, stride, inflate, followed) in enumerate(LAYERS, start=1):
            blocks = []
            for block in range(len(inflate)):
                block_stride = stride if block == 0 else 1
                attend = non_local and followed[block]
                blocks.append(Bottleneck(channels, inner, block_stride, inflate[block], attend))
                channels = inner * EXPANSION
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
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
        x = self.pool1(F.relu(self.bn1(self.conv1(self.normalize(pixels)))))
        x = self.pool2(self.get_submodule("layer1")(x))
        for name in ("layer2", "layer3", "layer4"):
            x = self.get_submodule(name)(x)
        return x


class Bottleneck(nn.Module):
    """1x1x1 (or 3x1x1 when `inflate`), then 1x3x3 with the spatial stride, then 1x1x1, plus the shortcut.

    (b, channels, t, h, w) -> (b, 4 inner, t, h/stride, w/stride).
    """

    def __init__(self, channels: int, inner: int, stride: int, inflate: bool, non_local: bool) -> None:
        super().__init__()
        outer = inner * EXPANSION
        depth = 3 if inflate else 1
        self.conv1 = nn.Conv3d(channels, inner, (depth, 1, 1), padding=(depth // 2, 0, 0), bias=False)
        self.bn1 = nn.BatchNorm3d(inner)
        self.conv2 = nn.Conv3d(inner, inner, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False)
        self.bn2 = nn.BatchNorm3d(inner)
        self.conv3 = nn.Conv3d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outer)
        self.downsample = None
        if channels != outer or stride != 1:
            shortcut = nn.Conv3d(channels, outer, 1, stride=(1, stride, stride), bias=False)
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

    x (b, c, t, h, w) -> same shape. Queries `theta`, keys `phi` and values `g` have c/2 channels and a bias; keys and
    values are max-pooled 2x2 in space. The weights are divided by the number of pooled keys: no softmax and no
    1/sqrt(width). The result passes `out` and a batch norm and is added to x.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = nn.Conv3d(channels, inner, 1)
        self.phi = nn.Conv3d(channels, inner, 1)
        self.g = nn.Conv3d(channels, inner, 1)
        self.out = nn.Conv3d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm3d(channels)
        self.pool = nn.MaxPool3d((1, 2, 2))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw convolutions from N(0, 0.01^2) with bias 0, and start as the identity: the last norm weighs 0."""
        for conv in (self.theta, self.phi, self.g, self.out):
            nn.init.normal_(conv.weight, std=0.01)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        query = self.theta(x).flatten(2)  # (b, c/2, places)
        key = self.pool(self.phi(x)).flatten(2)  # (b, c/2, keys)
        value = self.pool(self.g(x)).flatten(2)
        weights = torch.matmul(query.transpose(1, 2), key) / key.shape[2]  # (b, places, keys)
        mixed = torch.matmul(weights, value.transpose(1, 2)).transpose(1, 2)
        return x + self.norm(self.out(mixed.unflatten(2, x.shape[2:])))
