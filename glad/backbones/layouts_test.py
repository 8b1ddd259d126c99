import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from glad.backbones.inception_i3d import InceptionI3DConfig
from glad.backbones.layouts import LAYOUTS, from_deepmind, from_pytorch_i3d
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.tsm import TSMConfig
from glad.backbones.weights import load_backbone, load_state, split_head
from glad.errors import UserError

MIXED = ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c")
# Our unit -> its public names, written from the public code and not from the converters.
PYTORCH = {"conv_1a": "Conv3d_1a_7x7", "conv_2b": "Conv3d_2b_1x1", "conv_2c": "Conv3d_2c_3x3"}
DEEPMIND = dict(PYTORCH)
for place in MIXED:
    for branch in ("b0", "b1a", "b1b", "b2a", "b2b", "b3b"):
        PYTORCH[f"mixed_{place}.{branch}"] = f"Mixed_{place}.{branch}"
    DEEPMIND[f"mixed_{place}.b0"] = f"Mixed_{place}/Branch_0/Conv3d_0a_1x1"
    for number in "12":
        DEEPMIND[f"mixed_{place}.b{number}a"] = f"Mixed_{place}/Branch_{number}/Conv3d_0a_1x1"
        DEEPMIND[f"mixed_{place}.b{number}b"] = f"Mixed_{place}/Branch_{number}/Conv3d_0b_3x3"
    DEEPMIND[f"mixed_{place}.b3b"] = f"Mixed_{place}/Branch_3/Conv3d_0b_1x1"
