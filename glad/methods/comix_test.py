"""CoMix: the contrast by hand and by loops, the graph head, the draws, the mixture, and the objective as a whole."""

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import Needs
from glad.methods.comix import CoMix, CoMixConfig, class_losses, draws, mixed, supcon
from glad.methods.graph import GraphHead
from glad.methods.heads import pooled

B, N, K = 3, 6, 3
SCALE = 0.5 / 0.07
SMALL: dict[str, Any] = {"hidden": 32, "dropout": 0.0, "slow_nodes": (2, 3), "slow_probabilities": (0.5, 0.5)}


def clips(seed: int, b: int = B, **views: int) -> Clips:
    """Return videos and clips of colours of their own, in noise."""
    g = torch.Generator().manual_seed(seed)
    counts = views or {"ordered": N}

    def pixels(n: int) -> Tensor:
        colour = sum(torch.randint(0, 96, (b, m, 3, 1, 1, 1), generator=g) for m in (1, n))
        return (colour + torch.randint(0, 64, (b, n, 3, 2, 8, 8), generator=g)).to(torch.uint8)

    return Clips(
        {name: pixels(n) for name, n in counts.items()},
        {name: torch.arange(2 * n).reshape(n, 2).expand(b, n, 2) for name, n in counts.items()},
        torch.randint(2**31, (b,), generator=g),
        torch.randint(0, 256, (b, 3, 8, 8), generator=g, dtype=torch.uint8),
    )


def batch(draw: int = 5, **views: int) -> Batch:
    return Batch(clips(1, **views), torch.tensor([0, 2, 1]), clips(2, **views), draw=draw)


def method(**config: Any) -> CoMix:
    """Return a small method whose scores, nodes and pseudo labels differ, as those of a fresh one hardly do."""
    torch.manual_seed(0)
    built = CoMixConfig(**(SMALL | config)).build(TinyConfig(width=8).build(), K)
    assert isinstance(built, CoMix)
    with torch.no_grad():
        for layer in built.classifier.layers:
            for name, factor in (("weight", 4.0), ("bias", 0.0), ("w1", 16.0), ("w2", 16.0)):
                layer.get_parameter(name).mul_(factor)
        built.classifier.layers[-1].get_parameter("bias")[1] = -2.0  # which would win everywhere
    return built


def seen_by(backbone: nn.Module) -> list[Tensor]:
    """Return a list that fills with what `backbone` is given, call by call."""
    seen: list[Tensor] = []
    backbone.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    return seen


# the contrast


def naive_supcon(z: Tensor, label: list[int], tau: float = 0.5, tau0: float = 0.07) -> Tensor:
    """Return the loss by its formula: rows are (item, view), every one an anchor."""
    rows = [(z[i, view], label[i]) for i in range(len(label)) for view in (0, 1)]
    total = z.new_zeros(())
    for i, (a, of_a) in enumerate(rows):
        below = sum(torch.exp(a @ r / tau) for j, (r, _) in enumerate(rows) if j != i)
        each = [a @ r / tau - torch.log(torch.as_tensor(below)) for j, (r, of_r) in enumerate(rows)
                if j != i and of_r == of_a]  # fmt: skip
        total = total + torch.stack(each).mean()
    return -(tau / tau0) * total / len(rows)


def probabilities(m: int, k: int = K, seed: int = 0) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(m, 2, k, generator=g, dtype=torch.float64)).softmax(2)


def test_the_contrast_by_hand():
    """Equal rows: each of 2 m - 1 others is as near, 7.142857 ln(2 m - 1). Eight one-hot classes, four rows each:
    three others at e^2, 28 at 1, so 7.142857 (ln(3 e^2 + 28) - 2)."""
    for m, expected in ((16, 24.5285), (3, 11.4960)):
        alike = torch.full((m, 2, 12), 1 / 12, dtype=torch.float64)
        assert supcon(alike, torch.arange(m), 0.5, 0.07).item() == pytest.approx(expected, abs=1e-4)
        assert supcon(alike, torch.zeros(m), 0.5, 0.07).item() == pytest.approx(expected, abs=1e-4)
    label = torch.arange(8).repeat(2)
    apart = F.one_hot(label, 12).double()[:, None].repeat(1, 2, 1)
    assert supcon(apart, label, 0.5, 0.07).item() == pytest.approx(13.6811, abs=1e-4)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(0, 1000), st.sampled_from([0.07, 0.5, 2.0]))
