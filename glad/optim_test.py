"""Every parameter descends once, at the rate of what it is, along the schedule of the specification (1.11)."""

import math

import pytest
import torch
from torch import nn

from glad.backbones.small import SmallConfig
from glad.methods.glad import Glad, GladConfig
from glad.methods.heads import DomainClassifier
from glad.methods.order import OrderConfig
from glad.optim import NORMS, Optim, parameter_groups

STAGE_ONE = Optim(classifier_lr=1, bias_lr=1, decay_all=True)


class Net(nn.Module):
    """One layer of every sort in each part of a method."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Conv3d(4, 4, 1, bias=False))
        self.domain = nn.ModuleDict({"local": DomainClassifier(4, hidden_layers=1)})
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(4, 2))


def rates(method: nn.Module, optim: Optim) -> dict[str, tuple[float, float]]:
    """Return (rate over base rate, decay over base decay) of every parameter, and check that each has one."""
    names = {parameter: name for name, parameter in method.named_parameters()}
    found: dict[str, tuple[float, float]] = {}
    for group in parameter_groups(method, optim):
        for parameter in group["params"]:
            name = names[parameter]
            assert name not in found, f"{name} is in two groups"
            assert group["lr"] == group["base_lr"]
            found[name] = (group["lr"] / optim.lr, group["weight_decay"] / optim.weight_decay)
    assert len(found) == len(names)
    return found


def test_the_multipliers_of_the_release():
    assert rates(Net(), Optim()) == {
        "backbone.0.weight": (1, 1),
        "backbone.0.bias": (2, 0),
        "backbone.1.weight": (1, 0),
        "backbone.1.bias": (1, 0),
        "backbone.2.weight": (1, 1),
        "domain.local.0.weight": (1, 1),
        "domain.local.0.bias": (2, 0),
        "domain.local.3.weight": (1, 1),
        "domain.local.3.bias": (2, 0),
        "classifier.1.weight": (5, 1),
        "classifier.1.bias": (10, 0),
    }


def test_the_order_of_registration_does_not_matter():
    net = Net()
    turned = nn.Module()
    for name, child in reversed(list(net.named_children())):
        turned.add_module(name, child)
    assert rates(turned, Optim()) == rates(net, Optim())


def test_backbone_and_heads_have_rates_of_their_own():
    found = rates(Net(), Optim(backbone_lr=0.1, head_lr=3, classifier_lr=7, bias_lr=1))
    assert found["backbone.0.weight"] == pytest.approx((0.1, 1)) and found["backbone.1.bias"] == pytest.approx((0.1, 0))
    assert found["domain.local.0.bias"] == pytest.approx((3, 0))
    assert found["classifier.1.weight"] == pytest.approx((7, 1))


def test_parameters_of_the_method_itself_belong_to_the_heads():
    net = Net()
    net.temperature = nn.Parameter(torch.ones(()))
    assert rates(net, Optim(head_lr=3))["temperature"] == pytest.approx((3, 1))


def test_glad_itself_has_every_parameter_once():
    method = GladConfig(hidden=8).build(SmallConfig(norm="batch").build(), 12)
    found = rates(method, Optim())
    assert {rate for rate, _ in found.values()} == {1, 2, 5, 10}
    assert {name for name, (rate, _) in found.items() if rate >= 5} == {
        "classifier.linear.weight",
        "classifier.linear.bias",
    }
    assert isinstance(method, Glad)
    norms = [name for name, module in method.named_modules() if isinstance(module, NORMS)]
    assert norms and all(found[f"{name}.{kind}"] == (1, 0) for name in norms for kind in ("weight", "bias"))


def test_stage_one_has_a_single_group_that_decays_all():
    groups = parameter_groups(OrderConfig().build(SmallConfig(norm="batch").build(), 12), STAGE_ONE)
    assert len(groups) == 1
    assert groups[0]["lr"] == 2e-3 and groups[0]["weight_decay"] == 1e-4


def test_the_optimiser_is_sgd_with_momentum_or_adamw():
    sgd = Optim().build(Net())
    assert isinstance(sgd, torch.optim.SGD)
    assert all(group["momentum"] == 0.9 for group in sgd.param_groups)
    assert isinstance(Optim(optimizer="adamw").build(Net()), torch.optim.AdamW)


# schedules


def test_the_rate_is_divided_by_ten_when_the_epoch_of_a_milestone_begins():
    optim, per_epoch = Optim(), 7
    at = {epoch: optim.lr * optim.scale(epoch * per_epoch, 350, per_epoch) for epoch in (0, 4, 5, 9, 10, 49)}
    assert at == pytest.approx({0: 2e-3, 4: 2e-3, 5: 2e-4, 9: 2e-4, 10: 2e-5, 49: 2e-5})
    assert optim.scale(5 * per_epoch - 1, 350, per_epoch) == 1, "the last step of epoch 4"
    assert optim.scale(6 * per_epoch - 1, 350, per_epoch) == pytest.approx(0.1), "the rate is constant in an epoch"


def test_milestones_past_the_end_are_never_reached():
    assert {Optim(milestones=(8, 16)).scale(step, 1398, 466) for step in range(0, 1398, 50)} == {1}


def test_setting_the_rate_keeps_the_multipliers():
    optim, net = Optim(), Net()
    optimizer = optim.build(net)
    before = [group["lr"] for group in optimizer.param_groups]
    optim.set_rate(optimizer, 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate / 10 for rate in before])
    optim.set_rate(optimizer, 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate / 10 for rate in before])
    assert sorted(before) == pytest.approx([2e-3, 2e-3, 4e-3, 1e-2, 2e-2])


def test_the_other_schedules_by_hand():
    constant, cosine = Optim(schedule="constant"), Optim(schedule="cosine")
    assert {constant.scale(step, 100, 10) for step in range(100)} == {1}
    assert [cosine.scale(step, 100, 10) for step in (0, 50, 100)] == pytest.approx([1, 0.5, 0])
    assert cosine.scale(25, 100, 10) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    onecycle = Optim(schedule="onecycle", warmup=0.2)
    assert [onecycle.scale(step, 100, 10) for step in (0, 10, 20, 60, 100)] == pytest.approx([0.04, 0.52, 1, 0.5, 0])


@pytest.mark.parametrize("schedule", ["step", "onecycle", "cosine", "constant"])
@pytest.mark.parametrize("total", [1, 2, 3, 100])
def test_no_schedule_leaves_zero_to_one(schedule, total):
    optim = Optim(schedule=schedule)
    assert all(0 <= optim.scale(step, total, 10) <= 1 for step in range(total))


@pytest.mark.parametrize(("norm", "clipped"), [(80.0, 40.0), (10.0, 10.0)])
def test_the_norm_of_all_gradients_together_is_clipped_at_forty(norm, clipped):
    """What the loop does with `clip_norm`, on two parameters at once."""
    net = nn.Linear(3, 1)
    weight, bias = net.weight, net.bias
    weight.grad = torch.full((1, 3), norm / 2)
    bias.grad = torch.full((1,), norm / 2)
    total = nn.utils.clip_grad_norm_(net.parameters(), Optim().clip_norm)
    assert total.item() == pytest.approx(norm)
    assert torch.cat([weight.grad.flatten(), bias.grad]).norm().item() == pytest.approx(clipped, rel=1e-6)


def test_one_step_of_sgd_by_hand():
    """Decay 1e-4 on the weight, twice the rate and no decay on the bias."""
    net = nn.Module()
    net.backbone = nn.Linear(1, 1)
    nn.init.constant_(net.backbone.weight, 3.0)
    nn.init.constant_(net.backbone.bias, 5.0)
    optimizer = Optim(lr=0.1, weight_decay=0.01).build(net)
    net.backbone.weight.grad, net.backbone.bias.grad = torch.tensor([[2.0]]), torch.tensor([2.0])
    optimizer.step()
    assert net.backbone.weight.item() == pytest.approx(3 - 0.1 * (2 + 0.03))
    assert net.backbone.bias.item() == pytest.approx(5 - 0.2 * 2)
