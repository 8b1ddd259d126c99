"""A file that leaves glad says what the run says, in any number of videos, and nothing that says otherwise is left."""

import json

import pytest
import torch

import glad.export
from glad.backbones.huggingface import HuggingFaceConfig
from glad.backbones.inception_i3d import InceptionI3DConfig
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.small import SmallConfig
from glad.backbones.tiny import TinyConfig
from glad.backbones.tsm import TSMConfig
from glad.errors import UserError
from glad.export import BATCHES, CLOSE, Prediction, check_close, export, made_up, probabilities, torch_network
from glad.methods.co2a import CO2AConfig
from glad.methods.comix import CoMixConfig
from glad.methods.dann import DannConfig
from glad.methods.glad import Glad, GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.program import read_pt2
from glad.run import Run
from glad.sampling import Nodes, Ordered, Quarters, Segments

CLASSES = ("left", "right", "up")
VIEWS = Segments(length=6, interval=1, short="repeat_last")
METHODS = {
    "glad": {"method": GladConfig(hidden=8, hidden_layers=1), "test_views": VIEWS},
    "glad-release": {"method": GladConfig(hidden=8, hidden_layers=1, inference="release"), "test_views": VIEWS},
    "dann": {"method": DannConfig(hidden=8, hidden_layers=1, passes="joint"), "test_views": VIEWS},
    "supervised": {"method": SupervisedConfig(), "test_views": VIEWS},
    "comix": {"method": CoMixConfig(hidden=8), "test_views": Nodes(length=6, clips=3)},
    "co2a": {"method": CO2AConfig(clips=3), "test_views": Quarters(length=6, clips=3)},
}
TINY_VIDEOMAE = (
    '{"model_type": "videomae", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, '
    '"intermediate_size": 32, "image_size": 32, "patch_size": 16, "num_frames": 6, "tubelet_size": 2}'
)
BACKBONES = {
    "tiny": TinyConfig(width=8),
    "small": SmallConfig(),
    "r50-i3d": R50I3DConfig(),
    "tsm": TSMConfig(),
    "inception-i3d": InceptionI3DConfig(),
    "videomae": HuggingFaceConfig(config=TINY_VIDEOMAE),
}


def untrained(folder, recipe) -> Run:
    """Return a run of `recipe` whose weights are random, but large enough that it tells videos apart."""
    run = Run(folder)
    run.begin(recipe, CLASSES)
    torch.manual_seed(3)
    method = recipe.untrained(len(CLASSES)).eval()
    views = recipe.test_views.views(1, None)
    shapes = {v: (len(x), 3, x.shape[1], recipe.test_pixels.size, recipe.test_pixels.size) for v, x in views.items()}
    for _ in range(30):
        said = probabilities(method, made_up(shapes, 5))
        if (said.amax(0) - said.amin(0)).max() > 0.05:
            run.save({"method": method.state_dict(), "optimizer": {}, "step": 1})
            return run
        for weight in method.classifier.parameters():
            if weight.shape == (len(CLASSES),):  # what the last layer says of all of them alike
                weight.data -= said.log().mean(0)
            if len(CLASSES) in weight.shape:
                weight.data *= 2
    raise AssertionError("these weights tell nothing apart")


@pytest.fixture
def onnx():
    for package in glad.export.ONNX:
        pytest.importorskip(package, reason="needs the extra export")
    pytest.importorskip("onnxruntime", reason="needs the extra export")


CASES = [("glad", "tiny"), *((method, "tiny") for method in METHODS if method != "glad")]
CASES += [("glad", backbone) for backbone in BACKBONES if backbone != "tiny"] + [
    ("comix", "r50-i3d"),
    ("co2a", "small"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "backbone"), CASES)
def test_any_method_on_any_backbone_leaves_glad_as_onnx_and_pt2(method, backbone, square_recipe, tmp_path, onnx):
    if backbone == "videomae":
        pytest.importorskip("transformers", reason="needs the extra hf")
    pixels = square_recipe().test_pixels.model_copy(update={"size": 32})
    recipe = square_recipe(**METHODS[method], backbone=BACKBONES[backbone], test_pixels=pixels)
    written = export(untrained(tmp_path / "run", recipe), tmp_path / "out", ("onnx", "torch"))
    assert [one.file.name for one in written] == ["model.onnx", "model.pt2"]
    assert all(one.difference <= CLOSE / 3 for one in written)


@pytest.fixture
def run(square_recipe, tmp_path) -> Run:
    return untrained(tmp_path / "run", square_recipe(**METHODS["glad"]))


