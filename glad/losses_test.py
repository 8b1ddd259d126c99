"""The equations by hand: gradient reversal, domain loss, order loss."""

import math
from itertools import permutations as lexicographic

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from glad.losses import (
    domain_accuracy,
    domain_loss,
    order_loss,
    permutations,
    reversal_ramp,
    reversal_strength,
    reverse_gradient,
    shuffled,
)


def leaf(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def gradient(loss: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(loss, x, retain_graph=True)[0]


# gradient reversal


def test_reversal_changes_no_value():
    x = leaf(3, 4)
    assert torch.equal(reverse_gradient(x, 0.3), x)


@pytest.mark.parametrize("strength", [1.0, 0.25, 0.0])
def test_reversal_gives_minus_strength_times_the_gradient(strength):
    x = leaf(3, 4)
    plain = gradient(x.sin().sum(), x)
    assert torch.equal(gradient(reverse_gradient(x, strength).sin().sum(), x), -strength * plain)


def test_the_sum_of_a_reversed_tensor_can_be_differentiated():
    """The gradient of a sum is one expanded number; whoever scales it in place raises here."""
    x = leaf(3, 4)
    reverse_gradient(x, 2.0).sum().backward()
    assert x.grad is not None and (x.grad == -2).all()


def test_the_incoming_gradient_is_left_as_it_is():
    x = leaf(3, 4)
    upstream = torch.ones(3, 4, dtype=torch.float64)
    reverse_gradient(x, 0.5).backward(upstream)
    assert (upstream == 1).all()
    assert x.grad is not None and (x.grad == -0.5).all()


def test_a_second_reader_of_the_same_gradient_is_not_disturbed():
    """Both summands of `a + b` are handed the very same gradient tensor."""
    x, other = leaf(3, 4), leaf(3, 4, seed=1)
    weight = torch.arange(12.0, dtype=torch.float64).reshape(3, 4)
    ((reverse_gradient(x) + other) * weight).sum().backward()
    assert x.grad is not None and other.grad is not None
    assert torch.equal(x.grad, -weight) and torch.equal(other.grad, weight)


def test_a_strength_of_minus_one_is_the_identity_to_numerical_differentiation():
    assert torch.autograd.gradcheck(lambda x: reverse_gradient(x, -1.0), (leaf(2, 3),))


def test_the_reversal_ramps_from_zero_towards_one():
    assert reversal_ramp(0.0) == 0
    assert reversal_ramp(0.1) == pytest.approx(math.tanh(0.5))
    assert reversal_ramp(0.999) == pytest.approx(1, abs=1e-4)
    assert reversal_ramp(0.2, delay=0.2) == 0 and reversal_ramp(0.1, delay=0.2) == 0
    assert reversal_ramp(0.6, delay=0.2) == pytest.approx(reversal_ramp(0.5))


def test_the_strength_is_constant_or_that_of_the_ramp():
    assert reversal_strength(0.1, 0.4, "constant", delay=0.2) == 0.4
    assert reversal_strength(0.1, 0.4, "ramp") == pytest.approx(0.4 * math.tanh(0.5))
    assert reversal_strength(0.1, 0.4, "ramp", delay=0.2) == 0


def test_one_step_helps_the_domain_classifier_and_hurts_it_through_the_features():
    """One number per video: the domain classifier multiplies it, the feature extractor shifts the source."""
    domain, feature = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    source, target = torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.0])

    def loss(domain: Tensor, feature: Tensor, strength: float | None = 1.0) -> Tensor:
        x = torch.cat([source + feature, target])
        logits = domain * (x if strength is None else reverse_gradient(x, strength))
        return domain_loss(logits[:2], logits[2:])

    now = loss(domain, feature)
    to_domain, to_feature = torch.autograd.grad(now, [domain, feature])
    plain_domain, plain_feature = torch.autograd.grad(loss(domain, feature, None), [domain, feature])
    assert to_feature == -plain_feature and to_domain == plain_domain
    with torch.no_grad():
        assert loss(domain - 0.1 * to_domain, feature) < now
        assert loss(domain, feature - 0.1 * to_feature) > now


