"""A ResNet-50 for single images (He et al. 2016), which looks at scenes, and whose blocks TSM lends motion.

Names are those of torchvision and Places365.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.backbones.tensors import tensors_of
from glad.backbones.weights import mismatch, with_step_counts, without_wrapper
from glad.errors import UserError

EXPANSION = 4


class ResNet50(nn.Module):
    """ResNet-50 with its classifier: images to 2048 features, and those to one logit a class.

    The 3x3 convolution of a block carries its stride, as in torchvision.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = layer(64, 64, blocks=3, stride=1)
        self.layer2 = layer(256, 128, blocks=4, stride=2)
        self.layer3 = layer(512, 256, blocks=6, stride=2)
        self.layer4 = layer(1024, 512, blocks=3, stride=2)
        self.fc = nn.Linear(512 * EXPANSION, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the pooled features (b, 2048), none negative, of images (b, 3, h, w) in [0, 255]."""
        x = self.normalize(images[:, :, None])[:, :, 0]
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (b, classes) of images (b, 3, h, w), RGB in [0, 255]."""
        return self.fc(self.features(images))


def layer(channels: int, inner: int, blocks: int, stride: int) -> nn.Sequential:
    """Return `blocks` bottlenecks, the first with the stride."""
    rest = (Bottleneck(inner * EXPANSION, inner, 1) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(channels, inner, stride), *rest)


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1, plus the shortcut: (b, channels, h, w) -> (b, 4 inner, h/stride, w/stride).

    The convolutions look at `seen` where it is given, the shortcut always at `x`.
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

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x if seen is None else seen)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def pretrained_resnet50(path: Path) -> ResNet50:
    """Return the network of a file such as `resnet50_places365.pth.tar`, classifier included, in evaluation mode.

    The file holds a `state_dict` under torchvision's names, with or without `module.` before them, and nothing of it
    is run. A file of another network is refused with `UserError`.
    """
    state = without_wrapper(tensors_of(path))
    if "fc.weight" not in state or state["fc.weight"].ndim != 2:
        raise UserError(
            f"{path}: has no classifier 'fc.weight'; expected a ResNet-50 such as resnet50_places365.pth.tar"
        )
    with torch.device("meta"):  # no time for random weights that the file replaces
        network = ResNet50(len(state["fc.weight"]))
    network.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
    own = network.state_dict()
    state = with_step_counts(state, {name: torch.zeros(()) for name in own if name.endswith("num_batches_tracked")})
    if problem := mismatch(state, own):
        raise UserError(f"{path}: does not fit a ResNet-50: {problem}; expected resnet50_places365.pth.tar or the like")
    network.load_state_dict(state, strict=True, assign=True)
    return network.eval().requires_grad_(False)
