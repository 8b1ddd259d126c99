"""GLAD: every term by hand, every switch removes exactly one, and gradients go where the equations send them."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.losses import domain_loss
from glad.methods.base import MethodConfig
from glad.methods.glad import Glad, GladConfig, release_groups
from glad.methods.heads import feature_maps, pooled, video_features
from glad.methods.order import OrderHeadConfig, order_terms

LN2 = math.log(2)
STILL: dict[str, Any] = {  # nothing random is left in a forward pass
    "dropout": 0.0,
    "align_dropout": 0.0,
    "order_head": OrderHeadConfig(hidden=8, dropout=0.0, std=0.1),
}
ALIGN = ("global", "local", "cross")


def clips(b: int, seed: int, **views: int) -> Clips:
    g = torch.Generator().manual_seed(seed)
    counts = views or {"global": 1, "local": 2}
    return Clips(
        {name: torch.randint(0, 256, (b, n, 3, 4, 8, 8), generator=g, dtype=torch.uint8) for name, n in counts.items()},
        {name: (torch.arange(4) + 4 * torch.arange(n)[:, None]).expand(b, n, 4) for name, n in counts.items()},
        torch.randint(2**31, (b,), generator=g),
    )


def batch(progress: float = 0.0, **views: int) -> Batch:
    return Batch(clips(4, 1, **views), torch.tensor([0, 1, 2, 1]), clips(4, 2, **views), progress=progress)


def method(**config: Any) -> Glad:
    """Return a small method whose domain logits differ from clip to clip, as fresh ones hardly do."""
    torch.manual_seed(0)
    built = GladConfig(**(STILL | {"hidden": 32} | config)).build(TinyConfig(width=8).build(), 3)
    assert isinstance(built, Glad)
    for layer in built.domain.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=2 / math.sqrt(layer.in_features))
    return built


def like(full: Glad, **config: Any) -> Glad:
    """Return a method with other switches and the weights of `full` where both have them."""
    other = method(**config)
    other.load_state_dict(full.state_dict(), strict=False)
    return other


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True, allow_unused=True)
    return [torch.zeros(()) if g is None else g for g in found]


def silenced(m: Glad) -> Glad:
    """Return `m` with the last layers of its domain classifiers at zero."""
    for classify in m.domain.values():
        assert isinstance(classify, nn.Sequential)
        nn.init.zeros_(classify[-1].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(classify[-1].bias)  # pyright: ignore[reportArgumentType]
    return m


# the terms


def test_domain_classifiers_that_know_nothing_cost_three_times_ln_2():
    losses = silenced(method(order="off"))(batch())
    aligned = [losses.terms[f"align_{name}"].item() for name in ALIGN]
    assert aligned == pytest.approx([LN2, LN2, LN2]) and sum(aligned) == pytest.approx(2.0794, abs=1e-4)
    assert all(losses.stats[f"accuracy_domain_{name}"] == 0.5 for name in ALIGN)


def test_the_objective_of_a_fresh_method_is_about_what_it_should_be():
    """ln 3 for three classes, 3 ln 2, and ln 2 for the order of two local clips."""
    losses = GladConfig().build(TinyConfig().build(), 3)(batch())
    assert set(losses.terms) == {"class", "align_global", "align_local", "align_cross", "order"}
    assert losses.total.item() == pytest.approx(math.log(3) + 4 * LN2, abs=0.6)


def test_the_total_is_the_sum_of_the_terms():
    losses = method()(batch())
    assert losses.total.item() == pytest.approx(sum(term.item() for term in losses.terms.values()))
    assert set(losses.stats) == {"accuracy_class", "accuracy_order", *(f"accuracy_domain_{name}" for name in ALIGN)}


@pytest.mark.parametrize(
    ("switch", "removed"),
    [
        ({"align": ("local", "cross")}, {"align_global"}),
        ({"align": ("global", "cross")}, {"align_local"}),
        ({"align": ("global", "local")}, {"align_cross"}),
        ({"order": "off"}, {"order"}),
        ({"align": ()}, {"align_global", "align_local", "align_cross"}),
        ({"align": (), "order": "off"}, {"align_global", "align_local", "align_cross", "order"}),
    ],
)
def test_a_switch_removes_its_term_and_changes_no_other(switch, removed):
    full = method()
    everything, without = full(batch()).terms, like(full, **switch)(batch()).terms
    assert set(everything) - set(without) == removed
    assert all(torch.equal(without[name], everything[name]) for name in without)


@pytest.mark.parametrize("weights", [{"align_weight": 0.25}, {"order_weight": 3.0}])
def test_weights_scale_their_terms_alone(weights):
    full = method()
    plain, weighted = full(batch()).terms, like(full, **weights)(batch()).terms
    for name, value in plain.items():
        factor = {"align": weights.get("align_weight", 1.0), "order": weights.get("order_weight", 1.0)}
        assert weighted[name].item() == pytest.approx(value.item() * factor.get(name.split("_")[0], 1.0))


def psi_of(m: Glad, given: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    assert given.target is not None
    source, target = feature_maps(m.backbone, [given.source, given.target], "separate")
    return video_features(source), video_features(target)


def test_every_term_by_hand():
    m, given = method(), batch()
    s, t = psi_of(m, given)
    d = m.domain
    terms = m(given).terms
    assert torch.allclose(terms["class"], F.cross_entropy(m.classifier(s["both"]), given.label))
    assert torch.allclose(terms["align_local"], domain_loss(d["local"](s["local"]), d["local"](t["local"])))
    assert torch.allclose(terms["align_global"], domain_loss(d["global"](s["global"]), d["global"](t["global"])))
    first = domain_loss(d["cross"](s["local"]), d["cross"](t["global"]))
    second = domain_loss(d["cross"](s["global"]), d["cross"](t["local"]))
    assert terms["align_cross"].item() == pytest.approx(0.5 * (first + second).item(), abs=1e-6)


def test_the_order_term_is_that_of_the_local_clips_of_both_domains():
    m, given = method(), batch()
    assert m.order is not None and m.order.tell.out_features == 2 and given.target is not None
    maps = feature_maps(m.backbone, [given.source, given.target], "separate")
    local = torch.cat([domain["local"] for domain in maps])
    both = Clips({}, {}, torch.cat([given.source.draw, given.target.draw]))
    expected, _ = order_terms(m.order, local, both, "local", mask=False, eq7_scale=False)
    assert torch.equal(m(given).terms["order"], expected)
    scaled = like(m, eq7_scale=True)(given).terms["order"]
    assert scaled.item() == pytest.approx(expected.item() / 2)


@pytest.mark.parametrize(("name", "source", "target"), [("local_global", "local", "global"), ("both", "both", "both")])
def test_the_other_alignments(name, source, target):
    m, given = method(align=(name,), order="off"), batch()
    s, t = psi_of(m, given)
    losses = m(given)
    assert set(losses.terms) == {"class", f"align_{name}"}
    classify = m.domain[name]
    assert classify(t["local"]).std() > 0.1, "the comparison can tell"
    assert torch.allclose(losses.terms[f"align_{name}"], domain_loss(classify(s[source]), classify(t[target])))


def test_dann_aligns_the_consensus_of_three_clips():
    m, given = method(align=("both",), order="off"), batch()
    s, _ = psi_of(m, given)
    phi = {view: pooled(maps) for view, maps in feature_maps(m.backbone, [given.source], "separate")[0].items()}
    assert torch.allclose(s["both"], (phi["global"].sum(1) + phi["local"].sum(1)) / 3)
    assert not torch.allclose(s["both"], (s["global"] + s["local"]) / 2)


def test_cross_alignment_with_a_classifier_for_each_pairing():
    m = method(cross="two_classifiers")
    assert set(m.domain) == {"global", "local", "local_global", "global_local"}
    assert set(m(batch()).terms) >= {"align_local_global", "align_global_local"}
    assert set(method(cross="two_classifiers", align=("local",)).domain) == {"local"}


def test_an_order_view_of_its_own_stays_out_of_the_consensus():
    m, given = method(order="ordered", order_clips=3), batch(**{"global": 1, "local": 2, "ordered": 3})
    losses = m(given)
    plain = like(m, order="off")(batch())
    assert m.order is not None and m.order.tell.out_features == 6 and "order" in losses.terms
    assert all(torch.equal(losses.terms[name], term) for name, term in plain.terms.items())


def test_one_kind_of_view_is_enough():
    m = method(align=("local",))
    assert set(m(batch(local=2)).terms) == {"class", "align_local", "order"}
    assert m.predict(clips(2, 0, local=2)).probabilities.shape == (2, 3)
    alone = method(align=("global",), order="off")
    assert alone.predict(clips(2, 0, **{"global": 1})).probabilities.shape == (2, 3)


# gradients


def test_features_ascend_what_the_domain_classifiers_descend():
    """With a reversal of -1 the layer is the identity: the gradient of plain minimisation."""
    m = method(order="off")
    reversed_, plain = m, like(m, order="off", reversal=-1.0)

    def align(of: Glad) -> Tensor:
        return torch.stack([term for name, term in of(batch()).terms.items() if name.startswith("align")]).sum()

    for g, p in zip(gradients(align(reversed_), m.backbone), gradients(align(plain), plain.backbone), strict=True):
        assert g.any() and torch.allclose(g, -p, atol=1e-7)
    for g, p in zip(gradients(align(reversed_), m.domain), gradients(align(plain), plain.domain), strict=True):
        assert torch.equal(g, p)
    assert not any(g.any() for g in gradients(align(reversed_), m.classifier))


def test_alignment_leaves_the_gradient_of_the_action_classifier_alone():
    m = method()
    alone = like(m, align=(), order="off")
    for g, p in zip(
        gradients(m(batch()).total, m.classifier), gradients(alone(batch()).total, alone.classifier), strict=True
    ):
        assert torch.allclose(g, p)


def test_the_reversal_ramps_up_with_the_training_or_is_constant():
    m = method(order="off", reversal=0.5)

    def slope(of: Glad, progress: float) -> float:
        terms = of(batch(progress)).terms
        return gradients(terms["align_local"], of.backbone)[0].norm().item()

    full = slope(m, 0.0)
    assert slope(m, 0.9) == pytest.approx(full)
    ramp = like(m, order="off", reversal=0.5, reversal_schedule="ramp", reversal_delay=0.2)
    assert slope(ramp, 0.2) == 0
    assert slope(ramp, 0.6) == pytest.approx(full * math.tanh(2.5), rel=1e-4)


def test_gradients_reach_every_parameter():
    m = method()
    m(batch()).total.backward()
    assert all(p.grad is not None and p.grad.any() for p in m.parameters())


def test_swapping_the_domains_flips_what_the_domain_classifiers_learn():
    m = silenced(method(order="off"))
    given = batch()
    assert given.target is not None
    swapped = Batch(given.target, given.label, given.source)
    for g, p in zip(
        gradients(m(given).terms["align_local"], m.domain["local"]),
        gradients(m(swapped).terms["align_local"], m.domain["local"]),
        strict=True,
    ):
        assert torch.allclose(g, -p, atol=1e-7)


# the target


@pytest.mark.parametrize("config", [{"align": (), "order": "off"}])
def test_without_alignment_and_order_the_target_is_not_needed_and_not_seen(config):
    m = method(**config)
    seen: list[int] = []
    m.backbone.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))  # pyright: ignore
    assert not m.needs.target
    with_target, without = m(batch()), m(Batch(clips(4, 1), torch.tensor([0, 1, 2, 1]), None))
    assert sum(seen) == 2 * 12 and torch.equal(with_target.total, without.total)
    assert method(align=("local",), order="off").needs.target and method(align=()).needs.target


# inference


def test_the_release_groups_local_clips_by_slices():
    assert release_groups(1) == [[0]]
    assert release_groups(2) == [[1]], "the first of two is forgotten"
    assert release_groups(3) == [[0, 1, 2]]
    assert release_groups(4) == [[0, 1, 2], [1, 2, 3]]
    assert release_groups(6) == [[0, 1, 2], [3, 4, 5]]


def test_a_prediction_uses_all_clips_or_those_of_the_release():
    m = method().eval()
    video = clips(3, 5)
    phi = {view: pooled(maps) for view, maps in feature_maps(m.backbone, [video], "separate")[0].items()}
    three = torch.cat([phi["global"], phi["local"]], 1).mean(1)
    two = torch.cat([phi["global"], phi["local"][:, 1:]], 1).mean(1)
    assert torch.allclose(m.predict(video).probabilities, m.classifier(three).softmax(1))
    release = like(m, inference="release").eval()
    assert torch.allclose(release.predict(video).probabilities, m.classifier(two).softmax(1))
    assert not torch.allclose(m.predict(video).probabilities, release.predict(video).probabilities)


def test_with_four_local_clips_the_release_averages_the_probabilities_of_two_groups():
    m = method(inference="release").eval()
    video = clips(2, 5, **{"global": 1, "local": 4})
    parts = [
        Clips({"global": video.views["global"], "local": video.views["local"][:, group]}, video.times, video.draw)
        for group in ([0, 1, 2], [1, 2, 3])
    ]
    expected = sum(m.predict(part).probabilities for part in parts) / 2
    assert torch.allclose(m.predict(video).probabilities, torch.as_tensor(expected))
    assert torch.allclose(m.predict(video).probabilities.sum(1), torch.ones(2))


def test_prediction_involves_no_auxiliary_head():
    m = method().eval()
    before = m.predict(clips(2, 0)).probabilities
    for module in (m.domain, m.order):
        assert module is not None
        for parameter in module.parameters():
            nn.init.constant_(parameter, math.nan)
    assert torch.equal(m.predict(clips(2, 0)).probabilities, before)


# the whole


def test_the_domain_classifiers_of_the_release_outweigh_the_backbone():
    with torch.device("meta"):
        backbone = TinyConfig(width=2048).build()
        m = GladConfig().build(backbone, 12)
    assert isinstance(m, Glad) and m.order is not None
    assert sum(p.numel() for p in m.domain.parameters()) == 50_362_371
    assert sum(p.numel() for p in m.order.parameters()) == 2_098_690
    assert sum(p.numel() for p in m.classifier.parameters()) == 12 * 2049


def test_the_configuration_is_a_method_and_reads_back():
    config = GladConfig(align=("both",), reversal_schedule="ramp", order_head=OrderHeadConfig(parts=2))
    assert MethodConfig.model_validate(config.model_dump()) == config


@pytest.mark.parametrize(
    "changes, absent", [({"align": ("local",)}, "local"), ({"align": (), "order": "ordered"}, "ordered")]
)
def test_a_view_that_the_samplers_do_not_give_is_asked_for(changes, absent):
    method = GladConfig(**({"order": "off"} | changes)).build(TinyConfig(width=4).build(), 3)
    clips = Clips({"global": torch.zeros(2, 1, 3, 4, 8, 8, dtype=torch.uint8)}, {}, torch.zeros(2, dtype=torch.int64))
    with pytest.raises(UserError, match=rf"need the views \['{absent}'\], but .* give \['global'\]"):
        method(Batch(clips, torch.tensor([0, 1]), clips))


def test_ordered_clips_have_no_vote_in_a_prediction():
    method = GladConfig(align=(), order="ordered", order_clips=3).build(TinyConfig(width=4).build(), 3).eval()
    rng = torch.Generator().manual_seed(0)
    views = {
        view: torch.randint(0, 256, (2, n, 3, 4, 8, 8), dtype=torch.uint8, generator=rng)
        for view, n in (("global", 1), ("ordered", 3))
    }
    draw = torch.zeros(2, dtype=torch.int64)
    alone = method.predict(Clips({"global": views["global"]}, {}, draw)).probabilities
    torch.testing.assert_close(method.predict(Clips(views, {}, draw)).probabilities, alone)
