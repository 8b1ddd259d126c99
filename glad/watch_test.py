"""What is not finite stops a training by name; on a GPU one step later, with the weights as they were."""

from math import inf, nan

import pytest
import torch
from torch import Tensor, nn

from glad.batch import Losses
from glad.errors import UserError
from glad.optim import Optim
from glad.watch import Watch

CPU, GPU = torch.device("cpu"), torch.device("cuda")  # nothing here is moved to a GPU: the device decides when to look


class Seen:
    """A log that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, dict[str, float], dict[str, float], float, float]] = []

    def __call__(self, step: int, losses: Losses, lr: float, waited: float) -> str:
        terms, stats = ({name: value.item() for name, value in each.items()} for each in (losses.terms, losses.stats))
        self.steps.append((step, terms, stats, lr, waited))
        return f"note {step}"


def watch(device: torch.device, seen: Seen | None = None, skips: bool = False, fused: bool = False) -> Watch:
    return Watch(seen or Seen(), device, Optim().build(nn.Linear(2, 1), fused), skips)


def terms(**values: float) -> Losses:
    return Losses({name: torch.tensor(value) for name, value in values.items()})


def norm(value: float) -> Tensor:
    return torch.tensor(value)


def test_numbers_reach_the_log_to_the_last_bit():
    seen = Seen()
    one = watch(CPU, seen)
    losses = Losses({"a": torch.tensor(0.1), "b": torch.tensor(2.5, dtype=torch.bfloat16)}, {"c": torch.tensor(nan)})
    one.take(3, losses, norm(1.0), 0.5, 0.25)
    (step, found, stats, lr, waited) = seen.steps[0]
    assert (step, lr, waited, one.note) == (3, 0.5, 0.25, "note 3")
    assert found == {"a": torch.tensor(0.1).item(), "b": 2.5}
    assert list(stats) == ["c"] and stats["c"] != stats["c"]  # a statistic may be undefined


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_a_loss_that_is_not_finite_names_the_step_and_every_term(bad):
    with pytest.raises(UserError, match=rf"the loss is not finite in step 3: class 0\.5, align_local {bad}, order 2;"):
        watch(CPU).take(3, terms(**{"class": 0.5, "align_local": bad, "order": 2.0}), norm(1.0), 0.1, 0.0)


def test_infinities_that_cancel_are_not_finite_either():
    with pytest.raises(UserError, match="class inf, order -inf"):
        watch(CPU).take(1, terms(**{"class": inf, "order": -inf}), None, 0.1, 0.0)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_gradient_that_is_not_finite_stops_as_well_unless_its_step_is_skipped_anyway(bad):
    with pytest.raises(UserError, match=r"the gradient is not finite in step 2, with class 1; nothing of this step"):
        watch(CPU).take(2, terms(**{"class": 1.0}), norm(bad), 0.1, 0.0)
    seen = Seen()
    watch(CPU, seen, skips=True).take(2, terms(**{"class": 1.0}), norm(bad), 0.1, 0.0)
    assert len(seen.steps) == 1
    with pytest.raises(UserError, match="the loss is not finite"):
        watch(CPU, skips=True).take(2, terms(**{"class": bad}), norm(1.0), 0.1, 0.0)


def test_a_gpu_is_asked_one_step_later():
    seen = Seen()
    one = watch(GPU, seen)
    for step in (1, 2, 3):
        one.take(step, terms(a=float(step)), norm(1.0), 0.1, 0.0)
        assert [each[0] for each in seen.steps] == list(range(1, step))
    assert one.note == "note 2"
    one.settle()
    assert [(each[0], each[1]) for each in seen.steps] == [(k, {"a": float(k)}) for k in (1, 2, 3)]


@pytest.mark.parametrize("settled", [False, True])
def test_a_step_that_is_not_finite_is_named_late_and_rightly(settled):
    seen = Seen()
    one = watch(GPU, seen)
    one.take(1, terms(a=1.0), norm(1.0), 0.1, 0.0)
    one.take(2, terms(a=nan), norm(1.0), 0.1, 0.0)
    with pytest.raises(UserError, match="the loss is not finite in step 2: a nan"):
        one.settle() if settled else one.take(3, terms(a=1.0), norm(1.0), 0.1, 0.0)
    assert [each[0] for each in seen.steps] == [1]


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize(("loss", "gradient"), [(nan, 1.0), (1.0, inf), (inf, nan)])
def test_until_it_is_named_it_changes_no_weight(name, loss, gradient):
    """A fused optimiser computes on the CPU as it does on a GPU."""
    torch.manual_seed(0)
    layer = nn.Linear(2, 1)
    optimizer = Optim(optimizer=name, lr=0.1).build(layer, fused=True)
    one = Watch(Seen(), GPU, optimizer)

    def step(number: int, value: float, length: float) -> dict[str, Tensor]:
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, value)
        one.take(number, terms(a=value), norm(length), 0.1, 0.0)
        optimizer.step()
        return {key: tensor.clone() for key, tensor in layer.state_dict().items()}

    first = step(1, 1.0, 1.0)
    state = [
        {key: value.clone() for key, value in optimizer.state[parameter].items() if isinstance(value, Tensor)}
        for parameter in layer.parameters()
    ]
    second = step(2, loss, gradient)
    assert all(torch.equal(first[key], second[key]) for key in first)
    for parameter, before in zip(layer.parameters(), state, strict=True):
        assert all(torch.equal(optimizer.state[parameter][key], value) for key, value in before.items())
    with pytest.raises(UserError, match="in step 2"):
        step(3, 1.0, 1.0)


def test_finite_steps_of_a_fused_optimiser_change_the_weights_as_ever():
    torch.manual_seed(0)
    layers = [nn.Linear(3, 2) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    for layer, fused in zip(layers, (False, True), strict=True):
        optimizer = Optim(lr=0.1).build(layer, fused)
        one = Watch(Seen(), GPU, optimizer)
        for number in range(1, 5):
            for parameter in layer.parameters():
                parameter.grad = torch.full_like(parameter, 1.0 / number)
            one.take(number, terms(a=1.0), norm(1.0), 0.1, 0.0)
            optimizer.step()
    for a, b in zip(layers[0].parameters(), layers[1].parameters(), strict=True):
        torch.testing.assert_close(a, b)
