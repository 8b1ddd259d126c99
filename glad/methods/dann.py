"""DANN on video: one domain classifier behind gradient reversal (Ganin et al., JMLR 2016), as section 5 compares it.

The paper says that it extended an image method and no more. The default is GLAD with its single `both` classifier and
nothing else; the other head has the shapes of one that lies unused in GLAD's released code (docs/methods/dann.md).
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
    domain_terms,
    feature_maps,
    video_features,
)
from glad.part import Share


class DannConfig(MethodConfig):
    """Every switch; a field that `GladConfig` has too means the same here.

    Attributes:
        head: what tells the domain: `video`, an MLP on the consensus of all clips; or `frame`, the shapes of the
            release's `DANNTSMHead`, on the features of each frame, whose logits are averaged over a video.
        align_weight: None is the head's own: 1 for `video`, 0.5 for `frame`.
        hidden_layers, hidden: of the `video` head; the shapes of the other follow from the width of the features.
        align_dropout: None is the head's own: 0.5 for `video`, 0.8 for `frame`.
        frame_std: of the initial weights of the `frame` head. At 0.001, the release, next to nothing comes back from it
            to the features; 0.02 sends back as much as the video head at width 2048 (docs/methods/dann.md).
    """

    head: Literal["video", "frame"] = "video"
    align_weight: float | None = None
    hidden_layers: int = 4
    hidden: int | None = None
    align_dropout: Share | None = None
    frame_std: float = 0.001
    reversal: float = 1.0
    reversal_schedule: ReversalSchedule = "constant"
    reversal_delay: Share = 0.0
    dropout: Share = 0.5
    classifier_std: float = 0.01
    passes: Passes = "separate"

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        if self.head == "frame" and (self.hidden_layers, self.hidden) != (4, None):
            raise UserError(
                "method.hidden_layers and method.hidden shape the video head; the frame head has a shape of its own: "
                "leave them at 4 and None, or set method.head to video"
            )
        return Dann(self, backbone, num_classes)


class FrameDomainClassifier(nn.Sequential):
    """From features of frames (b, m, width) to one domain logit of each video (b, 1): the mean over its m frames.

    Halves the width three times, then comes down to 1; dropout behind every linear layer, the last too, ReLU behind
    all but the last; weights N(0, std^2), bias 0 (the release's `DANNTSMHead`): 2,754,561 parameters at 2048.
    """

    def __init__(self, width: int, dropout: float = 0.8, std: float = 0.001) -> None:
        sizes = [max(width // 2**i, 1) for i in range(4)] + [1]
        layers: list[nn.Module] = []
        for i in range(4):
            linear = nn.Linear(sizes[i], sizes[i + 1])
            nn.init.normal_(linear.weight, std=std)
            nn.init.zeros_(linear.bias)
            layers += [linear, nn.Dropout(dropout), nn.ReLU()]
        super().__init__(*layers[:-1])

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).mean(dim=1)


class Dann(Method):
    """Backbone, action classifier, one domain classifier."""

    needs = Needs(target=True)

    def __init__(self, config: DannConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        width, frame = backbone.width, config.head == "frame"
        self.config = config
        self.backbone = backbone
        self.classifier = ActionClassifier(width, num_classes, config.dropout, config.classifier_std)
        dropout = config.align_dropout if config.align_dropout is not None else 0.8 if frame else 0.5
        self.weight = config.align_weight if config.align_weight is not None else 0.5 if frame else 1.0
        self.domain = (
            FrameDomainClassifier(width, dropout, config.frame_std)
            if frame
            else DomainClassifier(width, config.hidden_layers, config.hidden, dropout)
        )

    def forward(self, batch: Batch) -> Losses:
        assert batch.target is not None
        config = self.config
        maps = feature_maps(self.backbone, [batch.source, batch.target], config.passes)
        source, target = (video_features(views)["both"] for views in maps)
        loss, accuracy = class_terms(self.classifier(source), batch.label)
        if config.head == "frame":
            source, target = (frame_features(views) for views in maps)
        strength = reversal_strength(batch.progress, config.reversal, config.reversal_schedule, config.reversal_delay)
        term, domain_accuracy = domain_terms(self.domain, source, target, strength)
        return Losses(
            {"class": loss, "align_both": self.weight * term},
            {"accuracy_class": accuracy, "accuracy_domain_both": domain_accuracy},
        )

    def predict(self, clips: Clips) -> Predicted:
        (maps,) = feature_maps(self.backbone, [clips], self.config.passes)
        features = video_features(maps)["both"]
        return Predicted(self.classifier(features).softmax(dim=1), features)


def frame_features(maps: dict[str, Tensor]) -> Tensor:
    """Return (b, m, d): the maps (b, n, d, t', h', w') averaged over space alone, the frames of all clips in a row.

    Ordered clips stay out, as they do in the consensus. A backbone that pools time leaves fewer frames than it got.
    """
    rows = [view.mean(dim=(4, 5)).transpose(2, 3).flatten(1, 2) for name, view in maps.items() if name != "ordered"]
    return torch.cat(rows, dim=1)
