"""A run goes out without its machine and comes back as a run that predicts the same; nothing of others is replaced."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from glad.data.domain import Domain
from glad.data.held import Given
from glad.errors import UserError
from glad.evaluate import answers, evaluate
from glad.initial import initial_backbone
from glad.methods.comix import CoMixConfig
from glad.methods.glad import GladConfig
from glad.run import Run
from glad.share import NAMES, Place, place_at, pull, push
from glad.training import train

ME = frozenset({"alice", "box7"})


@pytest.fixture(scope="module")
def trained(square_recipe, squares, tmp_path_factory) -> Run:
    """A run with auxiliary heads, that was scored."""
    recipe = square_recipe(
        method=GladConfig(hidden=8, hidden_layers=1), name="squares-glad", about="By alice, on box7."
    )
    run = train(recipe, tmp_path_factory.mktemp("share") / "run", workers=0)
    evaluate(run, workers=0)
    return run


@pytest.fixture
def run(trained, tmp_path, monkeypatch) -> Run:
    monkeypatch.setattr("glad.scrub.machine_names", lambda: ME)
    shutil.copytree(trained.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def said_of(run: Run, squares: Path) -> list[list[float]]:
    """Return the probabilities of four videos."""
    videos = Given(tuple(sorted((squares / "test").iterdir())))
    domain = Domain(videos, run.recipe.test_views, run.recipe.test_pixels)
    return answers({0: run.method(run.selected())}, domain, 0, lambda _: None)[0].probabilities.tolist()


def test_a_run_that_went_out_and_came_back_says_the_same(run, squares, tmp_path):
    assert push(run, Place(tmp_path / "out", None)) == str(tmp_path / "out")
    back = pull(Place(tmp_path / "out", None), tmp_path / "back")
    assert said_of(back, squares) == said_of(Run(tmp_path / "out"), squares) == said_of(run, squares)
    assert back.classes == run.classes and back.checkpoint()["step"] == run.checkpoint()["step"]
    assert sorted(path.name for path in back.folder.iterdir()) == sorted([*NAMES] if run.data.exists() else NAMES[:-1])
    recipe = run.recipe
    back.recipe_file.write_text(run.recipe_file.read_text())  # with the paths of this machine
    assert evaluate(back, workers=0).mean_class_accuracy == evaluate(run, workers=0).mean_class_accuracy
    assert back.recipe == recipe


def test_the_weights_are_what_prediction_needs_and_a_later_stage_inherits(run, square_recipe, tmp_path):
    push(run, Place(tmp_path / "out", None))
    published = load_file(tmp_path / "out" / "weights.safetensors")
    whole = run.checkpoint()["method"]
    assert {name.split(".")[0] for name in whole} == {"backbone", "classifier", "domain", "order"}
    assert {name.split(".")[0] for name in published} == {"backbone", "classifier"}
    assert all(torch.equal(tensor, whole[name]) for name, tensor in published.items())
    comix = square_recipe(method=CoMixConfig(adapt=False))
    warm = Run(tmp_path / "warm")
    warm.begin(comix, ("left", "right"))
    warm.save({"method": comix.untrained(2).state_dict(), "optimizer": {}, "step": 1})
    push(warm, Place(tmp_path / "comix", None))
    assert Run(tmp_path / "comix").child_state("classifier").keys() == warm.child_state("classifier").keys()


def test_a_published_run_is_weights_to_start_from_but_not_to_go_on(run, square_recipe, tmp_path):
    push(run, Place(tmp_path / "out", None))
    recipe = square_recipe(init=str(tmp_path / "out"), steps=1)
    begun = initial_backbone(recipe, Run(tmp_path / "new"))
    for name, tensor in run.child_state("backbone").items():
        assert torch.equal(begun.state_dict()[name], tensor)  # pyright: ignore
    before = square_recipe(name="before", steps=1)
    for again in (recipe, square_recipe(after=before)):
        with pytest.raises(UserError, match=r"holds a published run.*--init"):
            train(again, tmp_path / "out", workers=0)
        assert not (tmp_path / "out" / "warmup").exists()


def test_nothing_tells_of_the_machine(run, tmp_path):
    settings = json.loads(run.recipe_file.read_text())
    settings["data"]["source"]["list"] = "/home/alice/my lists/train.txt"
    run.recipe_file.write_text(json.dumps(settings))
    environment = json.loads(run.environment.read_text())
    environment["command"] = ["glad", "train", "/home/alice/x.py:mine", "--out=/scratch/box7/runs/a"]
    run.environment.write_text(json.dumps(environment))
    push(run, Place(tmp_path / "out", None))
    for file in (tmp_path / "out").iterdir():
        content = file.read_bytes()
        assert not any(
            word in content for word in (b"alice", b"box7", b"/home", b"/scratch", str(tmp_path).encode())
        ), file
    assert str(Run(tmp_path / "out").recipe.data.source.list) == "train.txt"
    assert json.loads(Run(tmp_path / "out").environment.read_text())["command"][2:] == ["x.py:mine", "--out=a"]
    assert "By user, on user." in (tmp_path / "out" / "README.md").read_text()


def test_scores_of_other_weights_are_not_published(run, tmp_path):
    scores = json.loads(run.scores.read_text())
    run.scores.write_text(json.dumps(scores | {"step": 2, "select": "oracle"}))
    with pytest.raises(UserError, match=r"is of step 2 \('oracle'\), and what is published is step 4 \('last'\)"):
        push(run, Place(tmp_path / "out", None))
    assert not (tmp_path / "out").exists()
    run.scores.unlink()
    push(run, Place(tmp_path / "out", None))
    assert (
        not (tmp_path / "out" / "scores.json").exists() and "Not scored" in (tmp_path / "out" / "README.md").read_text()
    )


def test_a_card_of_ones_own_is_published_as_it_is(run, tmp_path):
    push(run, Place(tmp_path / "out", None), license="mit")
    assert "license: mit" in (tmp_path / "out" / "README.md").read_text()
    (tmp_path / "out" / "README.md").write_text("# Mine\n\nglad pull out run\n")
    push(Run(tmp_path / "out"), Place(tmp_path / "again", None))
    assert (tmp_path / "again" / "README.md").read_text() == "# Mine\n\nglad pull again run\n"


@pytest.mark.parametrize("verb", ["push", "pull"])
@pytest.mark.parametrize("there", ["notes.txt", "last.pt", "README.md", "code/deep/mine.py"])
def test_folders_of_others_are_refused(verb, there, run, tmp_path):
    push(run, Place(tmp_path / "out", None))
    folder = tmp_path / "theirs"
    (folder / there).parent.mkdir(parents=True)
    (folder / there).write_text("mine")
    with pytest.raises(UserError, match=rf"theirs holds '{there}', which is not of a published run"):
        push(run, Place(folder, None)) if verb == "push" else pull(Place(tmp_path / "out", None), folder)
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / there]


def test_what_was_published_before_is_replaced_whole(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    push(run, Place(out, None))
    run.scores.unlink()
    push(run, Place(out, None))
    assert not (out / "scores.json").exists() and (out / "weights.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]
    with pytest.raises(UserError, match="is a file"):
        pull(Place(out, None), out / "README.md")


def test_a_failure_leaves_what_was_there(run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    push(run, Place(out, None))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr("glad.share.model_card", lambda *given, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        push(run, Place(out, None))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


@pytest.mark.parametrize(
    "break_it, said",
    [
        (lambda folder: (folder / "weights.safetensors").unlink(), "no published run: it has no weights.safetensors"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"\x80\x04."), "cannot be read as the weights"),
        (lambda folder: (folder / "recipe.json").write_text("{"), "not a recipe"),
        (
            lambda folder: save_file({"x": torch.zeros(1)}, folder / "weights.safetensors"),
            "cannot be read as the weights",
        ),
    ],
)
def test_what_is_no_published_run_is_not_fetched(break_it, said, run, tmp_path):
    push(run, Place(tmp_path / "out", None))
    break_it(tmp_path / "out")
    with pytest.raises(UserError, match=said):
        pull(Place(tmp_path / "out", None), tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_weights_that_do_not_fit_the_recipe_are_one_sentence(run, tmp_path):
    push(run, Place(tmp_path / "out", None))
    save_file({"backbone.conv1.weight": torch.zeros(1)}, tmp_path / "out" / "weights.safetensors", {"step": "1"})
    with pytest.raises(UserError, match=r"weights\.safetensors does not fit .*recipe\.json"):
        Run(tmp_path / "out").method()


CODE = '''
"""A network of one's own."""

