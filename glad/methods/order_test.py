"""The order of clips: the head by hand, what it can learn and what it cannot, and the warm-up around it."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.losses import permutations
from glad.methods.order import Order, OrderConfig, OrderHead, OrderHeadConfig, both_domains, in_order, order_terms

WIDTH = 8


def clips(b: int, seed: int = 0, n: int = 3, apart: bool = True) -> Clips:
    """Random clips of 4 frames that follow one another, or coincide."""
    g = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (b, n, 3, 4, 8, 8), generator=g, dtype=torch.uint8)
    times = torch.arange(4) + 4 * torch.arange(n)[:, None] * apart
    return Clips({"ordered": pixels}, {"ordered": times.expand(b, n, 4)}, draws(b, seed))


def draws(b: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(2**31, size=b))


def planted(m: int, n: int, seed: int) -> Tensor:
    """Maps whose first n features say which clip this is, in noise."""
    g = torch.Generator().manual_seed(seed)
    maps = 0.3 * torch.randn(m, n, WIDTH, 1, 2, 2, generator=g)
    maps[:, range(n), range(n)] += 1
    return maps


def head(clips: int = 3, width: int = WIDTH, **config: object) -> OrderHead:
    torch.manual_seed(0)
    return OrderHead(OrderHeadConfig(**config), width, clips)  # pyright: ignore[reportArgumentType]


# the head


@pytest.mark.parametrize(("n", "count"), [(3, 2_106_886), (2, 2_098_690)])
def test_the_head_of_the_release_has_its_size(n, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in head(n, width=2048).parameters()) == count


def test_both_layers_start_near_zero():
    h = head(3, width=256)
    for layer in (h.embed, h.tell):
        assert layer.weight.std().item() == pytest.approx(0.001, rel=0.05) and not layer.bias.any()


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_first_loss_is_about_the_logarithm_of_the_number_of_orders(n):
    b = 2 * math.factorial(n)
    given = clips(b, n=n)
    maps = torch.randn(b, n, WIDTH, 1, 2, 2)
    loss, _ = order_terms(head(n), maps, given, "ordered", mask=False, eq7_scale=False)
    scaled, _ = order_terms(head(n), maps, given, "ordered", mask=False, eq7_scale=True)
    assert loss.item() == pytest.approx(math.log(math.factorial(n)), abs=0.05)
    assert scaled.item() == pytest.approx(loss.item() / math.factorial(n))


def test_pairs_are_embedded_in_shuffled_order_earlier_place_first():
    h = head(3, hidden=5).eval()
    maps, label = torch.randn(1, 3, WIDTH, 1, 1, 1), torch.tensor([4])  # 4 is (2, 0, 1)
    phi = maps[0, :, :, 0, 0, 0]
    first, second, third = phi[2], phi[0], phi[1]
    pairs = [torch.cat(pair) for pair in ((first, second), (first, third), (second, third))]
    expected = h.tell(torch.cat([h.embed(pair).relu() for pair in pairs]))
    assert torch.allclose(h(maps, label)[0], expected)


def test_shuffling_before_is_shuffling_inside():
    h = head().eval()
    maps = torch.randn(6, 3, WIDTH, 1, 2, 2)
    before = torch.stack([maps[y, sigma] for y, sigma in enumerate(permutations(3))])
    assert torch.allclose(h(maps, torch.arange(6)), h(before, torch.zeros(6, dtype=torch.int64)), atol=1e-7)


def test_a_clip_is_one_mean_or_the_means_of_its_parts():
    maps = torch.arange(2 * 3 * 2 * 4 * 2 * 2.0).reshape(2, 3, 2, 4, 2, 2)
    assert torch.allclose(head(width=2).features(maps), maps.mean((3, 4, 5)))
    halves = head(width=2, parts=2).features(maps)
    expected = torch.stack([maps[:, :, :, :2].mean((3, 4, 5)), maps[:, :, :, 2:].mean((3, 4, 5))], dim=3)
    assert torch.allclose(halves, expected.flatten(2))
    assert head(width=2, parts=2, grid=2).features(maps).shape == (2, 3, 2 * 2 * 4)
    assert head(width=2, parts=2, grid=2)(maps, torch.tensor([0, 5])).shape == (2, 6)


def test_standardising_lets_the_head_start_on_features_of_any_scale():
    maps, label = torch.randn(16, 3, WIDTH, 1, 2, 2), torch.arange(16) % 6
    h = head(normalise=True, dropout=0.0)
    assert torch.allclose(h(maps, label), h(1e3 * maps + 5, label), atol=1e-5)


# labels


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_draws_of_videos_give_every_order_equally_often(n):
    orders = math.factorial(n)
    counts = np.bincount(draws(1000 * orders, seed=1).numpy() % orders, minlength=orders)
    chi_square = ((counts - 1000) ** 2 / 1000).sum()
    assert len(counts) == orders and chi_square < orders - 1 + 5 * math.sqrt(2 * (orders - 1))


def test_the_order_shown_is_the_one_that_the_video_drew():
    h, given = head(dropout=0.0), clips(12)
    maps = planted(12, 3, seed=0)
    loss, accuracy = order_terms(h, maps, given, "ordered", mask=False, eq7_scale=False)
    label = given.draw % 6
    scores = h(maps, label)
    assert torch.equal(loss, torch.nn.functional.cross_entropy(scores, label))
    assert accuracy == (scores.argmax(1) == label).float().mean()


def test_the_control_is_asked_for_an_order_that_it_is_not_shown():
    h, given = head(dropout=0.0), clips(600)
    maps = planted(600, 3, seed=0)
    loss, _ = order_terms(h, maps, given, "ordered", False, False, random_labels=True)
    shown, asked = given.draw % 6, given.draw // 6 % 6
    assert torch.equal(loss, torch.nn.functional.cross_entropy(h(maps, shown), asked))
    table = torch.bincount(6 * shown + asked, minlength=36)
    assert ((table - 600 / 36) ** 2 / (600 / 36)).sum() < 25 + 5 * math.sqrt(50), "shown and asked are independent"


def trained_accuracy(maps_of_step, random_labels: bool = False) -> float:
    """Train the head for 200 steps of 64 videos; return its accuracy on 600 new ones."""
    h = head(hidden=32, std=0.1, dropout=0.0)
    optimizer = torch.optim.AdamW(h.parameters(), lr=1e-2)
    for step in range(200):
        optimizer.zero_grad()
        loss, _ = order_terms(h, maps_of_step(64, step), clips(64, seed=step), "ordered", False, False, random_labels)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test = clips(600, seed=10_000)
        return order_terms(h, maps_of_step(600, 10_000), test, "ordered", False, False, random_labels)[1].item()


def test_a_planted_position_is_learned():
    assert trained_accuracy(lambda m, seed: planted(m, 3, seed)) > 0.99


def test_identical_clips_stay_at_chance():
    def identical(m: int, seed: int) -> Tensor:
        return planted(m, 3, seed)[:, :1].expand(m, 3, WIDTH, 1, 2, 2)

    assert abs(trained_accuracy(identical) - 1 / 6) < 4 * math.sqrt(5 / 36 / 600)


def test_the_control_stays_at_chance_on_a_planted_position():
    accuracy = trained_accuracy(lambda m, seed: planted(m, 3, seed), random_labels=True)
    assert abs(accuracy - 1 / 6) < 4 * math.sqrt(5 / 36 / 600)


# overlap


def test_clips_are_in_order_when_each_ends_before_the_next_begins():
    def times(*rows: list[int]) -> Tensor:
        return torch.tensor([rows])

    assert in_order(times([0, 1], [2, 3], [4, 5])).tolist() == [True]
    assert in_order(times([0, 2], [2, 4], [5, 6])).tolist() == [False], "a shared frame"
    assert in_order(times([0, 1], [0, 1], [4, 5])).tolist() == [False], "the same clip twice"
    assert in_order(times([0, 1], [6, 7], [4, 5])).tolist() == [False], "out of order"
    assert in_order(times([0, 1], [2, 3], [4, 0])).tolist() == [False], "wrapped to the start"
    assert in_order(torch.cat([times([0, 1], [2, 3]), times([0, 1], [1, 2])])).tolist() == [True, False]


def test_masked_videos_leave_no_trace():
    h = head(dropout=0.0)
    given = clips(8)
    overlapping = torch.tensor([1, 4, 5])
    times = given.times["ordered"].clone()
    times[overlapping] = 0
    given.times["ordered"] = times
    maps = torch.randn(8, 3, WIDTH, 1, 2, 2, requires_grad=True)
    loss, _ = order_terms(h, maps, given, "ordered", mask=True, eq7_scale=False)
    (gradient,) = torch.autograd.grad(loss, maps)
    assert gradient.abs().amax((1, 2, 3, 4, 5)).ne(0).tolist() == [i not in (1, 4, 5) for i in range(8)]
    keep = [i for i in range(8) if i not in (1, 4, 5)]
    kept = Clips({}, {}, given.draw[keep])
    expected, _ = order_terms(h, maps[keep], kept, "ordered", mask=False, eq7_scale=False)
    assert torch.equal(loss, expected)
    unmasked, _ = order_terms(h, maps, given, "ordered", mask=False, eq7_scale=False)
    assert not torch.equal(loss, unmasked)


def test_where_no_video_is_left_the_loss_is_zero_and_can_be_differentiated():
    maps = torch.randn(4, 3, WIDTH, 1, 2, 2, requires_grad=True)
    loss, accuracy = order_terms(head(), maps, clips(4, apart=False), "ordered", mask=True, eq7_scale=False)
    loss.backward()
    assert loss.item() == 0 and accuracy.item() == pytest.approx(1 / 6)
    assert maps.grad is not None and not maps.grad.any()


# the warm-up


def method(**config: object) -> Order:
    torch.manual_seed(0)
    built = OrderConfig(**config).build(TinyConfig(width=WIDTH).build(), 12)  # pyright: ignore[reportArgumentType]
    assert isinstance(built, Order)
    return built


def batch(progress: float = 0.0) -> Batch:
    return Batch(clips(3, seed=1), torch.zeros(3, dtype=torch.int64), clips(3, seed=2), progress=progress)


def test_the_warm_up_has_one_term_over_both_domains_and_no_classifier():
    m = method()
    losses = m(batch())
    assert set(losses.terms) == {"order"} and set(losses.stats) == {"accuracy_order"}
    assert losses.total.item() == pytest.approx(math.log(6), abs=0.01)
    assert m.needs.target and m.classifier is None
    losses.total.backward()
    assert all(p.grad is not None for p in m.parameters())
    assert m.head.tell.bias.grad is not None and m.head.tell.bias.grad.any()


def test_source_labels_cannot_reach_the_warm_up():
    one, other = batch(), batch()
    other.label = torch.tensor([5, 7, 9])
    m = method(head=OrderHeadConfig(dropout=0.0))
    assert torch.equal(m(one).total, m(other).total)


def test_both_domains_count():
    m = method(head=OrderHeadConfig(dropout=0.0, std=0.1))
    given = batch()
    assert given.target is not None
    joint = both_domains(given.source, given.target)
    assert joint.draw.tolist() == given.source.draw.tolist() + given.target.draw.tolist()
    assert torch.equal(joint.views["ordered"][3:], given.target.views["ordered"])
    assert torch.equal(joint.times["ordered"][:3], given.source.times["ordered"])
    maps = m.backbone(joint.views["ordered"].flatten(0, 1)).unflatten(0, (6, 3))
    expected, _ = order_terms(m.head, maps, joint, "ordered", mask=False, eq7_scale=False)
    assert m(given).total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_backbone_stands_still_while_only_the_head_learns():
    m = method(head_first=0.5, head=OrderHeadConfig(std=0.1))
    m(batch(progress=0.49)).total.backward()
    assert all(p.grad is None for p in m.backbone.parameters())  # pyright: ignore[reportAttributeAccessIssue]
    assert all(p.grad is not None for p in m.head.parameters())
    m(batch(progress=0.5)).total.backward()
    assert all(p.grad is not None and p.grad.any() for p in m.backbone.parameters())  # pyright: ignore


def test_a_warm_up_predicts_nothing():
    with pytest.raises(UserError, match="no action classifier; evaluate the run that was trained after it"):
        method().predict(clips(2))


def test_a_head_for_other_numbers_of_clips_is_refused():
    head = OrderHead(OrderHeadConfig(), 4, 2)
    with pytest.raises(UserError, match="the order of 2 clips, but a video has 3"):
        head(torch.rand(5, 3, 4, 1, 1, 1), torch.zeros(5, dtype=torch.int64))
