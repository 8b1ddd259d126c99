"""CoMix: a video must look alike in all of its clips, in a few of them, and before another background.

Sahoo et al., Contrast and Mix (NeurIPS 2021). Clips are the nodes of a graph, whose head scores the video.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import PositiveFloat, PositiveInt, model_validator
from torch import Tensor

from glad.batch import Batch, Clips, Losses, Predicted
from glad.errors import UserError
from glad.losses import gathered
from glad.methods.base import Backbone, Method, MethodConfig, Needs
from glad.methods.graph import GraphHead
from glad.methods.heads import VIEW_ORDER, feature_maps, pooled
from glad.part import Share


class CoMixConfig(MethodConfig):
    """Defaults are those of the released code on its benchmark with 12 classes, UCF-HMDB; see docs/methods/comix.md.

    Attributes:
        adapt: False is the warm start that comes first: the class term alone, no target, no backgrounds.
        hidden: width of the graph head's two hidden layers.
        dropout: after each of them.
        release_dropout: drop in evaluation too, as the released code does. Predictions are then random numbers of the
            process: asked twice, they differ.
        smoothing: share of the label that all classes get equally.
        gamma_max: the largest share of the background in a mixed video; the share is uniform from 0 on.
        slow_nodes, slow_probabilities: how many clips the slow view has, and how often.
        tau, tau0: temperature of the contrast, and the one it is rescaled to.
        background_weight: of L_bgm, the contrast of original and mixed videos, source and target.
        pseudo_weight: of L_tpl, the contrast of target videos by pseudo label.
        pseudo_threshold: probability from which on a target video has a pseudo label.
        passes: which views of a domain share batch-norm statistics; a mixed domain is a domain of its own.
    """

    adapt: bool = True
    hidden: PositiveInt = 256
    dropout: Share = 0.1
    release_dropout: bool = False
    smoothing: Share = 0.1
    gamma_max: Share = 0.5
    slow_nodes: tuple[PositiveInt, ...] = (4, 8, 12)
    slow_probabilities: tuple[Share, ...] = (0.33, 0.34, 0.33)
    tau: PositiveFloat = 0.5
    tau0: PositiveFloat = 0.07
    background_weight: float = 0.1
    pseudo_weight: float = 0.01
    pseudo_threshold: Share = 0.7
    passes: Literal["separate", "per_domain"] = "per_domain"

    @model_validator(mode="after")
    def _as_many_probabilities(self) -> Self:
        numbers, shares = self.slow_nodes, self.slow_probabilities
        if not numbers or len(numbers) != len(shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
            raise UserError(
                f"slow_probabilities {shares} must give each of slow_nodes {numbers} a share, and sum to 1; set both"
            )
        return self

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        return CoMix(self, backbone, num_classes)


class CoMix(Method):
    """Backbone and graph head; both start from the warm start, where there is one."""

    def __init__(self, config: CoMixConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.needs = Needs(target=config.adapt, backgrounds=config.adapt)
        self.inherits = ("backbone", "classifier") if config.adapt else ("backbone",)
        self.backbone = backbone
        self.classifier = GraphHead(
            backbone.width, num_classes, config.hidden, config.dropout, always=config.release_dropout
        )

    def forward(self, batch: Batch) -> Losses:
        config, b = self.config, len(batch.source)
        if not config.adapt:
            return class_losses(self.classifier(self.nodes(batch.source)), batch.label, config.smoothing)
        assert batch.target is not None and len(batch.target) == b, "item i is mixed with item i of the other domain"
        drawn = draws(config, batch.draw, number_of_nodes(batch.source, batch.target))
        # Four passes, one after the other, so that only one mixed batch of pixels is held at a time.
        source, target = self.nodes(batch.source), self.nodes(batch.target)
        source_mixed = self.nodes(mixed(batch.source, batch.target.background, drawn.gamma))
        target_mixed = self.nodes(mixed(batch.target, batch.source.background, drawn.gamma))

        nodes = torch.cat([source, target, source_mixed, target_mixed])
        views = [self.classifier(nodes), self.classifier(nodes[:, drawn.slow])]  # fast, slow
        scores = torch.stack(views, dim=1)  # (4 b, 2, k)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        losses = class_losses(scores[:b, 0], batch.label, config.smoothing)
        # All rows of all processes: before any is left out, so that every process sends equally many.
        everyone = gathered(scores.unflatten(0, (4, b)).transpose(0, 1).contiguous())
        source, target, source_mixed, target_mixed = everyone.unbind(dim=1)
        background = self._background(source, source_mixed) + self._background(target, target_mixed)
        confidence, label = pseudo_labels(target)
        sure = confidence >= config.pseudo_threshold
        pseudo = supcon(target[sure].softmax(dim=2), label[sure], config.tau, config.tau0)

        losses.terms["background"] = config.background_weight * background
        losses.terms["pseudo"] = config.pseudo_weight * pseudo
        losses.stats["pseudo_share"] = sure.float().mean()
        losses.stats["confidence"] = confidence.mean()
        given = F.one_hot(label[sure], target.shape[2]).any(dim=0)
        losses.stats["pseudo_classes"] = given.sum().to(confidence)
        losses.stats["gamma"] = torch.full_like(confidence[0], drawn.gamma)
        losses.stats["slow_nodes"] = torch.full_like(confidence[0], len(drawn.slow))
        return losses

    def predict(self, clips: Clips) -> Predicted:
        nodes = self.nodes(clips)
        return Predicted(self.classifier(nodes).softmax(dim=1), nodes.mean(dim=1))

    def nodes(self, clips: Clips) -> Tensor:
        """Return phi of all clips of all views, (b, n, d), views in the order of `VIEW_ORDER`."""
        (maps,) = feature_maps(self.backbone, [clips], self.config.passes)
        return torch.cat([pooled(maps[view]) for view in VIEW_ORDER if view in maps], dim=1)

    def _background(self, original: Tensor, other: Tensor) -> Tensor:
        """Return L_bgm of one domain: fast and slow scores (b, 2, k) of a video and of the same video mixed agree."""
        video = torch.arange(len(original), device=original.device).repeat(2)
        z = torch.cat([original, other]).softmax(dim=2)
        return supcon(z, video, self.config.tau, self.config.tau0)


@dataclass(frozen=True)
class Draws:
    """What is drawn once a step: the share of the background, and which nodes are the slow view."""

    gamma: float
    slow: list[int]


def draws(config: CoMixConfig, draw: int, nodes: int) -> Draws:
    """Return the draws of a step: gamma, the number of slow nodes, and one node from each of so many equal stretches.

    Args:
        draw: `Batch.draw`; equal on every process.
        nodes: clips of a video.
    """
    if max(config.slow_nodes) >= nodes:
        raise UserError(
            f"the slow view has up to {max(config.slow_nodes)} clips, but a video has only {nodes}; lower "
            "method.slow_nodes (and set method.slow_probabilities), or take more clips in source_views and target_views"
        )
    rng = np.random.default_rng(draw)
    gamma = rng.uniform(0.0, config.gamma_max)
    count = rng.choice(config.slow_nodes, p=np.array(config.slow_probabilities) / sum(config.slow_probabilities))
    return Draws(gamma, [int(rng.choice(stretch)) for stretch in np.array_split(np.arange(nodes), count)])


def number_of_nodes(source: Clips, target: Clips) -> int:
    """Return how many clips a video has in all views; refused where the domains differ, since slow nodes are shared."""
    numbers = [sum(view.shape[1] for view in clips.views.values()) for clips in (source, target)]
    if numbers[0] != numbers[1]:
        raise UserError(
            f"CoMix takes the same clips of both domains, but source_views give {numbers[0]} clips of a video and "
            f"target_views {numbers[1]}; give both the same sampler"
        )
    return numbers[0]


def mixed(clips: Clips, background: Tensor | None, gamma: float) -> Clips:
    """Return the clips with a share `gamma` of another video's still in every frame, as float pixels in [0, 255].

    Args:
        background: (b, 3, h, w), the still that goes into video i.
    """
    assert background is not None, "a method that needs backgrounds is given them"
    still = gamma * background[:, None, :, None]
    views = {name: (view * (1.0 - gamma)).add_(still) for name, view in clips.views.items()}
    return replace(clips, views=views)


def class_losses(scores: Tensor, label: Tensor, smoothing: float) -> Losses:
    """Return label-smoothed cross-entropy of `scores` (b, k) as the term `class`, and its accuracy.

    The label of a video is `1 - smoothing` for its class, and on top `smoothing / k` for every class.
    """
    loss = F.cross_entropy(scores, label, label_smoothing=smoothing)
    return Losses({"class": loss}, {"accuracy_class": (scores.detach().argmax(1) == label).float().mean()})


def pseudo_labels(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return (b,) probability and (b,) class of the best guess, from the mean of `scores` (b, 2, k); no gradient."""
    best = scores.detach().mean(dim=1).softmax(dim=1).max(dim=1)
    return best.values, best.indices


