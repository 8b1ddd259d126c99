"""The full-size recipes of Kinetics→BABEL start: one optimiser step at 224 pixels on real frames, on any machine."""

import json
from pathlib import Path

import pytest

from glad.recipe import Pair, Videos
from glad.recipes.k2b import GLAD, GLAD_RELEASE, ORDER, TSM
from glad.train import train

CLASSES = ("jump", "run")


@pytest.fixture
def frames(shared_data: Path, tmp_path: Path) -> Pair:
    """Real frame folders as both domains: numbered lists in the released formats."""
    root = shared_data / "real_clips" / "raivokoot_demo_dataset"
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    source.write_text("jumping/0001 17 0\njumping/0002 18 0\nrunning/0001 15 1\nrunning/0002 15 1\n")
    target.write_text("jumping/0002 1 16 0\nrunning/0002 0 15 1\n")
    return Pair(
        classes=CLASSES,
        source=Videos(list=source, root=root),
        target=Videos(list=target, root=root),
        test=Videos(list=target, root=root),
        backgrounds=tmp_path / "backgrounds",
    )


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [GLAD, GLAD_RELEASE, TSM, ORDER[0]], ids=lambda recipe: recipe.name)
def test_one_step_at_full_size(recipe, frames, tmp_path):
    from glad.data.background import extract_backgrounds
    from glad.data.listing import open_listing

    listing = open_listing(frames.source.list, CLASSES, labelled=True, root=frames.source.folder)
    extract_backgrounds(listing, frames.source.folder, frames.backgrounds, workers=1)
    small = recipe.model_copy(update={"data": frames, "after": None, "init": None, "batch_size": 2, "steps": 1})
    run = train(small, tmp_path / "run", workers=0)
    (line,) = [json.loads(line) for line in run.log.read_text().splitlines()]
    terms = {"class", "align_global", "align_local", "align_cross", "order"}
    if recipe is ORDER[0]:
        terms = {"order"}
    elif recipe is GLAD_RELEASE:
        terms -= {"order"}
    assert set(line["terms"]) == terms
    assert run.checkpoint()["step"] == 1