def test_the_contrast_is_its_formula_whatever_the_order_of_items(label, seed, tau):
    z, of = probabilities(len(label), 4, seed), torch.tensor(label)
    loss = supcon(z, of, tau, 0.07)
    torch.testing.assert_close(loss, naive_supcon(z, label, tau), rtol=1e-9, atol=1e-12)
    shuffled = torch.randperm(len(label), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(supcon(z[shuffled], of[shuffled], tau, 0.07), loss)
    torch.testing.assert_close(supcon(z.flip(1), of, tau, 0.07), loss)


@pytest.mark.parametrize("m", [0, 1])
def test_without_a_second_item_there_is_nothing_to_contrast(m):
    z = probabilities(m).requires_grad_()
    loss = supcon(z, torch.zeros(m), 0.5, 0.07)
    loss.backward()
    assert loss.item() == 0.0 and z.grad is not None and not z.grad.any()


def test_half_precision_around_the_contrast_does_not_reach_it():
    z, label = probabilities(4).float(), torch.tensor([0, 1, 0, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = supcon(z, label, 0.5, 0.07)
    assert torch.equal(found, supcon(z, label, 0.5, 0.07))


def test_smoothed_labels_by_hand():
    """Probabilities .7 .2 .1 against .9333 .0333 .0333."""
    scores, label = torch.tensor([[0.7, 0.2, 0.1]]).log(), torch.tensor([0])
    expected = -(0.9 + 0.1 / 3) * math.log(0.7) - 0.1 / 3 * (math.log(0.2) + math.log(0.1))
    assert class_losses(scores, label, 0.1).terms["class"].item() == pytest.approx(expected)
    g = torch.Generator().manual_seed(0)
    scores, label = torch.randn(5, 12, generator=g), torch.randint(12, (5,), generator=g)
    found = class_losses(scores, label, 0.1).terms["class"]
    assert torch.equal(found, F.cross_entropy(scores, label, label_smoothing=0.1))


# what is drawn once a step


@given(st.integers(0, 2**31 - 1), st.integers(13, 40))
def test_a_step_draws_a_share_of_the_background_and_one_node_of_each_stretch(draw, n):
    found = draws(CoMixConfig(), draw, n)
    assert found == draws(CoMixConfig(), draw, n)
    assert 0 <= found.gamma <= 0.5 and len(found.slow) in (4, 8, 12)
    for node, stretch in zip(found.slow, np.array_split(range(n), len(found.slow)), strict=True):
        assert node in stretch


def test_all_that_can_be_drawn_is_drawn_as_often_as_it_should():
    found = [draws(CoMixConfig(), draw, 16) for draw in range(3000)]
    gamma = np.array([one.gamma for one in found])
    assert gamma.mean() == pytest.approx(0.25, abs=0.01) and gamma.min() < 0.005 and gamma.max() > 0.495
    count = np.array([len(one.slow) for one in found])
    for number, share in ((4, 0.33), (8, 0.34), (12, 0.33)):
        assert (count == number).mean() == pytest.approx(share, abs=0.04)
        taken = np.array([one.slow for one in found if len(one.slow) == number])
        assert set(taken.ravel().tolist()) == set(range(16))
    assert abs(np.corrcoef(gamma, count)[0, 1]) < 0.06


def test_a_slow_view_that_is_not_slower_is_refused():
    with pytest.raises(UserError, match=r"up to 12 clips, but a video has only 12; lower method\.slow_nodes"):
        method(slow_nodes=(4, 8, 12), slow_probabilities=(0.3, 0.3, 0.4))(batch(ordered=12))
    assert len(draws(CoMixConfig(), 0, 13).slow) in (4, 8, 12)
    wrong: list[dict[str, Any]] = [{"slow_nodes": (2, 3)}, {"slow_nodes": ()}, {"slow_probabilities": (0.5, 0.5, 0.1)}]
    for fields in wrong:
        with pytest.raises(ValidationError, match="must give each of slow_nodes"):
            CoMixConfig(**fields)


# the mixture


def test_the_mixture_by_hand():
    """0.75 of 100 and 0.25 of 33 are 83.25; nothing is rounded, and the clips themselves stay as they were."""
    video = Clips({"ordered": torch.full((2, 4, 3, 2, 8, 8), 100, dtype=torch.uint8)}, {}, torch.zeros(2))
    still = torch.tensor([33, 133], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 8, 8)
    found = mixed(video, still, 0.25).views["ordered"]
    assert (found[0] == 83.25).all() and (found[1] == 108.25).all() and found.dtype == torch.float32
    assert (video.views["ordered"] == 100).all()


def test_the_background_stays_where_it_is_in_every_frame_and_clip():
    video, background = clips(0), clips(1).background
    assert background is not None
    found = mixed(video, background, 0.5).views["ordered"] - 0.5 * video.views["ordered"]
    for i, n, t in np.ndindex(B, N, 2):
        torch.testing.assert_close(found[i, n, :, t], 0.5 * background[i])


def test_the_backbone_sees_four_domains_one_after_the_other():
    m, given = method(), batch()
    seen = seen_by(m.backbone)
    gamma = m(given).stats["gamma"].item()
    source, target = given.source.views["ordered"], given.target.views["ordered"]  # pyright: ignore
    behind = [c.background[:, None, :, None] for c in (given.source, given.target)]  # pyright: ignore
    expected = [source, target, (1 - gamma) * source + gamma * behind[1], (1 - gamma) * target + gamma * behind[0]]
    assert 0.01 < gamma < 0.49 and [pixels.shape for pixels in seen] == [(B * N, 3, 2, 8, 8)] * 4
    for pixels, right in zip(seen, expected, strict=True):
        torch.testing.assert_close(pixels.float(), right.flatten(0, 1).float(), rtol=1e-6, atol=1e-4)


def test_without_a_background_the_mixed_videos_are_the_videos():
    m = method(gamma_max=0.0)
    seen = seen_by(m.backbone)
    assert m(batch()).stats["gamma"] == 0
    assert torch.equal(seen[0].float(), seen[2]) and torch.equal(seen[1].float(), seen[3])


# the objective


def naive_head(graph: GraphHead, x: Tensor) -> Tensor:
    """Return scores (b, k) of nodes (b, n, width), video by video, without dropout."""
    scores = []
    for deep in x:
        for depth, layer in enumerate(graph.layers):
            weight, bias, w1, w2 = (layer.get_parameter(name) for name in ("weight", "bias", "w1", "w2"))
            near = torch.exp(deep @ w1.T @ w2 @ deep.T)
            deep = (near / near.sum(0, keepdim=True)) @ deep @ weight + bias
            deep = deep if depth == 2 else deep.clamp(min=0)
        scores.append(deep.mean(0))
    return torch.stack(scores)


def restated(m: CoMix, given: Batch) -> dict[str, Tensor]:
    """Return the three weighted terms of `given`, by loops over videos, from the features of the backbone."""
    drawn = draws(m.config, given.draw, N)
    assert given.target is not None and given.source.background is not None and given.target.background is not None

    def phi(view: Tensor) -> Tensor:
        return torch.stack([pooled(m.backbone(video)[None])[0] for video in view])

    def fast_slow(x: Tensor) -> Tensor:
        return torch.stack([naive_head(m.classifier, x), naive_head(m.classifier, x[:, drawn.slow])], 1)

    s, t = given.source.views["ordered"].double(), given.target.views["ordered"].double()
    behind_s, behind_t = (c.background[:, None, :, None].double() for c in (given.source, given.target))  # pyright: ignore
    g = drawn.gamma
    source, target = fast_slow(phi(s)), fast_slow(phi(t))
    source_mixed, target_mixed = fast_slow(phi((1 - g) * s + g * behind_t)), fast_slow(phi((1 - g) * t + g * behind_s))
    smooth, twice = 0.9 * F.one_hot(given.label, K).double() + 0.1 / K, [0, 1, 2, 0, 1, 2]
    pairs = ((source, source_mixed), (target, target_mixed))
    contrast = sum(naive_supcon(torch.cat(pair).softmax(2), twice) for pair in pairs)
    sure, labels = [], []
    for row in target:
        guess = ((row[0] + row[1]) / 2).softmax(0).detach()
        if guess.max() >= m.config.pseudo_threshold:
            sure.append(row.softmax(1))
            labels.append(int(guess.argmax()))
    pseudo = naive_supcon(torch.stack(sure), labels) if sure else source.sum() * 0
    named = -(smooth * source[:, 0].log_softmax(1)).sum(1).mean()
    return {"class": named, "background": 0.1 * contrast, "pseudo": 0.01 * pseudo}


@pytest.mark.parametrize("draw", [0, 1, 5])
@pytest.mark.parametrize("threshold", [0.0, 0.503, 0.85])
def test_the_objective_and_its_gradient_are_the_three_terms_and_nothing_else(draw, threshold):
    m, given = method(pseudo_threshold=threshold).double(), batch(draw)
    losses, expected = m(given), restated(m, given)
    assert set(losses.terms) == set(expected) == {"class", "background", "pseudo"}
    for name, value in expected.items():
        torch.testing.assert_close(losses.terms[name], value, rtol=1e-6, atol=1e-8)
    names, parameters = zip(*m.named_parameters(), strict=True)
    found = torch.autograd.grad(losses.total, parameters)
    right = torch.autograd.grad(torch.stack(list(expected.values())).sum(), parameters)
    for name, a, b in zip(names, found, right, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7, msg=name)


def test_a_target_video_counts_from_the_threshold_on_and_one_alone_counts_nothing():
    free = method(pseudo_threshold=0.0)
    seen: list[Tensor] = []
    free.classifier.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()))
    everyone = free(batch())
    confidence, guess = ((seen[0] + seen[1]) / 2)[B : 2 * B].softmax(1).max(1)
    assert everyone.stats["pseudo_share"] == 1 and everyone.terms["pseudo"] > 0
    assert everyone.stats["confidence"].item() == pytest.approx(confidence.mean().item())
    highest, order = confidence.sort(descending=True)
    for passing in (0, 1, 2, 3):
        threshold = 0.99 if passing == 0 else highest[passing - 1].item() - 1e-6
        losses = method(pseudo_threshold=threshold)(batch())
        assert losses.stats["pseudo_share"].item() == pytest.approx(passing / B)
        assert losses.stats["pseudo_classes"] == len(set(guess[order[:passing]].tolist()))
        assert (losses.terms["pseudo"] == 0) == (passing < 2) and losses.terms["pseudo"].requires_grad


def test_weights_weigh_their_terms():
    one, other = method(pseudo_threshold=0.0), method(pseudo_threshold=0.0, background_weight=0.3, pseudo_weight=0.05)
    a, b = one(batch()).terms, other(batch()).terms
    assert torch.equal(a["class"], b["class"])
    torch.testing.assert_close(b["background"], 3 * a["background"])
    torch.testing.assert_close(b["pseudo"], 5 * a["pseudo"])


def test_the_objective_of_a_fresh_method_is_about_what_it_should_be():
    """ln 3, and twice 0.1 * 7.14 ln(4 * 3 - 1) as long as all videos look alike."""
    terms = CoMixConfig(**SMALL).build(TinyConfig(width=8).build(), K)(batch()).terms
    assert terms["class"].item() == pytest.approx(math.log(3), abs=0.5)
    assert terms["background"].item() == pytest.approx(0.2 * SCALE * math.log(11), rel=0.1)


def test_the_same_draw_gives_the_same_and_another_another():
    m = method()
    first, again, other = m(batch(3)), m(batch(3)), m(batch(4))
    assert torch.equal(first.total, again.total) and not torch.equal(first.total, other.total)
    assert torch.equal(first.terms["class"], other.terms["class"]), "the class term has nothing to do with the draws"


def test_the_warm_start_is_the_class_term_of_the_source():
    warm, full = method(adapt=False), method()
    seen = seen_by(warm.backbone)
    given = batch()
    losses = warm(Batch(given.source, given.label, None))
    assert len(seen) == 1 and set(losses.terms) == {"class"} and set(losses.stats) == {"accuracy_class"}
    torch.testing.assert_close(losses.total, full(given).terms["class"])
    assert (warm.needs, full.needs) == (Needs(), Needs(target=True, backgrounds=True))
    assert full.inherits == ("backbone", "classifier") == tuple(name for name, _ in full.named_children())


def test_half_precision_is_finite_and_near():
    m = method(pseudo_threshold=0.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = m(batch())
    half.total.backward()
    full = m(batch())
    for name, value in full.terms.items():
        assert half.terms[name].dtype == torch.float32
        torch.testing.assert_close(half.terms[name], value, rtol=0.05, atol=0.02)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in m.parameters())


# views and predictions


def test_nodes_are_the_clips_of_all_views_in_their_order():
    m = method()
    video = clips(0, **{"global": 1, "local": 2})
    found = m.nodes(video)
    assert found.shape == (B, 3, 8)
    torch.testing.assert_close(found[:, 2], pooled(m.backbone(video.views["global"][:, 0])[:, None])[:, 0])
    torch.testing.assert_close(found[:, 1], pooled(m.backbone(video.views["local"][:, 1])[:, None])[:, 0])


def test_domains_with_different_clips_are_refused():
    given = Batch(clips(1, ordered=6), torch.tensor([0, 1, 2]), clips(2, ordered=5))
    with pytest.raises(UserError, match=r"source_views give 6 clips .* target_views 5; give both the same sampler"):
        method()(given)


def test_a_prediction_takes_all_nodes_and_drops_none():
    m = method(dropout=0.5).double().eval()
    video = clips(3)
    predicted, x = m.predict(video), m.nodes(video)
    torch.testing.assert_close(predicted.probabilities, naive_head(m.classifier, x).softmax(1))
    torch.testing.assert_close(predicted.features, x.mean(1))
    assert torch.equal(m.predict(video).probabilities, predicted.probabilities)
    release = method(dropout=0.5, release_dropout=True).eval()
    assert not torch.equal(release.predict(video).probabilities, release.predict(video).probabilities)


# several processes


def one_of_two(rank: int, folder: str) -> None:
    """Run one process of two on its half of a batch, and write the term values and the averaged gradients."""
    torch.set_num_threads(1)
    patience = timedelta(seconds=60)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meet", patience, world_size=2, rank=rank)
    wrapped = nn.parallel.DistributedDataParallel(method(pseudo_threshold=0.55), find_unused_parameters=True)
    half = slice(2 * rank, 2 * rank + 2)
    losses = wrapped(four_videos().map(lambda tensor: tensor[half]))
    losses.total.backward()
    gradients = {name: p.grad for name, p in wrapped.module.named_parameters()}
    torch.save(({name: value.detach() for name, value in losses.terms.items()}, gradients), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def four_videos() -> Batch:
    return Batch(clips(1, b=4), torch.tensor([0, 2, 1, 1]), clips(2, b=4), draw=5)


@pytest.mark.slow
def test_two_processes_contrast_the_videos_of_both(tmp_path: Path):
    """Terms over all rows are equal on both; the gradient, averaged, is that of one process with all videos."""
    torch.multiprocessing.spawn(one_of_two, (str(tmp_path),), nprocs=2)  # pyright: ignore[reportPrivateImportUsage]
    m = method(pseudo_threshold=0.55)
    alone = m(four_videos())
    alone.total.backward()
    assert 0 < alone.stats["pseudo_share"] < 1 and alone.terms["pseudo"] > 0
    (first, gradients), (second, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    for name in ("background", "pseudo"):
        torch.testing.assert_close(first[name], alone.terms[name].detach())
        assert torch.equal(first[name], second[name])
    torch.testing.assert_close((first["class"] + second["class"]) / 2, alone.terms["class"].detach())
    for name, p in m.named_parameters():
        torch.testing.assert_close(gradients[name], p.grad, rtol=1e-4, atol=1e-6)
