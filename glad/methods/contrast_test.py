"""The losses of CO2A by hand where all rows are alike, then against double loops, then what may never happen."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from glad.methods.contrast import (
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
