"""Spans read together are what each is alone, and nothing is decoded twice or held for long."""

import numpy as np
import pytest
import torch

from glad.augment import Spatial
from glad.data.domain import Domain
from glad.data.held import Given, HeldVideo
from glad.data.movie import MovieFile
from glad.data.spans import span_clips
from glad.sampling import Grid, Nodes, Quarters, Segments

SPATIAL = Spatial(size=8, short_side=10, crop="center", flip=0.0)
SAMPLERS = {
    "segments": Segments(length=4, interval=2, ordered_clips=2),
    "wrapping grid": Grid(clips=4, length=4, local_rows=(1, 2), global_columns=(0, 3)),
    "quarters": Quarters(clips=2, length=4),
    "slowed down": Nodes(clips=3, length=4),
}


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize(
    "spans",
    [
        [(0, 40)],
        [(0, 20), (5, 20), (10, 20), (20, 20)],
        [(0, 3), (30, 4)],
        [(0, 30), (2, 5), (35, 5)],
        [(7, 1), (7, 1)],
    ],
    ids=["whole", "overlapping", "apart", "nested", "equal"],
)
def test_a_span_is_seen_as_a_video_of_its_own(frames, sampler, spans):
    found = list(span_clips(HeldVideo(frames), spans, sampler, SPATIAL))
    assert len(found) == len(spans)
    for clips, (first, count) in zip(found, spans, strict=True):
        (alone,), _ = Domain(Given((frames[first : first + count],)), sampler, SPATIAL).clips([(0, None)])
        assert clips.views.keys() == alone.views.keys() and len(clips) == 1
        for view in alone.views:
            assert torch.equal(clips.views[view], alone.views[view])
            assert torch.equal(clips.times[view], alone.times[view] + first)


class Counted(HeldVideo):
    """A video that remembers which frames were asked for."""

    def stream(self, indices):
        for index, frame in zip(indices.tolist(), super().stream(indices), strict=True):
            asked.append(index)
            yield frame


asked: list[int] = []


def test_every_frame_is_read_once_and_spans_come_as_soon_as_they_are_whole(frames):
    asked.clear()
    sampler = Segments(length=4, interval=1, global_views=0, local_views=1)  # the four frames in the middle
    spans = [(first, 8) for first in range(0, 33, 4)]
    found = span_clips(Counted(frames), spans, sampler, SPATIAL)
    next(found)
    assert asked == [2, 3, 4, 5]
    assert len(list(found)) == len(spans) - 1
    assert asked == sorted(set(asked)) and asked[-1] == 37


def test_a_file_is_the_same_in_one_pass(make_movie, tmp_path):
    path = make_movie(tmp_path / "a.mp4", count=60, b_frames=2)
    spans = [(first, 20) for first in range(0, 41, 10)]
    sampler = SAMPLERS["segments"]
    for clips, (first, count) in zip(span_clips(MovieFile(path), spans, sampler, SPATIAL), spans, strict=True):
        (alone,) = span_clips(MovieFile(path, first, count), [(0, count)], sampler, SPATIAL)
        assert all(torch.equal(clips.views[view], alone.views[view]) for view in alone.views)
