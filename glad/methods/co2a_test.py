"""CO2A by hand: every term where all rows are alike, then against double loops, then what may never happen."""

import math
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import MethodConfig
from glad.methods.co2a import (
    CO2A,
    CO2AConfig,
    VideoClassifier,
    clip_term,
    consistency_term,
    domains_term,
    nce,
    pseudo_labels,
    source_term,
    video_term,
)

SEEDS = st.integers(0, 2**32)
T = 0.1


def rows(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def classes(count: int, k: int, seed: int) -> Tensor:
    return torch.randint(k, (count,), generator=torch.Generator().manual_seed(seed))


def naive(z: Tensor, positives: dict[int, list[int]], denominators: dict[int, list[int]], temperature: float) -> float:
    """Return the contrastive loss of rows z (m, p) by its definition, with Python's own numbers."""
    found = []
    lists = z.tolist()

    def score(i: int, j: int) -> float:
        dot = sum(a * b for a, b in zip(lists[i], lists[j], strict=True))
        return dot / math.hypot(*lists[i]) / math.hypot(*lists[j]) / temperature

    for i, partners in positives.items():
        if partners:
            total = math.log(sum(math.exp(score(i, a)) for a in denominators[i]))
            found.append(-sum(score(i, p) - total for p in partners) / len(partners))
    return sum(found) / len(found) if found else 0.0


# all rows alike


@pytest.mark.parametrize("b", [2, 4, 7])
def test_alike_videos_give_the_logarithm_of_all_others(b):
    assert video_term(torch.ones(2, b, 5), T).item() == pytest.approx(math.log(2 * b - 1), abs=1e-5)


def test_alike_clips_count_themselves_but_not_their_siblings():
    """4 clips of 4 videos in 2 draws: 32 rows less 3 siblings."""
    assert clip_term(torch.ones(2, 4, 4, 5), T).item() == pytest.approx(3.3673, abs=1e-4)
    for b, n in ((2, 4), (3, 3), (1, 2)):
        expected = math.log(2 * b * n - n + 1)
        assert clip_term(torch.ones(2, b, n, 5), T).item() == pytest.approx(expected, abs=1e-5)


def test_alike_source_videos_give_the_logarithm_of_all_others():
    assert source_term(torch.ones(6, 5), torch.tensor([0, 0, 1, 1, 2, 2]), T).item() == pytest.approx(math.log(5))
    assert source_term(torch.ones(6, 5), torch.tensor([0, 0, 1, 2, 3, 4]), T).item() == pytest.approx(math.log(5))


def test_alike_domains_by_hand():
    """Of four target videos the third is unsure: 4 source rows give ln 3, the first two target rows ln 4, the last,
    of a class the source does not have, nothing: (4 ln 3 + 2 ln 4) / 6."""
    label, pseudo = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 2])
    sure = torch.tensor([True, True, False, True])
    loss = domains_term(torch.ones(4, 5), label, torch.ones(4, 5), pseudo, sure, T)
    assert loss.item() == pytest.approx(1.1945, abs=1e-4)
    without = domains_term(torch.ones(4, 5), label, torch.ones(3, 5), pseudo[sure], sure[sure], T)
    assert without.item() == pytest.approx(loss.item())


def test_rows_far_apart_are_told_apart():
    """Each row equals its positive and is opposite or at right angles to all else: the loss nearly vanishes."""
    z = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    assert video_term(z, T).item() == pytest.approx(math.log(1 + 4 * math.exp(-10)), rel=1e-3)
    label = torch.tensor([0, 0, 1, 1])
    assert source_term(z[0, label], label, T).item() == pytest.approx(2 * math.exp(-10), rel=1e-3)


# against double loops


@given(SEEDS, st.integers(1, 5), st.sampled_from([0.1, 0.5]))
@settings(max_examples=25, deadline=None)
def test_the_video_term_is_its_definition(seed, b, temperature):
    z = rows(2, b, 4, seed=seed)
    keys = list(product(range(2), range(b)))
    positives = {i: [j for j, other in enumerate(keys) if other[1] == key[1] and j != i] for i, key in enumerate(keys)}
    denominators = {i: [j for j in range(2 * b) if j != i] for i in range(2 * b)}
    expected = naive(z.flatten(0, 1), positives, denominators, temperature)
    assert video_term(z, temperature).item() == pytest.approx(expected, abs=1e-9)


