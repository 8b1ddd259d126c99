import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional as F

from glad.backbones.inception_i3d import InceptionI3D, InceptionI3DConfig, MaxPool, Mixed, Unit, padded, same_padding
from glad.errors import UserError
from glad.part import Part

# Output channels and divisor of (time, height and width) behind every endpoint, from the published table.
ENDPOINTS = {
    "conv_1a": (64, 2, 2),
    "pool_2a": (64, 2, 4),
    "conv_2b": (64, 2, 4),
    "conv_2c": (192, 2, 4),
    "pool_3a": (192, 2, 8),
    "mixed_3b": (256, 2, 8),
    "mixed_3c": (480, 2, 8),
    "pool_4a": (480, 4, 16),
    "mixed_4b": (512, 4, 16),
    "mixed_4c": (512, 4, 16),
    "mixed_4d": (512, 4, 16),
    "mixed_4e": (528, 4, 16),
    "mixed_4f": (832, 4, 16),
    "pool_5a": (832, 8, 32),
    "mixed_5b": (832, 8, 32),
    "mixed_5c": (1024, 8, 32),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def on_meta() -> InceptionI3D:
    with torch.device("meta"):
        return InceptionI3DConfig().build()


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_unit_and_tensor_counts():
    backbone = on_meta()
    assert parameters(backbone) == 12_287_264
    assert parameters(backbone) + 1024 * 400 + 400 == 12_697_264  # with the published head
    units = [module for module in backbone.modules() if isinstance(module, Unit)]
    assert len(units) == 57
    assert len(backbone.state_dict()) == 57 * 6
    assert all(unit.conv.bias is None for unit in units)
    assert {(unit.bn.eps, unit.bn.momentum) for unit in units} == {(0.001, 0.01)}
    mixed = [parameters(module) for module in backbone.modules() if isinstance(module, Mixed)]
    assert len(mixed) == 9
    # Mixed_3b: 192 x (64 + 96 + 16 + 32) + 27 x (96 x 128 + 16 x 32), and two numbers a channel in batch norm.
    assert mixed[0] == 39_936 + 345_600 + 2 * (64 + 96 + 128 + 16 + 32 + 32)


@pytest.mark.parametrize("frames", [8, 16])
def test_shapes_of_every_row_at_224_pixels(frames):
    backbone = on_meta()
    shapes = {}
    for name in ENDPOINTS:
        keep = lambda module, inputs, output, name=name: shapes.__setitem__(name, tuple(output.shape[1:]))  # noqa: E731
        backbone.get_submodule(name).register_forward_hook(keep)
    output = backbone(torch.empty(2, 3, frames, 224, 224, dtype=torch.uint8, device="meta"))
    assert shapes == {n: (c, frames // t, 224 // s, 224 // s) for n, (c, t, s) in ENDPOINTS.items()}
    assert list(shapes) == list(ENDPOINTS)
    assert output.shape == (2, backbone.width, frames // 8, 7, 7) and backbone.width == 1024


@pytest.mark.parametrize(("t", "h", "w"), [(1, 1, 1), (2, 16, 33), (9, 64, 48), (17, 31, 65)])
def test_any_clip_gives_a_map_whose_sides_are_rounded_up(t, h, w):
    output = on_meta().eval()(torch.empty(1, 3, t, h, w, device="meta"))
    assert output.shape == (1, 1024, math.ceil(t / 8), math.ceil(h / 32), math.ceil(w / 32))


def test_one_frame_of_one_pixel_trains():
    backbone = InceptionI3DConfig().build()
    output = backbone(torch.randint(0, 256, (4, 3, 1, 1, 1), dtype=torch.uint8))
    assert output.shape == (4, 1024, 1, 1, 1) and output.isfinite().all()


def test_batch_norm_needs_more_than_a_single_place_to_train_on():
    backbone = on_meta()
    with pytest.raises(UserError, match="a single clip of 8 frames of 32x30 pixels"):
        backbone(torch.empty(1, 3, 8, 32, 30, device="meta"))
    for shape in ((2, 3, 8, 32, 32), (1, 3, 9, 32, 32), (1, 3, 8, 33, 32), (1, 3, 8, 32, 33)):
        assert backbone(torch.empty(shape, device="meta")).shape[1] == 1024
    assert backbone.eval()(torch.empty(1, 3, 8, 32, 32, device="meta")).shape == (1, 1024, 1, 1, 1)


class TestPadding:
    @pytest.mark.parametrize(
        ("n", "kernel", "stride", "expected"),
        [
            (8, 7, 2, (2, 3)),  # the first convolution: one zero more behind
            (7, 7, 2, (3, 3)),
            (8, 3, 2, (0, 1)),
            (7, 3, 2, (1, 1)),
            (8, 2, 2, (0, 0)),
            (1, 2, 2, (0, 1)),
            (5, 3, 1, (1, 1)),
            (5, 1, 2, (0, 0)),
            (1, 1, 1, (0, 0)),
        ],
    )
    def test_known_values(self, n, kernel, stride, expected):
        assert same_padding(n, kernel, stride) == expected

    def test_is_the_smallest_that_gives_every_stride_its_output_and_the_odd_zero_is_at_the_back(self):
        for n in range(1, 21):
            for kernel in (1, 2, 3, 7):
                for stride in (1, 2):
                    front, back = same_padding(n, kernel, stride)
                    total = max(kernel - stride, 0) if n % stride == 0 else max(kernel - n % stride, 0)
                    assert front == total // 2 and front + back == total
                    assert 0 <= front <= back <= front + 1
                    outputs = math.ceil(n / stride)
                    assert total == max((outputs - 1) * stride + kernel - n, 0)
                    if n + total >= kernel:
                        assert (n + total - kernel) // stride + 1 == outputs

    def test_what_the_operation_pads_and_what_is_padded_before_are_the_same_zeros(self):
        for n in range(1, 9):
            for kernel in ((7, 7, 7), (3, 3, 3), (1, 3, 3), (2, 2, 2)):
                for stride in ((1, 1, 1), (2, 2, 2), (1, 2, 2)):
                    x = torch.rand(1, 2, n, n + 1, 2 * n)
                    weight = torch.randn(3, 2, *kernel)
                    sides = [same_padding(m, k, s) for m, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
                    around = F.pad(x, [zeros for side in reversed(sides) for zeros in side])
                    y, padding = padded(x, kernel, stride)
                    assert torch.allclose(
                        F.conv3d(y, weight, None, stride, padding), F.conv3d(around, weight, None, stride), atol=1e-4
                    )
                    assert torch.equal(MaxPool(kernel, stride)(x), F.max_pool3d(around, kernel, stride))


def test_a_unit_equals_a_loop_over_its_windows():
    unit = Unit(2, 3, (3, 3, 3), stride=(2, 1, 2)).double().eval()
    unit.bn.weight.data.uniform_(0.5, 2.0)
    unit.bn.bias.data.normal_()
    unit.bn.running_mean.normal_()
    unit.bn.running_var.uniform_(0.5, 2.0)
    x = torch.randn(1, 2, 4, 3, 5, dtype=torch.float64)
    y = unit(x)
    assert y.shape == (1, 3, 2, 3, 3)
    first = (
        0,
        -1,
        -1,
    )  # where a window starts: 4 frames at stride 2 need one zero, behind; the others one on each side
    for i in range(2):
        for j in range(3):
            for k in range(3):
                total = torch.zeros(3, dtype=torch.float64)
                for a in range(3):
                    for b in range(3):
                        for c in range(3):
                            place = (2 * i + a + first[0], j + b + first[1], 2 * k + c + first[2])
                            if all(0 <= p < n for p, n in zip(place, x.shape[2:], strict=True)):
                                total += unit.conv.weight[:, :, a, b, c] @ x[0, :, *place]
                bn = unit.bn
                normed = (total - bn.running_mean) / (bn.running_var + 0.001).sqrt() * bn.weight + bn.bias
                assert torch.allclose(y[0, :, i, j, k], normed.clamp(min=0), atol=1e-10)


def test_the_branches_of_a_mixed_block_stand_in_their_order():
    block = Mixed(4, 1, (2, 3), (4, 5), 6).eval()
    x = torch.rand(2, 4, 3, 5, 5)
    whole = block(x)
    assert whole.shape == (2, 1 + 3 + 5 + 6, 3, 5, 5)
    for name, part in (("b0", slice(0, 1)), ("b1b", slice(1, 4)), ("b2b", slice(4, 9)), ("b3b", slice(9, 15))):
        unit = block.get_submodule(name)
        weight = unit.bn.weight.data.clone()
        unit.bn.weight.data.zero_()
        silenced = block(x)
        assert not silenced[:, part].any() and whole[:, part].any(), name
        rest = torch.ones(15, dtype=torch.bool)
        rest[part] = False
        assert torch.equal(silenced[:, rest], whole[:, rest]), name
        unit.bn.weight.data = weight


def test_every_frame_of_eight_is_seen_and_clips_do_not_see_each_other():
    backbone = InceptionI3DConfig().build().eval()
    clip = torch.randint(0, 256, (3, 8, 32, 32), dtype=torch.uint8)
    clips = clip.repeat(9, 1, 1, 1, 1)
    for t in range(8):
        clips[t, :, t] = 255 - clips[t, :, t]
    with torch.inference_mode():
        maps = backbone(clips)
        assert torch.equal(maps, backbone(clips.float()))
        assert torch.allclose(maps[8:], backbone(clip[None]), rtol=1e-4, atol=1e-5)
    assert ((maps[:8] - maps[8]).abs().amax(dim=(1, 2, 3, 4)) > 0).all()


def test_the_mean_over_everything_is_the_published_average_pool():
    for frames, window in ((8, (1, 7, 7)), (16, (2, 7, 7))):
        maps = torch.rand(2, 1024, math.ceil(frames / 8), 7, 7)
        published = F.avg_pool3d(maps, window, stride=1)
        assert published.shape == (2, 1024, 1, 1, 1)
        assert torch.allclose(maps.mean(dim=(2, 3, 4)), published.flatten(1), atol=1e-6)
    longer = torch.rand(2, 1024, 4, 7, 7)  # of 32 frames: three windows, and the middle counts twice
    published = F.avg_pool3d(longer, (2, 7, 7), stride=1).mean(dim=(2, 3, 4))
    weights = torch.tensor([1.0, 2.0, 2.0, 1.0]) / 6
    assert torch.allclose(published, (longer.mean(dim=(3, 4)) * weights).sum(2), atol=1e-6)


def test_gradients_reach_every_parameter():
    backbone = InceptionI3DConfig().build()
    backbone(torch.randint(0, 256, (2, 3, 8, 32, 32), dtype=torch.uint8)).square().mean().backward()
    untouched = [name for name, value in backbone.named_parameters() if value.grad is None or not value.grad.any()]
    assert not untouched


def test_config_is_a_part_and_reads_back():
    config = InceptionI3DConfig(normalization="co2a")
    assert isinstance(config, Part)
    assert InceptionI3DConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError, match="'unit' or 'co2a'"):
        InceptionI3DConfig.model_validate({"normalization": "imagenet"})
