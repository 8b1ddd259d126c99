"""Every method keeps the contract of `glad/methods/base.py`, and no label of the target can matter to any."""

import dataclasses
import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import glad.methods
from glad.augment import Mix
from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.data.background import extract_backgrounds
from glad.data.listing import open_listing
from glad.errors import UserError
from glad.methods.base import Method, MethodConfig, Needs
from glad.methods.dann import DannConfig
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.saliency import class_activation
from glad.sampling import Nodes, Ordered, Segments
from glad.training import train

CLASSES, BATCH = 3, 4
VIEWS = {"global": {"global": 1}, "local": {"local": 2}, "both": {"global": 1, "local": 2}}
ORDERED = Ordered(length=3, interval=1, short="repeat_last")
WITH_ORDERED = Segments(length=3, interval=1, ordered_clips=3, short="repeat_last")
NODES = Nodes(clips=3, length=4, grid=2)


@dataclass(frozen=True)
class Trial:
    """How a method is tried; one that works with any views and uses every parameter needs none of this.

    Attributes:
        fields: of its configuration.
        fitted: further fields where it is not given all views.
        views: those it is given, for a method that wants its own, in place of `VIEWS`.
        predicts: False for a stage that leaves no classifier.
        no_gradient: parameters that no gradient can reach, with the reason.
        recipe: fields of the recipe in which it is trained.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    fitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    views: dict[str, int] | None = None
    predicts: bool = True
    no_gradient: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


COLUMN = "the scores are the mean over nodes, and each column of the adjacency sums to 1"
LIVELY = OrderHeadConfig(std=0.1)  # at 0.001 half precision rounds what it says to nothing
TRIALS: dict[str, tuple[Trial, ...]] = {
    "GladConfig": (
        Trial(
            fields={"order_head": LIVELY},
            fitted={"global": {"align": ("global",), "order": "off"}, "local": {"align": ("local",)}},
            recipe={"mix": Mix()},
        ),
        Trial(
            fields={"order_head": LIVELY, "order": "ordered", "order_clips": 3, "cross": "two_classifiers"},
            views={"global": 1, "local": 2, "ordered": 3},
            recipe={"source_views": WITH_ORDERED, "target_views": WITH_ORDERED},
        ),
    ),
    "DannConfig": (Trial(), Trial(fields={"head": "frame", "align_dropout": 0.0, "frame_std": 0.3})),
    "OrderConfig": (
        Trial(views={"ordered": 3}, predicts=False, recipe={"source_views": ORDERED, "target_views": ORDERED}),
    ),
    "CoMixConfig": (
        Trial(
            fields={"slow_nodes": (2,), "slow_probabilities": (1.0,), "pseudo_threshold": 0.0},
            views={"ordered": 3},
            no_gradient={"classifier.layers.2.w1": COLUMN, "classifier.layers.2.w2": COLUMN},
            recipe={"source_views": NODES, "target_views": NODES},
        ),
        Trial(
            fields={"adapt": False},
            views={"ordered": 3},
            no_gradient={"classifier.layers.2.w1": COLUMN, "classifier.layers.2.w2": COLUMN},
            recipe={"source_views": NODES},
        ),
    ),
    "CO2AConfig": (
        Trial(fields={"clips": 3, "selection": 0.5}, fitted={"global": {"clips": 1}, "local": {"clips": 2}}),
    ),
}


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


@dataclass(frozen=True)
class Case:
    """A method under trial with some views."""

    name: str
    config: type[MethodConfig]
    trial: Trial
    views: dict[str, int]
    fields: dict[str, Any]

    def method(self) -> Method:
        torch.manual_seed(0)
        return self.config(**self.fields).build(TinyConfig(width=16).build(), CLASSES)


def cases() -> list[Case]:
    """Return every method in every trial, with all the views that it can be given."""
    found = []
    for config in METHODS:
        for number, trial in enumerate(TRIALS.get(config.__name__, (Trial(),))):
            for views, numbers in (VIEWS if trial.views is None else {"own": trial.views}).items():
                fields = trial.fields | trial.fitted.get(views, {})
                found.append(Case(f"{config.__name__}{number or ''}-{views}", config, trial, numbers, fields))
    return found


CASES = cases()
WITH_ALL = [case for case in CASES if case.name.endswith(("-both", "-own"))]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_method = pytest.mark.parametrize("case", WITH_ALL, ids=lambda case: case.name)
each_with_target = pytest.mark.parametrize(
    "case", [case for case in WITH_ALL if case.method().needs.target], ids=lambda case: case.name
)


def clips(case: Case, seed: int) -> Clips:
    """Return clips with all that any method may need; one that did not ask for it does not look at it."""
    rng = torch.Generator().manual_seed(seed)
    pixels = {
        v: torch.randint(0, 256, (BATCH, n, 3, 4, 8, 8), dtype=torch.uint8, generator=rng)
        for v, n in case.views.items()
    }
    times = {v: torch.arange(n * 4).reshape(n, 4).repeat(BATCH, 1, 1) for v, n in case.views.items()}
    background = torch.randint(0, 256, (BATCH, 3, 8, 8), dtype=torch.uint8, generator=rng)
    return Clips(pixels, times, torch.randint(0, 2**31, (BATCH,), generator=rng), background)


def batch(case: Case) -> Batch:
    source, target, again = (clips(case, seed) for seed in (1, 2, 3))
    return Batch(source, torch.tensor([0, 1, 2, 0]), target, again, draw=5, progress=0.5)


def test_all_methods_are_found():
    assert {SupervisedConfig, DannConfig, GladConfig, OrderConfig} <= set(METHODS)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@each_case
def test_terms_are_named_finite_scalars_and_reach_every_parameter(case, precision):
    method = case.method().train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        losses = method(batch(case))
    assert losses.terms and all(name.isidentifier() for name in [*losses.terms, *losses.stats])
    for value in [*losses.terms.values(), *losses.stats.values()]:
        assert value.shape == () and value.isfinite()
    assert all(value.requires_grad for value in losses.terms.values())
    assert not any(value.requires_grad for value in losses.stats.values())
    losses.total.backward()
    parameters = dict(method.named_parameters())
    assert case.trial.no_gradient.keys() <= parameters.keys()
    assert all(p.grad is None or p.grad.isfinite().all() for p in parameters.values())
    without = {name for name, p in parameters.items() if p.grad is None or not p.grad.any()}
    assert without <= case.trial.no_gradient.keys()


@each_method
def test_a_method_has_what_the_loop_and_the_optimiser_ask_for(case):
    method = case.method()
    assert isinstance(method.needs, Needs) and "backbone" in method.inherits
    assert all(isinstance(method.get_submodule(name), nn.Module) for name in method.inherits)
    assert isinstance(method.backbone, nn.Module) and (
        method.classifier is None or isinstance(method.classifier, nn.Module)
    )
    names = {name.split(".")[0] for name in method.state_dict()}
    assert "backbone" in names and ("classifier" in names) == (method.classifier is not None)
    groups = Optim().build(method).param_groups
    assert sum(p.numel() for g in groups for p in g["params"]) == sum(p.numel() for p in method.parameters())


@each_method
def test_a_method_looks_only_at_what_it_needs(case):
    needs, full = case.method().needs, batch(case)
    assert full.target is not None
    bare = dataclasses.replace(
        full,
        source=full.source if needs.backgrounds else dataclasses.replace(full.source, background=None),
        target=full.target if needs.backgrounds else dataclasses.replace(full.target, background=None),
        again=full.again if needs.again else None,
    )
    if not needs.target:
        bare.target = None
    assert torch.equal(case.method()(full).total, case.method()(bare).total)


@each_case
def test_predictions_are_probabilities_of_each_video_alone(case):
    method = case.method().eval()
    seen = clips(case, 3)
    if not case.trial.predicts:
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


@each_case
def test_a_prediction_does_not_depend_on_auxiliary_heads(case):
    if not case.trial.predicts:
        pytest.skip("predicts nothing")
    method = case.method().eval()
    seen = clips(case, 3)
    with torch.no_grad():
        before = method.predict(seen)
        for name, tensor in [*method.named_parameters(), *method.named_buffers()]:
            if name.split(".")[0] not in ("backbone", "classifier") and tensor.is_floating_point():
                tensor.fill_(float("nan"))
        after = method.predict(seen)
    assert torch.equal(after.probabilities, before.probabilities) and torch.equal(after.features, before.features)


@each_case
def test_where_a_prediction_looks_can_be_found(case):
    if not case.trial.predicts:
        pytest.skip("predicts nothing")
    method = case.method().eval()
    seen = clips(case, 3).map(lambda t: t[:1])
    found, probabilities = class_activation(method, seen, None)
    torch.testing.assert_close(probabilities, method.predict(seen).probabilities[0].detach())
    assert {view: len(one) for view, one in found.items()} == case.views
    assert all((one >= 0).all() and one.isfinite().all() and one.ndim == 4 for one in found.values())
    assert max(one.max() for one in found.values()) > 0
    assert all(parameter.grad is None for parameter in method.parameters())


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


@pytest.fixture(scope="module")
def whole_pair(square_pair, tmp_path_factory) -> Pair:
    """The two domains with the backgrounds of both, for the methods that mix both ways."""
    folder = tmp_path_factory.mktemp("target_backgrounds")
    target = square_pair.target
    listing = open_listing(target.list, labelled=True, keep_labels=False, root=target.root)
    extract_backgrounds(listing, listing.root, folder)
    return square_pair.model_copy(update={"target_backgrounds": folder})


def recipe_of(case: Case, square_recipe, pair: Pair, target: Videos, **fields: object) -> Recipe:
    data = pair.model_copy(update={"target": target})
    return square_recipe(data=data, method=case.config(**case.fields), **(case.trial.recipe | fields))


@each_with_target
def test_target_labels_cannot_matter(case, square_recipe, whole_pair, tmp_path):
    """Training from a labelled target list, from one whose labels are garbage, and from none: equal to the last bit.

    From another target it is not equal, so that the equality says something.
    """
    rows = [line.split() for line in whole_pair.target.list.read_text().splitlines()]
    lists = {
        "true": "".join(f"{path} {offset} {frames} {label}\n" for path, offset, frames, label in rows),
        "garbage": "".join(
            f"{path} {offset} {frames} {7 * k - 3}\n" for k, (path, offset, frames, _) in enumerate(rows)
        ),
        "none": "".join(f"{path} {offset} {frames}\n" for path, offset, frames, _ in rows),
        "fewer": "".join(f"{path} {offset} {frames}\n" for path, offset, frames, _ in rows[:5]),
    }
    weights = {}
    for name, text in lists.items():
        (tmp_path / f"{name}.txt").write_text(text)
        labelled = name in ("true", "garbage")
        target = Videos(list=tmp_path / f"{name}.txt", root=whole_pair.target.root, labelled=labelled)
        recipe = recipe_of(case, square_recipe, whole_pair, target)
        weights[name] = train(recipe, tmp_path / name, workers=0).checkpoint()["method"]
    for other in ("garbage", "none"):
        assert all(torch.equal(weights["true"][name], weights[other][name]) for name in weights["true"])
    weight = "backbone.conv1.weight"
    assert not torch.equal(weights["true"][weight], weights["fewer"][weight])


@pytest.mark.parametrize(
    "case", [case for case in WITH_ALL if not case.method().needs.target], ids=lambda case: case.name
)
def test_training_that_needs_no_target_never_opens_its_list(case, square_recipe, whole_pair, tmp_path):
    nowhere = Videos(list=Path("nowhere.txt"), root=Path("nowhere"))
    recipe = recipe_of(case, square_recipe, whole_pair, nowhere, steps=1)
    assert train(recipe, tmp_path / "run", workers=0).checkpoint()["step"] == 1


def test_training_never_opens_the_test_list(square_recipe, square_pair, tmp_path):
    nowhere = Videos(list=Path("nowhere.txt"), root=Path("nowhere"))
    recipe = square_recipe(data=square_pair.model_copy(update={"test": nowhere}), method=GladConfig(), steps=1)
    assert train(recipe, tmp_path / "run", workers=0).checkpoint()["step"] == 1
