"""DANN: the video head is GLAD's single classifier to the last bit, the frame head is the one the release left."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.losses import domain_loss
from glad.methods.base import Method, MethodConfig, Needs
from glad.methods.dann import Dann, DannConfig, FrameDomainClassifier, frame_features
from glad.methods.glad import GladConfig
from glad.methods.heads import class_terms, feature_maps, video_features
from glad.optim import Optim

LN2 = math.log(2)


def clips(b: int, seed: int, **views: int) -> Clips:
    g = torch.Generator().manual_seed(seed)
    counts = views or {"global": 1, "local": 2}
    return Clips(
        {name: torch.randint(0, 256, (b, n, 3, 4, 8, 8), generator=g, dtype=torch.uint8) for name, n in counts.items()},
        {name: (torch.arange(4) + 4 * torch.arange(n)[:, None]).expand(b, n, 4) for name, n in counts.items()},
        torch.randint(2**31, (b,), generator=g),
    )


def batch(seed: int = 1, progress: float = 0.0, **views: int) -> Batch:
    return Batch(clips(4, seed, **views), torch.tensor([0, 1, 2, 1]), clips(4, seed + 50, **views), progress=progress)


def built(config: MethodConfig, width: int = 8) -> Method:
    torch.manual_seed(0)
    return config.build(TinyConfig(width=width).build(), 3)


def method(width: int = 8, **config: Any) -> Dann:
    found = built(DannConfig(**config), width)
    assert isinstance(found, Dann)
    return found


def enlivened(m: Dann) -> Dann:
    """Return `m` with domain logits that differ from video to video, as fresh ones hardly do."""
    for layer in m.domain.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=2 / math.sqrt(layer.in_features))
            nn.init.normal_(layer.bias, std=0.1)
    return m


# the video head


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"hidden_layers": 2, "hidden": 6, "align_weight": 0.3, "passes": "joint", "classifier_std": 0.1},
        {"reversal": 0.7, "reversal_schedule": "ramp", "reversal_delay": 0.1, "align_dropout": 0.2, "dropout": 0.1},
    ],
)
def test_it_is_glad_with_one_classifier_to_the_last_bit(fields):
    """The same draws make the same weights; then six steps of the optimiser give the same losses and weights."""
    ours, glads = built(DannConfig(**fields)), built(GladConfig(align=("both",), order="off", **fields))
    pairs = list(zip(ours.named_parameters(), glads.named_parameters(), strict=True))
    assert all(a.replace("domain", "domain.both") == b and torch.equal(x, y) for (a, x), (b, y) in pairs)
    optim = Optim(lr=0.05, clip_norm=0.0)
    optimizers = [optim.build(m) for m in (ours, glads)]
    before = [p.detach().clone() for p in ours.parameters()]
    for step in range(6):
        losses = []
        for m, optimizer in zip((ours, glads), optimizers, strict=True):
            torch.manual_seed(step)  # for dropout
            optimizer.zero_grad()
            losses.append(m(batch(step, progress=step / 6)))
            losses[-1].total.backward()
        assert losses[0].terms.keys() == losses[1].terms.keys() == {"class", "align_both"}
        assert all(torch.equal(term, losses[1].terms[name]) for name, term in losses[0].terms.items())
        assert all(torch.equal(stat, losses[1].stats[name]) for name, stat in losses[0].stats.items())
        for (_, x), (_, y) in pairs:
            assert x.grad is not None and y.grad is not None and torch.equal(x.grad, y.grad)
        for optimizer in optimizers:
            optimizer.step()
    assert all(torch.equal(x, y) for (_, x), (_, y) in pairs)
    assert all(not torch.equal(x, y) for x, y in zip(before, ours.parameters(), strict=True))
    assert torch.equal(ours.eval().predict(clips(3, 9)).probabilities, glads.eval().predict(clips(3, 9)).probabilities)


def test_the_size_of_the_video_head_is_one_third_of_glad_s():
    with torch.device("meta"):
        assert sum(p.numel() for p in method(2048).domain.parameters()) == 16_787_457


def test_terms_by_hand():
    m = enlivened(method(dropout=0.0, align_dropout=0.0, align_weight=0.25))
    given = batch()
    assert given.target is not None
    maps = feature_maps(m.backbone, [given.source, given.target], "separate")
    s, t = (video_features(views)["both"] for views in maps)
    losses = m(given)
    assert torch.equal(losses.terms["class"], class_terms(m.classifier(s), given.label)[0])
    expected = 0.25 * domain_loss(m.domain(s), m.domain(t))
    assert losses.terms["align_both"].item() == pytest.approx(expected.item(), rel=1e-6)
    assert set(losses.stats) == {"accuracy_class", "accuracy_domain_both"}


@pytest.mark.parametrize("head", ["video", "frame"])
def test_ordered_clips_have_no_say(head):
    m = enlivened(method(64, head=head, dropout=0.0, align_dropout=0.0))
    alone, more = batch(), batch(**{"global": 1, "local": 2, "ordered": 3})
    for clips_, with_ordered in ((alone.source, more.source), (alone.target, more.target)):
        assert clips_ is not None and with_ordered is not None
        with_ordered.views |= clips_.views
    for name, term in m(alone).terms.items():
        assert torch.equal(m(more).terms[name], term)
    assert torch.equal(m.predict(alone.source).probabilities, m.predict(more.source).probabilities)


# the frame head


def test_the_frame_head_has_the_size_of_the_release():
    with torch.device("meta"):
        assert sum(p.numel() for p in FrameDomainClassifier(2048).parameters()) == 2_754_561


def test_the_frame_head_layer_by_layer():
    torch.manual_seed(0)
    head = FrameDomainClassifier(64)
    linear, rest = [x for x in head if isinstance(x, nn.Linear)], [type(x) for x in head]
    assert [(x.in_features, x.out_features) for x in linear] == [(64, 32), (32, 16), (16, 8), (8, 1)]
    assert rest == [nn.Linear, nn.Dropout, nn.ReLU] * 3 + [nn.Linear, nn.Dropout]
    assert {x.p for x in head if isinstance(x, nn.Dropout)} == {0.8}
    assert linear[0].weight.std().item() == pytest.approx(0.001, rel=0.1) and not any(x.bias.any() for x in linear)
    assert sum(x.weight.numel() for x in FrameDomainClassifier(2).modules() if isinstance(x, nn.Linear)) == 5


def test_the_frame_head_of_the_release_starts_blind():
    """Four factors of 0.001: next to nothing comes back to the features."""

    def returned(width: int, **fields: Any) -> float:
        m = method(width, align_dropout=0.0, align_weight=1.0, **fields)
        return torch.stack([g.norm() for g in gradients(m(batch()).terms["align_both"], m.backbone)]).norm().item()

    video = returned(256)
    assert 0 < returned(256, head="frame") < 1e-6 * video
    assert returned(256, head="frame", frame_std=0.05) > 1e-2 * video


def test_a_frame_is_averaged_over_space_and_a_video_over_frames_in_plain_loops():
    m = enlivened(method(16, head="frame", align_dropout=0.0)).double().eval()
    g = torch.Generator().manual_seed(3)
    maps = {
        name: torch.randn(2, n, 16, 3, 2, 2, generator=g, dtype=torch.float64)
        for name, n in (("global", 1), ("local", 2))
    }
    logits = m.domain(frame_features(maps))
    assert frame_features(maps).shape == (2, 9, 16) and logits.shape == (2, 1)
    linear = [x for x in m.domain.modules() if isinstance(x, nn.Linear)]
    for video in range(2):
        found: list[float] = []
        for name, n in (("global", 1), ("local", 2)):
            for clip, frame in itertools.product(range(n), range(3)):
                x = [sum(maps[name][video, clip, c, frame].flatten().tolist()) / 4 for c in range(16)]
                for i, layer in enumerate(linear):
                    x = [
                        sum(a * b for a, b in zip(row, x, strict=True)) + bias
                        for row, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
                    ]
                    x = [max(a, 0.0) for a in x] if i < 3 else x
                found += x
        assert len(found) == 9 and max(found) - min(found) > 1e-3
        assert logits[video].item() == pytest.approx(sum(found) / 9, rel=1e-9)


def test_the_frame_head_weighs_one_half_unless_told_otherwise():
    m = method(8, head="frame")
    losses = m(batch())
    assert losses.terms.keys() == {"class", "align_both"} and m.weight == 0.5
    assert losses.terms["align_both"].item() == pytest.approx(LN2 / 2, abs=1e-4)
    assert method(8).weight == 1.0
    weights = [m.weight for m in (method(8, head="frame", align_weight=2.0), method(8, align_weight=0.0))]
    assert weights == [2.0, 0.0], "what is asked for is what is used, zero too"


def test_dropout_that_is_asked_for_is_used_by_either_head():
    for head, fields, expected in (
        ("video", {}, 0.5),
        ("frame", {}, 0.8),
        ("video", {"align_dropout": 0.0}, 0.0),
        ("frame", {"align_dropout": 0.3}, 0.3),
    ):
        found = {x.p for x in method(8, head=head, **fields).domain.modules() if isinstance(x, nn.Dropout)}
        assert found == {expected}


@pytest.mark.parametrize("fields", [{"hidden": 16}, {"hidden_layers": 2}])
def test_a_shape_that_the_frame_head_does_not_have_is_refused(fields):
    with pytest.raises(UserError, match="the frame head has a shape of its own"):
        method(8, head="frame", **fields)


# both


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(module.parameters()), retain_graph=True))


@pytest.mark.parametrize("head", ["video", "frame"])
def test_features_ascend_what_the_domain_classifier_descends(head):
    """With a reversal of -1 the layer is the identity: the gradient of plain minimisation."""
    fields: dict[str, Any] = {"head": head, "dropout": 0.0, "align_dropout": 0.0}
    m, plain = enlivened(method(64, **fields)), method(64, reversal=-1.0, **fields)
    plain.load_state_dict(m.state_dict())
    ours, theirs = m(batch()).terms["align_both"], plain(batch()).terms["align_both"]
    for g, p in zip(gradients(ours, m.backbone), gradients(theirs, plain.backbone), strict=True):
        assert g.any() and torch.allclose(g, -p, atol=1e-7)
    for g, p in zip(gradients(ours, m.domain), gradients(theirs, plain.domain), strict=True):
        assert g.any() and torch.equal(g, p)


@pytest.mark.parametrize("head", ["video", "frame"])
def test_the_reversal_ramps_up_with_the_training_or_is_constant(head):
    fields: dict[str, Any] = {"head": head, "dropout": 0.0, "align_dropout": 0.0, "reversal": 0.5}
    m, ramp = enlivened(method(64, **fields)), method(64, reversal_schedule="ramp", reversal_delay=0.2, **fields)
    ramp.load_state_dict(m.state_dict())

    def slope(of: Dann, progress: float) -> float:
        return gradients(of(batch(progress=progress)).terms["align_both"], of.backbone)[0].norm().item()

    full = slope(m, 0.0)
    assert full > 0 and slope(m, 0.9) == pytest.approx(full)
    assert slope(ramp, 0.2) == 0
    assert slope(ramp, 0.6) == pytest.approx(full * math.tanh(2.5), rel=1e-4)


def test_the_configuration_is_a_method_and_reads_back():
    config = DannConfig(head="frame", align_weight=0.1, reversal_schedule="ramp")
    assert MethodConfig.model_validate(config.model_dump()) == config
    assert method().needs == Needs(target=True)
