import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from glad.backbones.r50_i3d import R50I3D, Bottleneck, NonLocal, R50I3DConfig
from glad.errors import UserError
from glad.part import Part

LAYERS = ("layer1", "layer2", "layer3", "layer4")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def on_meta(**fields) -> R50I3D:
    with torch.device("meta"):
        return R50I3DConfig(**fields).build()


def alive() -> R50I3D:
    """A random network in eval mode whose non-local blocks do little: at full size they overflow."""
    backbone = R50I3DConfig().build().eval()
    for module in backbone.modules():
        if isinstance(module, NonLocal):
            nn.init.constant_(module.norm.weight, 1e-6)
    return backbone


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_and_tensor_counts():
    backbone = on_meta()
    assert parameters(backbone) == 34_578_240
    assert parameters(on_meta(non_local=False)) == 27_223_872
    assert len(backbone.state_dict()) == 378
    counts = [sum(isinstance(module, kind) for module in backbone.modules()) for kind in (nn.Conv3d, nn.BatchNorm3d)]
    assert counts == [73, 58]
    blocks = [parameters(module) for module in backbone.modules() if isinstance(module, NonLocal)]
    assert blocks == [526_080] * 2 + [2_100_736] * 3


def test_non_local_blocks_stand_after_the_right_blocks():
    found = [name for name, module in on_meta().named_modules() if isinstance(module, NonLocal)]
    assert found == [f"{place}.non_local" for place in ("layer2.1", "layer2.3", "layer3.1", "layer3.3", "layer3.5")]
    assert not any(isinstance(module, NonLocal) for module in on_meta(non_local=False).modules())


def test_inflated_kernels_stand_where_the_public_model_has_them():
    backbone = on_meta()
    depths = {
        layer: [block.conv1.kernel_size for block in backbone.get_submodule(layer).children()] for layer in LAYERS
    }
    wide, flat = (3, 1, 1), (1, 1, 1)
    assert depths == {
        "layer1": [wide] * 3,
        "layer2": [wide, flat] * 2,
        "layer3": [wide, flat] * 3,
        "layer4": [flat, wide, flat],
    }
    convolutions = {name: module for name, module in backbone.named_modules() if isinstance(module, nn.Conv3d)}
    for name, conv in convolutions.items():
        assert (conv.bias is not None) == name.endswith((".theta", ".phi", ".g"))
        if name.startswith("layer") and name.endswith("conv2"):
            assert conv.kernel_size == (1, 3, 3)
            assert conv.stride == ((1, 2, 2) if name[5] in "234" and ".0." in name else (1, 1, 1))
        elif name.startswith("layer") and "downsample" not in name:
            assert conv.stride == (1, 1, 1)


@pytest.mark.parametrize(
    ("frames", "after_conv1", "after_pool1", "after_pool2"), [(8, 4, 2, 1), (16, 8, 4, 2), (32, 16, 8, 4)]
)
def test_shapes_of_every_stage(frames, after_conv1, after_pool1, after_pool2):
    backbone = on_meta()
    shapes = {}
    for name in ("conv1", *LAYERS):
        keep = lambda _, x, y, name=name: shapes.__setitem__(name, (tuple(x[0].shape[1:]), tuple(y.shape[1:])))  # noqa: E731
        backbone.get_submodule(name).register_forward_hook(keep)
    output = backbone(torch.empty(2, 3, frames, 224, 224, dtype=torch.uint8, device="meta"))
    t, u, v = after_conv1, after_pool1, after_pool2
    assert shapes == {
        "conv1": ((3, frames, 224, 224), (64, t, 112, 112)),
        "layer1": ((64, u, 56, 56), (256, u, 56, 56)),
        "layer2": ((256, v, 56, 56), (512, v, 28, 28)),
        "layer3": ((512, v, 28, 28), (1024, v, 14, 14)),
        "layer4": ((1024, v, 14, 14), (2048, v, 7, 7)),
    }
    assert output.shape == (2, backbone.width, v, 7, 7)


