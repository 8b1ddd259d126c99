"""A sample is a function of its address: which frames, which crop, which background, one draw for the whole video."""

from pathlib import Path

import numpy as np
import pytest
import torch

from glad.augment import Mix, Spatial, center_box, multiscale_box, resized, with_short_side
from glad.data.background import BackgroundBank
from glad.data.domain import Debias, Domain, Sample, fresh, put
from glad.data.image import write_jpeg
from glad.data.listing import VideoRecord, open_listing
from glad.errors import UserError
from glad.sampling import Grid, Nodes, Ordered, Quarters, Segments

PLAIN = Spatial(size=16, short_side=None, crop="none", flip=0.0)


class Memory:
    """A video in memory that notes which frames are decoded."""

    def __init__(self, frames: np.ndarray) -> None:
        self.stored = frames
        self.decoded: list[int] = []

    def __len__(self) -> int:
        return len(self.stored)

    def frames(self, indices) -> np.ndarray:
        return np.stack(list(self.stream(indices)))

    def stream(self, indices):
        for index in indices:
            self.decoded.append(index)
            yield self.stored[index]


class Memories:
    """A set of videos in memory; the class of video i is i % 3."""

    def __init__(self, *videos: Memory) -> None:
        self.videos = videos

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> VideoRecord:
        return VideoRecord(f"video{index}", len(self.videos[index]), 0, index % 3)

    def video(self, index: int) -> Memory:
        return self.videos[index]


def numbered(t: int, side: int = 16) -> Memory:
    """A video whose frame i has the value i everywhere."""
    return Memory(np.broadcast_to(np.arange(t, dtype=np.uint8)[:, None, None, None], (t, side, side, 3)))


def still(t: int = 60, h: int = 16, w: int = 16, seed: int = 0) -> Memory:
    frame = np.random.default_rng(seed).integers(0, 256, (1, h, w, 3), dtype=np.uint8)
    return Memory(np.repeat(frame, t, axis=0))


def every_frame(sample: Sample) -> np.ndarray:
    """Return all frames of all views (frames, 3, h, w)."""
    return np.concatenate([view.swapaxes(1, 2).reshape(-1, 3, *view.shape[-2:]) for view in sample.views.values()])


def debiased(probability: float, *backgrounds: np.ndarray, spatial: Spatial = PLAIN, **mix: float) -> Domain:
    bank = list(backgrounds)
    return Domain(Memories(still()), Grid(), spatial, Debias(Mix(probability=probability, **mix), bank))  # pyright: ignore


@pytest.mark.parametrize("sampler", [Grid(), Segments(), Ordered(), Segments(global_views=0, local_views=3)])
@pytest.mark.parametrize("address", [None, (0, 1, 2)])
@pytest.mark.parametrize("t", [5, 11, 16, 60, 200])
def test_every_pixel_comes_from_the_frame_that_times_name(sampler, address, t):
    sample = Domain(Memories(numbered(t)), sampler, PLAIN).sample(0, address)
    expected = sampler.views(t, None if address is None else np.random.default_rng(address))
    assert sample.views.keys() == sample.times.keys() == expected.keys()
    for name, times in sample.times.items():
        pixels = sample.views[name]
        assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
        assert pixels.shape == (len(times), 3, 8, 16, 16)
        assert np.array_equal(times, expected[name])
        assert (pixels == times[:, None, :, None, None]).all()


def test_each_distinct_frame_is_decoded_once():
    video = numbered(300)
    Domain(Memories(video), Grid(), PLAIN).sample(0, (1, 2))
    assert len(video.decoded) == 22 == len(set(video.decoded))
    short = numbered(11)
    Domain(Memories(short), Grid(), PLAIN).sample(0, None)
    assert sorted(short.decoded) == [0, 1, 2, 3, 4, 6, 8, 10]


