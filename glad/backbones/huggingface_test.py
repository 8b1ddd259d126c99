"""All networks here are drawn at random or come from a folder that the test wrote: nothing is fetched."""

import importlib.util
import json
import os
import sys

import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from glad.backbones import huggingface
from glad.backbones.huggingface import HuggingFace, HuggingFaceConfig, constants_of
from glad.backbones.pixels import IMAGENET_MEAN, IMAGENET_STD
from glad.backbones.weights import load_state
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import MethodConfig
from glad.methods.glad import GladConfig
from glad.methods.supervised import SupervisedConfig
from glad.part import Part

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is first imported, which no other test does

# Four frames of 16x16 pixels; VideoMAE and ViViT make 2x2x2 tokens of them, TimeSformer 4x2x2.
TINY = {
    "image_size": 16,
    "num_frames": 4,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
SHAPE = {
    "videomae": {"patch_size": 8, "tubelet_size": 2},
    "vivit": {"tubelet_size": [2, 8, 8]},
    "timesformer": {"patch_size": 8},
}
KINDS = list(SHAPE)
GRID = {"videomae": (2, 2, 2), "vivit": (2, 2, 2), "timesformer": (4, 2, 2)}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def config(kind: str, **settings) -> HuggingFaceConfig:
    return HuggingFaceConfig(config=json.dumps({"model_type": kind} | TINY | SHAPE[kind] | settings))


def clip(b: int = 2, t: int = 4, h: int = 16, w: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (b, 3, t, h, w), dtype=torch.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny VideoMAE as `save_pretrained` writes it, without a preprocessor."""
    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("videomae")
    config("videomae").build().network.save_pretrained(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_is_the_last_hidden_state_without_its_class_token(kind):
    backbone = config(kind).build().eval()
    pixels = clip()
    output = backbone(pixels)
    assert isinstance(backbone, HuggingFace) and backbone.width == 32
    assert output.shape == (2, 32, *GRID[kind]) and output.dtype == torch.float32
    assert torch.equal(output, backbone(pixels.float()))
    hidden = backbone.network(backbone.normalize(pixels).transpose(1, 2)).last_hidden_state
    places = 8 if kind != "timesformer" else 16
    assert hidden.shape[1] == places + (kind != "videomae")
    assert torch.allclose(output.mean(dim=(2, 3, 4)), hidden[:, -places:].mean(dim=1), atol=1e-6)
    t, h, w = (1, 1, 0)
    first = 0 if kind == "videomae" else 1
    token = first + ((h * 2 + w) * 4 + t if kind == "timesformer" else (t * 2 + h) * 2 + w)
    assert torch.equal(output[:, :, t, h, w], hidden[:, token])


@pytest.mark.parametrize("kind", KINDS)
def test_without_layers_a_place_of_the_map_sees_its_own_pixels_and_no_others(kind):
    backbone = config(kind, num_hidden_layers=0, image_size=(16, 24)).build().eval()
    depth, (t, h, w) = (1 if kind == "timesformer" else 2), (GRID[kind][0], 2, 3)
    pixels = clip(1, 4, 16, 24)
    before = backbone(pixels)
    assert before.shape == (1, 32, t, h, w)
    for i in range(t):
        for j in range(h):
            for k in range(w):
                changed = pixels.clone()
                changed[:, :, i * depth, 8 * j + 3, 8 * k + 5] = 255 - changed[:, :, i * depth, 8 * j + 3, 8 * k + 5]
                change = (backbone(changed) - before).abs().amax(dim=(0, 1))
                expected = torch.zeros(t, h, w, dtype=torch.bool)
                expected[i, j, k] = True
                assert torch.equal(change > 0, expected)


def test_a_place_of_a_videomae_without_layers_by_hand():
    backbone = config("videomae", num_hidden_layers=0).build()
    pixels = clip(1)
    projection = backbone.network.embeddings.patch_embeddings.projection
    t, h, w = 1, 0, 1
    total = projection.bias.detach().double().clone()
    for c in range(3):
        values = (pixels[0, c].double() - IMAGENET_MEAN[c]) / IMAGENET_STD[c]
        for i in range(2):
            for j in range(8):
                for k in range(8):
                    total += (
                        projection.weight[:, c, i, j, k].detach().double() * values[2 * t + i, 8 * h + j, 8 * w + k]
                    )
    place = (t * 2 + h) * 2 + w
    angles = [place / 10000 ** (2 * (n // 2) / 32) for n in range(32)]
    total += torch.tensor(
        [torch.tensor(a).sin() if n % 2 == 0 else torch.tensor(a).cos() for n, a in enumerate(angles)]
    )
    assert torch.allclose(backbone(pixels)[0, :, t, h, w].detach().double(), total, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 16, 16), (2, 16, 16), (4, 16, 24), (4, 8, 16)])
def test_clips_of_another_size_are_refused_in_one_sentence(kind, shape):
    with pytest.raises(UserError, match=f"this {kind} takes clips of 4 frames of 16x16 pixels, not") as caught:
        config(kind).build()(clip(1, *shape))
    assert "{} frames of {}x{};".format(*shape) in str(caught.value) and "\n" not in str(caught.value)


def batch() -> Batch:
    def clips() -> Clips:
        views = {"global": 1, "local": 2}
        pixels = {v: clip(2 * n).unflatten(0, (2, n)) for v, n in views.items()}
        times = {v: torch.arange(4 * n).reshape(n, 4).repeat(2, 1, 1) for v, n in views.items()}
        return Clips(pixels, times, torch.arange(2))

    return Batch(clips(), torch.tensor([0, 2]), clips())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", [GladConfig(), SupervisedConfig()], ids=lambda method: type(method).__name__)
def test_methods_train_it_and_gradients_reach_all_that_can_learn(kind, method: MethodConfig):
    model = method.build(config(kind).build(), 3)
    weights = [p for p in model.parameters() if p.requires_grad]
    optim = torch.optim.SGD(weights, lr=0.1)
    before = {name: value.clone() for name, value in model.backbone.named_parameters()}
    losses = model(batch())
    losses.total.backward()
    assert losses.total.isfinite()
    size = {name: float(value.grad.abs().max()) for name, value in model.backbone.named_parameters()}
    # A bias of the keys adds the same to all scores of a query, and softmax takes it out again.
    still = {name for name in size if name.endswith("k_proj.bias")}
    assert len(still) == (2 if kind == "vivit" else 0)
    largest = max(size.values())
    assert all(value < 1e-6 * largest for name, value in size.items() if name in still)
    assert [name for name, value in size.items() if name not in still and value < 1e-10 * largest] == []
    optim.step()
    after = dict(model.backbone.named_parameters())
    assert not torch.equal(after[next(iter(after))], before[next(iter(before))])
    assert model.eval().predict(batch().source).probabilities.shape == (2, 3)


class TestFolder:
    def test_gives_its_weights_and_imagenets_constants_where_it_has_none(self, folder):
        first = HuggingFaceConfig(model=str(folder)).build().eval()
        torch.manual_seed(3)
        second = HuggingFaceConfig(model=str(folder)).build().eval()
        pixels = clip()
        assert torch.equal(first(pixels), second(pixels))
        torch.manual_seed(7)
        saved = config("videomae").build().state_dict()
        assert saved.keys() == first.state_dict().keys()
        assert all(torch.equal(value, saved[name]) for name, value in first.state_dict().items())
        assert first.normalize.mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)
        assert first.normalize.std.flatten().tolist() == pytest.approx(IMAGENET_STD)
        assert first.training is False and HuggingFaceConfig(model=str(folder)).build().network.training

    def test_the_models_own_constants_travel_with_it_unless_others_are_given(self, folder, tmp_path):
        (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
        (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
        settings = {"image_mean": [0.45, 0.4, 0.5], "image_std": [0.2, 0.225, 0.25]}
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
        own = HuggingFaceConfig(model=str(tmp_path)).build().normalize
        assert own.mean.flatten().tolist() == pytest.approx([114.75, 102.0, 127.5])
        assert own.std.flatten().tolist() == pytest.approx([51.0, 57.375, 63.75])
        given = HuggingFaceConfig(model=str(tmp_path), mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.1)).build().normalize
        assert given.mean.flatten().tolist() == pytest.approx([0.0, 127.5, 255.0])
        assert given.std.flatten().tolist() == pytest.approx([255.0, 127.5, 25.5])

    def test_the_head_of_a_fine_tuned_model_is_left_out(self, tmp_path):
        from transformers import AutoConfig, VideoMAEForVideoClassification

        settings = config("videomae").settings()
        tuned = VideoMAEForVideoClassification(AutoConfig.for_model(settings.pop("model_type"), **settings)).eval()
        tuned.save_pretrained(tmp_path)
        backbone = HuggingFaceConfig(model=str(tmp_path)).build().eval()
        pixels = clip()
        mean = backbone(pixels).mean(dim=(2, 3, 4))
        scores = tuned(pixel_values=backbone.normalize(pixels).transpose(1, 2)).logits
        assert torch.allclose(tuned.classifier(tuned.fc_norm(mean)), scores, atol=1e-5)

    @pytest.mark.parametrize("prefix", ["", "videomae."])
    @pytest.mark.parametrize("names", [("query.bias", "value.bias"), ("q_bias", "v_bias")])
    def test_files_of_all_versions_of_the_library_are_read(self, folder, tmp_path, prefix, names):
        first = HuggingFaceConfig(model=str(folder)).build().eval()
        state = {
            prefix + name.replace("query.bias", names[0]).replace("value.bias", names[1]): value
            for name, value in first.network.state_dict().items()
        }
        assert sum(name.endswith(names[0]) for name in state) == 2
        (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
        safetensors.torch.save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
        pixels = clip()
        assert torch.equal(HuggingFaceConfig(model=str(tmp_path)).build().eval()(pixels), first(pixels))

    def test_half_precision_files_are_trained_in_float32(self, folder, tmp_path):
        HuggingFaceConfig(model=str(folder)).build().network.half().save_pretrained(tmp_path)
        backbone = HuggingFaceConfig(model=str(tmp_path)).build()
        assert {value.dtype for value in backbone.parameters()} == {torch.float32}

    def test_config_replaces_settings_that_leave_the_weights_alone(self, folder):
        backbone = HuggingFaceConfig(model=str(folder), config='{"num_frames": 2}').build().eval()
        pixels = clip(t=2)
        assert backbone(pixels).shape == (2, 32, 1, 2, 2)

    @pytest.mark.parametrize(("kind", "name"), [("vivit", "position_embeddings"), ("timesformer", "time_embeddings")])
    def test_learned_positions_keep_their_number_of_frames(self, tmp_path, kind, name):
        config(kind).build().network.save_pretrained(tmp_path)
        assert HuggingFaceConfig(model=str(tmp_path)).build()(clip()).shape == (2, 32, *GRID[kind])
        with pytest.raises(UserError, match=rf"1 weights of its {kind} .* since embeddings\.{name} is \(1, "):
            HuggingFaceConfig(model=str(tmp_path), config='{"num_frames": 2}').build()

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"hidden_size": 16}, "weights of its videomae would stay random, since embeddings.patch_embeddings.proj"),
            (
                {"num_hidden_layers": 3},
                r"15 weights .* since encoder.layer.2.attention.attention.key.weight is missing",
            ),
            ({"num_frame": 8}, "videomae has no setting 'num_frame'; did you mean 'num_frames'?"),
            ({"model_type": "vivit"}, "is of the kind 'videomae', but `config` says 'vivit'"),
            ({"hidden_size": "wide"}, "expected int, got str"),
        ],
    )
    def test_config_that_does_not_fit_the_weights_is_refused(self, folder, settings, sentence):
        with pytest.raises(UserError, match=sentence) as caught:
            HuggingFaceConfig(model=str(folder), config=json.dumps(settings)).build()
        assert "\n" not in str(caught.value)

    def test_of_another_kind_is_refused_by_name(self, tmp_path):
        (tmp_path / "config.json").write_text('{"model_type": "bert"}')
        with pytest.raises(
            UserError, match=r"kind 'bert' is no backbone here; known kinds: timesformer, videomae, viv"
        ):
            HuggingFaceConfig(model=str(tmp_path)).build()


@pytest.mark.parametrize("model", ["/no/such/folder", "./none"])
def test_a_folder_that_is_not_there_is_refused(model):
    with pytest.raises(UserError, match=f"^{model}: there is no such folder"):
        HuggingFaceConfig(model=model).build()


def test_a_model_that_cannot_be_fetched_is_refused_in_one_sentence():
    with pytest.raises(UserError, match=r"^nobody/nothing: transformers cannot make a network of it: ") as caught:
        HuggingFaceConfig(model="nobody/nothing").build()
    assert "\n" not in str(caught.value)


def test_settings_that_make_no_network_are_refused():
    with pytest.raises(UserError, match="hidden size 30 is not a multiple of the number of attention heads"):
        config("videomae", hidden_size=30).build()
    with pytest.raises(UserError, match="'space_only' has no tokens of clips"):
        config("timesformer", attention_type="space_only").build()
    joint = config("timesformer", attention_type="joint_space_time").build()
    assert joint(clip()).shape == (2, 32, 4, 2, 2)


class TestConstants:
    def test_known_values(self):
        mean, std = constants_of({"image_mean": [0.5, 0.2, 0.0], "image_std": [0.5, 0.1, 1.0]}, "file")
        assert mean == pytest.approx((127.5, 51.0, 0.0)) and std == pytest.approx((127.5, 25.5, 255.0))
        # ViViT: pixels to [-1, 1], and then once more: black -3, white 1.
        vivit = {"rescale_factor": 1 / 127.5, "offset": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        mean, std = constants_of(vivit, "file")
        assert [(p - mean[0]) / std[0] for p in (0, 255)] == pytest.approx([-3.0, 1.0])
        assert constants_of({"do_normalize": False}, "file") == ((0.0, 0.0, 0.0), pytest.approx((255.0, 255.0, 255.0)))
        raw = {"do_rescale": False, "image_mean": [100.0] * 3, "image_std": [50.0] * 3}
        assert constants_of(raw, "file") == ((100.0,) * 3, (50.0,) * 3)
        with pytest.raises(UserError, match="file: names no image_mean and image_std; set `mean` and `std`"):
            constants_of({"image_mean": [0.5] * 3}, "file")

    def test_equal_what_the_librarys_own_preprocessors_make_of_pixels(self):
        from transformers import VivitImageProcessor
        from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

        frame = torch.arange(192, dtype=torch.uint8).reshape(8, 8, 3).numpy()
        constants = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
        for kind in (VivitImageProcessor, VideoMAEImageProcessorPil):
            processor = kind(do_resize=False, do_center_crop=False, **constants)
            expected = torch.tensor(processor([frame, frame], return_tensors="np")["pixel_values"][0][0])
            mean, std = (torch.tensor(c).reshape(3, 1, 1) for c in constants_of(processor.to_dict(), "processor"))
            own = (torch.tensor(frame).permute(2, 0, 1) - mean) / std
            assert torch.allclose(own, expected.float(), atol=1e-5)


def test_a_missing_library_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    source = importlib.util.spec_from_file_location("fresh", huggingface.__file__)
    assert source is not None and source.loader is not None
    source.loader.exec_module(importlib.util.module_from_spec(source))  # the module itself does without
    with pytest.raises(UserError, match=r"needs the library transformers .*: pip install 'glad\[hf\]'") as caught:
        config("videomae").build()
    assert "\n" not in str(caught.value)


def test_weights_of_a_run_go_back_into_it():
    trained, fresh = config("vivit").build().eval(), config("vivit").build().eval()
    for value in trained.parameters():
        value.data.add_(0.1)
    pixels = clip()
    assert not torch.equal(trained(pixels), fresh(pixels))
    report = load_state(fresh, {f"backbone.{name}": value for name, value in trained.state_dict().items()}, "a run")
    assert report.dropped == () and torch.equal(trained(pixels), fresh(pixels))


def test_config_is_a_part_and_reads_back():
    whole = HuggingFaceConfig(
        model="MCG-NJU/videomae-base", config='{"num_frames": 8}', mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3)
    )
    for value in (whole, config("timesformer")):
        assert Part.model_validate_json(value.model_dump_json()) == value
        hash(value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "needs `model`, a name on the hub or a folder, or a `config` with a 'model_type'"),
        ({"config": '{"hidden_size": 32}'}, "needs `model`"),
        ({"model": "x", "config": "{"}, "is no JSON"),
        ({"model": "x", "config": "[1]"}, "must be a JSON object"),
        ({"model": "x", "mean": (0.5, 0.5, 0.5)}, "`mean` and `std` together or neither"),
    ],
)
def test_fields_that_say_too_little_are_refused(fields, sentence):
    with pytest.raises(ValidationError, match=sentence):
        HuggingFaceConfig(**fields)
