"""Temporal order learning (4.2): tell in which order a video's clips were shuffled. A head, and the warm-up."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses, Predicted
from glad.errors import UserError
from glad.losses import order_loss, shuffled
from glad.methods.base import Backbone, Method, MethodConfig, Needs
from glad.methods.heads import Passes, feature_maps
from glad.part import Part, Share


class OrderHeadConfig(Part):
    """The head that tells the order.

    Attributes:
        hidden: width of a pair's embedding.
        dropout: before the last layer.
        std: of the initial weights of both linear layers; biases start at 0.
        parts: equal stretches of time that a clip is pooled into before it is compared. 1, the release, is the mean
            over the clip, which hides the order inside it; more let the head see how a clip begins and ends (ours).
        grid: the same over height and width: `grid` x `grid` cells (ours).
        normalise: standardise every input feature over the batch (ours), so that the head does not start blind on
            features of small scale.
    """

    hidden: int = 512
    dropout: Share = 0.5
    std: float = 0.001
    parts: int = 1
    grid: int = 1
    normalise: bool = False


class OrderHead(nn.Module):
    """From the shuffled maps of n clips to n! scores (1.9): every pair i < j is embedded by one shared linear layer."""

    def __init__(self, config: OrderHeadConfig, width: int, clips: int) -> None:
        super().__init__()
        self.config = config
        self.clips = clips
        self.pairs = list(itertools.combinations(range(clips), 2))
        features = width * config.parts * config.grid**2
        self.normalise = nn.BatchNorm1d(features, affine=False) if config.normalise else nn.Identity()
        self.embed = nn.Linear(2 * features, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.tell = nn.Linear(config.hidden * len(self.pairs), math.factorial(clips))
        for layer in (self.embed, self.tell):
            nn.init.normal_(layer.weight, std=config.std)
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Tensor, label: Tensor) -> Tensor:
        """Return scores (m, n!) for `maps` (m, n, d, t', h', w') in true order, shuffled here by `label` (m,)."""
        if maps.shape[1] != self.clips:
            raise UserError(
                f"the order head tells the order of {self.clips} clips, but a video has {maps.shape[1]}; give the "
                "recipe's method (order_clips, or clips in a warm-up) and its views the same number"
            )
        phi = self.normalise(self.features(maps).flatten(0, 1)).unflatten(0, maps.shape[:2])
        mixed_up = shuffled(phi, label)
        embedded = [F.relu(self.embed(torch.cat([mixed_up[:, i], mixed_up[:, j]], dim=1))) for i, j in self.pairs]
        return self.tell(self.dropout(torch.cat(embedded, dim=1)))

    def features(self, maps: Tensor) -> Tensor:
        """Return what the head sees of each clip, (m, n, d * parts * grid^2)."""
        shape = (self.config.parts, self.config.grid, self.config.grid)
        return F.adaptive_avg_pool3d(maps.flatten(0, 1), shape).flatten(1).unflatten(0, maps.shape[:2])


def in_order(times: Tensor) -> Tensor:
    """Return (b,) bool: whether a video's clips follow one another without overlap, given their `times` (b, n, t).

    Where they overlap or coincide, as in a video shorter than its clips, the order has no right answer.
    """
    ends, starts = times[:, :-1].amax(dim=2), times[:, 1:].amin(dim=2)
    return (ends < starts).all(dim=1)


def order_terms(
    head: OrderHead,
    maps: Tensor,
    clips: Clips,
    view: str,
    mask: bool,
    eq7_scale: bool,
    random_labels: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return Eq. 7 over the videos of `clips`, and the head's accuracy; chance is 1 / n!.

    `mask` leaves out videos whose clips overlap. `random_labels` is a control: the head is asked for an order that
    has nothing to do with the one it is shown.
    """
    if mask:
        keep = in_order(clips.times[view])
        maps, draw = maps[keep], clips.draw[keep]
    else:
        draw = clips.draw
    orders = head.tell.out_features
    label = draw % orders
    if len(label) < 2:  # nothing to tell, or too little to standardise over
        return maps.sum() * 0.0, torch.full((), 1.0 / orders, device=maps.device)
    scores = head(maps, label)
    asked = (draw // orders) % orders if random_labels else label
    return order_loss(scores, asked, eq7_scale), (scores.detach().argmax(1) == asked).float().mean()


class OrderConfig(MethodConfig):
    """The warm-up of 5.1: only the order loss, on both domains, no labels.

    Attributes:
        clips: of the `ordered` view.
        head_first: share of the training in which the backbone stands still and only the head learns (ours).
        mask_overlap: leave out videos whose clips overlap (ours); the release asks for an answer all the same.
        random_labels: the control that learns nothing about order, with the same videos, steps and parameters.
    """

    clips: int = 3
    head: OrderHeadConfig = OrderHeadConfig()
    head_first: Share = 0.0
    eq7_scale: bool = False
    mask_overlap: bool = False
    random_labels: bool = False
    passes: Passes = "joint"

    def build(self, backbone: Backbone, num_classes: int) -> Method:
        return Order(self, backbone)


class Order(Method):
    """Backbone and order head; what it leaves to the next stage is the backbone."""

    needs = Needs(target=True)
    classifier = None

    def __init__(self, config: OrderConfig, backbone: Backbone) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.head = OrderHead(config.head, backbone.width, config.clips)

    def forward(self, batch: Batch) -> Losses:
        assert batch.target is not None
        with torch.set_grad_enabled(torch.is_grad_enabled() and batch.progress >= self.config.head_first):
            source, target = feature_maps(self.backbone, [batch.source, batch.target], self.config.passes)
        both = both_domains(batch.source, batch.target)
        maps = torch.cat([source["ordered"], target["ordered"]])
        config = self.config
        loss, accuracy = order_terms(
            self.head, maps, both, "ordered", config.mask_overlap, config.eq7_scale, config.random_labels
        )
        return Losses({"order": loss}, {"accuracy_order": accuracy})

    def predict(self, clips: Clips) -> Predicted:
        raise UserError("an order warm-up has no action classifier; evaluate the run that was trained after it")


def both_domains(source: Clips, target: Clips) -> Clips:
    """Return the videos of both domains as one batch of clips, source first."""
    return Clips(
        {view: torch.cat([source.views[view], target.views[view]]) for view in source.views},
        {view: torch.cat([source.times[view], target.times[view]]) for view in source.times},
        torch.cat([source.draw, target.draw]),
    )
