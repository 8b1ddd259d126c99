"""Any method on any backbone takes a step and predicts; where shapes do not allow it, there is one sentence."""

import pytest
import torch

from glad.backbones.huggingface import HuggingFaceConfig
from glad.backbones.inception_i3d import InceptionI3DConfig
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.small import SmallConfig
from glad.backbones.tsm import TSMConfig
from glad.batch import Batch, Clips
from glad.errors import UserError
from glad.methods.base import MethodConfig
from glad.methods.co2a import CO2AConfig
from glad.methods.comix import CoMixConfig
from glad.methods.dann import DannConfig
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.part import Part

SIDE, FRAMES, CLASSES = 32, 8, 3
TINY_VIDEOMAE = (
    '{"model_type": "videomae", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, '
    '"intermediate_size": 32, "image_size": 32, "patch_size": 16, "num_frames": 8, "tubelet_size": 2}'
)
BACKBONES: dict[str, Part] = {
    "r50-i3d": R50I3DConfig(),
    "inception-i3d": InceptionI3DConfig(),
    "tsm": TSMConfig(),
    "small": SmallConfig(),
    "videomae": HuggingFaceConfig(config=TINY_VIDEOMAE),
}
GLOBAL_LOCAL, ORDERED = {"global": 1, "local": 2}, {"ordered": 4}
METHODS: dict[str, tuple[MethodConfig, dict[str, int]]] = {
    "supervised": (SupervisedConfig(), GLOBAL_LOCAL),
    "dann": (DannConfig(hidden=8, hidden_layers=1), GLOBAL_LOCAL),
    "dann-frame": (DannConfig(head="frame"), GLOBAL_LOCAL),
    "glad": (GladConfig(hidden=8, hidden_layers=1), GLOBAL_LOCAL),
    "order": (OrderConfig(clips=4), ORDERED),
    "comix": (CoMixConfig(slow_nodes=(2,), slow_probabilities=(1.0,)), ORDERED),
    "co2a": (CO2AConfig(), ORDERED),
}


def clips(views: dict[str, int], seed: int, frames: int = FRAMES) -> Clips:
    rng = torch.Generator().manual_seed(seed)
    shape = (3, frames, SIDE, SIDE)
    pixels = {v: torch.randint(0, 256, (2, n, *shape), dtype=torch.uint8, generator=rng) for v, n in views.items()}
    times = {v: torch.arange(n * frames).reshape(n, frames).repeat(2, 1, 1) for v, n in views.items()}
    still = torch.randint(0, 256, (2, 3, SIDE, SIDE), dtype=torch.uint8, generator=rng)
    return Clips(pixels, times, torch.tensor([3, 4]), still)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("method", METHODS)
def test_any_method_learns_on_any_backbone(method, backbone):
    torch.manual_seed(0)
    config, views = METHODS[method]
    network = BACKBONES[backbone].build()  # pyright: ignore[reportAttributeAccessIssue]
    built = config.build(network, CLASSES).train()
    losses = built(Batch(clips(views, 1), torch.tensor([0, 2]), clips(views, 2), clips(views, 3), draw=7))
    losses.total.backward()
    assert all(term.isfinite() for term in losses.terms.values())
    moved = [p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters()]
    assert sum(moved) >= 0.9 * len(moved) > 0
    if method != "order":
        with torch.inference_mode():
            predicted = built.eval().predict(clips(views, 4))
        assert predicted.probabilities.shape == (2, CLASSES) and predicted.features.shape[0] == 2


@pytest.mark.parametrize(
    "backbone, frames, said",
    [("r50-i3d", 4, "at least 5 frames"), ("videomae", 6, "frames"), ("tsm", 3, None), ("small", 1, None)],
)
def test_clips_that_a_backbone_cannot_take_are_refused_in_one_sentence(backbone, frames, said):
    network = BACKBONES[backbone].build()  # pyright: ignore[reportAttributeAccessIssue]
    built = SupervisedConfig().build(network, CLASSES).eval()
    seen = clips({"local": 1}, 1, frames)
    if said is None:
        assert built.predict(seen).probabilities.shape == (2, CLASSES)
        return
    with pytest.raises(UserError, match=said):
        built.predict(seen)
