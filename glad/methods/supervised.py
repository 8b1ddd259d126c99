"""Source only and supervised target: cross-entropy on the videos that the recipe names as labelled."""

from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses
from glad.methods.base import Backbone, MethodConfig
from glad.methods.heads import ActionClassifier, Passes, class_terms, consensus, feature_maps, pooled
from glad.part import Share


class SupervisedConfig(MethodConfig):
    """The lower and the upper bound of Table 3; the target never enters the network, batch norm included."""

    dropout: Share = 0.5
    classifier_std: float = 0.01
    passes: Passes = "separate"

    def build(self, backbone: Backbone, num_classes: int) -> nn.Module:
        return Supervised(self, backbone, num_classes)


class Supervised(nn.Module):
    """Mean of a video's clip features, one linear classifier, cross-entropy."""

    needs_target = False

    def __init__(self, config: SupervisedConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.classifier = ActionClassifier(backbone.width, num_classes, config.dropout, config.classifier_std)

    def forward(self, batch: Batch) -> Losses:
        loss, accuracy = class_terms(self.scores(batch.source), batch.label)
        return Losses({"class": loss}, {"accuracy_class": accuracy})

    def predict(self, clips: Clips) -> Tensor:
        return self.scores(clips).softmax(dim=1)

    def scores(self, clips: Clips) -> Tensor:
        """Return class scores (b, k)."""
        (maps,) = feature_maps(self.backbone, [clips], self.config.passes)
        return self.classifier(consensus({view: pooled(m) for view, m in maps.items()}))