@given(SEEDS, st.integers(1, 4), st.integers(1, 4), st.sampled_from([0.1, 0.5]))
@settings(max_examples=25, deadline=None)
def test_the_clip_term_is_its_definition(seed, b, n, temperature):
    z = rows(2, b, n, 4, seed=seed)
    keys = list(product(range(2), range(b), range(n)))
    positives, denominators = {}, {}
    for i, (draw, video, clip) in enumerate(keys):
        positives[i] = [j for j, key in enumerate(keys) if key == (1 - draw, video, clip)]
        denominators[i] = [j for j, (d, v, _) in enumerate(keys) if (d, v) != (draw, video) or j == i]
    expected = naive(z.flatten(0, 2), positives, denominators, temperature)
    assert clip_term(z, temperature).item() == pytest.approx(expected, abs=1e-9)


@given(SEEDS, st.integers(1, 9), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_the_source_term_is_its_definition(seed, b, k):
    z, label = rows(b, 4, seed=seed), classes(b, k, seed)
    others = {i: [j for j in range(b) if j != i] for i in range(b)}
    positives = {i: [j for j in others[i] if label[i] == label[j]] for i in range(b)}
    assert source_term(z, label, T).item() == pytest.approx(naive(z, positives, others, T), abs=1e-9)


@given(SEEDS, st.integers(1, 5), st.integers(1, 8), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_domains_term_is_its_definition(seed, b, m, k):
    source, target, label, pseudo = rows(b, 4, seed=seed), rows(m, 4, seed=seed + 1), classes(b, k, 1), classes(m, k, 2)
    sure = classes(m, 2, seed) == 0
    of = [*label.tolist(), *pseudo.tolist()]
    taking_part = [*range(b), *(b + j for j in range(m) if sure[j])]
    denominators = {i: [j for j in taking_part if (i < b) != (j < b)] for i in taking_part}
    positives = {i: [j for j in denominators[i] if of[i] == of[j]] for i in taking_part}
    expected = naive(torch.cat([source, target]), positives, denominators, T)
    assert domains_term(source, label, target, pseudo, sure, T).item() == pytest.approx(expected, abs=1e-9)


@given(SEEDS, st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_consistency_term_is_its_definition(seed, b, m):
    (out_s, out_t), (h_s, h_t) = ((rows(b, 3, seed=seed + i), rows(m, 3, seed=seed + i + 9)) for i in (0, 1))
    loss, alike = consistency_term(out_t, out_s, h_t, h_s, 0.5)
    found, count = 0.0, 0
    for i, j in product(range(m), range(b)):
        logit = (out_t[i] @ out_s[j]).item()
        target = float((h_t[i] @ h_s[j] / h_t[i].norm() / h_s[j].norm()).item() > 0.5)
        found += math.log1p(math.exp(-abs(logit))) + max(logit, 0.0) - logit * target
        count += int(target)
    assert loss.item() == pytest.approx(found / (b * m), abs=1e-9) and alike.item() == pytest.approx(count / (b * m))


# gradients


def test_what_is_alike_is_a_constant():
    out_t, out_s, h_t, h_s = (rows(3, 4, seed=i) for i in range(4))
    consistency_term(out_t, out_s, h_t, h_s, 0.5)[0].backward()
    assert h_t.grad is None and h_s.grad is None
    assert out_t.grad is not None and out_t.grad.any() and out_s.grad is not None and out_s.grad.any()


def test_gradients_of_the_contrast_are_those_of_the_function():
    mask = torch.tensor([[0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    every = torch.ones(3, 3, dtype=torch.bool)
    every[2] = False
    torch.autograd.gradcheck(lambda s: nce(s, mask, every), rows(3, 3))


def test_unsure_rows_get_no_gradient():
    source, target = rows(3, 4), rows(4, 4, seed=1)
    sure = torch.tensor([True, False, True, False])
    domains_term(source, torch.tensor([0, 1, 1]), target, torch.tensor([0, 0, 1, 1]), sure, T).backward()
    assert target.grad is not None and target.grad.any(dim=1).tolist() == sure.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_positives_a_term_is_zero_and_so_is_its_gradient(dtype):
    z = torch.randn(4, 5, dtype=dtype, requires_grad=True)
    label, never = torch.arange(4), torch.zeros(4, dtype=torch.bool)
    for loss in (
        source_term(z, label, T),
        domains_term(z, label, z, label, never, T),  # nobody is sure: rows without any column
        domains_term(z, label, z, label + 4, ~never, T),  # no class in common
        source_term(z[:1], label[:1], T),
    ):
        (gradient,) = torch.autograd.grad(loss, z)
        assert loss.item() == 0 and not gradient.any() and gradient.isfinite().all()


@pytest.mark.parametrize("temperature", [0.5, 0.1, 0.01, 0.001])
def test_no_temperature_makes_a_loss_or_gradient_that_is_not_a_number(temperature):
    """Positives are opposite, s = -1 / T, others at 0: the released code would take the logarithm of exp(-200) = 0."""
    z = torch.cat([torch.eye(2), -torch.eye(2)]).repeat(2, 1, 1).requires_grad_()
    label = torch.tensor([0, 1, 0, 1])
    flat = z.flatten(0, 1)
    losses = [
        video_term(z.flip(1), temperature),
        clip_term(z[:, :, None], temperature),
        source_term(z[0], label, temperature),
        domains_term(flat, label.repeat(2), flat, label.repeat(2), torch.ones(8, dtype=torch.bool), temperature),
    ]
    gradient = torch.autograd.grad(sum(losses), z)[0]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert all(loss.isfinite() for loss in losses) and gradient.isfinite().all()
    assert losses[2].item() == pytest.approx(1 / temperature + math.log(2 + math.exp(-1 / temperature)))


# pseudo-labels


def test_the_gate_of_twelve_classes_is_0_6212():
    """Two classes share nearly all: the entropy is ln 2 = 0.693 at halves, and 0.6212 at 0.689 to 0.311."""

    def sure(p: float) -> bool:
        scores = torch.full((1, 12), -30.0)
        scores[0, 3], scores[0, 7] = math.log(p), math.log(1 - p)
        label, found, entropy = pseudo_labels(scores, 4.0)
        assert label.item() == (3 if p > 0.5 else 7)
        assert entropy.item() == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-3)
        return bool(found)

    assert math.log(12) / 4 == pytest.approx(0.6212, abs=1e-4)
    assert [sure(p) for p in (0.51, 0.65, 0.68, 0.70, 0.9, 0.3, 0.4)] == [False, False, False, True, True, True, False]


def test_certain_scores_have_no_entropy_and_even_ones_the_logarithm_of_the_classes():
    _, sure, entropy = pseudo_labels(torch.tensor([[50.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), 4.0)
    assert sure.tolist() == [True, False] and entropy.tolist() == pytest.approx([0.0, math.log(3)], abs=1e-4)


# the method


def clips(b: int, n: int = 4, seed: int = 0) -> Clips:
    g = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (b, n, 3, 3, 8, 8), generator=g, dtype=torch.uint8)
    return Clips({"ordered": pixels}, {"ordered": torch.zeros(b, n, 3)}, torch.arange(b))


def batch(b: int = 4, n: int = 4) -> Batch:
    return Batch(clips(b, n, 1), torch.arange(b) % 3, clips(b, n, 2), clips(b, n, 3))


def method(**config: object) -> CO2A:
    torch.manual_seed(0)
    built = CO2AConfig(**config).build(TinyConfig(width=8).build(), 3)  # pyright: ignore[reportArgumentType]
    assert isinstance(built, CO2A)
    return built


def test_the_terms_are_those_of_the_parts_with_the_released_weights():
    m, found = method(), batch()
    losses = m(found)
    s, t1, t2 = (m.clip_features([c])[0] for c in (found.source, found.target, found.again))
    video = [m.classifier.video(phi) for phi in (s, t1, t2)]
    out = [m.classifier(v) for v in video]
    head = [m.contrast(v) for v in video]
    z = [m.project(h) for h in head]
    pseudo, sure, entropy = pseudo_labels(torch.cat(out[1:]), 4.0)
    consistency, alike = consistency_term(torch.cat(out[1:]), out[0], torch.cat(head[1:]), head[0], 0.5)
    expected = {
        "class": nn.functional.cross_entropy(out[0], found.label),
        "contrast_video": 1.2 * video_term(torch.stack(z[1:]), T),
        "contrast_clip": 1.2 * clip_term(torch.stack([m.project_clip(phi) for phi in (t1, t2)]), T),
        "contrast_source": 1.0 * source_term(z[0], found.label, T),
        "contrast_domains": 0.2 * domains_term(z[0], found.label, torch.cat(z[1:]), pseudo, sure, T),
        "consistency": 0.01 * consistency,
    }
    assert list(losses.terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses.terms[name], value)
    assert losses.total.item() == pytest.approx(sum(value.item() for value in expected.values()), rel=1e-5)
    stats = losses.stats
    assert stats["selected"] == sure.float().mean() and stats["entropy"].item() == pytest.approx(entropy.mean().item())
    assert stats["agreement"] == (pseudo[:4] == pseudo[4:]).float().mean() and stats["alike"] == alike


def test_a_weight_of_zero_takes_a_term_out():
    weights = ["video_weight", "clip_weight", "source_weight", "domains_weight", "consistency_weight"]
    alone = method(**dict.fromkeys(weights, 0.0))(batch())
    assert alone.total.item() == pytest.approx(alone.terms["class"].item())
    full = method(selection=0.9)(batch())
    for name, term in zip(weights, list(full.terms)[1:], strict=True):
        without = method(selection=0.9, **{name: 0.0})(batch())
        assert full.terms[term] > 0 and without.terms[term] == 0
        assert without.total.item() == pytest.approx(full.total.item() - full.terms[term].item(), rel=1e-5)


def test_each_term_teaches_the_heads_it_is_about():
    m = method(selection=0.9)  # so that everything is sure
    reached = {}
    for name, term in m(batch()).terms.items():
        m.zero_grad()
        term.backward(retain_graph=True)
        touched = {key.split(".")[0] for key, p in m.named_parameters() if p.grad is not None and p.grad.any()}
        reached[name] = touched - {"backbone"}
        assert "backbone" in touched
    contrast = {"classifier", "contrast", "project"}  # of the classifier, only how clips are weighed
    assert reached == {
        "class": {"classifier"},
        "contrast_video": contrast,
        "contrast_clip": {"project_clip"},
        "contrast_source": contrast,
        "contrast_domains": contrast,
        "consistency": {"classifier"},
    }


def test_a_video_is_the_weighted_mean_of_its_clips():
    torch.manual_seed(0)
    classifier = VideoClassifier(CO2AConfig(clips=3), 5, 2)
    phi = torch.randn(4, 3, 5)
    w = classifier.weigh(phi.flatten(1))
    assert w.shape == (4, 3) and (w > 0).all() and (w < 1).all()
    expected = torch.stack([sum(w[i, k] * phi[i, k] for k in range(3)) / 3 for i in range(4)])  # pyright: ignore
    torch.testing.assert_close(classifier.video(phi), expected)
    nn.init.zeros_(classifier.weigh[2].weight)  # pyright: ignore
    nn.init.zeros_(classifier.weigh[2].bias)  # pyright: ignore
    torch.testing.assert_close(classifier.video(phi), phi.mean(dim=1) / 2)


def test_the_heads_have_the_released_sizes():
    """At the width of the released backbone, 1024."""
    m = CO2AConfig().build(TinyConfig(width=1024).build(), 12)
    assert isinstance(m, CO2A)

    def size(part: nn.Module) -> int:
        return sum(p.numel() for p in part.parameters())

    assert size(m.classifier.weigh) == (4 * 1024 + 1) * 1024 + (1024 + 1) * 4
    assert size(m.classifier.head) == size(m.contrast) == (1024 + 1) * 256 + (256 + 1) * 256 == 328_192
    assert size(m.classifier.linear) == 257 * 12
    assert size(m.project) == 98_688 and size(m.project_clip) == 1_180_800


def test_clips_of_several_views_are_weighed_together_in_the_order_of_the_passes():
    m = method(clips=3).eval()
    both = clips(2, 3)
    pixels, times = both.views["ordered"], both.times["ordered"]
    split = Clips({"global": pixels[:, 2:], "local": pixels[:, :2]}, {"global": times, "local": times}, both.draw)
    assert torch.equal(m.predict(split).probabilities, m.predict(both).probabilities), "local first, then global"


def test_another_number_of_clips_is_refused():
    with pytest.raises(UserError, match=r"CO2A weighs 4 clips of a video, but the views have \{'ordered': 3\}"):
        method()(batch(n=3))
    with pytest.raises(UserError, match=r"set method\.clips"):
        method(clips=2).predict(clips(2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("temperature", [0.1, 0.01])
def test_half_precision_is_near_the_full_one_and_never_not_a_number(dtype, temperature):
    m = method(temperature=temperature, selection=0.9)
    exact = m(batch())
    with torch.autocast("cpu", dtype):
        losses = m(batch())
    for name, term in losses.terms.items():
        assert term.dtype == torch.float32, name
        assert term.item() == pytest.approx(exact.terms[name].item(), rel=0.05, abs=0.05 / temperature), name
    losses.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in m.parameters())


def test_one_video_alone_is_no_error():
    losses = method()(batch(b=1))
    losses.total.backward()
    assert losses.total.isfinite() and losses.terms["contrast_video"] == 0, "nothing to be told apart from"


def test_it_learns_to_find_the_other_draw():
    m = method(consistency_weight=0.0)
    found = batch(b=6)
    assert found.target is not None
    noise = clips(6, seed=9).views["ordered"] // 16
    found.again = Clips({"ordered": found.target.views["ordered"] // 2 + noise}, found.target.times, found.target.draw)
    optimizer = torch.optim.AdamW(m.parameters(), lr=3e-3)
    first = m(found)
    for _ in range(80):
        optimizer.zero_grad()
        m(found).total.backward()
        optimizer.step()
    last = m(found)
    assert last.stats["accuracy_class"] == 1 and last.stats["entropy"] < first.stats["entropy"]
    for name in ("contrast_video", "contrast_clip", "contrast_source"):
        assert last.terms[name] < 0.3 * first.terms[name], name


def test_the_configuration_is_a_method_and_reads_back():
    config = CO2AConfig(temperature=0.5, clips=3, passes="separate")
    assert MethodConfig.model_validate(config.model_dump()) == config


# two processes


def shared(rank: int, world: int, folder: Path) -> None:
    """Run one of `world` processes on its part of the batch; the first writes the losses and gradients of all."""
    torch.set_num_threads(1)
    store = f"file://{folder / 'store'}"
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
    m, found = method(selection=0.9), batch()
    each = len(found.label) // world
    losses = m(found.map(lambda tensor: tensor[rank * each : (rank + 1) * each]))
    losses.total.backward()
    values = [*losses.terms.values(), *losses.stats.values(), *(p.grad for p in m.parameters())]
    for value in (values := [value.detach() for value in values if value is not None]):
        torch.distributed.all_reduce(value)  # as data parallel training does, and then the mean
    if rank == 0:
        torch.save([value / world for value in values], folder / "found.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_losses_and_gradients_of_one(tmp_path):
    torch.multiprocessing.spawn(shared, (2, tmp_path), nprocs=2)
    m = method(selection=0.9)
    losses = m(batch())
    losses.total.backward()
    expected = [*losses.terms.values(), *losses.stats.values(), *(p.grad for p in m.parameters())]
    found = torch.load(tmp_path / "found.pt")
    assert len(found) == len(expected) and losses.stats["selected"] > 0 and losses.terms["contrast_domains"] > 0
    for one, two in zip(expected, found, strict=True):
        assert one is not None and one.any()
        torch.testing.assert_close(two, one.detach(), rtol=1e-4, atol=1e-6)
