import pytest
import safetensors.torch
import torch
from torch import nn

from glad.backbones.layouts import from_mit, from_mmaction
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.tiny import TinyConfig
from glad.backbones.tsm import TSMConfig
from glad.backbones.weights import load_backbone, load_state, split_head, without_wrapper
from glad.errors import UserError

HEADS = {
    "mmaction2 I3D": {"cls_head.fc_cls.weight": (400, 2048), "cls_head.fc_cls.bias": (400,)},
    "mmaction2 TSM": {"cls_head.fc_cls.weight": (400, 2048), "cls_head.fc_cls.bias": (400,)},
    "mit-han-lab TSM": {"new_fc.weight": (400, 2048), "new_fc.bias": (400,)},
}
BLOCKS = [(layer, block) for layer, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)) for block in range(blocks)]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def empty(config) -> nn.Module:
    """A network whose weights were never drawn: for files that must fill every one of them."""
    with torch.device("meta"):
        module = config.build()
    return module.to_empty(device="cpu")


def norm(own: str, public: str) -> dict[str, str]:
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return {f"{own}.{part}": f"{public}.{part}" for part in parts}


def public_names(layout: str) -> dict[str, str]:
    """Our name -> the public one, written from the public files' listings and not from the converter."""
    mit = layout == "mit-han-lab TSM"
    top = "base_model" if mit else "backbone"
    conv, bn = ("conv{}", "bn{}") if mit else ("conv{}.conv", "conv{}.bn")
    shift = "" if layout == "mmaction2 I3D" else ".net"
    names = {"conv1.weight": f"{top}.{conv.format(1)}.weight"} | norm("bn1", f"{top}.{bn.format(1)}")
    for layer, block in BLOCKS:
        own, public = f"layer{layer}.{block}", f"{top}.layer{layer}.{block}"
        for k in (1, 2, 3):
            net = shift if k == 1 else ""
            names[f"{own}.conv{k}.weight"] = f"{public}.{conv.format(k)}{net}.weight"
            names |= norm(f"{own}.bn{k}", f"{public}.{bn.format(k)}")
        if block == 0:
            names[f"{own}.downsample.0.weight"] = f"{public}.downsample.{'0' if mit else 'conv'}.weight"
            names |= norm(f"{own}.downsample.1", f"{public}.downsample.{'1' if mit else 'bn'}")
        if layout == "mmaction2 I3D" and (layer, block) in [(2, 1), (2, 3), (3, 1), (3, 3), (3, 5)]:
            own, public = f"{own}.non_local", f"{public}.non_local_block"
            for part, place in (("g", "g.0"), ("phi", "phi.0"), ("theta", "theta")):
                names[f"{own}.{part}.weight"] = f"{public}.{place}.conv.weight"
                names[f"{own}.{part}.bias"] = f"{public}.{place}.conv.bias"
            names[f"{own}.out.weight"] = f"{public}.conv_out.conv.weight"
            names |= norm(f"{own}.norm", f"{public}.conv_out.bn")
    return names


def public_state(layout: str, module: nn.Module) -> dict[str, torch.Tensor]:
    """A public file for `module`: its i-th tensor is i everywhere (one stored number, so files stay small)."""
    names = public_names(layout)
    own = module.state_dict()
    assert names.keys() == own.keys()
    state = {
        names[name]: torch.tensor(i, dtype=value.dtype).expand(value.shape)
        for i, (name, value) in enumerate(own.items())
    }
    return state | {name: torch.tensor(-1.0).expand(shape) for name, shape in HEADS[layout].items()}


CASES = [
    ("mmaction2 I3D", R50I3DConfig(), 378),
    ("mmaction2 TSM", TSMConfig(), 318),
    ("mit-han-lab TSM", TSMConfig(), 318),
]


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize(("layout", "config", "count"), CASES, ids=[case[0] for case in CASES])
def test_every_tensor_of_a_public_file_lands(tmp_path, layout, config, count, wrapper):
    module = empty(config)
    state = {wrapper + name: value for name, value in public_state(layout, module).items()}
    torch.save({"state_dict": state, "meta": {"epoch": 100, "config": "model = dict()"}}, tmp_path / "public.pth")
    report = load_backbone(module, tmp_path / "public.pth")
    assert (report.layout, report.loaded, report.origin) == (layout, count, str(tmp_path / "public.pth"))
    assert report.dropped == tuple(HEADS[layout])
    for i, (name, value) in enumerate(module.state_dict().items()):
        assert (value == i).all(), name


