"""Clips to features: which clips share batch statistics, the consensus, and the classifiers' sizes and first values."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glad.batch import Clips
from glad.methods.heads import (
    ActionClassifier,
    DomainClassifier,
    class_terms,
    consensus,
    feature_maps,
    pooled,
)


class Noting(nn.Module):
    """A backbone with batch norm that notes the size of every pass: its map is the normalised picture itself."""

    width = 3

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm3d(3, momentum=0.1, affine=False)
        self.rows: list[int] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.rows.append(len(pixels))
        return self.norm(pixels.float())


def clips(seed: int, b: int = 2, views: tuple[tuple[str, int], ...] = (("global", 1), ("local", 2))) -> Clips:
    g = torch.Generator().manual_seed(seed)
    return Clips(
        {
            name: torch.randint(40 * seed, 40 * seed + 60, (b, n, 3, 2, 4, 4), generator=g, dtype=torch.uint8)
            for name, n in views
        },
        {name: torch.zeros(b, n, 2, dtype=torch.int64) for name, n in views},
        torch.arange(b),
    )


def rows(view: Tensor) -> Tensor:
    return view.flatten(0, 1).float()


def normalised(*groups: Tensor) -> list[Tensor]:
    """Return the groups, each normalised by the mean and variance of all of them, channel by channel."""
    together = torch.cat(groups)
    mean = together.mean((0, 2, 3, 4), keepdim=True)
    std = (together.var((0, 2, 3, 4), correction=0, keepdim=True) + 1e-5).sqrt()
    return [(group - mean) / std for group in groups]


@pytest.mark.parametrize("passes", ["separate", "per_domain", "joint"])
def test_which_clips_share_batch_statistics(passes):
    source, target = clips(1), clips(2)
    backbone = Noting()
    maps = feature_maps(backbone, [source, target], passes)
    sl, sg, tl, tg = (rows(domain.views[view]) for domain in (source, target) for view in ("local", "global"))
    expected = {
        "separate": [normalised(sl)[0], normalised(sg)[0], normalised(tl)[0], normalised(tg)[0]],
        "per_domain": [*normalised(sl, sg), *normalised(tl, tg)],
        "joint": normalised(sl, sg, tl, tg),
    }[passes]
    found = [maps[0]["local"], maps[0]["global"], maps[1]["local"], maps[1]["global"]]
    for got, want, n in zip(found, expected, (2, 1, 2, 1), strict=True):
        assert got.shape == (2, n, 3, 2, 4, 4)
        assert torch.allclose(got, want.unflatten(0, (2, n)), atol=1e-5)
    assert backbone.rows == {"separate": [4, 2, 4, 2], "per_domain": [6, 6], "joint": [12]}[passes]


@pytest.mark.parametrize("passes", ["separate", "per_domain", "joint"])
def test_running_statistics_follow_the_passes_in_order(passes):
    """0.9 r + 0.1 m for each pass: source local, source global, target local, target global."""
    source, target = clips(1), clips(2)
    backbone = Noting()
    feature_maps(backbone, [source, target], passes)
    sl, sg, tl, tg = (rows(domain.views[view]) for domain in (source, target) for view in ("local", "global"))
    groups = {
        "separate": [sl, sg, tl, tg],
        "per_domain": [torch.cat([sl, sg]), torch.cat([tl, tg])],
        "joint": [torch.cat([sl, sg, tl, tg])],
    }[passes]
    mean, variance = torch.zeros(3), torch.ones(3)
    for group in groups:
        mean = 0.9 * mean + 0.1 * group.mean((0, 2, 3, 4))
        variance = 0.9 * variance + 0.1 * group.var((0, 2, 3, 4))
    assert backbone.norm.running_mean is not None and backbone.norm.running_var is not None
    assert torch.allclose(backbone.norm.running_mean, mean, rtol=1e-5)
    assert torch.allclose(backbone.norm.running_var, variance, rtol=1e-5)


def test_one_domain_alone_gives_one_set_of_maps():
    backbone = Noting()
    (maps,) = feature_maps(backbone, [clips(1, views=(("ordered", 3),))], "joint")
    assert set(maps) == {"ordered"} and maps["ordered"].shape == (2, 3, 3, 2, 4, 4) and backbone.rows == [6]


def test_every_clip_keeps_its_place():
    """Without batch statistics a map is a function of its clip alone, however clips are passed."""
    source, target = clips(1, b=3), clips(2, b=3)
    backbone = Noting().eval()
    for passes in ("separate", "per_domain", "joint"):
        for domain, maps in zip((source, target), feature_maps(backbone, [source, target], passes), strict=True):
            for view, pixels in domain.views.items():
                assert torch.allclose(maps[view], pixels.float() / math.sqrt(1 + 1e-5))


def test_a_clip_feature_is_the_mean_over_time_and_space():
    maps = torch.arange(48.0).reshape(1, 2, 3, 2, 2, 2)
    assert pooled(maps).tolist() == [[[3.5, 11.5, 19.5], [27.5, 35.5, 43.5]]]


def test_the_consensus_is_the_mean_of_three_clips_not_of_two_views():
    phi = {"global": torch.tensor([[[9.0]]]), "local": torch.tensor([[[0.0], [3.0]]])}
    assert consensus(phi).tolist() == [[4.0]]
    assert torch.stack([view.mean(1) for view in phi.values()]).mean().item() == 5.25
    assert consensus({"local": phi["local"]}).tolist() == [[1.5]]


# classifiers


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_domain_classifier_of_the_release_is_larger_than_half_a_backbone():
    with torch.device("meta"):
        assert parameters(DomainClassifier(2048)) == 16_787_457
        assert parameters(DomainClassifier(2048, hidden_layers=3)) == 3 * (2048 * 2048 + 2048) + 2049
        assert parameters(DomainClassifier(2048, hidden=256)) == 2048 * 256 + 256 + 3 * (256 * 256 + 256) + 257
        assert parameters(DomainClassifier(2048, hidden_layers=0)) == 2049


def test_the_domain_classifier_layer_by_layer():
    classify = DomainClassifier(6, hidden_layers=2, hidden=5, dropout=0.3)
    assert [type(layer) for layer in classify] == [
        nn.Linear,
        nn.Dropout,
        nn.ReLU,
        nn.Linear,
        nn.Dropout,
        nn.ReLU,
        nn.Linear,
    ]
    assert [layer.p for layer in classify if isinstance(layer, nn.Dropout)] == [0.3, 0.3]
    assert classify(torch.zeros(4, 6)).shape == (4, 1)
    assert DomainClassifier(6, hidden_layers=0)(torch.zeros(4, 6)).shape == (4, 1)


def test_the_domain_classifier_starts_as_torch_starts_it():
    """Uniform within 1 / sqrt(2048): standard deviation 1 / sqrt(3 * 2048), not the 0.001 that was asked for."""
    torch.manual_seed(0)
    for layer in DomainClassifier(2048, hidden_layers=1):
        if isinstance(layer, nn.Linear):
            assert layer.weight.std().item() == pytest.approx(1 / math.sqrt(3 * 2048), rel=0.05)


def test_the_action_classifier_starts_small_and_without_bias():
    torch.manual_seed(0)
    for std in (0.01, 0.001):
        classify = ActionClassifier(2048, 12, std=std)
        assert classify.linear.weight.std().item() == pytest.approx(std, rel=0.02)
        assert not classify.linear.bias.any() and classify.dropout.p == 0.5
        assert parameters(classify) == 12 * 2049
    assert ActionClassifier(8, 3)(torch.zeros(5, 8)).shape == (5, 3)


def test_dropout_is_for_training_only():
    classify = ActionClassifier(64, 3, dropout=0.5)
    feature = torch.ones(1, 64)
    assert not torch.equal(classify(feature), classify(feature))
    assert torch.equal(classify.eval()(feature), classify(feature))
    assert torch.equal(classify(feature), F.linear(feature, classify.linear.weight))


def test_the_class_terms_by_hand():
    scores = torch.tensor([[2.0, 0.0], [0.0, 0.0]], requires_grad=True)
    loss, accuracy = class_terms(scores, torch.tensor([1, 0]))
    assert loss.item() == pytest.approx((math.log(1 + math.exp(2)) + math.log(2)) / 2)
    assert accuracy.item() == 0.5 and loss.requires_grad and not accuracy.requires_grad