def test_a_sample_depends_on_its_address_and_nothing_else():
    domain = Domain(Memories(numbered(100), still()), Grid(), Spatial(size=12, short_side=16))

    def same(a: Sample, b: Sample) -> bool:
        return a.draw == b.draw and all(np.array_equal(a.views[name], b.views[name]) for name in a.views)

    first = domain.sample(0, (7, 1, 3))
    np.random.seed(1)
    domain.sample(1, (7, 1, 4))
    assert same(first, domain.sample(0, (7, 1, 3)))
    assert not same(first, domain.sample(0, (7, 1, 4)))
    draws = {domain.sample(0, (seed,)).draw for seed in range(50)}
    assert len(draws) == 50 and all(0 <= draw < 2**31 for draw in draws)


def test_evaluation_draws_nothing():
    domain = debiased(1.0, np.zeros((16, 16, 3), np.uint8))
    sample = domain.sample(0, None)
    assert sample.draw == 0
    assert (every_frame(sample) == domain.listing.video(0).frames([0])[0].transpose(2, 0, 1)).all()


def test_all_views_share_one_crop_and_one_flip():
    domain = Domain(Memories(still(h=30, w=44)), Grid(), Spatial(size=20, short_side=24, shift=2))
    seen = set()
    for seed in range(40):
        frames = every_frame(domain.sample(0, (seed,)))
        assert len(frames) == 24 and (frames == frames[:1]).all()
        seen.add(frames[0].tobytes())
    assert len(seen) > 30


# backgrounds


