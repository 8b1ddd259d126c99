"""Every gap that can be measured is, with what it was made of; for the rest there is a sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from glad.data.listing import Listing, open_listing
from glad.errors import UserError
from glad.gaps import scene_gap, temporal_gap
from glad.methods.glad import GladConfig
from glad.metrics import video_scores
from glad.recipe import Recipe
from glad.run import Run
from glad.scenes import HistogramConfig
from glad.table1 import accuracy_of, classes_of, domain_of, drawn, gaps_of, scenes_of, write_gaps

ENCODER = HistogramConfig(frames=2)


def listing(squares: Path, name: str) -> Listing:
    return open_listing(squares / f"{name}.txt", labelled=True, root=squares / name)


def test_a_pair_is_measured_whole(squares, tmp_path):
    source, target = (domain_of(listing(squares, name), name) for name in ("source", "target"))
    found = gaps_of(source, target, encoder=ENCODER, bank=tmp_path)
    assert found["name"] == "source→target"
    assert found["temporal"]["value"] == 0 and found["source"]["frames"] == {
        "min": 12,
        "median": 12,
        "mean": 12,
        "max": 12,
    }
    vectors = [
        ENCODER.build()([ENCODER.pictures(side.listing.video(row)) for row in range(8)]) for side in (source, target)
    ]
    assert found["scenes"]["value"] == scene_gap(*vectors).value > 0.2
    assert 0 < found["scenes"]["inside_target"] < found["scenes"]["inside_source"] < found["scenes"]["value"]
    assert found["scenes"]["videos"] == found["scenes"]["of"] == [8, 8] and not found["scenes"]["of_paper"]
    assert found["classes"]["source"] == (4, 4) and found["classes"]["total_variation"] == 0
    assert "--runs" in found["accuracy"]["missing"] and len(found["published"]) == 4
    assert json.loads(json.dumps(found))


def test_lists_alone_give_lengths_and_classes(shared_data, tmp_path):
    source, target = (
        domain_of(open_listing(shared_data / "kinetics2babel" / name, labelled=True), "")
        for name in ("k400_train.txt", "babel_train.txt")
    )
    found = gaps_of(source, target, encoder=ENCODER, bank=tmp_path / "scenes")
    assert found["temporal"]["value"] == pytest.approx(182.1437, abs=5e-5)
    assert found["scenes"]["missing"].startswith("none of 14,881 source videos can be seen, the first because")
    assert found["scenes"]["missing"].endswith("--source-root names their folder")
    assert found["classes"]["source"][:2] == (1371, 450) and found["classes"]["target"][-1] == 515
    assert found["source"]["videos"] + found["target"]["videos"] == 17_844


def test_frames_are_counted_where_the_list_does_not_say(squares, tmp_path):
    shutil.copytree(squares / "source", tmp_path / "videos")
    names = sorted(folder.name for folder in (tmp_path / "videos").iterdir())
    for image in list((tmp_path / "videos" / names[0]).iterdir())[:12]:
        if int(image.stem[4:]) > 5:
            image.unlink()
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in [*names, "gone"]))
    found = domain_of(open_listing(tmp_path / "list.txt", root=tmp_path / "videos"), "source")
    assert sorted(found.frames.tolist()) == [5] + [12] * 7
    (problem,) = found.left_out
    assert "list.txt line 9" in problem and "gone" in problem
    (tmp_path / "none.txt").write_text("gone\n")
    with pytest.raises(UserError, match="does not say how many frames its videos have, and none of them can be read"):
        domain_of(open_listing(tmp_path / "none.txt"), "source")


def test_a_draw_is_the_same_every_time_and_differs_between_domains():
    assert drawn(5, None, 0) == drawn(5, 5, 0) == range(5)
    first = drawn(1000, 50, 0)
    assert len(set(first)) == 50 and list(first) == sorted(first) and max(first) < 1000
    assert first == drawn(1000, 50, 0) != drawn(1000, 50, 1)


def test_scenes_say_what_they_were_made_of(squares, tmp_path):
    source, target = listing(squares, "source"), listing(squares, "target")
    assert scenes_of(source, target, None, tmp_path, None, 1) == {"missing": "was not asked for (--scene none)"}
    found = scenes_of(source, target, ENCODER, tmp_path, 3, 1)
    assert found["videos"] == [3, 3] and found["of"] == [8, 8] and found["limit"] == 3
    nowhere = scenes_of(source.below(tmp_path), target, ENCODER, tmp_path, None, 1)
    assert "none of 8 source videos can be seen" in nowhere["missing"] and "value" not in nowhere
    one = scenes_of(source, target, ENCODER, tmp_path, 1, 1)
    assert one["inside_source"] is None and one["value"] > 0


def test_classes_of_one_side_alone(squares):
    source = listing(squares, "source")
    target = open_listing(squares / "target.txt", labelled=True, keep_labels=False, root=squares / "target")
    found = classes_of(source, target)
    assert found == {
        "names": ["class 0", "class 1"],
        "source": [4, 4],
        "source_imbalance": 1,
        "missing": "the target has no labels to compare with",
    }
    assert classes_of(target, source)["target"] == [4, 4]
    assert classes_of(target, target) == {"missing": "neither list has labels"}


def scored(folder: Path, recipe: Recipe, predicted: list[int], labels: tuple[int, ...] = (0, 0, 1, 1)) -> Run:
    """Write a scored run without weights."""
    run = Run(folder)
    run.begin(recipe, ("left", "right"))
    chances = np.eye(2)[predicted]
    run.scores.write_text(json.dumps(video_scores(labels, chances).to_dict() | {"select": "last"}))
    lines = [
        {"path": f"v{n}", "offset": 0, "frames": 9, "label": label, "probabilities": row.tolist()}
        for n, (label, row) in enumerate(zip(labels, chances, strict=True))
    ]
    run.predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


@pytest.fixture
def two(square_recipe, square_pair, tmp_path):
    """A source-only run and one trained with the target's labels, scored at 50 and 75 %."""
    upper = square_pair.model_copy(update={"source": square_pair.target})
    low = scored(tmp_path / "low", square_recipe(name="floor"), [0, 0, 0, 0])
    return low, scored(tmp_path / "high", square_recipe(name="ceiling", data=upper), [0, 0, 0, 1])


