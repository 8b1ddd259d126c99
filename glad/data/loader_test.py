"""The batches of a step, whoever prepares them: none, two or a resumed process bring the same bits."""

import shutil
import signal
from dataclasses import replace
from itertools import chain, islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from glad.augment import Mix, Spatial, resized
from glad.batch import Batch, Clips
from glad.data import loader
from glad.data.background import BackgroundBank
from glad.data.domain import Debias, Domain
from glad.data.image import write_jpeg
from glad.data.listing import open_listing
from glad.data.loader import FORKED, Steps, Videos, evaluation_batches, training_batches, videos_one_by_one
from glad.data.plan import Pairing, Plan
from glad.data.shared import Shared
from glad.errors import UserError
from glad.sampling import Grid

# torch forks its workers on Linux, as the package does; newer Pythons warn of any fork of a process with threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

SPATIAL = Spatial(size=16, short_side=20, shift=1)
CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """7 source videos of 3 classes, their backgrounds, 3 target videos with labels, as frame folders and lists."""
    root = tmp_path_factory.mktemp("pair")
    rng = np.random.default_rng(0)
    for domain, count in (("source", 7), ("target", 3)):
        rows = []
        for i in range(count):
            frames = 12 + 9 * i
            for t in range(frames):
                image = rng.integers(0, 256, (20, 26, 3), dtype=np.uint8)
                write_jpeg(root / domain / f"v{i}" / f"img_{t:05d}.jpg", image)
            write_jpeg(root / "median" / f"v{i}.jpg", rng.integers(0, 256, (20, 26, 3), dtype=np.uint8))
            rows.append(f"v{i} {frames} {i % 3}\n")
        (root / f"{domain}.txt").write_text("".join(rows))
    return root


def steps(folder: Path, pairing: Pairing | None = None, with_target: bool = True, **plan: int) -> Steps:
    labelled = open_listing(folder / "source.txt", CLASSES, labelled=True, root=folder / "source")
    bank = BackgroundBank(folder / "median", labelled)
    source = Domain(labelled, Grid(), SPATIAL, Debias(Mix(probability=0.5), bank))
    unlabelled = open_listing(folder / "target.txt", CLASSES, labelled=True, keep_labels=False, root=folder / "target")
    target = Domain(unlabelled, Grid(), SPATIAL)
    values = {"source": 7, "target": 3 if with_target else 0, "batch_size": 2, "seed": 0} | plan
    return Steps(Plan(pairing=pairing or Pairing(), **values), source, target if with_target else None)  # pyright: ignore


def tensors(batch: Batch) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    batch.map(lambda tensor: found.append(tensor) or tensor)
    return found


def same(a: Batch, b: Batch) -> bool:
    pairs = zip(tensors(a), tensors(b), strict=True)
    return all(x.dtype == y.dtype and torch.equal(x, y) for x, y in pairs)


def test_a_step_holds_both_domains_and_only_source_labels(folder):
    batch = steps(folder)[0]
    assert isinstance(batch, Batch) and batch.target is not None
    for clips in (batch.source, batch.target):
        shapes = {name: tuple(view.shape) for name, view in clips.views.items()}
        assert shapes == {"local": (2, 2, 3, 8, 16, 16), "global": (2, 1, 3, 8, 16, 16)}
    plan = steps(folder).plan
    assert batch.label.tolist() == [index % 3 for index, _ in plan.sources(0)]
    assert steps(folder).target.sample(0, (0,)).label is None  # pyright: ignore[reportOptionalMemberAccess]


def test_a_method_that_never_sees_the_target_gets_none(folder):
    assert steps(folder, with_target=False)[0].target is None


def test_garbage_for_target_labels_changes_no_bit(folder, tmp_path):
    for name in ("source", "target", "median"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "source.txt").write_text((folder / "source.txt").read_text())
    rows = (folder / "target.txt").read_text().splitlines()
    (tmp_path / "target.txt").write_text("".join(f"{row[:-1]}{9 - i}\n" for i, row in enumerate(rows)))
    assert all(same(steps(folder)[step], steps(tmp_path)[step]) for step in range(3))


