"""Saliency is Grad-CAM: by hand on a linear head, for clips of any view, and found where the class is."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from glad.batch import Clips, Predicted
from glad.errors import UserError
from glad.methods.base import Method
from glad.methods.heads import feature_maps, pooled
from glad.predict import Predictor
from glad.run import Run
from glad.saliency import as_csv, class_activation, saliency, share_that_moves
from glad.training import train

VIEWS = {"global": 1, "local": 2}


class Doubling(nn.Module):
    """Two features: the brightness of red in halves of the frame's sides, and of green; time stays."""

    width = 2

    def forward(self, pixels: Tensor) -> Tensor:
        return nn.functional.avg_pool3d(pixels[:, :2].float(), (1, 2, 2))


class Linear(Method):
    """The mean over clips, time and space, then a linear layer with the weights given."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.backbone = Doubling()
        self.classifier = nn.Linear(2, len(weight), bias=False)
        self.classifier.weight.data = weight

    def forward(self, batch):
        raise NotImplementedError

    def predict(self, clips: Clips) -> Predicted:
        (maps,) = feature_maps(self.backbone, [clips], "separate")
        features = torch.cat([pooled(one) for one in maps.values()], dim=1).mean(dim=1)
        return Predicted(self.classifier(features).softmax(1), features)


WEIGHT = torch.tensor([[0.02, -0.01], [-0.01, 0.03], [0.005, 0.005]])


def clips(seed: int = 0) -> Clips:
    rng = torch.Generator().manual_seed(seed)
    views = {
        view: torch.randint(0, 256, (1, n, 3, 3, 4, 6), dtype=torch.uint8, generator=rng) for view, n in VIEWS.items()
    }
    times = {view: torch.arange(n * 3).reshape(1, n, 3) for view, n in VIEWS.items()}
    return Clips(views, times, torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("number", [0, 1, 2, None])
def test_of_a_linear_head_it_is_the_weighted_map_kept_where_positive(number):
    method, seen = Linear(WEIGHT), clips()
    found, probabilities = class_activation(method, seen, number)
    assert torch.equal(probabilities, method.predict(seen).probabilities[0].detach())
    c = int(probabilities.argmax()) if number is None else number
    weight = WEIGHT.double().numpy()
    for view, n in VIEWS.items():
        pixels = seen.views[view][0].double().numpy()
        assert found[view].shape == (n, 3, 2, 3)
        for clip in range(n):
            for t, h, w in np.ndindex(3, 2, 3):
                total = 0.0
                for d in range(2):
                    # The score is z_c - mean(z); the mean over 3 clips and 3 x 2 x 3 places has this slope everywhere.
                    slope = (weight[c, d] - weight[:, d].mean()) / (3 * 18)
                    total += slope * pixels[clip, d, t, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].mean()
                assert found[view][clip, t, h, w].item() == pytest.approx(max(total, 0.0), rel=1e-4, abs=1e-7)


def test_a_prediction_that_is_certain_has_saliency_too():
    certain, probabilities = class_activation(Linear(20 * WEIGHT), clips(), 1)
    unsure, _ = class_activation(Linear(WEIGHT), clips(), 1)
    assert probabilities.max() == 1
    for view in VIEWS:
        torch.testing.assert_close(certain[view] / 20, unsure[view], rtol=1e-3, atol=1e-6)


def test_nothing_of_the_method_is_changed():
    method = Linear(WEIGHT)
    backbone = method.backbone
    with torch.inference_mode(False):
        class_activation(method, clips(), None)
    assert method.backbone is backbone and method.classifier.weight.grad is None


def test_a_view_without_a_vote_is_cold():
    class OfLocal(Linear):
        def predict(self, clips: Clips) -> Predicted:
            (maps,) = feature_maps(self.backbone, [clips], "joint")
            features = pooled(maps["local"]).mean(dim=1)
            return Predicted(self.classifier(features).softmax(1), features)

    found, _ = class_activation(OfLocal(WEIGHT), clips(), 0)
    assert found["global"].abs().max() == 0 < found["local"].max()


def test_a_method_that_changes_the_pixels_or_cuts_the_gradient_is_told():
    class Flipped(Linear):
        def predict(self, clips: Clips) -> Predicted:
            return super().predict(clips.map(lambda t: t.flip(-1)))

    class Cut(Linear):
        def predict(self, clips: Clips) -> Predicted:
            with torch.no_grad():
                return super().predict(clips)

    with pytest.raises(UserError, match="shows its backbone other pixels than the clips have"):
        class_activation(Flipped(WEIGHT), clips(), 0)
    with pytest.raises(UserError, match="predicts without gradients"):
        class_activation(Cut(WEIGHT), clips(), 0)


def test_what_moves_by_hand():
    """A spot of 100 moves over grey; nine in ten of the heat are on it in the frame where it is."""
    frames = np.full((1, 3, 2, 2, 3), 100, np.uint8)
    frames[0, 0, 0, 0] = 200
    heat = np.zeros((1, 3, 2, 2), np.float32)
    heat[0, 0, 0, 0], heat[0, 2, 1, 1] = 0.9, 0.1
    moving, area = share_that_moves({"local": np.array([[0, 1, 2]])}, {"local": frames}, {"local": heat})
    assert moving == pytest.approx(0.9) and area == pytest.approx(1 / 12)
    assert share_that_moves({"local": np.array([[0, 1, 2]])}, {"local": frames}, {"local": 0 * heat}) == (0.0, 1 / 12)


def test_a_frame_that_two_clips_share_counts_once_for_what_stands_still():
    frames = np.full((2, 2, 1, 1, 3), 100, np.uint8)
    frames[:, 0] = 250  # frame 0, in both clips; frames 1 and 2 are alike, and stand still
    times = {"local": np.array([[0, 1], [0, 2]])}
    heat = {"local": np.ones((2, 2, 1, 1), np.float32)}
    assert share_that_moves(times, {"local": frames}, heat) == (0.5, 0.5)


@pytest.fixture(scope="module")
def predictor(square_recipe, tmp_path_factory) -> Predictor:
    run: Run = train(square_recipe(), tmp_path_factory.mktemp("saliency") / "run", workers=0)
    return Predictor(run)


def test_of_a_run_and_a_video(predictor, squares):
    video = squares / "test" / "left_0"
    found = saliency(predictor, video, unknown=0.999)
    assert found.video == video and found.said == predictor.predict(video, unknown=0.999)
    assert found.said.name == "unknown" and found.name == found.said.classes[0]
    assert {view: one.shape for view, one in found.pixels.items()} == {
        "global": (1, 4, 16, 16, 3),
        "local": (2, 4, 16, 16, 3),
    }
    assert {view: one.shape for view, one in found.heat.items()} == {"global": (1, 4, 16, 16), "local": (2, 4, 16, 16)}
    assert max(one.max() for one in found.heat.values()) == 1 and min(one.min() for one in found.heat.values()) >= 0
    assert 0 < found.moving <= 1 and 0 < found.moving_area < 0.5 and len(found.places) == 3
    other = next(name for name in predictor.classes if name != found.name)
    assert saliency(predictor, video, other).name == other
    with pytest.raises(UserError, match="there is no class 'up'; there are left, right"):
        saliency(predictor, video, "up")


def test_rows_are_csv(predictor, squares):
    found = saliency(predictor, squares / "test" / "left_0")
    lines = as_csv([found.row()]).splitlines()
    assert lines[0] == "video,class,saliency_of,probability,saliency_on_what_moves,pixels_that_move"
    assert lines[1].startswith(f"{squares / 'test' / 'left_0'},{found.name},{found.name},0.")
    assert [float(number) for number in lines[1].split(",")[3:]] == pytest.approx(
        [found.said.probability, found.moving, found.moving_area], abs=1e-6
    )
