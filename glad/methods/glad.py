"""GLAD: global-local view alignment and background debiasing (WACV 2024).

Backgrounds are mixed where clips are made (`glad.augment.Mix`); here are the alignment, the order loss, the objective.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses, Predicted
from glad.errors import UserError
from glad.losses import ReversalSchedule, reversal_strength
from glad.methods.base import Backbone, Method, MethodConfig, Needs
from glad.methods.heads import (
    ActionClassifier,
    DomainClassifier,
    Passes,
    class_terms,
    consensus,
    domain_terms,
    feature_maps,
    pooled,
    video_features,
)
from glad.methods.order import OrderHead, OrderHeadConfig, both_domains, order_terms
from glad.part import Share

# What a domain classifier compares: (a source view, a target view) pairs whose losses it averages.
# "both" is the consensus of all clips, DANN's single classifier.
PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "global": (("global", "global"),),
    "local": (("local", "local"),),
    "cross": (("local", "global"), ("global", "local")),
    "local_global": (("local", "global"),),
    "global_local": (("global", "local"),),
    "both": (("both", "both"),),
}
Alignment = Literal["global", "local", "cross", "local_global", "global_local", "both"]


class GladConfig(MethodConfig):
    """Every switch of the method and its ablations (Table 2); defaults are `faithful`, see docs/paper.md.

    Attributes:
        align: the domain classifiers, Eq. 5: any subset. () is no alignment.
        align_weight: of each alignment term.
        hidden_layers, hidden, align_dropout: of a domain classifier; `hidden=None` is as wide as the feature.
        reversal: strength of the gradient reversal.
        reversal_schedule: `constant`, or `ramp` from 0 (Ganin et al.) after a share `reversal_delay` of the training.
        cross: one `pooled` classifier for both pairings of views (the release), or `two_classifiers`.
        order: clips of the stage-2 order loss: `off`, the `local` views (Eq. 8), or an `ordered` view of its own, which
            the samplers add when their `ordered_clips` is set.
        order_clips: how many clips that view has.
        dropout, classifier_std: of the action classifier.
        passes: which views share batch-norm statistics.
        inference: `all` clips, or `release`, whose slice forgets the first of two local clips.
    """

    align: tuple[Alignment, ...] = ("global", "local", "cross")
    align_weight: float = 1.0
    hidden_layers: int = 4
    hidden: int | None = None
    align_dropout: Share = 0.5
    reversal: float = 1.0
    reversal_schedule: ReversalSchedule = "constant"
    reversal_delay: Share = 0.0
    cross: Literal["pooled", "two_classifiers"] = "pooled"
    order: Literal["off", "local", "ordered"] = "local"
    order_clips: int = 2
    order_weight: float = 1.0
    order_head: OrderHeadConfig = OrderHeadConfig()
    mask_overlap: bool = False
    eq7_scale: bool = False
    dropout: Share = 0.5
    classifier_std: float = 0.01
    passes: Passes = "separate"
    inference: Literal["all", "release"] = "all"

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        return Glad(self, backbone, num_classes)

    def classifiers(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return what each domain classifier compares, by name."""
        found = {name: PAIRS[name] for name in self.align}
        if self.cross == "two_classifiers" and "cross" in found:
            del found["cross"]
            found |= {name: PAIRS[name] for name in ("local_global", "global_local")}
        return found


class Glad(Method):
    """Backbone, action classifier, domain classifiers behind gradient reversal, order head."""

    def __init__(self, config: GladConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        width = backbone.width
        self.config = config
        self.pairs = config.classifiers()
        self.needs = Needs(target=bool(self.pairs) or config.order != "off")
        compared = {view for pairs in self.pairs.values() for pair in pairs for view in pair}
        self.needed = (compared | {config.order}) - {"both", "off"}
        self.backbone = backbone
        self.classifier = ActionClassifier(width, num_classes, config.dropout, config.classifier_std)
        self.domain = nn.ModuleDict(
            {
                name: DomainClassifier(width, config.hidden_layers, config.hidden, config.align_dropout)
                for name in self.pairs
            }
        )
        self.order = None if config.order == "off" else OrderHead(config.order_head, width, config.order_clips)

    def forward(self, batch: Batch) -> Losses:
        domains = [batch.source, batch.target] if self.needs.target and batch.target else [batch.source]
        for clips in domains:
            if absent := sorted(self.needed - clips.views.keys()):
                raise UserError(
                    f"method.align and method.order need the views {absent}, but source_views and target_views give "
                    f"{sorted(clips.views)}; change the one or the other"
                )
        maps = feature_maps(self.backbone, domains, self.config.passes)
        psi = [video_features(views) for views in maps]
        loss, accuracy = class_terms(self.classifier(psi[0]["both"]), batch.label)
        losses = Losses({"class": loss}, {"accuracy_class": accuracy})
        if self.pairs:
            self._align(psi[0], psi[1], batch.progress, losses)
        if self.order is not None and batch.target is not None:
            view = self.config.order
            term, accuracy = order_terms(
                self.order,
                torch.cat([views[view] for views in maps]),
                both_domains(batch.source, batch.target),
                view,
                self.config.mask_overlap,
                self.config.eq7_scale,
            )
            losses.terms["order"] = self.config.order_weight * term
            losses.stats["accuracy_order"] = accuracy
        return losses

    def _align(self, source: dict[str, Tensor], target: dict[str, Tensor], progress: float, losses: Losses) -> None:
        """Add Eq. 4 for every domain classifier."""
        config = self.config
        strength = reversal_strength(progress, config.reversal, config.reversal_schedule, config.reversal_delay)
        for name, pairs in self.pairs.items():
            s, t = torch.cat([source[a] for a, _ in pairs]), torch.cat([target[b] for _, b in pairs])
            term, accuracy = domain_terms(self.domain[name], s, t, strength)
            losses.terms[f"align_{name}"] = config.align_weight * term
            losses.stats[f"accuracy_domain_{name}"] = accuracy

    def predict(self, clips: Clips) -> Predicted:
        (maps,) = feature_maps(self.backbone, [clips], self.config.passes)
        features = video_features(maps)["both"]
        phi = {view: pooled(m) for view, m in maps.items() if view != "ordered"}
        if self.config.inference == "all" or "local" not in phi:
            return Predicted(self.classifier(features).softmax(dim=1), features)
        groups = release_groups(phi["local"].shape[1])
        votes = [self.classifier(consensus(phi | {"local": phi["local"][:, group]})).softmax(1) for group in groups]
        return Predicted(torch.stack(votes).mean(dim=0), features)


def release_groups(views: int) -> list[list[int]]:
    """Return the groups of local clips that the release evaluates together: [v-3 : v] at every third v and the last.

    With two local clips the slice is [-1 : 2] and the first is lost; 1 and 3 are right (1.13).
    """
    ends = [*range(3, views + 1, 3), *([views] if views % 3 else [])]
    return [list(range(views))[end - 3 : end] for end in ends]