@pytest.mark.parametrize("forked", [FORKED, False])
def test_the_number_of_workers_changes_no_bit(folder, forked, monkeypatch):
    monkeypatch.setattr(loader, "FORKED", forked)  # without, batches travel in memory of their own
    alone = list(training_batches(steps(folder), 0, 4, workers=0, pin=False))
    together = list(training_batches(steps(folder), 0, 4, workers=2, pin=False))
    assert len(alone) == len(together) == 4
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))
    assert not any(same(a, b) for a, b in pairwise(alone))
    assert len(set(chain.from_iterable(batch.source.draw.tolist() for batch in alone))) == 8, "workers draw apart"


@pytest.mark.parametrize("held", [0, 1, 99])
def test_batches_that_are_held_are_never_written_over(folder, held):
    """Whoever keeps the last batches, or all of them, finds in them what was there."""
    expected = [steps(folder)[step] for step in range(12)]
    kept: list[Batch] = []
    for step, batch in enumerate(training_batches(steps(folder), 0, 12, workers=1, pin=False)):
        kept = [*kept, batch][-1 - held :]
        assert all(same(a, b) for a, b in zip(kept[::-1], expected[step::-1], strict=False))


@pytest.mark.skipif(not FORKED, reason="only forked workers share memory with this process")
def test_in_a_training_loop_there_is_always_memory_to_lend(folder, monkeypatch):
    lent: list[int | None] = []
    lend = Shared.lend
    monkeypatch.setattr(Shared, "lend", lambda self: lent.append(lend(self)) or lent[-1])
    for batch in training_batches(steps(folder), 0, 20, workers=2, pin=False):
        clips = batch.target  # a training loop holds one batch while it asks for the next
        assert clips is not None
    assert len(lent) == 20 and set(lent) == set(range(6))


def test_the_size_of_a_step_is_what_its_pixels_take(folder):
    for again in (False, True):
        plan = replace(steps(folder, batch_size=6), again=again)
        batch = plan[0]
        pixels = sum(tensor.numel() for tensor in tensors(batch) if tensor.dtype == torch.uint8)
        assert pixels == plan.size() == 6 * (2 + again) * 3 * 3 * 8 * 16 * 16
    assert steps(folder, batch_size=6, rank=0, world=3).size() == steps(folder).size()
    assert steps(folder, with_target=False).size() * 2 == steps(folder).size()


