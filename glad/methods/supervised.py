"""Source only and supervised target: cross-entropy on the videos that the recipe names as labelled."""

from torch import Tensor

from glad.batch import Batch, Clips, Losses, Predicted
from glad.methods.base import Backbone, Method, MethodConfig
from glad.methods.heads import ActionClassifier, Passes, class_terms, feature_maps, video_features
from glad.part import Share


class SupervisedConfig(MethodConfig):
    """The lower and the upper bound of Table 3; the target never enters the network, batch norm included."""

    dropout: Share = 0.5
    classifier_std: float = 0.01
    passes: Passes = "separate"

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        return Supervised(self, backbone, num_classes)


class Supervised(Method):
    """Mean of a video's clip features, one linear classifier, cross-entropy."""

    def __init__(self, config: SupervisedConfig, backbone: Backbone, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.classifier = ActionClassifier(backbone.width, num_classes, config.dropout, config.classifier_std)

    def forward(self, batch: Batch) -> Losses:
        loss, accuracy = class_terms(self.classifier(self.features(batch.source)), batch.label)
        return Losses({"class": loss}, {"accuracy_class": accuracy})

    def predict(self, clips: Clips) -> Predicted:
        features = self.features(clips)
        return Predicted(self.classifier(features).softmax(dim=1), features)

    def features(self, clips: Clips) -> Tensor:
        """Return video features (b, d)."""
        (maps,) = feature_maps(self.backbone, [clips], self.config.passes)
        return video_features(maps)["both"]
