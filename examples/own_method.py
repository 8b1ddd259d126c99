"""A method in a file of its own: maximum mean discrepancy (Gretton et al. 2012) between the features of both domains.

    glad train examples/own_method.py --out runs/mmd
    glad --code examples/own_method.py evaluate runs/mmd

Everything a method is stands here: its settings, its losses, how it predicts. The recipe at the end is the miniature's
DANN with this method in place of the domain classifier. What it reaches on the miniature is in docs/log.md.
"""

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor

from glad.batch import Batch, Clips, Losses, Predicted
from glad.methods.base import Backbone, Method, MethodConfig, Needs
from glad.methods.heads import ActionClassifier, Passes, class_terms, feature_maps, video_features
from glad.part import Share
from glad.recipes import mini


class MmdConfig(MethodConfig):
    """Settings: fields become options of `glad train`, such as --method.weight 0.3."""

    weight: NonNegativeFloat = 1.0
    bandwidths: tuple[PositiveFloat, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    dropout: Share = 0.2
    passes: Passes = "joint"

    def build(self, backbone: Backbone, num_classes: int) -> "Mmd":
        return Mmd(self, backbone, num_classes)


class Mmd(Method):
    """Cross-entropy on the source, and features of both domains that kernels cannot tell apart."""

    needs = Needs(target=True)

    def __init__(self, config: MmdConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.classifier = ActionClassifier(backbone.width, num_classes, config.dropout)

    def forward(self, batch: Batch) -> Losses:
        assert batch.target is not None
        source, target = self.features(batch.source, batch.target)
        loss, accuracy = class_terms(self.classifier(source), batch.label)
        distance = discrepancy(source, target, self.config.bandwidths)
        return Losses(
            {"class": loss, "mmd": self.config.weight * distance}, {"accuracy_class": accuracy, "distance": distance}
        )

    def predict(self, clips: Clips) -> Predicted:
        (features,) = self.features(clips)
        return Predicted(self.classifier(features).softmax(dim=1), features)

    def features(self, *domains: Clips) -> list[Tensor]:
        """Return the video features (b, d) of each domain."""
        maps = feature_maps(self.backbone, list(domains), self.config.passes)
        return [video_features(found)["both"] for found in maps]


def discrepancy(source: Tensor, target: Tensor, bandwidths: tuple[float, ...]) -> Tensor:
    """Return the squared distance between the mean embeddings of two sets of rows (b, d) and (m, d), at least 0.

    The kernel is a mean of Gaussians, whose widths are `bandwidths` times the mean squared distance of all rows.
    """
    rows = torch.cat([source, target])
    squared = (rows[:, None] - rows[None, :]).square().sum(dim=2)
    scale = squared.detach().mean().clamp_min(1e-12)
    kernel = torch.stack([(-squared / (width * scale)).exp() for width in bandwidths]).mean(dim=0)
    b = len(source)
    return kernel[:b, :b].mean() + kernel[b:, b:].mean() - 2 * kernel[:b, b:].mean()


MMD = mini.DANN.model_copy(
    update={
        "name": "mmd",
        "about": "An example: the miniature with MMD in place of a classifier.",
        "method": MmdConfig(),
    }
)
