"""CO2A from clips to losses: what each term is made of, what it teaches, and the same in two processes as in one."""

from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn

from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import MethodConfig
from glad.methods.co2a import CO2A, CO2AConfig, VideoClassifier
from glad.methods.contrast import clip_term, consistency_term, domains_term, pseudo_labels, source_term, video_term

T = 0.1


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
    optimizer = torch.optim.AdamW(m.parameters(), lr=5e-3)
    first = m(found)
    for _ in range(40):
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