def test_accuracy_is_of_two_runs(two):
    found = accuracy_of(*two)
    assert (found["value"], found["source_only"], found["supervised"]) == (25, 50, 75)
    assert found["per_class"] == (0, 50) and found["recipes"] == ["floor", "ceiling"]
    low, high = found["interval"]
    assert low == 0 and high == 50, "one class never moves, the other by all or nothing"
    assert found["select"] == ["last", "last"]
    two[0].predictions.unlink()
    assert accuracy_of(*two)["interval"] is None


def test_runs_without_a_gap_between_them_are_refused(two, square_recipe, tmp_path):
    low, high = two
    with pytest.raises(UserError, match=r"were both trained on .*source\.txt; the second run of --runs"):
        accuracy_of(low, low)
    unscored = Run(tmp_path / "new")
    with pytest.raises(UserError, match=r"has no scores\.json; score it first: glad evaluate"):
        accuracy_of(low, unscored)
    other = scored(tmp_path / "more", high.recipe, [0, 0, 1, 1, 1], (0, 0, 1, 1, 1))
    with pytest.raises(UserError, match="tested on different videos"):
        accuracy_of(low, other)
    high.predictions.write_text(high.predictions.read_text().replace('"v0"', '"w0"'))
    with pytest.raises(UserError, match=r"low and .*high were tested on different videos"):
        accuracy_of(low, high)
    adapted = scored(tmp_path / "dann", square_recipe(method=GladConfig()), [0, 0, 1, 1])
    with pytest.raises(UserError, match="was trained by GladConfig; Δ_Acc takes a source-only run"):
        accuracy_of(adapted, high)


def test_files_are_written_and_those_of_an_earlier_measurement_do_not_stay(squares, two, tmp_path):
    source, target = (domain_of(listing(squares, name), name) for name in ("source", "target"))
    found = gaps_of(source, target, name="Squares", runs=two)
    out = tmp_path / "gaps"
    files = write_gaps(found, source.frames, target.frames, out)
    names = [
        "lengths.svg",
        "lengths.png",
        "benchmarks.svg",
        "benchmarks.png",
        "classes.svg",
        "classes.png",
        "gaps.json",
    ]
    assert [file.name for file in files] == names and sorted(out.iterdir()) == sorted(files)
    assert json.loads((out / "gaps.json").read_text())["name"] == "Squares"
    bare = found | {"classes": {"missing": "neither list has labels"}}
    assert "classes.svg" not in [file.name for file in write_gaps(bare, source.frames, target.frames, out)]
    assert not (out / "classes.svg").exists() and not (out / "classes.png").exists()


def test_the_real_pair(shared_data, tmp_path):
    """Real videos against renders: by any scene features they are farther apart than videos of one kind."""
    folder = shared_data / "pair_real8_to_mocap8"
    source, target = (
        domain_of(open_listing(folder / name, labelled=True), "") for name in ("source_train.txt", "target_train.txt")
    )
    found = gaps_of(source, target, encoder=ENCODER, bank=tmp_path, limit=6)
    assert found["scenes"]["value"] > 2 * max(found["scenes"]["inside_source"], found["scenes"]["inside_target"])
    assert found["scenes"]["left_out"] == [] and found["scenes"]["of"] == [39, 163]
    assert found["temporal"]["value"] == temporal_gap(source.frames, target.frames)


def test_numbers_on_one_side_and_names_on_the_other_are_not_compared(squares):
    from dataclasses import replace

    from glad.data.listing import open_listing
    from glad.table1 import classes_of

    numbered = open_listing(squares / "source.txt", labelled=True, root=squares / "source")
    named = replace(numbered, classes=("right", "left"))
    assert "--classes joins the two" in classes_of(numbered, named)["missing"]
    assert "missing" not in classes_of(named, named) and "missing" not in classes_of(numbered, numbered)
