"""The ResNet-50 for images has torchvision's tensors, computes what its paper says, and reads the file of Places365."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from glad.backbones.resnet import Bottleneck, ResNet50, pretrained_resnet50
from glad.backbones.tsm import TSM
from glad.errors import UserError


@pytest.fixture(scope="module")
def network() -> ResNet50:
    torch.manual_seed(0)
    network = ResNet50(365)
    for name, value in network.state_dict().items():
        if "running_var" in name:
            value.uniform_(0.5, 1.5)
        elif "running_mean" in name:
            value.normal_(0, 0.1)
    return network.eval()


def test_tensors_are_those_of_torchvision(network):
    state = network.state_dict()
    assert sum(value.numel() for value in network.parameters()) == 25_557_032 - 635 * 2049  # of 1000 classes
    assert len(state) == 320
    assert state["layer4.0.downsample.1.running_var"].shape == (2048,)
    assert state["layer3.5.conv2.weight"].shape == (256, 256, 3, 3)
    assert state["fc.weight"].shape == (365, 2048)


def plain(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """The network of He et al. in single operations, from its tensors alone."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        shape = (1, -1, 1, 1)
        return (x - mean.view(shape)) / (var.view(shape) + 1e-5).sqrt() * weight.view(shape) + bias.view(shape)

    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    x = (images - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    x = F.max_pool2d(norm(F.conv2d(x, state["conv1.weight"], stride=2, padding=3), "bn1").relu(), 3, 2, 1)
    for number, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            at, stride = f"layer{number}.{block}", 2 if block == 0 and number > 1 else 1
            y = norm(F.conv2d(x, state[f"{at}.conv1.weight"]), f"{at}.bn1").relu()
            y = norm(F.conv2d(y, state[f"{at}.conv2.weight"], stride=stride, padding=1), f"{at}.bn2").relu()
            y = norm(F.conv2d(y, state[f"{at}.conv3.weight"]), f"{at}.bn3")
            if block == 0:
                x = norm(F.conv2d(x, state[f"{at}.downsample.0.weight"], stride=stride), f"{at}.downsample.1")
            x = (x + y).relu()
    return x.mean(dim=(2, 3)) @ state["fc.weight"].T + state["fc.bias"]


def test_it_computes_what_the_paper_of_the_network_says(network):
    images = torch.randint(0, 256, (2, 3, 64, 96)).float()
    with torch.no_grad():
        torch.testing.assert_close(network(images), plain(network.state_dict(), images), rtol=1e-4, atol=1e-4)
        assert network.features(images).shape == (2, 2048) and network.features(images).min() >= 0


def test_a_block_alone():
    block = Bottleneck(8, 2, 2).eval()
    assert block(torch.randn(1, 8, 6, 6)).shape == (1, 8, 3, 3) and block.downsample is not None
    assert Bottleneck(8, 2, 1).downsample is None


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_the_file_of_places_is_read(network, tmp_path, zipped):
    """Its shape: a dictionary with epoch and arch, names behind `module.`, no step counts (it is older than they)."""
    state = {f"module.{name}": value for name, value in network.state_dict().items() if "num_batches" not in name}
    path = tmp_path / "resnet50_places365.pth.tar"
    content = {"epoch": 90, "arch": "resnet50", "state_dict": state, "best_prec1": 54.65}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    read = pretrained_resnet50(path)
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    assert not read.training and torch.equal(read(images), network(images))


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"conv1.weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match=r"a\.pth: has no classifier 'fc.weight'; expected a ResNet-50"):
        pretrained_resnet50(path)
    torch.save(TSM().state_dict() | {"fc.weight": torch.zeros(3, 2048)}, path)
    with pytest.raises(UserError, match=r"does not fit a ResNet-50: 1 missing \(fc\.bias\)"):
        pretrained_resnet50(path)
