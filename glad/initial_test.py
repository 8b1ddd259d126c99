"""A backbone starts from the stage before, a run, a file, or random numbers, and says which is missing."""

import pytest
import torch
from safetensors.torch import save_file

from glad.backbones.small import SmallConfig
from glad.backbones.tiny import TinyConfig
from glad.errors import UserError
from glad.initial import initial_backbone
from glad.methods.order import OrderConfig
from glad.recipe import init_path
from glad.run import Run
from glad.sampling import Ordered
from glad.training import train


def state(recipe, run: Run) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return initial_backbone(recipe, run).state_dict()  # pyright: ignore


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def trained(square_recipe, tmp_path_factory) -> Run:
    return train(square_recipe(), tmp_path_factory.mktemp("initial") / "run", workers=0)


def test_without_a_beginning_weights_are_random_and_those_of_the_seed(square_recipe, tmp_path):
    found = state(square_recipe(), Run(tmp_path))
    torch.manual_seed(0)
    assert same(found, TinyConfig(width=8).build().state_dict())


def test_a_run_folder_gives_its_backbone(square_recipe, trained, tmp_path):
    found = state(square_recipe(init=str(trained.folder)), Run(tmp_path))
    assert same(found, trained.child_state("backbone"))
    assert not same(found, state(square_recipe(), Run(tmp_path)))


def test_a_file_gives_its_weights(square_recipe, trained, tmp_path):
    save_file(
        {name: tensor.contiguous() for name, tensor in trained.child_state("backbone").items()},
        tmp_path / "w.safetensors",
    )
    assert same(
        state(square_recipe(init=str(tmp_path / "w.safetensors")), Run(tmp_path)), trained.child_state("backbone")
    )


def test_the_stage_before_comes_first(square_recipe, trained, tmp_path):
    views = Ordered(length=3, interval=1, short="repeat_last")
    before = square_recipe(method=OrderConfig(), source_views=views, target_views=views, steps=1)
    run = Run(tmp_path / "run")
    recipe = square_recipe(after=before)
    with pytest.raises(UserError, match=r"warmup: no checkpoint"):
        state(recipe, run)
    train(before, run.warmup.folder, workers=0)
    assert same(state(recipe, run), run.warmup.child_state("backbone"))
    named = recipe.model_copy(update={"init": str(trained.folder)})
    assert same(state(named, run), trained.child_state("backbone"))  # what is named stands in for the stage before


@pytest.mark.parametrize(
    "init, said", [("nowhere.pth", "nowhere.pth"), ("glad:nowhere.safetensors", "nowhere.safetensors")]
)
def test_what_is_not_there_is_named(init, said, square_recipe, tmp_path):
    with pytest.raises(UserError, match=said):
        state(square_recipe(init=init), Run(tmp_path))


def test_weights_of_another_network_are_refused(square_recipe, trained, tmp_path):
    recipe = square_recipe(backbone=TinyConfig(width=4), init=str(trained.folder))
    with pytest.raises(UserError, match="conv2"):
        state(recipe, Run(tmp_path))
    with pytest.raises(UserError):
        state(recipe.model_copy(update={"backbone": SmallConfig()}), Run(tmp_path))


def test_files_of_the_package_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert init_path("glad:mini/init.safetensors").parent.joinpath("skeleton.py").exists()
    assert str(init_path("weights/x.pth")) == "weights/x.pth"