def supcon(z: Tensor, label: Tensor, tau: float, tau0: float) -> Tensor:
    """Supervised contrastive loss: rows of one label are drawn together, all others apart.

    `-(tau / tau0) mean_i mean_{p in P_i} [z_i.z_p / tau - log sum_{a != i} exp(z_i.z_a / tau)]`, where every one of
    the 2 m rows is an anchor i, and P_i are the other rows of its label. Always float32 or finer.

    Args:
        z: (m, 2, d), two rows of each of m items. CoMix passes class probabilities, not unit vectors.
        label: (m,).

    Returns:
        A scalar; without items 0, and 0 with one item, whose two rows have nobody to be told from.
    """
    if len(z) == 0:
        return z.sum() * 0.0
    with torch.autocast(z.device.type, enabled=False):
        rows, label = z.flatten(0, 1), label.repeat_interleave(2)
        itself = torch.eye(len(rows), dtype=torch.bool, device=z.device)
        alike = (label[:, None] == label) & ~itself
        similarity = rows @ rows.mT / tau
        share = similarity - similarity.masked_fill(itself, -math.inf).logsumexp(dim=1, keepdim=True)
        of_each = (share * alike).sum(dim=1) / alike.sum(dim=1)
        return -(tau / tau0) * of_each.mean()
