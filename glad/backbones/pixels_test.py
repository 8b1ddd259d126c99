import pytest
import torch
from torch import nn

from glad.backbones.inception_i3d import InceptionI3DConfig
from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD, Normalize
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.small import SmallConfig
from glad.backbones.tiny import TinyConfig
from glad.backbones.tsm import TSMConfig

# What the weights of each backbone were trained on, of pixels in [0, 1]: mean and deviation of red, green, blue.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TRAINED_ON = [
    (R50I3DConfig(), IMAGENET),
    (TSMConfig(), IMAGENET),
    (InceptionI3DConfig(), ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),  # [-1, 1]
    (InceptionI3DConfig(normalization="co2a"), ((0.4345, 0.4051, 0.3775), (0.2768, 0.2713, 0.2737))),
    (SmallConfig(), ((0.5, 0.5, 0.5), (64 / 255, 64 / 255, 64 / 255))),
    (TinyConfig(), IMAGENET),
]


@pytest.mark.parametrize(("config", "constants"), TRAINED_ON, ids=lambda value: repr(value)[:40])
def test_every_backbone_gives_its_first_layer_what_its_weights_were_trained_on(config, constants, monkeypatch):
    monkeypatch.setattr(nn.init, "kaiming_normal_", lambda weight, **_: weight)  # which takes long, for nothing here
    backbone = config.build().eval()
    seen = []
    backbone.normalize.register_forward_hook(lambda module, inputs, output: seen.append(output))
    pixels = torch.randint(0, 256, (1, 3, 8, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        backbone(pixels)
    (normalized,) = seen
    for channel in range(3):
        expected = (pixels[:, channel].double() / 255 - constants[0][channel]) / constants[1][channel]
        assert torch.allclose(normalized[:, channel].double(), expected, atol=1e-5)


def test_the_ends_of_the_range_as_the_published_inception_sees_them():
    ends = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2, 1, 1).expand(1, 3, 2, 1, 1)
    assert InceptionI3DConfig().build().normalize(ends).flatten().tolist() == [-1.0, 1.0] * 3


def test_known_values_per_channel():
    normalize = Normalize(mean=(0.0, 100.0, 255.0), std=(1.0, 50.0, 5.0))
    pixels = torch.full((1, 3, 1, 1, 1), 200, dtype=torch.uint8)
    assert normalize(pixels).flatten().tolist() == [200.0, 2.0, -11.0]


def test_uint8_and_float_pixels_give_the_same_numbers_and_the_original_is_recovered():
    normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 1, 16, 16).expand(2, 3, 4, 16, 16)
    output = normalize(pixels)
    assert output.shape == pixels.shape and output.dtype == torch.float32
    assert torch.equal(output, normalize(pixels.float()))
    assert torch.allclose(output * normalize.std + normalize.mean, pixels.float(), atol=1e-4)


def test_the_constants_follow_the_precision_and_stay_out_of_checkpoints():
    normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
    assert normalize.state_dict() == {}
    assert normalize.double()(torch.zeros(1, 3, 1, 2, 2, dtype=torch.uint8)).dtype == torch.float64
