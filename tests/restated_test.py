"""The objective of GLAD and DANN once more, in loops over Python numbers, from pixels to terms and their slope.

Nothing below `Scaled` calls the package or torch: means, multi-layer perceptrons, logistic loss, cross-entropy and the
order that a label stands for are written down again, each in another way than in `glad/losses.py`.
"""

import math
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from glad.batch import Batch, Clips
from glad.methods.base import MethodConfig
from glad.methods.dann import DannConfig
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig

CLASSES, LABEL = 3, [2, 0, 1, 2]
Layer = tuple[list[list[float]], list[float]]  # weights, a row an output; biases
HEAD = OrderHeadConfig(hidden=5, dropout=0.0)
GLAD = GladConfig(hidden_layers=2, hidden=6, align_dropout=0.0, dropout=0.0, order_head=HEAD)
CASES: dict[str, MethodConfig] = {
    "glad": GLAD,
    "two_classifiers": GLAD.model_copy(update={"cross": "two_classifiers", "align_weight": 0.3, "reversal": 0.4}),
    "ordered": GLAD.model_copy(update={"order": "ordered", "order_clips": 3, "eq7_scale": True, "order_weight": 2.0}),
    "both": GLAD.model_copy(update={"align": ("both", "global"), "order": "off", "hidden_layers": 4, "hidden": None}),
    "dann": DannConfig(hidden_layers=1, align_dropout=0.0, dropout=0.0, align_weight=0.7),
    "warm-up": OrderConfig(head=HEAD),
    "warm-up, Eq. 7": OrderConfig(head=HEAD, eq7_scale=True),
}


class Scaled(nn.Module):
    """A backbone with one parameter: the map is the picture, in [0, 1], times `scale`."""

    width = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.3))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.scale * pixels.double() / 255


# written down again


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def mean_row(rows: list[list[float]]) -> list[float]:
    return [mean([row[i] for row in rows]) for i in range(len(rows[0]))]


def clip_features(clips: Clips, view: str, scale: float) -> list[list[list[float]]]:
    """Return phi: [video][clip][channel]."""
    pixels = clips.views[view]
    b, n, c, t, h, w = pixels.shape
    places = list(product(range(t), range(h), range(w)))
    values = pixels.tolist()
    return [
        [[scale * mean([values[i][j][k][x][y][z] / 255 for x, y, z in places]) for k in range(c)] for j in range(n)]
        for i in range(b)
    ]


def perceptron(layers: list[Layer], x: list[float]) -> list[float]:
    for depth, (weight, bias) in enumerate(layers):
        y = []
        for row, shift in zip(weight, bias, strict=True):
            total = shift
            for a, b in zip(row, x, strict=True):
                total += a * b
            y.append(total if depth == len(layers) - 1 or total > 0 else 0.0)
        x = y
    return x


def surprise(scores: list[float], right: int) -> float:
    """Return minus the logarithm of the softmax at `right`."""
    return -math.log(math.exp(scores[right]) / sum(math.exp(score) for score in scores))


def best(scores: list[float]) -> int:
    return max(range(len(scores)), key=lambda i: scores[i])


def permutation(label: int, n: int) -> list[int]:
    """Return the permutation with the place `label` in the dictionary: the digits of `label` in factorials."""
    left, found = list(range(n)), []
    for i in range(n - 1, -1, -1):
        digit, label = divmod(label, math.factorial(i))
        found.append(left.pop(digit))
    return found


def told_apart(layers: list[Layer], source: list[list[float]], target: list[list[float]]) -> tuple[float, float]:
    """Return Eq. 4 and the share of rows whose domain is told right: the source is 1."""
    losses, right = [], []
    for row in source:
        p = 1 / (1 + math.exp(-perceptron(layers, row)[0]))
        losses.append(-math.log(p))
        right.append(float(p > 0.5))
    for row in target:
        p = 1 / (1 + math.exp(-perceptron(layers, row)[0]))
        losses.append(-math.log(1 - p))
        right.append(float(p <= 0.5))
    return mean(losses), mean(right)


def told_in_order(
    embed: Layer, tell: Layer, videos: list[list[list[float]]], draws: list[int], eq7_scale: bool
) -> tuple[float, float]:
    """Return Eq. 7 over videos [video][clip][channel], and the share of orders told right."""
    losses, right = [], []
    for clips, draw in zip(videos, draws, strict=True):
        n = len(clips)
        label = draw % math.factorial(n)
        shown = [clips[k] for k in permutation(label, n)]
        pairs = []
        for i in range(n):
            for j in range(i + 1, n):
                pairs += [max(value, 0.0) for value in perceptron([embed], shown[i] + shown[j])]
        scores = perceptron([tell], pairs)
        losses.append(surprise(scores, label) / (math.factorial(n) if eq7_scale else 1))
        right.append(float(best(scores) == label))
    return mean(losses), mean(right)


def layers_of(module: nn.Module) -> list[Layer]:
    return [(x.weight.tolist(), x.bias.tolist()) for x in module.modules() if isinstance(x, nn.Linear)]