def test_the_public_names_are_those_of_the_public_files():
    i3d = public_state("mmaction2 I3D", empty(R50I3DConfig()))
    assert len(i3d) == 380
    assert i3d["backbone.conv1.conv.weight"].shape == (64, 3, 5, 7, 7)
    assert i3d["backbone.layer2.1.non_local_block.g.0.conv.weight"].shape == (256, 512, 1, 1, 1)
    assert i3d["backbone.layer3.5.non_local_block.conv_out.bn.running_var"].shape == (1024,)
    assert i3d["backbone.layer4.1.conv1.conv.weight"].shape == (512, 2048, 3, 1, 1)
    tsm = empty(TSMConfig())
    assert public_state("mmaction2 TSM", tsm)["backbone.layer1.0.conv1.conv.net.weight"].shape == (64, 64, 1, 1)
    mit = public_state("mit-han-lab TSM", tsm)
    assert mit["base_model.layer4.2.conv1.net.weight"].shape == (512, 2048, 1, 1)
    assert mit["base_model.layer2.0.downsample.0.weight"].shape == (512, 256, 1, 1)


@pytest.mark.parametrize(
    ("layout", "config", "convert"),
    [
        ("mmaction2 I3D", R50I3DConfig(), from_mmaction),
        ("mmaction2 TSM", TSMConfig(), from_mmaction),
        ("mit-han-lab TSM", TSMConfig(), from_mit),
    ],
)
def test_conversion_is_pure_and_its_way_back_is_the_public_file(layout, config, convert):
    with torch.device("meta"):
        module = config.build()
    public = public_state(layout, module)
    before = dict(public)
    body, head = split_head(public)
    own = convert(body)
    assert public == before and len(body) + len(head) == len(public)
    names = public_names(layout)
    assert {names[name]: value for name, value in own.items()} | {name: public[name] for name in head} == before


def test_both_public_tsm_files_of_the_same_weights_give_equal_maps(tmp_path):
    tsm = TSMConfig().build()
    for module in tsm.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)
    pixels = torch.randint(0, 256, (1, 3, 4, 32, 32), dtype=torch.uint8)
    maps = {}
    for layout in ("mmaction2 TSM", "mit-han-lab TSM"):
        names = public_names(layout)
        torch.save({names[name]: value for name, value in tsm.state_dict().items()}, tmp_path / "w.pth")
        loaded = TSMConfig().build().eval()
        assert load_backbone(loaded, tmp_path / "w.pth").layout == layout
        with torch.inference_mode():
            maps[layout] = loaded(pixels)
    assert torch.equal(maps["mmaction2 TSM"], maps["mit-han-lab TSM"])
    with torch.inference_mode():
        assert torch.equal(maps["mmaction2 TSM"], tsm.eval()(pixels))


def test_image_weights_under_torchvision_names_and_older_than_step_counts_load(tmp_path):
    tsm = empty(TSMConfig())
    state = {
        name: torch.tensor(float(i)).expand(value.shape)
        for i, (name, value) in enumerate(tsm.state_dict().items())
        if not name.endswith("num_batches_tracked")
    }
    state |= {"fc.weight": torch.zeros(1).expand(1000, 2048), "fc.bias": torch.zeros(1).expand(1000)}
    torch.save(state, tmp_path / "resnet50.pth")
    assert load_backbone(tsm, tmp_path / "resnet50.pth").dropped == ("fc.weight", "fc.bias")
    for i, (name, value) in enumerate(tsm.state_dict().items()):
        assert (value == (0 if name.endswith("num_batches_tracked") else i)).all(), name


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.", "module.backbone."])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_our_own_files_load_bare_and_out_of_a_method(tmp_path, prefix, suffix):
    trained, fresh = TinyConfig().build(), TinyConfig().build()
    state = {prefix + name: value for name, value in trained.state_dict().items()}
    heads = ()
    if "backbone" in prefix:
        wrapper = prefix.removesuffix("backbone.")
        state |= {f"{wrapper}classifier.weight": torch.zeros(3, 16)}
        heads = ("classifier.weight",)
    path = tmp_path / f"weights{suffix}"
    (safetensors.torch.save_file if suffix == ".safetensors" else torch.save)(state, path)
    report = load_backbone(fresh, path)
    assert report.dropped == heads and report.loaded == 4
    assert report.layout == "weights under our own names"
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in trained.state_dict().items())


