"""What methods are composed of: clips to features, the consensus, the classifiers."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glad.batch import Clips
from glad.losses import domain_accuracy, domain_loss, reverse_gradient
from glad.methods.base import Backbone

# Which views share a pass through the backbone, and with it batch-norm statistics: each view of each domain alone
# (the release, stage 2), the views of a domain together, or everything together (the release, stage 1).
Passes = Literal["separate", "per_domain", "joint"]
VIEW_ORDER = (
    "local",
    "global",
    "ordered",
)  # of the passes, as in the release; running statistics depend on it


def feature_maps(backbone: Backbone, domains: list[Clips], passes: Passes) -> list[dict[str, Tensor]]:
    """Return, for each domain, `{view: (b, n, d, t', h', w')}`: the backbone's maps of all its clips."""
    assert all(view in VIEW_ORDER for clips in domains for view in clips.views), (
        "a new view needs its place in the order"
    )
    keys = [(i, view) for i, clips in enumerate(domains) for view in VIEW_ORDER if view in clips.views]
    groups = {
        "separate": [[key] for key in keys],
        "per_domain": [[key for key in keys if key[0] == i] for i in range(len(domains))],
        "joint": [keys],
    }[passes]
    found: list[dict[str, Tensor]] = [{} for _ in domains]
    for group in groups:
        views = [domains[i].views[view] for i, view in group]
        rows = [view.shape[0] * view.shape[1] for view in views]
        maps = backbone(torch.cat([view.flatten(0, 1) for view in views]))
        for (i, name), view, part in zip(group, views, maps.split(rows), strict=True):
            found[i][name] = part.unflatten(0, view.shape[:2])
    return found


def pooled(maps: Tensor) -> Tensor:
    """Return clip features phi (b, n, d): the mean of `maps` (b, n, d, t', h', w') over time and space."""
    return maps.mean(dim=(3, 4, 5))


def consensus(views: dict[str, Tensor]) -> Tensor:
    """Return the video feature (b, d): the mean over all clips of all views (4.4), given phi (b, n, d) of each.

    The mean of three clips, not of the two means psi: a local clip counts as much as the global one.
    """
    return torch.cat(list(views.values()), dim=1).mean(dim=1)


def video_features(maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return psi (b, d) of each view (Eq. 3), and under `both` the consensus of all clips.

    Ordered clips have no vote in it where there are others: those are for order learning.
    """
    phi = {view: pooled(m) for view, m in maps.items()}
    voting = {view: clips for view, clips in phi.items() if view != "ordered"} or phi
    return {view: clips.mean(dim=1) for view, clips in phi.items()} | {"both": consensus(voting)}


class ActionClassifier(nn.Module):
    """Dropout and one linear layer, (b, d) to (b, k) scores; weights N(0, std^2), bias 0 (1.7 of the specification)."""

    def __init__(self, width: int, num_classes: int, dropout: float = 0.5, std: float = 0.01) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, num_classes)
        nn.init.normal_(self.linear.weight, std=std)
        nn.init.zeros_(self.linear.bias)

    def forward(self, feature: Tensor) -> Tensor:
        return self.linear(self.dropout(feature))


class DomainClassifier(nn.Sequential):
    """An MLP from features (m, width) to one domain logit (m, 1): source positive, target negative.

    `hidden_layers` times [linear, dropout, ReLU], then a linear layer; PyTorch's own initialisation. The release has
    four hidden layers as wide as the feature: 16,787,457 parameters at 2048.
    """

    def __init__(self, width: int, hidden_layers: int = 4, hidden: int | None = None, dropout: float = 0.5) -> None:
        hidden = hidden or width
        layers: list[nn.Module] = []
        for i in range(hidden_layers):
            layers += [nn.Linear(width if i == 0 else hidden, hidden), nn.Dropout(dropout), nn.ReLU()]
        super().__init__(*layers, nn.Linear(hidden if hidden_layers else width, 1))


def class_terms(scores: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy of `scores` (b, k) against `label` (b,), and the share of rows whose best score is right."""
    return F.cross_entropy(scores, label), (scores.detach().argmax(1) == label).float().mean()


def domain_terms(classify: nn.Module, source: Tensor, target: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Return Eq. 4 of `classify` on rows of two domains, and the share of rows whose domain it tells right.

    Behind gradient reversal of `strength`: the classifier descends the loss, the features ascend it.
    """
    s, t = classify(reverse_gradient(source, strength)), classify(reverse_gradient(target, strength))
    return domain_loss(s, t), domain_accuracy(s, t)
