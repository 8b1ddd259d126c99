"""CO2A: a contrastive head beside the classifier pulls equal videos together (Turrisi da Costa et al., WACV 2022).

Equal are the two draws of one target video, the same clip in both, source videos of one class, and a source and a
target video that the classifier gives the same class with some certainty. Docs: docs/methods/co2a.md.
"""

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses, Predicted
from glad.errors import UserError
from glad.losses import gathered
from glad.methods.base import Backbone, Method, MethodConfig, Needs
from glad.methods.contrast import (
    clip_term,
    consistency_term,
    domains_term,
    pseudo_labels,
    source_term,
    video_term,
)
from glad.methods.heads import VIEW_ORDER, Passes, class_terms, feature_maps, pooled
from glad.methods.order import both_domains
from glad.part import Share


class CO2AConfig(MethodConfig):
    """Every switch of the method; the defaults are those of the released recipe for Kinetics -> NEC-Drone.

    Attributes:
        clips: of a video, all its views together.
        bottleneck: width of the two heads.
        projection: width of the rows that are compared.
        dropout: in both heads.
        temperature: by which cosines are divided.
        video_weight, clip_weight: of the terms that compare the two draws of a target video, and of its clips.
        source_weight: of the term that compares source videos by class.
        domains_weight: of the term that compares source and target videos by class and pseudo-label.
        consistency_weight: of the term that ties class scores to what the contrastive head finds alike.
        selection: a target video has a pseudo-label where its entropy is below ln k / `selection`.
        threshold: cosine above which the contrastive head calls two videos alike.
        passes: which clips share batch-norm statistics; `joint` is the release.
    """

    clips: PositiveInt = 4
    bottleneck: PositiveInt = 256
    projection: PositiveInt = 128
    dropout: Share = 0.0
    temperature: PositiveFloat = 0.1
    video_weight: NonNegativeFloat = 1.2
    clip_weight: NonNegativeFloat = 1.2
    source_weight: NonNegativeFloat = 1.0
    domains_weight: NonNegativeFloat = 0.2
    consistency_weight: NonNegativeFloat = 0.01
    selection: PositiveFloat = 4.0
    threshold: float = 0.5
    passes: Passes = "joint"

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        return CO2A(self, backbone, num_classes)


class CO2A(Method):
    """Backbone, classifier, and beside it the contrastive head with the projections of videos and of clips."""

    needs = Needs(target=True, again=True)

    def __init__(self, config: CO2AConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        width, hidden, rows = backbone.width, config.bottleneck, config.projection
        self.config = config
        self.backbone = backbone
        self.classifier = VideoClassifier(config, width, num_classes)
        self.contrast = bottleneck(width, hidden, config.dropout)
        self.project = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, rows))
        self.project_clip = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, rows))

    def forward(self, batch: Batch) -> Losses:
        assert batch.target is not None and batch.again is not None
        config = self.config
        s, t = self.clip_features([batch.source, both_domains(batch.target, batch.again)])
        video_s, video_t = self.classifier.video(s), self.classifier.video(t)
        out_s, out_t = self.classifier(video_s), self.classifier(video_t)
        head_s, head_t = self.contrast(video_s), self.contrast(video_t)
        z_s, z_t, z_clip = self.project(head_s), self.project(head_t), self.project_clip(t)
        loss, accuracy = class_terms(out_s, batch.label)
        with torch.autocast(loss.device.type, enabled=False):
            label = gathered(batch.label)
            out_s, head_s, z_s = (gathered(full(rows)) for rows in (out_s, head_s.detach(), z_s))
            out_t, head_t, z_t, z_clip = (by_draw(full(rows)) for rows in (out_t, head_t.detach(), z_t, z_clip))
            pseudo, sure, entropy = pseudo_labels(out_t.flatten(0, 1), config.selection)
            consistency, alike = consistency_term(
                out_t.flatten(0, 1), out_s, head_t.flatten(0, 1), head_s, config.threshold
            )
            terms = {
                "class": loss,
                "contrast_video": config.video_weight * video_term(z_t, config.temperature),
                "contrast_clip": config.clip_weight * clip_term(z_clip, config.temperature),
                "contrast_source": config.source_weight * source_term(z_s, label, config.temperature),
                "contrast_domains": config.domains_weight
                * domains_term(z_s, label, z_t.flatten(0, 1), pseudo, sure, config.temperature),
                "consistency": config.consistency_weight * consistency,
            }
        first, second = pseudo.chunk(2)
        stats = {
            "accuracy_class": accuracy,
            "selected": sure.float().mean(),
            "entropy": entropy.mean(),
            "agreement": (first == second).float().mean(),
            "alike": alike,
        }
        return Losses(terms, stats)

    def predict(self, clips: Clips) -> Predicted:
        (phi,) = self.clip_features([clips])
        video = self.classifier.video(phi)
        return Predicted(self.classifier(video).softmax(dim=1), video)

    def clip_features(self, domains: list[Clips]) -> list[Tensor]:
        """Return phi (b, n, d) of all clips of each domain, their views in the order of VIEW_ORDER."""
        expected = self.config.clips
        for clips in domains:
            found = {view: pixels.shape[1] for view, pixels in clips.views.items()}
            if sum(found.values()) != expected:
                raise UserError(
                    f"CO2A weighs {expected} clips of a video, but the views have {found}; set method.clips to the "
                    "number of clips that source_views, target_views and test_views give"
                )
        maps = feature_maps(self.backbone, domains, self.config.passes)
        return [torch.cat([pooled(found[view]) for view in VIEW_ORDER if view in found], dim=1) for found in maps]


class VideoClassifier(nn.Module):
    """All that prediction needs: clips to a video, the class head, the scores."""

    def __init__(self, config: CO2AConfig, width: int, num_classes: int) -> None:
        super().__init__()
        n = config.clips
        self.weigh = nn.Sequential(nn.Linear(n * width, width), nn.ReLU(), nn.Linear(width, n), nn.Sigmoid())
        self.head = bottleneck(width, config.bottleneck, config.dropout)
        self.linear = nn.Linear(config.bottleneck, num_classes)

    def video(self, phi: Tensor) -> Tensor:
        """Return the video feature (b, d) of clips (b, n, d): the mean over k of w_k phi_k, each w_k in (0, 1)."""
        return (self.weigh(phi.flatten(1))[:, :, None] * phi).mean(dim=1)

    def forward(self, video: Tensor) -> Tensor:
        """Return scores (b, k) of video features (b, d)."""
        return self.linear(self.head(video))


def bottleneck(width: int, hidden: int, dropout: float) -> nn.Sequential:
    """Return a head of two layers, from features (m, width) to (m, hidden)."""
    first, second = nn.Linear(width, hidden), nn.Linear(hidden, hidden)
    return nn.Sequential(nn.Dropout(dropout), first, nn.ReLU(), nn.Dropout(dropout), second, nn.ReLU())


def full(rows: Tensor) -> Tensor:
    """Return `rows` in single precision at least: exponents of a temperature of 0.1 are too large for half."""
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def by_draw(rows: Tensor) -> Tensor:
    """Return `rows` (2b, ...), a first draw of b videos and then their second, of all processes as (2, B, ...)."""
    return gathered(torch.stack(rows.chunk(2), dim=1)).transpose(0, 1)
