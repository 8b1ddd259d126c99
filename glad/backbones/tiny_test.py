import pytest
import torch
from torch import nn

from glad.backbones.tiny import TinyConfig
from glad.part import Part


@pytest.mark.parametrize(("t", "h", "w"), [(1, 8, 8), (8, 9, 15), (3, 64, 48)])
def test_any_clip_from_one_frame_of_eight_pixels_up(t, h, w):
    backbone = TinyConfig().build()
    pixels = torch.randint(0, 256, (2, 3, t, h, w), dtype=torch.uint8)
    output = backbone(pixels)
    assert output.shape == (2, backbone.width, t, -(-h // 4), -(-w // 4)) and backbone.width == 16
    assert output.dtype == torch.float32 and torch.equal(output, backbone(pixels.float()))


def test_a_few_thousand_parameters_and_no_batch_norm():
    backbone = TinyConfig().build()
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 4_128
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in backbone.modules())


def test_rows_do_not_meet_and_every_frame_counts():
    backbone = TinyConfig(width=4).build()
    pixels = torch.rand(1, 3, 4, 16, 16) * 255
    changed = pixels.repeat(5, 1, 1, 1, 1)
    for t in range(4):
        changed[t, :, t] = 255 - changed[t, :, t]
    change = (backbone(changed) - backbone(pixels)).abs().amax(dim=(1, 2, 3, 4))
    assert (change[:4] > 0.01).all() and change[4] < 1e-5


def test_gradients_reach_every_parameter():
    backbone = TinyConfig().build()
    backbone(torch.rand(2, 3, 4, 16, 16) * 255).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in backbone.parameters())


def test_config_is_a_part_and_reads_back():
    config = TinyConfig(width=8)
    assert isinstance(config, Part)
    assert TinyConfig.model_validate_json(config.model_dump_json()) == config