def test_a_pt2_file_holds_the_prediction_and_what_is_known_about_it(run, tmp_path):
    [one] = export(run, tmp_path / "out", ("torch",))
    network, inside = read_pt2(one.file)
    beside = json.loads((tmp_path / "out" / "model.json").read_text())
    assert beside.pop("files") == {"model.pt2": {"largest_difference": one.difference, "videos": sum(BATCHES)}}
    assert inside == beside and inside["classes"] == list(CLASSES)
    assert {name.split(".")[1] for name in network.state_dict()} == {"backbone", "classifier"}
    clips = made_up({"global": (1, 3, 6, 16, 16), "local": (2, 3, 6, 16, 16)}, 3)
    expected = probabilities(run.method(), clips)
    torch.testing.assert_close(torch_network(one.file)(clips), expected, atol=CLOSE, rtol=0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.json", "model.pt2"]


def test_an_onnx_file_takes_any_number_of_videos_and_holds_what_is_known_about_it(run, tmp_path, onnx):
    import onnxruntime

    [one] = export(run, tmp_path / "out")
    session = onnxruntime.InferenceSession(str(one.file))
    inside = json.loads(session.get_modelmeta().custom_metadata_map["glad"])
    assert {taken.name: taken.shape for taken in session.get_inputs()} == {
        view: taken["shape"] for view, taken in inside["inputs"].items()
    }
    assert {taken.type for taken in session.get_inputs()} == {"tensor(uint8)"}
    assert [(given.name, given.shape) for given in session.get_outputs()] == [("probabilities", ["videos", 3])]
    clips = made_up({"global": (1, 3, 6, 16, 16), "local": (2, 3, 6, 16, 16)}, 4)
    found = torch.from_numpy(session.run(None, {view: pixels.numpy() for view, pixels in clips.items()})[0])
    torch.testing.assert_close(found, probabilities(run.method(), clips), atol=CLOSE, rtol=0)


def test_files_name_no_folder_of_the_machine(run, tmp_path, onnx):
    for one in export(run, tmp_path / "out", ("onnx", "torch")):
        content = one.file.read_bytes()
        assert b"probabilities" in content
        assert (
            str(tmp_path).encode() not in content
            and glad.export.__file__.removesuffix("export.py").encode() not in content
        )


@pytest.mark.parametrize("wrong", [2 * CLOSE, float("nan"), float("inf")])
def test_a_file_that_says_something_else_is_refused_and_not_left(wrong, run, tmp_path, monkeypatch):
    right = torch_network
    monkeypatch.setitem(glad.export.READ, "torch", lambda file: lambda clips: right(file)(clips) + wrong)
    with pytest.raises(UserError, match=r"model\.pt2 is not written: its probabilities differ"):
        export(run, tmp_path / "out", ("torch",))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.json"]


def test_the_largest_difference_is_found_among_all_batches():
    said = torch.tensor([[0.25, 0.75]])
    expected = [({"x": torch.zeros(1)}, said), ({"x": torch.ones(1)}, said)]
    assert check_close(lambda clips: said + clips["x"] * 2**-15, expected, "m") == 2**-15
    assert check_close(lambda clips: said, expected, "m") == 0


def test_files_of_others_are_not_replaced(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.pt2").write_text("mine")
    with pytest.raises(UserError, match=r"model\.pt2 was not written by glad"):
        export(run, tmp_path / "out", ("torch",))
    assert (tmp_path / "out" / "model.pt2").read_text() == "mine"


def test_an_export_of_another_run_leaves_nothing_of_the_one_before(run, square_recipe, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export(run, out, ("torch",))
    (out / "model.onnx").write_text("of the same run, in another format")
    export(run, out, ("torch",))
    assert (out / "model.onnx").exists()
    other = untrained(tmp_path / "other", square_recipe(**METHODS["glad"], name="other"))
    export(other, out, ("torch",))
    assert not (out / "model.onnx").exists() and json.loads((out / "model.json").read_text())["name"] == "other"


def test_heads_of_training_stay_behind_and_the_method_keeps_them(run):
    method = run.method()
    alone = Prediction(method, ("global",))
    assert [name for name, _ in alone.method.named_children()] == ["backbone", "classifier"]
    assert {"domain", "order"} < {name for name, _ in method.named_children()}


def test_predictions_that_are_drawn_at_random_are_refused(square_recipe, tmp_path):
    fields = METHODS["comix"] | {"method": CoMixConfig(hidden=8, release_dropout=True)}
    with pytest.raises(UserError, match="draws random numbers when it predicts"):
        export(untrained(tmp_path / "run", square_recipe(**fields)), tmp_path / "out", ("torch",))
    assert not (tmp_path / "out").exists()


def test_a_stage_without_a_classifier_says_so(square_recipe, tmp_path):
    views = Ordered(length=3, interval=1)
    recipe = square_recipe(method=OrderConfig(), test_views=views)
    run = Run(tmp_path / "run")
    run.begin(recipe, CLASSES)
    run.save({"method": recipe.untrained(3).state_dict(), "optimizer": {}, "step": 1})
    with pytest.raises(UserError, match="an order warm-up has no action classifier"):
        export(run, tmp_path / "out", ("torch",))


def test_what_is_not_installed_is_named_with_how_to_get_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr("glad.program.importlib.util.find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(UserError, match=r'needs what is not installed \(onnxscript\): pip install "glad\[export\]"'):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_prediction_that_uses_a_head_of_training_cannot_be_recorded(run, tmp_path, monkeypatch):
    whole = Glad.predict
    monkeypatch.setattr(Glad, "predict", lambda self, clips: (self.domain, whole(self, clips))[1])
    with pytest.raises(UserError, match=r"cannot be recorded as a graph \(AttributeError: .*'domain'"):
        export(run, tmp_path / "out", ("torch",))


def test_made_up_videos_move_and_differ():
    clips = made_up({"local": (2, 3, 4, 16, 12)}, 3)["local"]
    assert clips.shape == (3, 2, 3, 4, 16, 12) and clips.dtype == torch.uint8
    assert clips.float().std() > 40 and not torch.equal(clips[0], clips[1])
    assert (clips[:, :, :, 0] != clips[:, :, :, 3]).float().mean() > 0.5
    assert torch.equal(clips, made_up({"local": (2, 3, 4, 16, 12)}, 3)["local"])
