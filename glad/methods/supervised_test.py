"""Supervised training: the target never enters, and labels are all there is to learn from."""

import pytest
import torch
from torch import Tensor, nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.methods.base import MethodConfig
from glad.methods.supervised import Supervised, SupervisedConfig


def clips(b: int, seed: int = 0) -> Clips:
    g = torch.Generator().manual_seed(seed)
    views = {
        name: torch.randint(0, 256, (b, n, 3, 4, 8, 8), generator=g, dtype=torch.uint8)
        for name, n in (("global", 1), ("local", 2))
    }
    return Clips(views, {name: torch.zeros(view.shape[:2]) for name, view in views.items()}, torch.arange(b))


class Counting(nn.Module):
    """A backbone that counts the clips it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TinyConfig(width=8).build()
        self.width, self.seen = 8, 0

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen += len(pixels)
        return self.inner(pixels)


def method(**config: object) -> Supervised:
    torch.manual_seed(0)
    built = SupervisedConfig(**config).build(Counting(), 3)  # pyright: ignore[reportArgumentType]
    assert isinstance(built, Supervised)
    return built


def test_the_target_never_enters_the_network():
    m = method()
    m(Batch(clips(2), torch.tensor([0, 1]), clips(5)))
    assert not m.needs.target and m.backbone.seen == 6, "three clips of each of two source videos"


def test_the_only_term_is_cross_entropy():
    losses = method(dropout=0.0)(Batch(clips(4), torch.tensor([0, 1, 2, 0]), None))
    assert set(losses.terms) == {"class"} and set(losses.stats) == {"accuracy_class"}
    assert losses.total.item() == pytest.approx(1.0986, abs=0.2), "about ln 3 at first"


def test_gradients_reach_every_parameter():
    m = method()
    m(Batch(clips(4), torch.tensor([0, 1, 2, 0]), None)).total.backward()
    assert all(p.grad is not None and p.grad.any() for p in m.parameters())


def test_a_prediction_is_a_probability_of_each_class():
    m = method().eval()
    probabilities = m.predict(clips(5)).probabilities
    assert probabilities.shape == (5, 3) and torch.allclose(probabilities.sum(1), torch.ones(5))
    assert torch.equal(probabilities, m.classifier(m.features(clips(5))).softmax(1))


def test_a_video_s_feature_is_the_mean_of_its_clips():
    m = method().eval()
    video = clips(1)
    every_clip = torch.cat([video.views["global"], video.views["local"]], dim=1).flatten(0, 1)
    feature = m.backbone(every_clip).mean((2, 3, 4)).mean(0, keepdim=True)
    assert torch.allclose(m.classifier(m.features(video)), m.classifier(feature), atol=1e-6)


def test_it_learns_eight_videos_by_heart():
    m = method(dropout=0.0)
    batch = Batch(clips(8), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]), None)
    optimizer = torch.optim.AdamW(m.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        m(batch).total.backward()
        optimizer.step()
    assert m(batch).stats["accuracy_class"] == 1


def test_the_configuration_is_a_method_and_reads_back():
    config = SupervisedConfig(dropout=0.2, passes="joint")
    assert MethodConfig.model_validate(config.model_dump()) == config