DEEPMIND["mixed_5b.b2b"] = "Mixed_5b/Branch_2/Conv3d_0a_3x3"
SCOPE = "RGB/inception_i3d/"
BN = ("weight", "bias", "running_mean", "running_var")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def trained() -> dict[str, torch.Tensor]:
    """The state of a network no two numbers of which agree but by chance, batch norm's weight 1 as in DeepMind's."""
    torch.manual_seed(0)
    state = InceptionI3DConfig().build().state_dict()
    for name, value in state.items():
        if name.endswith(("bias", "running_mean")):
            value.normal_(std=0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
    return state


def pytorch_file(state: dict[str, torch.Tensor], counts: bool) -> dict[str, torch.Tensor]:
    """`state` as in `rgb_imagenet.pt`, with its head; `counts` as when saved again by a newer torch."""
    public = {}
    for own, name in PYTORCH.items():
        public[f"{name}.conv3d.weight"] = state[f"{own}.conv.weight"]
        for part in (*BN, "num_batches_tracked") if counts else BN:
            public[f"{name}.bn.{part}"] = state[f"{own}.bn.{part}"]
    return public | {
        "logits.conv3d.weight": torch.zeros(400, 1024, 1, 1, 1),
        "logits.conv3d.bias": torch.zeros(400),
    }


def deepmind_file(state: dict[str, torch.Tensor], scope: str = SCOPE, end: str = "") -> dict[str, torch.Tensor]:
    """`state` as DeepMind's variables, with their head."""
    public = {}
    for own, name in DEEPMIND.items():
        public[f"{scope}{name}/conv_3d/w{end}"] = state[f"{own}.conv.weight"].permute(2, 3, 4, 1, 0)
        for part, theirs in (("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_variance")):
            public[f"{scope}{name}/batch_norm/{theirs}{end}"] = state[f"{own}.bn.{part}"].reshape(1, 1, 1, 1, -1)
    head = f"{scope}Logits/Conv3d_0c_1x1/conv_3d"
    return public | {f"{head}/w{end}": torch.zeros(1, 1, 1, 1024, 400), f"{head}/b{end}": torch.zeros(400)}


def test_the_public_names_and_shapes_are_those_of_the_public_files(trained):
    public = pytorch_file(trained, counts=False)
    assert len(public) == 287 and len(pytorch_file(trained, counts=True)) == 344
    assert public["Conv3d_1a_7x7.conv3d.weight"].shape == (64, 3, 7, 7, 7)
    assert public["Mixed_3b.b1a.conv3d.weight"].shape == (96, 192, 1, 1, 1)
    theirs = deepmind_file(trained)
    assert len(theirs) == 57 * 4 + 2
    assert theirs["RGB/inception_i3d/Conv3d_1a_7x7/conv_3d/w"].shape == (7, 7, 7, 3, 64)
    assert theirs["RGB/inception_i3d/Mixed_5b/Branch_2/Conv3d_0a_3x3/conv_3d/w"].shape == (3, 3, 3, 32, 128)
    assert theirs["RGB/inception_i3d/Mixed_5c/Branch_2/Conv3d_0b_3x3/batch_norm/beta"].shape == (1, 1, 1, 1, 128)


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize("counts", [True, False])
def test_every_tensor_of_rgb_imagenet_lands(tmp_path, trained, wrapper, counts):
    module = InceptionI3DConfig().build()
    state = {wrapper + name: value for name, value in pytorch_file(trained, counts).items()}
    torch.save(state, tmp_path / "rgb_imagenet.pt")
    report = load_backbone(module, tmp_path / "rgb_imagenet.pt")
    assert (report.layout, report.loaded) == ("pytorch-i3d Inception-I3D", 342)
    assert report.dropped == ("logits.conv3d.weight", "logits.conv3d.bias")
    assert all(torch.equal(value, trained[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize(("scope", "end"), [(SCOPE, ""), (SCOPE, ":0"), ("", "")])
def test_every_variable_of_deepmind_lands(tmp_path, trained, scope, end):
    module = InceptionI3DConfig().build()
    arrays = {name: value.numpy() for name, value in deepmind_file(trained, scope, end).items()}
    np.savez(tmp_path / "rgb_imagenet.npz", **arrays)
    report = load_backbone(module, tmp_path / "rgb_imagenet.npz")
    assert (report.layout, report.loaded) == ("DeepMind Inception-I3D", 342)
    assert report.dropped == tuple(f"{scope}Logits/Conv3d_0c_1x1/conv_3d/{part}{end}" for part in "wb")
    assert all(torch.equal(value, trained[name]) for name, value in module.state_dict().items())
    assert all(value.is_contiguous() for value in module.state_dict().values())


def test_flat_batch_norm_values_land_too(trained):
    module = InceptionI3DConfig().build()
    flat = {n: value.flatten() if "batch_norm" in n else value for n, value in deepmind_file(trained).items()}
    load_state(module, flat, "arrays")
    assert all(torch.equal(value, trained[name]) for name, value in module.state_dict().items())


def test_the_way_back_is_the_public_file(trained):
    for public, convert, back in (
        (pytorch_file(trained, counts=True), from_pytorch_i3d, lambda own: pytorch_file(own, counts=True)),
        (deepmind_file(trained), from_deepmind, deepmind_file),
    ):
        before = dict(public)
        body, head = split_head(public)
        own = convert(body)
        assert public == before and len(body) + len(head) == len(public)
        again = back(own)
        assert again.keys() == public.keys()
        assert all(torch.equal(value, public[name]) for name, value in again.items())


def test_the_network_computes_what_the_published_one_does(trained):
    """A second statement of the published forward pass, on the tensors of the public file and under its names."""
    public = {name: value.double() for name, value in pytorch_file(trained, counts=False).items()}

    def around(x, kernel, stride):
        zeros = []
        for axis in (4, 3, 2):
            n, k, s = x.shape[axis], kernel[axis - 2], stride[axis - 2]
            total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
            zeros += [total // 2, total - total // 2]
        return F.pad(x, zeros)

    def unit(x, name, stride=(1, 1, 1)):
        kernel = public[f"{name}.conv3d.weight"]
        x = F.conv3d(around(x, kernel.shape[2:], stride), kernel, stride=stride)
        weight, bias, mean, var = (public[f"{name}.bn.{part}"].reshape(-1, 1, 1, 1) for part in BN)
        return F.relu((x - mean) / torch.sqrt(var + 1e-3) * weight + bias)

    def pool(x, kernel, stride):
        return F.max_pool3d(around(x, kernel, stride), kernel, stride)

    def mixed(x, name):
        b1 = unit(unit(x, f"{name}.b1a"), f"{name}.b1b")
        b2 = unit(unit(x, f"{name}.b2a"), f"{name}.b2b")
        b3 = unit(pool(x, (3, 3, 3), (1, 1, 1)), f"{name}.b3b")
        return torch.cat([unit(x, f"{name}.b0"), b1, b2, b3], 1)

    pixels = torch.randint(0, 256, (1, 3, 9, 33, 40), dtype=torch.uint8)
    x = unit(pixels.double() / 255 * 2 - 1, "Conv3d_1a_7x7", (2, 2, 2))
    x = unit(pool(x, (1, 3, 3), (1, 2, 2)), "Conv3d_2b_1x1")
    x = pool(unit(x, "Conv3d_2c_3x3"), (1, 3, 3), (1, 2, 2))
    for name in MIXED:
        x = pool(x, (3, 3, 3), (2, 2, 2)) if name == "4b" else pool(x, (2, 2, 2), (2, 2, 2)) if name == "5b" else x
        x = mixed(x, f"Mixed_{name}")
    module = InceptionI3DConfig().build().double().eval()
    load_state(module, pytorch_file(trained, counts=False), "rgb_imagenet.pt")
    with torch.inference_mode():
        output = module(pixels)
    assert output.shape == (1, 1024, 2, 2, 2)
    assert torch.allclose(output, x, rtol=1e-9, atol=1e-9) and x.any()


def refused(module: nn.Module, state: dict[str, torch.Tensor]) -> str:
    with pytest.raises(UserError) as caught:
        load_state(module, state, "w.pt")
    assert str(caught.value).startswith("w.pt: read as ") and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_public_file_with_one_key_less_or_more_is_refused(trained):
    module = InceptionI3DConfig().build()
    for layout, public, gone, own, more in (
        (
            "pytorch-i3d Inception-I3D",
            pytorch_file(trained, counts=False),
            "Mixed_4e.b2a.conv3d.weight",
            "mixed_4e.b2a.conv.weight",
            "Mixed_4e.b2a.conv3d.bias",
        ),
        (
            "DeepMind Inception-I3D",
            deepmind_file(trained),
            f"{SCOPE}Conv3d_1a_7x7/conv_3d/w",
            "conv_1a.conv.weight",
            f"{SCOPE}Mixed_3b/Branch_0/Conv3d_0a_1x1/batch_norm/gamma",
        ),
    ):
        lacking = {name: value for name, value in public.items() if name != gone}
        assert f"read as {layout}, it does not fit InceptionI3D: 1 missing ({own});" in refused(module, lacking)
        text = refused(module, public | {more: torch.ones(1)})
        assert f"read as {layout}, it does not fit InceptionI3D: 1 unknown (" in text
        assert more.rsplit("/")[-1].rsplit(".")[-1] in text


def test_a_network_for_optical_flow_is_refused(trained):
    flow = {name.replace("RGB/", "Flow/"): value for name, value in deepmind_file(trained).items()}
    assert "unknown (Flow/inception_i3d/Conv3d_1a_7x7/conv_3d/w," in refused(InceptionI3DConfig().build(), flow)
    bare = pytorch_file(trained, counts=False)
    bare["Conv3d_1a_7x7.conv3d.weight"] = torch.zeros(64, 2, 7, 7, 7)
    text = refused(InceptionI3DConfig().build(), bare)
    assert "1 of another shape (conv_1a.conv.weight (64, 2, 7, 7, 7) instead of (64, 3, 7, 7, 7))" in text


def test_the_message_says_which_network_a_file_is_of(trained):
    with torch.device("meta"):
        r50, tsm = R50I3DConfig().build(), TSMConfig().build()
    inception = InceptionI3DConfig().build()
    assert "read as R50-I3D under our own names, it does not fit InceptionI3D" in refused(inception, r50.state_dict())
    assert "read as TSM or an image ResNet-50, it does not fit InceptionI3D" in refused(inception, tsm.state_dict())
    assert "read as Inception-I3D under our own names, it does not fit R50I3D" in refused(r50, trained)
    assert "read as pytorch-i3d Inception-I3D, it does not fit TSM" in refused(tsm, pytorch_file(trained, True))
    assert "read as DeepMind Inception-I3D, it does not fit R50I3D" in refused(r50, deepmind_file(trained))
    assert "read as TSM or an image ResNet-50, it does not fit R50I3D" in refused(r50, tsm.state_dict())


def test_names_of_layouts_differ_and_the_last_takes_all():
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)
    assert LAYOUTS[-1].recognises({}) and not any(layout.recognises({}) for layout in LAYOUTS[:-1])
