"""Scene vectors are what their encoders say they are, and the fallback never passes for the paper's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glad.backbones.resnet import ResNet50
from glad.errors import UserError
from glad.gaps import scene_gap
from glad.scenes import (
    HistogramConfig,
    PlacesConfig,
    colour_shares,
    edge_shares,
    fields,
    looked_at,
    top_counts,
    unit,
)


class Clip:
    """A video in memory."""

    def __init__(self, frames: np.ndarray) -> None:
        self.kept = frames

    def __len__(self) -> int:
        return len(self.kept)

    def frames(self, indices):
        return self.kept[np.asarray(indices)]

    def stream(self, indices):
        yield from self.kept[indices]


def noise(seed: int, frames: int = 6, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file like `resnet50_places365.pth.tar`, with random numbers and seven classes."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("places") / "resnet50_places365.pth.tar"
    torch.save({"state_dict": {f"module.{name}": v for name, v in ResNet50(7).state_dict().items()}}, path)
    return path


def test_frames_are_evenly_spaced():
    video = Clip(np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8))
    assert looked_at(video, "frames", 5)[:, 0, 0, 0].tolist() == [1, 3, 5, 7, 9]
    assert looked_at(video, "frames", 1)[:, 0, 0, 0].tolist() == [5]
    assert looked_at(Clip(video.kept[:2]), "frames", 4)[:, 0, 0, 0].tolist() == [0, 0, 1, 1]
    assert looked_at(video, "median", 5)[:, 0, 0, 0].tolist() == [4]  # of 4 and 5, the half cut off


def test_colours_by_hand():
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    picture[0, :2, 2:] = (255, 0, 0)  # the upper right field is red
    picture[0, 2:, :2] = (0, 64, 130)
    shares = colour_shares(picture)
    expected = np.zeros(256)
    expected[0] = expected[64 + 48] = expected[128 + 4 + 2] = expected[192] = 0.25
    np.testing.assert_array_equal(shares, expected)


@pytest.mark.parametrize("turn, direction", [(0, 0), (90, 4), (45, 2), (135, 6)])
def test_edges_by_hand(turn, direction):
    """A ramp has edges of one direction everywhere, and a brighter one the same shares."""
    angle = np.deg2rad(turn)
    ramp = np.add.outer(np.arange(32) * np.sin(angle), np.arange(32) * np.cos(angle))
    picture = np.repeat((100 + 2 * ramp).round().astype(np.uint8)[None, ..., None], 3, axis=3)
    shares = edge_shares(picture).reshape(16, 8)
    assert shares.sum(axis=0)[direction] == pytest.approx(1, abs=0.15) and shares.sum() == pytest.approx(1)
    assert edge_shares(np.full((1, 8, 8, 3), 7, np.uint8)).sum() == 0


def test_fields_by_hand():
    assert fields((2, 4), 2).tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    assert np.bincount(fields((64, 64), 4).ravel()).tolist() == [256] * 16


def test_top_counts_by_hand():
    logits = np.array([[9, 8, 7, 6, 5, 4, 3.0], [1, 1, 1, 1, 1, 1, 2]])
    assert top_counts(logits).tolist() == [2, 2, 2, 2, 1, 0, 1]


def test_unit_by_hand():
    np.testing.assert_allclose(unit(np.array([[3.0, 4], [0, 0]])), [[0.6, 0.8], [0, 0]], rtol=1e-6)


@given(st.integers(0, 50), st.sampled_from(["frames", "median"]), st.integers(1, 9))
def test_the_fallback_gives_unit_vectors_without_negative_numbers(seed, scene, frames):
    encoder = HistogramConfig(scene=scene, frames=frames)
    pictures = encoder.pictures(Clip(noise(seed)))
    assert pictures.shape == (1 if scene == "median" else frames, 64, 64, 3)
    vectors = encoder.build()([pictures, pictures[:1]])
    assert vectors.shape == (2, 384) and vectors.dtype == np.float32 and vectors.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_the_fallback_sees_scenes_and_not_their_order():
    encoder = HistogramConfig(frames=6)
    seen = [encoder.pictures(Clip(noise(seed))) for seed in (0, 1)]
    flat = [np.full((6, 64, 64, 3), colour, np.uint8) for colour in ((0, 0, 0), (200, 0, 0))]
    one, other, black, red = encoder.build()([*seen, *flat])
    assert encoder.build()([seen[0][::-1]])[0] == pytest.approx(one, abs=1e-6)
    assert scene_gap(black[None], red[None]).value == pytest.approx(1)
    assert scene_gap(one[None], other[None]).value < 0.05 < scene_gap(one[None], red[None]).value


def test_two_domains_of_squares_are_farther_apart_than_two_halves_of_one(square_videos):
    encoder = HistogramConfig(frames=4)
    vectors = {
        name: encoder.build()([encoder.pictures(Clip(frames)) for _, _, frames in square_videos(name, 8)])
        for name in ("source", "target", "test")
    }
    assert scene_gap(vectors["target"], vectors["test"]).value < 0.05
    assert scene_gap(vectors["source"], vectors["target"]).value > 0.3


def test_places_averages_pooled_features_over_frames(weights):
    encoder = PlacesConfig(weights=weights, frames=2)
    pictures = encoder.pictures(Clip(noise(0)))
    assert pictures.shape == (2, 224, 224, 3)
    network = ResNet50(7).eval()
    state = torch.load(weights, weights_only=True)["state_dict"]
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    with torch.no_grad():
        features = network.features(torch.from_numpy(pictures).permute(0, 3, 1, 2)).mean(dim=0).numpy()
    (vector,) = encoder.build()([pictures])
    np.testing.assert_allclose(vector, features / np.linalg.norm(features), rtol=1e-4, atol=1e-6)
    assert vector.min() >= 0


def test_places_counts_the_five_best_scenes(weights):
    encoder = PlacesConfig(weights=weights, scene="top5", frames=3)
    vectors = encoder.build()([encoder.pictures(Clip(noise(seed))) for seed in (0, 1)])
    assert vectors.shape == (2, 7)
    for vector in vectors:
        assert (vector > 0).sum() >= 5 and np.linalg.norm(vector) == pytest.approx(1)


def test_places_squashes_and_cuts_the_centre(weights):
    frame = np.zeros((1, 256, 512, 3), np.uint8)
    frame[:, 16:240, 32:480] = 255  # exactly what the centre of 224 of 256 shows
    assert PlacesConfig(weights=weights, frames=1).pictures(Clip(frame)).min() == 255
    assert PlacesConfig(weights=weights, scene="median").pictures(Clip(frame)).shape == (1, 224, 224, 3)


def test_what_an_encoder_is_stands_beside_its_numbers(weights, tmp_path):
    fallback, places = HistogramConfig(), PlacesConfig(weights=weights)
    assert not fallback.of_paper and places.of_paper
    assert "fallback" in fallback.about() and "not comparable" in fallback.about() and "mean of 8" in fallback.about()
    assert places.about() == "ResNet-50 of resnet50_places365.pth.tar, pooled features, mean of 8 frames"
    identities = [
        encoder.identity() for encoder in (fallback, HistogramConfig(frames=9), HistogramConfig(scene="median"), places)
    ]
    assert all(one != other for i, one in enumerate(identities) for other in identities[:i])
    moved = tmp_path / "copy.pth"
    moved.write_bytes(weights.read_bytes())
    assert PlacesConfig(weights=moved).identity() == places.identity(), "what counts is in the file"
    with pytest.raises(UserError, match="there is no such file of weights; Places365 offers"):
        PlacesConfig(weights=tmp_path / "none.pth").identity()
    with pytest.raises(ValidationError):
        HistogramConfig(scene="top5")  # pyright: ignore