def plain(backbone: R50I3D, pixels: torch.Tensor) -> torch.Tensor:
    """Return the map as the topology says it: every layer on three axes."""

    def conv(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        assert isinstance(layer, nn.Conv3d)
        return F.conv3d(x, layer.weight, layer.bias, layer.stride, layer.padding)

    def bottleneck(block: Bottleneck, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(block.bn1(conv(block.conv1, x)))
        y = block.bn3(conv(block.conv3, F.relu(block.bn2(conv(block.conv2, y)))))
        y = F.relu(y + (x if block.downsample is None else block.downsample[1](conv(block.downsample[0], x))))
        return y if block.non_local is None else non_local(block.non_local, y)

    def non_local(block: NonLocal, x: torch.Tensor) -> torch.Tensor:
        query = conv(block.theta, x).flatten(2)
        key, value = (F.max_pool3d(conv(layer, x), (1, 2, 2)).flatten(2) for layer in (block.phi, block.g))
        mixed = torch.einsum("bcp,bck,bdk->bdp", query, key, value) / key.shape[2]
        return x + block.norm(conv(block.out, mixed.unflatten(2, x.shape[2:])))

    x = F.relu(backbone.bn1(conv(backbone.conv1, backbone.normalize(pixels))))
    x = F.max_pool3d(x, (1, 3, 3), 2, (0, 1, 1))
    for number, name in enumerate(LAYERS):
        for block in backbone.get_submodule(name).children():
            x = bottleneck(block, x)  # pyright: ignore[reportArgumentType]
        x = F.max_pool3d(x, (2, 1, 1)) if number == 0 else x
    return x


@pytest.mark.parametrize(("frames", "side"), [(8, 40), (17, 32)])
def test_the_network_is_its_topology_map_statistics_and_gradients(frames, side):
    """In double precision, so that nothing but a mistake can differ."""
    ours = alive().double().train()
    theirs = copy.deepcopy(ours)
    pixels = torch.randint(0, 256, (3, 3, frames, side, side), dtype=torch.uint8)
    found, expected = ours(pixels), plain(theirs, pixels)
    torch.testing.assert_close(found, expected)
    push = torch.randn_like(expected)
    found.backward(push)
    expected.backward(push)
    gradients = [parameter.grad for parameter in theirs.parameters() if parameter.grad is not None]
    scale = max(gradient.abs().max().item() for gradient in gradients)  # some are 0: what a batch norm takes away
    for (name, mine), yours in zip(ours.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(mine.grad, yours, rtol=1e-6, atol=1e-10 * scale, msg=name)
    for mine, yours in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(mine, yours)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(pixels), plain(theirs.eval(), pixels))


def test_the_last_frame_of_eight_is_never_seen_and_all_others_are():
    backbone = alive()
    clip = torch.randint(0, 256, (3, 8, 48, 48), dtype=torch.uint8)
    clips = clip.repeat(9, 1, 1, 1, 1)
    for t in range(8):
        clips[t, :, t] = 255 - clips[t, :, t]
    with torch.inference_mode():
        maps = backbone(clips)
    assert maps.isfinite().all()
    change = (maps[:8] - maps[8]).abs().amax(dim=(1, 2, 3, 4))
    assert (change[:7] > 0).all()
    assert change[7] == 0


def test_uint8_and_float_pixels_give_the_same_map_and_it_follows_the_constants():
    backbone = alive()
    pixels = torch.randint(0, 256, (1, 3, 5, 17, 17), dtype=torch.uint8)  # the smallest clip there is
    with torch.inference_mode():
        output = backbone(pixels)
        assert torch.equal(output, backbone(pixels.float()))
        mean = backbone.normalize.mean.expand(1, 3, 5, 17, 17)
        assert not backbone(mean).any()  # the mean image is zero after normalisation, and no layer has an offset yet
    assert output.shape == (1, 2048, 1, 1, 1) and output.any()


@pytest.mark.parametrize("shape", [(4, 32, 32), (8, 16, 32), (8, 32, 16)])
def test_too_small_a_clip_is_refused_in_words(shape):
    with pytest.raises(UserError, match="at least 5 frames of 17x17 pixels"):
        on_meta()(torch.empty(1, 3, *shape, device="meta"))


@pytest.mark.parametrize(("channels", "inner", "stride"), [(16, 4, 1), (8, 4, 1), (16, 4, 2)])
def test_a_bottleneck_adds_its_shortcut_then_rectifies_then_attends(channels, inner, stride):
    block = Bottleneck(channels, inner, stride, inflate=True, non_local=True).eval()
    nn.init.zeros_(block.bn3.weight)  # leaves the shortcut alone
    nn.init.ones_(block.non_local.norm.weight)
    x = torch.randn(2, channels, 3, 6, 6)
    plain = x if block.downsample is None else block.downsample(x)
    assert (block.downsample is None) == (channels == 4 * inner and stride == 1)
    assert plain.shape == (2, 16, 3, 6 // stride, 6 // stride)
    assert torch.equal(block(x), block.non_local(plain.relu()))
    nn.init.ones_(block.bn3.weight)
    assert not torch.equal(block(x), block.non_local(plain.relu()))


def test_gradients_reach_every_parameter():
    backbone = R50I3DConfig().build()
    for module in backbone.modules():
        if isinstance(module, NonLocal):
            nn.init.ones_(module.norm.weight)
    backbone(torch.randint(0, 256, (2, 3, 8, 32, 32), dtype=torch.uint8)).square().mean().backward()
    untouched = [name for name, value in backbone.named_parameters() if value.grad is None or not value.grad.any()]
    assert not untouched


def test_config_is_a_part_and_reads_back():
    config = R50I3DConfig(non_local=False)
    assert isinstance(config, Part)
    assert R50I3DConfig.model_validate_json(config.model_dump_json()) == config


class TestNonLocal:
    def block(self, channels: int = 6) -> NonLocal:
        block = NonLocal(channels).double().eval()
        for parameter in block.parameters():
            nn.init.normal_(parameter)
        block.norm.running_mean.normal_()
        block.norm.running_var.uniform_(0.5, 2.0)
        return block

    def test_equals_a_naive_loop_over_places(self):
        block, x = self.block(), torch.randn(2, 6, 2, 4, 5, dtype=torch.float64)
        b, _, t, h, w = x.shape
        keys = t * (h // 2) * (w // 2)

        def conv(layer, vector):
            bias = 0 if layer.bias is None else layer.bias
            return layer.weight[:, :, 0, 0, 0] @ vector + bias

        expected = torch.empty_like(x)
        places = [(i, j, k) for i in range(t) for j in range(h) for k in range(w)]
        for n in range(b):
            phi = {place: conv(block.phi, x[n, :, *place]) for place in places}
            g = {place: conv(block.g, x[n, :, *place]) for place in places}

            def pooled(vectors, i, j, k):
                four = [vectors[i, 2 * j + down, 2 * k + right] for down in (0, 1) for right in (0, 1)]
                return torch.stack(four).amax(0)

            cells = [(i, j, k) for i in range(t) for j in range(h // 2) for k in range(w // 2)]
            assert len(cells) == keys
            for place in places:
                theta = conv(block.theta, x[n, :, *place])
                y = sum((theta @ pooled(phi, *cell)) * pooled(g, *cell) for cell in cells) / keys
                norm = block.norm
                z = (conv(block.out, y) - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
                expected[n, :, *place] = x[n, :, *place] + z * norm.weight + norm.bias
        assert torch.allclose(block(x), expected, atol=1e-10)

    def test_is_the_identity_when_its_norm_weighs_nothing_as_it_does_at_first(self):
        block, x = NonLocal(6), torch.randn(2, 6, 2, 4, 4)
        assert torch.equal(block(x), x) and torch.equal(block.eval()(x), x)
        nn.init.ones_(block.norm.weight)
        assert not torch.equal(block(x), x)

    def test_biases(self):
        block = NonLocal(6)
        assert all(layer.bias is not None for layer in (block.theta, block.phi, block.g))
        assert block.out.bias is None