def test_one_background_serves_every_frame_of_every_view():
    backgrounds = [np.full((16, 16, 3), value, np.uint8) for value in (10, 90, 250)]
    domain = debiased(1.0, *backgrounds)
    picture = domain.listing.video(0).frames([0])[0].transpose(2, 0, 1).astype(int)
    used = []
    for seed in range(30):
        frames = every_frame(domain.sample(0, (seed,)))
        assert (frames == frames[:1]).all()
        matches = [value for value in (10, 90, 250) if np.array_equal(frames[0], (3 * picture + value) // 4)]
        used += matches
        assert len(matches) == 1
    assert set(used) == {10, 90, 250}


def test_about_a_quarter_of_the_videos_is_mixed():
    black = np.zeros((16, 16, 3), np.uint8)
    domain = debiased(0.25, black)
    plain = Domain(domain.listing, Grid(), PLAIN)
    changed = sum(
        not np.array_equal(domain.sample(0, (seed,)).views["global"], plain.sample(0, (seed,)).views["global"])
        for seed in range(400)
    )
    assert abs(changed - 100) < 4 * np.sqrt(400 * 0.25 * 0.75)


def test_a_background_at_full_share_replaces_the_video_and_its_label_stays():
    background = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    sample = debiased(1.0, background, ratio=1.0).sample(0, (0,))
    assert (every_frame(sample) == background.transpose(2, 0, 1)).all()
    assert sample.label == 0


def test_the_background_is_neither_flipped_nor_jittered():
    background = np.random.default_rng(4).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    spatial = Spatial(size=16, short_side=32, flip=1.0)
    domain = debiased(1.0, background, spatial=spatial, ratio=1.0)
    for seed in range(5):
        frames = every_frame(domain.sample(0, (seed,)))
        assert (frames == background[8:24, 16:32].transpose(2, 0, 1)).all()


def test_a_background_is_resized_like_a_frame_then_cut_from_the_centre():
    columns = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 3, axis=2) * np.ones((32, 1, 1), np.uint8)
    cut = Domain(Memories(), Grid(), Spatial(size=16, short_side=16, crop="center")).background(columns)
    assert cut.shape == (16, 16, 3) and cut[0, 0, 0] in (16, 17) and cut[0, -1, 0] in (46, 47)
    squashed = Domain(Memories(), Grid(), Spatial(size=16, short_side=None, crop="none")).background(columns)
    assert squashed.shape == (16, 16, 3) and squashed[0, 0, 0] < 3 and squashed[0, -1, 0] > 60


def test_without_backgrounds_a_domain_is_never_mixed():
    """The target's domain has none: whatever is drawn, its pixels are those of its video."""
    domain = Domain(Memories(still()), Grid(), PLAIN)
    picture = domain.listing.video(0).frames([0])[0].transpose(2, 0, 1)
    assert all((every_frame(domain.sample(0, (seed,))) == picture).all() for seed in range(40))


# batches


def test_samples_are_stacked_view_by_view():
    domain = Domain(Memories(numbered(40), numbered(80), numbered(120)), Grid(), PLAIN)
    samples = [domain.sample(i, (i,)) for i in range(3)]
    (clips,), labels = domain.clips([(i, (i,)) for i in range(3)])
    assert len(clips) == 3 and clips.draw.dtype == torch.int64
    assert clips.draw.tolist() == [sample.draw for sample in samples]
    assert clips.views["local"].shape == (3, 2, 3, 8, 16, 16) and clips.views["local"].dtype == torch.uint8
    assert clips.views["global"].shape == (3, 1, 3, 8, 16, 16)
    assert clips.times["local"].shape == (3, 2, 8)
    assert torch.equal(clips.views["local"][:, :, 0, :, 0, 0].long(), clips.times["local"])
    for row, sample in enumerate(samples):
        assert all(np.array_equal(clips.views[name][row].numpy(), view) for name, view in sample.views.items())
    assert labels == [0, 1, 2] and clips.background is None


def test_a_second_draw_has_the_same_frames_and_still_but_another_look():
    backgrounds = [np.full((30, 30, 3), 10 * i, np.uint8) for i in range(2)]
    videos = Memories(still(h=30, w=44), still(h=30, w=44, seed=1))
    domain = Domain(videos, Grid(), Spatial(size=20, short_side=24), stills=backgrounds)  # pyright: ignore
    (first, second), _ = domain.clips([(0, (0,)), (1, (1,))], draws=2)
    assert torch.equal(first.times["local"], second.times["local"])
    assert not torch.equal(first.views["local"], second.views["local"]) and not torch.equal(first.draw, second.draw)
    (alone,), _ = domain.clips([(0, (0,)), (1, (1,))])
    assert torch.equal(alone.views["local"], first.views["local"]) and torch.equal(alone.draw, first.draw)
    for clips in (first, second):
        assert clips.background is not None and clips.background.shape == (2, 3, 20, 20)
        assert (clips.background[0] == 0).all() and (clips.background[1] == 10).all()


def test_pixels_are_stored_in_the_room_that_is_given():
    given: list[np.ndarray] = []

    def room(shape: tuple[int, ...]) -> np.ndarray:
        given.append(fresh(shape))
        return given[-1]

    backgrounds = [np.full((16, 16, 3), 7, np.uint8)]
    domain = Domain(Memories(still()), Grid(), PLAIN, stills=backgrounds)  # pyright: ignore
    (clips,), _ = domain.clips([(0, (0,))], room=room)
    assert [array.shape for array in given] == [(1, 1, 3, 8, 16, 16), (1, 2, 3, 8, 16, 16), (1, 3, 16, 16)]
    assert clips.background is not None
    stored = (clips.views["global"], clips.views["local"], clips.background)
    assert all(np.shares_memory(a, b.numpy()) for a, b in zip(given, stored, strict=True))


@pytest.mark.parametrize("sampler", [Grid(ordered_clips=2), Segments(), Ordered(), Quarters(), Nodes()])
def test_the_shapes_of_views_do_not_depend_on_the_video(sampler):
    shapes = Domain(Memories(), sampler, PLAIN).shapes()
    for t in (1, 7, 40, 300):
        for rng in (None, np.random.default_rng(0)):
            times = sampler.views(t, rng)
            assert {name: (len(time), 3, time.shape[1], 16, 16) for name, time in times.items()} == shapes


# the plain way


def plain(domain: Domain, index: int, address: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the views of a sample, made step by step of all frames at once, mixed in floating point."""
    rng = np.random.default_rng(address)
    video, spatial = domain.listing.video(index), domain.spatial
    times = domain.sampler.views(len(video), rng)
    frames = with_short_side(np.stack([*video.stream(np.arange(len(video)))]), 24)
    left, top, w, h = multiscale_box(*frames.shape[1:3], spatial.size, rng)
    frames = resized(frames[:, top : top + h, left : left + w], spatial.size, spatial.size)
    if rng.random() < spatial.flip:
        frames = frames[:, :, ::-1]
    assert domain.debias is not None
    if (drawn := domain.debias.mix.draw(len(domain.debias.bank), rng)) is not None:
        which, ratio = drawn
        background = with_short_side(domain.debias.bank[which][None], 24)
        left, top, w, h = center_box(*background.shape[1:3], spatial.size)
        background = background[:, top : top + h, left : left + w]
        blend = frames * np.float32(1.0 - ratio) + background * np.float32(ratio)
        frames = (blend + np.float32(1e-4)).astype(np.uint8)
    return {name: frames[time].transpose(0, 4, 1, 2, 3) for name, time in times.items()}


@pytest.mark.parametrize("sampler", [Grid(), Segments(locals_are="adjacent"), Nodes()])
@pytest.mark.parametrize("ratio", [0.25, "uniform"])
@pytest.mark.parametrize("t", [9, 50])
def test_frame_by_frame_is_the_plain_way_to_the_last_bit(sampler, ratio, t):
    rng = np.random.default_rng(t)
    videos = Memories(Memory(rng.integers(0, 256, (t, 32, 50, 3), np.uint8)))
    bank = [rng.integers(0, 256, (33, 40, 3), np.uint8) for _ in range(3)]
    domain = Domain(videos, sampler, Spatial(size=20, short_side=24), Debias(Mix(probability=0.6, ratio=ratio), bank))  # pyright: ignore
    for seed in range(12):
        found, expected = domain.sample(0, (seed, t)).views, plain(domain, 0, (seed, t))
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[name], view) for name, view in expected.items())


def test_planes_may_lie_apart_and_be_small():
    rng = np.random.default_rng(0)
    for side in (1, 2, 31):
        picture = rng.integers(0, 256, (side, side, 3), np.uint8)
        clip = np.zeros((3, 4, side, side), np.uint8)
        put(picture, clip[:, 2])
        assert np.array_equal(clip[:, 2], picture.transpose(2, 0, 1)) and not clip[:, [0, 1, 3]].any()


# from disk


def write_frames(folder: Path, count: int, first: int) -> None:
    """Write flat grey frames of value 2 * i for i = 0, 1, ..., which JPEG keeps."""
    for i in range(count):
        write_jpeg(folder / f"img_{first + i:05d}.jpg", np.full((16, 16, 3), 2 * i, np.uint8))


def test_a_span_of_a_frame_folder_on_disk(tmp_path):
    """33 frames from offset 62 on of a folder numbered from 1: the first one is img_00063."""
    write_frames(tmp_path / "train" / "000012", 100, first=1)
    (tmp_path / "list.txt").write_text("train/000012 62 33 1\n")
    domain = Domain(
        open_listing(tmp_path / "list.txt", ("a", "b"), labelled=True, allow_empty_classes=True), Grid(), PLAIN
    )
    sample = domain.sample(0, None)
    assert sample.label == 1 and len(domain) == 1
    for name, times in sample.times.items():
        assert (sample.views[name] == 2 * (62 + times)[:, None, :, None, None]).all()


def test_a_bank_on_disk_is_mixed_in_and_a_missing_background_is_refused_at_once(tmp_path):
    write_frames(tmp_path / "a" / "v", 20, first=0)
    listing = open_listing(tmp_path, labelled=True)
    with pytest.raises(UserError, match="glad prepare backgrounds"):
        BackgroundBank(tmp_path / "median", listing)
    write_jpeg(tmp_path / "median" / "a" / "v.jpg", np.full((16, 16, 3), 200, np.uint8))
    debias = Debias(Mix(probability=1.0, ratio=1.0), BackgroundBank(tmp_path / "median", listing))
    assert (every_frame(Domain(listing, Grid(), PLAIN, debias).sample(0, (0,))) == 200).all()