from pathlib import Path

import torch
from torch import nn

from glad.part import Part

Path("{ran}").touch()
HOME = "/home/alice/weights"


class MineConfig(Part):
    def build(self):
        return Mine()


class Mine(nn.Module):
    width = 3

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, pixels):
        return pixels.float() * self.scale / 255
'''


def test_code_of_ones_own_comes_along_and_is_not_run(square_recipe, squares, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("glad.scrub.machine_names", lambda: ME)
    ran, file = tmp_path / "ran", tmp_path / "shared_mine.py"
    file.write_text(CODE.format(ran=ran))
    from glad.recipes.find import module_at

    module = module_at(str(file))
    run = train(square_recipe(backbone=module.MineConfig(), steps=1), tmp_path / "run", workers=0)
    push(run, Place(tmp_path / "out", None))
    assert (
        "code/shared_mine.py is published as it is, and tells of this machine in line 11, 12" in capsys.readouterr().err
    )
    said = said_of(run, squares)
    ran.unlink()
    back = pull(Place(tmp_path / "out", None), tmp_path / "back")
    assert (back.folder / "code" / "shared_mine.py").read_text() == file.read_text() and not ran.exists()
    assert "glad --code run/code/shared_mine.py predict" in (back.folder / "README.md").read_text()
    assert said_of(back, squares) == said and "shared_mine" in sys.modules


def test_a_place_is_a_folder_or_a_name_and_never_a_guess(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    hub = Place(None, "user/name")
    assert place_at("user/name") == place_at("hf:user/name") == hub
    assert place_at("hf:runs/a") == Place(None, "runs/a")
    assert place_at("runs/a").folder == Path("runs/a")
    for folder in ("./runs/b", "/x/y", "published", "a/b/c", "../x"):
        assert place_at(folder) == Place(Path(folder), None)
    with pytest.raises(UserError, match=r"'runs/b' may be a new folder in runs or .* write \./runs/b or hf:runs/b"):
        place_at("runs/b")
    with pytest.raises(UserError, match="hf:USER/NAME"):
        place_at("hf:name")