def restated(config: MethodConfig, method: nn.Module, batch: Batch, scale: float) -> tuple[dict, dict]:
    """Return terms and stats of `method`, with the parameter of its backbone at `scale`."""
    terms: dict[str, float] = {}
    stats: dict[str, float] = {}
    assert batch.target is not None
    phi = [{v: clip_features(clips, v, scale) for v in clips.views} for clips in (batch.source, batch.target)]
    draws = [*batch.source.draw.tolist(), *batch.target.draw.tolist()]
    if isinstance(config, OrderConfig):
        embed, tell = layers_of(method.get_submodule("head"))
        videos = phi[0]["ordered"] + phi[1]["ordered"]
        terms["order"], stats["accuracy_order"] = told_in_order(embed, tell, videos, draws, config.eq7_scale)
        return terms, stats
    assert isinstance(config, GladConfig | DannConfig)
    psi: list[dict[str, list[list[float]]]] = []
    for domain in phi:
        psi.append({view: [mean_row(clips) for clips in videos] for view, videos in domain.items()})
        three = zip(domain["global"], domain["local"], strict=True)
        psi[-1]["both"] = [mean_row([g, a, b]) for (g,), (a, b) in three]
    s, t = psi
    scores = [perceptron(layers_of(method.get_submodule("classifier")), row) for row in s["both"]]
    terms["class"] = mean([surprise(row, label) for row, label in zip(scores, LABEL, strict=True)])
    stats["accuracy_class"] = mean([float(best(row) == label) for row, label in zip(scores, LABEL, strict=True)])
    rows = {
        "global": (s["global"], t["global"]),
        "local": (s["local"], t["local"]),
        "cross": (s["local"] + s["global"], t["global"] + t["local"]),
        "local_global": (s["local"], t["global"]),
        "global_local": (s["global"], t["local"]),
        "both": (s["both"], t["both"]),
    }
    if isinstance(config, DannConfig):
        heads = {"both": method.get_submodule("domain")}
    else:
        heads = dict(method.get_submodule("domain").named_children())
    weight = config.align_weight
    assert weight is not None
    for name, head in heads.items():
        loss, stats[f"accuracy_domain_{name}"] = told_apart(layers_of(head), *rows[name])
        terms[f"align_{name}"] = weight * loss
    if isinstance(config, GladConfig) and config.order != "off":
        embed, tell = layers_of(method.get_submodule("order"))
        videos = phi[0][config.order] + phi[1][config.order]
        loss, stats["accuracy_order"] = told_in_order(embed, tell, videos, draws, config.eq7_scale)
        terms["order"] = config.order_weight * loss
    return terms, stats


# and compared


def clips(b: int, seed: int) -> Clips:
    g = torch.Generator().manual_seed(seed)
    counts = {"global": 1, "local": 2, "ordered": 3}
    views = {v: torch.randint(0, 256, (b, n, 3, 2, 2, 3), generator=g, dtype=torch.uint8) for v, n in counts.items()}
    times = {v: torch.arange(2 * n).reshape(n, 2).expand(b, n, 2) for v, n in counts.items()}
    return Clips(views, times, torch.randint(2**31, (b,), generator=g))


def case(name: str) -> tuple[MethodConfig, nn.Module, Batch]:
    """Return a method in float64 with lively weights, and a batch of four source and three target videos."""
    config, seed = CASES[name], list(CASES).index(name)
    torch.manual_seed(seed)
    method = config.build(Scaled(), CLASSES).double()
    for layer in method.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=1.5)
            nn.init.normal_(layer.bias, std=0.5)
    return config, method, Batch(clips(4, 10 + seed), torch.tensor(LABEL), clips(3, 50 + seed))


@pytest.mark.parametrize("name", CASES)
def test_terms_and_stats_are_those_written_down_again(name):
    config, method, batch = case(name)
    losses = method(batch)
    assert isinstance(method.backbone, Scaled)
    terms, stats = restated(config, method, batch, method.backbone.scale.item())
    assert {name: term.item() for name, term in losses.terms.items()} == pytest.approx(terms, rel=1e-9)
    assert {name: stat.item() for name, stat in losses.stats.items()} == pytest.approx(stats, rel=1e-6)
    assert losses.total.item() == pytest.approx(sum(terms.values()), rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_features_descend_the_class_and_order_terms_and_ascend_the_alignment(name):
    """Eq. 8 as it is meant: the slope of class + order - reversal * align, by differences of the terms above."""
    config, method, batch = case(name)
    assert isinstance(method.backbone, Scaled)
    (slope,) = torch.autograd.grad(method(batch).total, [method.backbone.scale])
    at, h = method.backbone.scale.item(), 1e-6
    above, below = (restated(config, method, batch, at + shift)[0] for shift in (h, -h))
    expected = 0.0
    for term in above:
        sign = 1.0
        if isinstance(config, GladConfig | DannConfig) and term.startswith("align"):
            sign = -config.reversal
        expected += sign * (above[term] - below[term]) / (2 * h)
    assert abs(expected) > 1e-3 and slope.item() == pytest.approx(expected, rel=1e-5)