# Eq. 4


def test_logits_of_zero_cost_ln_2():
    assert domain_loss(torch.zeros(4, 1), torch.zeros(4, 1)).item() == pytest.approx(math.log(2))


def test_the_source_is_one_and_the_target_zero():
    sure = torch.full((3,), 20.0)
    assert domain_loss(sure, -sure) < 1e-6
    assert domain_loss(-sure, sure).item() == pytest.approx(20.0)


def test_the_domain_loss_by_hand_is_a_mean_over_all_rows():
    """ln(1 + e^-1) and ln(1 + e^-3) of two source rows, ln(1 + e^2) of one target row."""
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(-3)) + math.log1p(math.exp(2))) / 3
    assert domain_loss(torch.tensor([[1.0], [3.0]]), torch.tensor([2.0])).item() == pytest.approx(expected)


def test_pooling_two_pairings_is_the_mean_of_their_losses():
    a, b, c, d = (leaf(5, seed=seed) for seed in range(4))
    pooled = domain_loss(torch.cat([a, b]), torch.cat([c, d]))
    assert pooled.item() == pytest.approx(0.5 * (domain_loss(a, c) + domain_loss(b, d)).item(), abs=1e-12)


def test_the_domain_accuracy_by_hand():
    source, target = torch.tensor([1.0, -1.0, 2.0]), torch.tensor([-1.0])
    assert domain_accuracy(source, target).item() == 0.75
    assert domain_accuracy(torch.zeros(4), torch.zeros(4)).item() == 0.5


# order


def test_the_orders_of_three_clips_are_in_lexicographic_order():
    assert permutations(3).tolist() == [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    assert permutations(2).tolist() == [[0, 1], [1, 0]]
    for n in (2, 3, 4):
        assert len({tuple(row) for row in permutations(n).tolist()}) == math.factorial(n)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_sorting_by_the_order_of_the_label_restores_the_clips(n):
    phi = leaf(math.factorial(n), n, 5).detach()
    label = torch.arange(math.factorial(n))
    mixed_up = shuffled(phi, label)
    for y, sigma in enumerate(lexicographic(range(n))):
        assert torch.equal(mixed_up[y], phi[y, list(sigma)])
        assert torch.equal(mixed_up[y][torch.tensor(sigma).argsort()], phi[y])


def test_clips_shuffled_by_hand_are_those_shuffled_by_label():
    """The label is the permutation itself, not its inverse: 3 = (1, 2, 0), whose inverse is 4."""
    phi = torch.tensor([[10.0, 20.0, 30.0]])
    assert shuffled(phi, torch.tensor([3])).tolist() == [[20.0, 30.0, 10.0]]
    by_hand = phi[:, [1, 2, 0]]
    assert torch.equal(shuffled(by_hand, torch.tensor([0])), shuffled(phi, torch.tensor([3])))


def test_maps_of_any_shape_are_shuffled_clip_by_clip():
    maps = leaf(4, 3, 2, 1, 2, 2).detach()
    label = torch.tensor([5, 0, 3, 1])
    flat = shuffled(maps.flatten(2), label)
    assert torch.equal(shuffled(maps, label).flatten(2), flat)


def test_the_order_loss_is_cross_entropy_and_eq_7_divides_it_by_the_number_of_orders():
    logits, label = leaf(7, 6), torch.tensor([0, 5, 3, 3, 1, 2, 4])
    loss = order_loss(logits, label)
    assert torch.equal(loss, F.cross_entropy(logits, label))
    assert order_loss(logits, label, eq7_scale=True).item() == pytest.approx(loss.item() / 6)
    assert order_loss(torch.zeros(3, 6), label[:3]).item() == pytest.approx(math.log(6))


def test_without_rows_the_order_loss_is_zero_and_can_be_differentiated():
    logits = torch.zeros(0, 6, requires_grad=True)
    loss = order_loss(logits * 2, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and logits.grad.shape == (0, 6)