@pytest.fixture
def alarm():
    """Fail after a minute instead of waiting for ever."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError("the workers hang")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs an alarm")
def test_workers_start_after_this_process_has_used_threads_of_its_own(folder, alarm):
    """A forked pool of OpenCV has no threads, and waits for them when it is told to end."""
    cv2.setNumThreads(3)
    resized(np.zeros((4, 600, 800, 3), np.uint8), 700, 900)
    torch.ones(512, 512, requires_grad=True).square().sum().backward()
    assert len(list(training_batches(steps(folder), 0, 2, workers=2, pin=False))) == 2


def test_going_on_at_a_step_is_skipping_those_before(folder):
    whole = list(training_batches(steps(folder), 0, 5, workers=0, pin=False))
    rest = list(training_batches(steps(folder), 3, 5, workers=0, pin=False))
    assert len(rest) == 2 and same(rest[0], whole[3]) and same(rest[1], whole[4])


def test_two_processes_together_have_the_batch_of_one(folder):
    whole = steps(folder)[1]
    first, second = (steps(folder, rank=rank, world=2)[1] for rank in (0, 1))
    assert torch.equal(torch.cat([first.label, second.label]), whole.label)
    for name, view in whole.source.views.items():
        assert torch.equal(torch.cat([first.source.views[name], second.source.views[name]]), view)


def test_what_a_method_draws_is_new_in_every_step_even_where_the_release_repeats_crops(folder):
    """Three target videos in batches of three: every step is one pass over the target."""

    def target_draws(pairing: Pairing) -> list[list[int]]:
        batches = [steps(folder, pairing, batch_size=3)[step] for step in (0, 1, 2)]
        return [sorted(batch.target.draw.tolist()) for batch in batches if batch.target is not None]

    fresh = target_draws(Pairing())
    assert len(set(chain.from_iterable(fresh))) == 9
    repeated = target_draws(Pairing(short_batches="truncate", target_order="epoch", draws="repeated"))
    assert len(set(chain.from_iterable(repeated))) == sum(map(len, repeated)) == 7


def test_the_release_sees_identical_target_batches_within_an_epoch(folder):
    """4 steps an epoch, passes of 2 steps over the target: steps 0 and 2 are one batch, crops and flips included."""
    release = steps(folder, Pairing(short_batches="truncate", target_order="epoch", draws="repeated"))
    first, again = release[0].target, release[2].target
    assert first is not None and again is not None
    assert all(torch.equal(view, again.views[name]) for name, view in first.views.items())
    default = steps(folder, Pairing(short_batches="truncate"))
    first, again = default[0].target, default[2].target
    assert first is not None and again is not None
    assert not torch.equal(first.views["global"], again.views["global"])


def test_batches_are_made_as_they_are_asked_for(folder):
    """A long run must not be prepared in advance: step 10**9 exists, and two of them are taken."""
    endless = training_batches(steps(folder), 10**6, 10**9, workers=0, pin=False)
    assert len(list(islice(endless, 2))) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_sees_every_video_once_in_order(folder, workers):
    listing = open_listing(folder / "source.txt", CLASSES, labelled=True, root=folder / "source")
    domain = Domain(listing, Grid(), Spatial(size=16, short_side=20, crop="center", flip=0.0))
    videos = Videos(domain, 3, tuple(range(7)))
    assert len(videos) == 3
    found = [(len(clips), indices) for clips, indices in evaluation_batches(videos, workers)]
    assert found == [(3, [0, 1, 2]), (3, [3, 4, 5]), (1, [6])]
    (clips, indices), *_ = evaluation_batches(Videos(domain, 3, (5, 1)), workers)
    assert isinstance(clips, Clips) and indices == [5, 1]
    expected = domain.sample(5, None)
    assert all(np.array_equal(clips.views[name][0].numpy(), view) for name, view in expected.views.items())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_frame_is_named_in_one_sentence(folder, tmp_path, workers):
    (tmp_path / "v").mkdir()
    for t in range(16):
        (tmp_path / "v" / f"img_{t:05d}.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "list.txt").write_text("v 16 0\n")
    domain = Domain(open_listing(tmp_path / "list.txt", ("a",), labelled=True), Grid(), SPATIAL)
    with pytest.raises(UserError) as refused:
        list(training_batches(Steps(Plan(1, 0, 1, 0), domain, None), 0, 1, workers, pin=False))
    assert str(refused.value).startswith(f"{tmp_path / 'list.txt'} line 1: ") and "img_0000" in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_one_by_one_a_video_that_cannot_be_read_is_a_value_in_its_place(folder, tmp_path, workers):
    shutil.copytree(folder / "source", tmp_path / "source")
    for frame in (tmp_path / "source" / "v2").iterdir():
        frame.write_bytes(b"\xff\xd8 no picture")
    listing = open_listing(folder / "source.txt", CLASSES, labelled=True, root=tmp_path / "source")
    domain = Domain(listing, Grid(), Spatial(size=16, short_side=20, crop="center", flip=0.0))
    found = list(videos_one_by_one(domain, workers))
    assert [index for index, one in enumerate(found) if isinstance(one, UserError)] == [2] and len(found) == 7
    assert "v2/img_0000" in str(found[2])
    for index in (0, 1, 3, 6):
        clips, whole = found[index], domain.sample(index, None).views
        assert isinstance(clips, Clips)
        assert all(np.array_equal(clips.views[view][0].numpy(), whole[view]) for view in whole)
