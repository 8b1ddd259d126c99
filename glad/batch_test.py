"""What flows keeps its shape, and the objective is the sum of its terms."""

from dataclasses import fields, replace

import torch

from glad.batch import Batch, Clips, Losses


def clips(videos: int) -> Clips:
    return Clips(
        {"local": torch.ones(videos, 2, 3, 4, 5, 6), "global": torch.ones(videos, 1, 3, 4, 5, 6)},
        {"local": torch.zeros(videos, 2, 4, dtype=torch.int64), "global": torch.zeros(videos, 1, 4, dtype=torch.int64)},
        torch.arange(videos),
    )


def test_clips_count_videos_and_map_every_tensor():
    three = clips(3)
    assert len(three) == 3
    first = three.map(lambda tensor: tensor[:1] + 1)
    assert len(first) == 1 and first.draw.tolist() == [1]
    assert (first.views["local"] == 2).all() and first.views["global"].shape == (1, 1, 3, 4, 5, 6)
    assert (first.times["local"] == 1).all() and set(first.times) == {"local", "global"}
    assert first.background is None
    still = replace(three, background=torch.ones(3, 3, 5, 6)).map(lambda tensor: tensor[:2] + 1)
    assert still.background is not None and (still.background == 2).all() and len(still.background) == 2
    assert (three.views["local"] == 1).all(), "the clips themselves stay as they were"


def test_a_batch_maps_both_domains_and_keeps_its_progress():
    batch = Batch(clips(2), torch.tensor([1, 0]), clips(3), progress=0.25)
    double = replace(batch, again=clips(1), draw=7).map(lambda tensor: tensor * 2)
    assert double.label.tolist() == [2, 0] and double.progress == 0.25
    assert (double.source.views["global"] == 2).all()
    assert double.target is not None and double.target.draw.tolist() == [0, 2, 4]
    assert double.again is not None and len(double.again) == 1 and double.draw == 7
    assert Batch(clips(2), torch.zeros(2), None).map(torch.neg).target is None


def test_a_batch_has_no_place_for_a_target_label():
    assert [f.name for f in fields(Batch)] == ["source", "label", "target", "again", "draw", "progress"]
    assert [f.name for f in fields(Clips)] == ["views", "times", "draw", "background"]


def test_the_objective_is_the_sum_of_the_terms_and_nothing_else():
    a, b = torch.tensor(1.5, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    losses = Losses({"class": a, "align": 3 * b}, {"accuracy": torch.tensor(100.0)})
    assert losses.total.item() == 7.5
    losses.total.backward()
    assert a.grad == 1 and b.grad == 3
    assert Losses({"class": a}).total.item() == 1.5
