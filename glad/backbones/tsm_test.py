import pytest
import torch
from pydantic import ValidationError
from torch import nn

from glad.backbones.resnet import Bottleneck
from glad.backbones.tsm import TSM, TSMConfig, shifted
from glad.errors import UserError
from glad.part import Part


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def on_meta(**fields) -> TSM:
    with torch.device("meta"):
        return TSMConfig(**fields).build()


def test_parameter_counts_and_topology():
    backbone = on_meta()
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 23_508_032
    blocks = [module for module in backbone.modules() if isinstance(module, Bottleneck)]
    assert [block.conv1.in_channels for block in blocks] == ([64, *[256] * 3, *[512] * 4, *[1024] * 6, *[2048] * 2])
    strides = [block.conv2.stride[0] for block in blocks]
    assert strides == [1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1]


@pytest.mark.parametrize("frames", [1, 8, 16])
def test_shape_of_the_map(frames):
    pixels = torch.empty(2, 3, frames, 224, 224, dtype=torch.uint8, device="meta")
    assert on_meta()(pixels).shape == (2, 2048, frames, 7, 7)


@pytest.mark.parametrize("channels", [64, 19])
def test_shift_moves_a_single_value_as_published(channels):
    fold = channels // 8
    for channel in range(channels):
        for t in range(4):
            x = torch.zeros(2, 4, channels, 1, 1)
            x[1, t, channel] = 1.0
            lands = t - 1 if channel < fold else t + 1 if channel < 2 * fold else t
            expected = torch.zeros_like(x)
            if 0 <= lands < 4:
                expected[1, lands, channel] = 1.0
            assert torch.equal(shifted(x.flatten(0, 1), segments=4), expected.flatten(0, 1))


def test_shift_of_identical_frames_changes_only_the_first_and_the_last():
    frame = torch.rand(1, 16, 3, 3) + 0.1
    x = frame.repeat(8, 1, 1, 1)
    y = shifted(x, segments=8)
    assert torch.equal(y[1:7], x[1:7])
    assert not y[0, 2:4].any() and torch.equal(y[0, :2], x[0, :2]) and torch.equal(y[0, 4:], x[0, 4:])
    assert not y[7, :2].any() and torch.equal(y[7, 2:], x[7, 2:])


@pytest.mark.parametrize(("channels", "inner"), [(64, 64), (256, 64)])
def test_the_shortcut_is_not_shifted(channels, inner):
    block = Bottleneck(channels, inner, stride=1).eval()
    nn.init.zeros_(block.bn3.weight)  # silences the branch that is shifted
    x = torch.randn(8, channels, 4, 4)
    plain = x if block.downsample is None else block.downsample(x)
    assert (block.downsample is None) == (channels == 256)
    assert torch.equal(block(x, shifted(x, 8)), plain.relu())


def test_every_bottleneck_shifts_what_enters_its_first_convolution():
    backbone = TSMConfig().build().eval()
    seen = []
    for module in backbone.modules():
        if isinstance(module, Bottleneck):
            outer = []
            module.register_forward_pre_hook(lambda m, inputs, outer=outer: outer.append(inputs[0]))
            module.conv1.register_forward_pre_hook(
                lambda m, inputs, outer=outer: seen.append(torch.equal(inputs[0], shifted(outer[0], 4)))
            )
    with torch.inference_mode():
        backbone(torch.randint(0, 256, (1, 3, 4, 32, 32), dtype=torch.uint8))
    assert seen == [True] * 16


def test_clips_do_not_see_each_other_and_uint8_equals_float():
    backbone = TSMConfig().build().eval()
    pixels = torch.randint(0, 256, (2, 3, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        both = backbone(pixels)
        assert torch.equal(both, backbone(pixels.float()))
        for clip in (0, 1):
            assert torch.allclose(both[clip], backbone(pixels[clip : clip + 1])[0], rtol=1e-4, atol=1e-4)
        changed = pixels.clone()
        changed[1] = 255 - changed[1]
        assert torch.equal(backbone(changed)[0], both[0])
    assert both.shape == (2, 2048, 3, 1, 1)


def test_segments_cut_a_clip_into_groups_that_do_not_exchange_frames():
    backbone = TSMConfig(segments=2).build().eval()
    pixels = torch.randint(0, 256, (1, 3, 4, 32, 32), dtype=torch.uint8)
    changed = pixels.clone()
    changed[:, :, 3] = 255 - changed[:, :, 3]
    with torch.inference_mode():
        change = (backbone(changed) - backbone(pixels)).abs().amax(dim=(0, 1, 3, 4))
    assert change[:2].tolist() == [0, 0] and (change[2:] > 0).all()
    with pytest.raises(UserError, match=r"segments=2 .* not 3 frames"):
        backbone(pixels[:, :, :3])


def test_config_is_a_part_and_reads_back():
    config = TSMConfig(segments=8)
    assert isinstance(config, Part)
    assert TSMConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError, match="did you mean 'segments'"):
        TSMConfig.model_validate({"segmnts": 8})
    with pytest.raises(ValidationError, match="greater than 0"):
        TSMConfig(segments=0)
