"""Every method keeps the contract of `glad/methods/base.py`, and no label of the target can matter to any."""

import dataclasses
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
import torch
from torch import nn

import glad.methods
from glad.augment import Mix
from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import MethodConfig, Needs
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.part import Part
from glad.recipe import Pair, Videos
from glad.sampling import Ordered
from glad.train import train

CLASSES, BATCH = 3, 4
VIEWS = {"global": {"global": 1}, "local": {"local": 2}, "both": {"global": 1, "local": 2}}
# What a method has to be told where it is not given all views; a new method needs nothing here if it takes any.
FITTED: dict[tuple[type[MethodConfig], str], dict] = {
    (GladConfig, "global"): {"align": ("global",), "order": "off"},
    (GladConfig, "local"): {"align": ("local",)},
}
# Methods that see a view of their own, whatever else is there.
OWN_VIEWS: dict[type[MethodConfig], dict[str, int]] = {OrderConfig: {"ordered": 3}}
NO_PREDICTION = {OrderConfig}


def method_configs() -> list[type[MethodConfig]]:
    """Return every method that the package defines: whatever is in `glad/methods/` and can be built."""
    found: list[type[MethodConfig]] = []
    for module in pkgutil.iter_modules(glad.methods.__path__):
        if not module.name.endswith("_test"):
            loaded = importlib.import_module(f"glad.methods.{module.name}")
            members = [value for _, value in inspect.getmembers(loaded, inspect.isclass)]
            found += [c for c in members if issubclass(c, MethodConfig) and c.__module__ == loaded.__name__]
    return [config for config in found if not inspect.isabstract(config)]


METHODS = [config for config in method_configs() if config is not MethodConfig]
CASES = [pytest.param(config, views, id=f"{config.__name__}-{views}") for config in METHODS for views in VIEWS]


def built(config: type[MethodConfig], views: str) -> nn.Module:
    torch.manual_seed(0)
    fitted: Part = config(**FITTED.get((config, views), {}))
    assert isinstance(fitted, MethodConfig)
    return fitted.build(TinyConfig(width=8).build(), CLASSES)


def clips(config: type[MethodConfig], views: str, seed: int) -> Clips:
    """Return clips with all that any method may need; one that did not ask for it does not look at it."""
    rng = torch.Generator().manual_seed(seed)
    numbers = OWN_VIEWS.get(config, VIEWS[views])
    pixels = {
        v: torch.randint(0, 256, (BATCH, n, 3, 4, 8, 8), dtype=torch.uint8, generator=rng) for v, n in numbers.items()
    }
    times = {v: torch.arange(n * 4).reshape(n, 4).repeat(BATCH, 1, 1) for v, n in numbers.items()}
    background = torch.randint(0, 256, (BATCH, 3, 8, 8), dtype=torch.uint8, generator=rng)
    return Clips(pixels, times, torch.randint(0, 2**31, (BATCH,), generator=rng), background)


def batch(config: type[MethodConfig], views: str) -> Batch:
    source, target, again = (clips(config, views, seed) for seed in (1, 2, 3))
    return Batch(source, torch.tensor([0, 1, 2, 0]), target, again, draw=5, progress=0.5)


def test_all_methods_are_found():
    assert {SupervisedConfig, GladConfig, OrderConfig} <= set(METHODS)