def test_tensors_at_hand_load_as_a_file_does():
    trained, fresh = TinyConfig().build(), TinyConfig().build()
    report = load_state(fresh, trained.state_dict(), "the warm-up")
    assert (report.origin, report.loaded, report.dropped) == ("the warm-up", 4, ())
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in trained.state_dict().items())
    with pytest.raises(UserError, match="the warm-up: read as"):
        load_state(fresh, {"conv1.bias": torch.zeros(8)}, "the warm-up")


def refused(tmp_path, module, state) -> str:
    """The sentence that refuses `state`; also checks that the module was left alone."""
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(UserError) as caught:
        load_backbone(module, tmp_path / "w.pth")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert str(caught.value).startswith(str(tmp_path / "w.pth")) and "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_unknown_and_misshapen_tensors_are_refused_by_name(tmp_path):
    tiny = TinyConfig().build()
    whole = TinyConfig().build().state_dict()
    lacking = {name: value for name, value in whole.items() if name != "conv2.bias"}
    assert "1 missing (conv2.bias);" in refused(tmp_path, tiny, lacking)
    assert "1 unknown (conv3.bias);" in refused(tmp_path, tiny, whole | {"conv3.bias": torch.zeros(1)})
    text = refused(tmp_path, tiny, TinyConfig(width=4).build().state_dict())
    assert "2 of another shape (conv2.weight (4, 8, 3, 3, 3) instead of (16, 8, 3, 3, 3), conv2.bias (4,)" in text
    prefixed = {f"backbone.{name}": value for name, value in whole.items()}
    assert "1 unknown (extra)" in refused(tmp_path, tiny, prefixed | {"backbone.extra": torch.zeros(1)})


@pytest.mark.parametrize(("layout", "config", "count"), CASES, ids=[case[0] for case in CASES])
def test_a_public_file_with_one_key_less_or_more_is_refused(tmp_path, layout, config, count):
    module = config.build()
    state = public_state(layout, module)
    name = next(name for name in state if name.endswith("layer3.1.bn2.bias" if "mit" in layout else "conv2.bn.bias"))
    lacking = {key: value for key, value in state.items() if key != name}
    text = refused(tmp_path, module, lacking)
    assert f"read as {layout}, it does not fit {type(module).__name__}: 1 missing (" in text
    assert "docs/backbones.md" in text
    more = name.replace("bias", "offset")
    assert "1 unknown (" in refused(tmp_path, module, state | {more: torch.zeros(1)})


def test_the_file_of_another_backbone_is_refused_and_named(tmp_path):
    i3d, tsm = R50I3DConfig().build(), TSMConfig().build()
    text = refused(tmp_path, i3d, public_state("mmaction2 TSM", tsm))
    assert "read as mmaction2 TSM, it does not fit R50I3D: 60 missing (layer2.1.non_local.theta.weight," in text
    plain = R50I3DConfig(non_local=False).build()
    text = refused(tmp_path, plain, public_state("mmaction2 I3D", i3d))
    assert "read as mmaction2 I3D, it does not fit R50I3D: 60 unknown (layer2.1.non_local.theta.weight," in text


def test_two_tensors_for_one_place_are_refused(tmp_path):
    tsm = TSMConfig().build()
    state = public_state("mmaction2 TSM", tsm)
    state["backbone.layer1.0.conv1.conv.weight"] = state["backbone.layer1.0.conv1.conv.net.weight"]
    assert "both 'layer1.0.conv1.weight'" in refused(tmp_path, tsm, state)


def test_some_step_counts_missing_are_missing(tmp_path):
    tsm = TSMConfig().build()
    state = dict(tsm.state_dict())
    del state["layer1.0.bn1.num_batches_tracked"]
    assert "1 missing (layer1.0.bn1.num_batches_tracked)" in refused(tmp_path, tsm, state)


def test_the_wrapper_is_only_taken_off_when_all_names_carry_it():
    one = torch.zeros(1)
    assert without_wrapper({"module.a": one, "module.b": one}) == {"a": one, "b": one}
    assert without_wrapper({"module.a": one, "b": one}) == {"module.a": one, "b": one}
