"""The full-size recipes of Kinetics→BABEL start: one optimiser step at 224 pixels on real frames, on any machine."""

import json
from pathlib import Path

import pytest

from glad.methods.comix import CoMixConfig
from glad.recipe import Pair, Recipe, Videos
from glad.recipes.k2b import CO2A, COMIX, COMIX_R50, DANN, GLAD, GLAD_RELEASE, ORDER, SUPERVISED_TARGET, TSM
from glad.sampling import Nodes
from glad.training import train

CLASSES = ("jump", "run")
ALIGN = {"align_global", "align_local", "align_cross"}
# CoMix takes 64 clips a video, minutes and gigabytes on a CPU: here it takes 16 (docs/log.md has a step with all).
FEWER = {
    **{f"{videos}_views": Nodes(clips=4) for videos in ("source", "target", "test")},
    "method": CoMixConfig(slow_nodes=(2,), slow_probabilities=(1.0,)),
}
CASES: list[tuple[Recipe, dict, set[str]]] = [
    (GLAD, {}, {"class", *ALIGN, "order"}),
    (GLAD_RELEASE, {}, {"class", *ALIGN}),
    (TSM, {}, {"class", *ALIGN, "order"}),
    (ORDER[0], {}, {"order"}),
    (DANN, {}, {"class", "align_both"}),
    (SUPERVISED_TARGET, {}, {"class"}),
    (COMIX, FEWER, {"class", "background", "pseudo"}),
    (COMIX_R50, FEWER, {"class", "background", "pseudo"}),
    (CO2A, {}, {"class", "contrast_source", "contrast_video", "contrast_clip", "contrast_domains", "consistency"}),
]


@pytest.fixture
def frames(shared_data: Path, tmp_path: Path) -> Pair:
    """Real frame folders as both domains: numbered lists in the released formats, and the backgrounds of both."""
    from glad.data.background import extract_backgrounds
    from glad.data.listing import open_listing

    root = shared_data / "real_clips" / "raivokoot_demo_dataset"
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    source.write_text("jumping/0001 17 0\njumping/0002 18 0\nrunning/0001 15 1\nrunning/0002 15 1\n")
    target.write_text("jumping/0002 1 16 0\nrunning/0002 0 15 1\n")
    for name, file in (("backgrounds", source), ("target_backgrounds", target)):
        extract_backgrounds(open_listing(file, CLASSES, labelled=True, root=root), root, tmp_path / name, workers=1)
    return Pair(
        classes=CLASSES,
        source=Videos(list=source, root=root),
        target=Videos(list=target, root=root),
        test=Videos(list=target, root=root),
        backgrounds=tmp_path / "backgrounds",
        target_backgrounds=tmp_path / "target_backgrounds",
    )


@pytest.mark.slow
@pytest.mark.parametrize("recipe, fields, terms", CASES, ids=[recipe.name for recipe, _, _ in CASES])
def test_one_step_at_full_size(recipe, fields, terms, frames, tmp_path):
    alone = {"data": frames, "after": None, "init": None, "batch_size": 2, "steps": 1, "keep": 1}
    run = train(recipe.model_copy(update=alone | fields), tmp_path / "run", workers=0)
    (line,) = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert set(line["terms"]) == terms and run.checkpoint()["step"] == 1