@pytest.mark.parametrize("config, views", CASES)
def test_terms_are_named_finite_scalars_and_reach_every_parameter(config, views):
    method = built(config, views).train()
    losses = method(batch(config, views))
    assert losses.terms and all(name.isidentifier() for name in [*losses.terms, *losses.stats])
    for value in [*losses.terms.values(), *losses.stats.values()]:
        assert value.shape == () and value.isfinite()
    assert all(value.requires_grad for value in losses.terms.values())
    assert not any(value.requires_grad for value in losses.stats.values())
    losses.total.backward()
    assert [name for name, p in method.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("config", METHODS, ids=lambda config: config.__name__)
def test_a_method_has_what_the_loop_and_the_optimiser_ask_for(config):
    method = built(config, "both")
    assert isinstance(method.needs, Needs) and "backbone" in method.inherits
    assert all(isinstance(method.get_submodule(name), nn.Module) for name in method.inherits)
    assert isinstance(method.backbone, nn.Module) and (
        method.classifier is None or isinstance(method.classifier, nn.Module)
    )
    names = {name.split(".")[0] for name in method.state_dict()}
    assert "backbone" in names and ("classifier" in names) == (method.classifier is not None)
    groups = Optim().build(method).param_groups
    assert sum(p.numel() for g in groups for p in g["params"]) == sum(p.numel() for p in method.parameters())


@pytest.mark.parametrize("config", METHODS, ids=lambda config: config.__name__)
def test_a_method_that_needs_no_target_does_not_look_at_it(config):
    if built(config, "both").needs.target:
        pytest.skip("needs the target")
    full = batch(config, "both")
    losses = [built(config, "both")(b).total for b in (full, dataclasses.replace(full, target=None, again=None))]
    assert torch.equal(*losses)


@pytest.mark.parametrize("config, views", CASES)
def test_predictions_are_probabilities_of_each_video_alone(config, views):
    method = built(config, views).eval()
    seen = clips(config, views, 3)
    if config in NO_PREDICTION:
        with pytest.raises(UserError):
            method.predict(seen)
        return
    before = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    with torch.inference_mode():
        predicted = method.predict(seen)
        found, features = predicted.probabilities, predicted.features
        each = [method.predict(seen.map(lambda t, i=i: t[i : i + 1])) for i in range(BATCH)]
        others = [dataclasses.replace(seen, draw=seen.draw + 1), dataclasses.replace(seen, background=None)]
        assert all(torch.equal(method.predict(other).probabilities, found) for other in others)
    assert found.shape == (BATCH, CLASSES) and (found >= 0).all()
    assert features.ndim == 2 and len(features) == BATCH and features.isfinite().all()
    torch.testing.assert_close(found.sum(1), torch.ones(BATCH))
    torch.testing.assert_close(torch.cat([one.probabilities for one in each]), found)
    torch.testing.assert_close(torch.cat([one.features for one in each]), features)
    assert all(torch.equal(before[name], tensor) for name, tensor in method.state_dict().items())


@pytest.mark.parametrize("config", [c for c in METHODS if c not in NO_PREDICTION], ids=lambda config: config.__name__)
def test_a_prediction_does_not_depend_on_auxiliary_heads(config):
    method = built(config, "both").eval()
    seen = clips(config, "both", 3)
    with torch.no_grad():
        before = method.predict(seen).probabilities
        for name, parameter in method.named_parameters():
            if name.split(".")[0] not in ("backbone", "classifier"):
                parameter.fill_(float("nan"))
        assert torch.equal(method.predict(seen).probabilities, before)


def test_a_batch_has_no_place_for_a_label_of_the_target():
    assert [field.name for field in dataclasses.fields(Batch)] == [
        "source",
        "label",
        "target",
        "again",
        "draw",
        "progress",
    ]
    assert [field.name for field in dataclasses.fields(Clips)] == ["views", "times", "draw", "background"]


@pytest.mark.parametrize(
    "fields",
    [{"method": GladConfig()}, {"method": OrderConfig(), "ordered": True}],
    ids=["glad", "order"],
)
def test_target_labels_cannot_matter(fields, square_recipe, square_pair, tmp_path):
    """Training from a labelled target list, from one whose labels are garbage, and from none: equal to the last bit."""
    rows = [line.split() for line in square_pair.target.list.read_text().splitlines()]
    lists = {
        "true": "".join(f"{path} {offset} {frames} {label}\n" for path, offset, frames, label in rows),
        "garbage": "".join(
            f"{path} {offset} {frames} {7 * k - 3}\n" for k, (path, offset, frames, _) in enumerate(rows)
        ),
        "none": "".join(f"{path} {offset} {frames}\n" for path, offset, frames, _ in rows),
    }
    weights = {}
    for name, text in lists.items():
        (tmp_path / f"{name}.txt").write_text(text)
        target = Videos(list=tmp_path / f"{name}.txt", root=square_pair.target.root, labelled=name != "none")
        recipe = square_recipe(
            data=square_pair.model_copy(update={"target": target}), method=fields["method"], mix=Mix()
        )
        if "ordered" in fields:
            views = Ordered(length=3, interval=1, short="repeat_last")
            recipe = recipe.model_copy(update={"source_views": views, "target_views": views})
        weights[name] = train(recipe, tmp_path / name, workers=0).checkpoint()["method"]
    for other in ("garbage", "none"):
        assert all(torch.equal(weights["true"][name], weights[other][name]) for name in weights["true"])


def test_what_a_target_is_matters(square_recipe, square_pair, tmp_path):
    """The test above can fail: other videos of the target do change the weights."""
    lines = square_pair.target.list.read_text().splitlines(keepends=True)
    (tmp_path / "fewer.txt").write_text("".join(lines[:5]))
    fewer = Videos(list=tmp_path / "fewer.txt", root=square_pair.target.root)
    pairs: list[Pair] = [square_pair, square_pair.model_copy(update={"target": fewer})]
    found = [
        train(square_recipe(data=pair, method=GladConfig()), tmp_path / str(k), workers=0).checkpoint()["method"]
        for k, pair in enumerate(pairs)
    ]
    assert not torch.equal(found[0]["backbone.conv1.weight"], found[1]["backbone.conv1.weight"])


def test_training_never_opens_the_test_list(square_recipe, square_pair, tmp_path):
    nowhere = Videos(list=Path("nowhere.txt"), root=Path("nowhere"))
    recipe = square_recipe(data=square_pair.model_copy(update={"test": nowhere}), method=GladConfig(), steps=1)
    assert train(recipe, tmp_path / "run", workers=0).checkpoint()["step"] == 1
