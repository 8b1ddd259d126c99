"""The data of a recipe become domains: labels of the source alone, backgrounds, and words about what is there."""

from pathlib import Path

import pytest

from glad import inputs
from glad.augment import Mix
from glad.errors import UserError
from glad.inputs import background_command, classes_of, described, labelled_listing, training_steps, unlabelled_listing
from glad.methods.base import Needs
from glad.recipe import Videos

CLASSES = ("left", "right")


def test_classes_are_given_read_or_those_of_the_folders(square_pair, tmp_path):
    def classes(**fields):
        return classes_of(square_pair.model_copy(update=fields))

    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "video.mp4").write_bytes(b"x")
    assert classes(classes=("x", "y")) == ("x", "y")
    assert classes() == CLASSES
    assert classes(classes=None, source=Videos(list=tmp_path)) == ("a", "b")
    with pytest.raises(UserError, match=r"source\.txt is a list.*set data\.classes"):
        classes(classes=None)
    with pytest.raises(UserError, match=r"no list and no folder of videos at nowhere \(data\.source\.list\)"):
        classes(classes=None, source=Videos(list=Path("nowhere")))


def test_labels_are_kept_where_they_are_needed_and_dropped_at_the_door(square_pair):
    source = labelled_listing(square_pair.source, CLASSES, every_class=True)
    assert source.labels.tolist() == [0, 1] * 4
    target = unlabelled_listing(square_pair.target, CLASSES)
    assert not target.labelled and set(target.labels.tolist()) == {-1}
    assert [target[k].path for k in range(2)] == ["left_0", "right_1"]


def test_labels_are_asked_of_a_list_that_has_some(square_pair):
    unlabelled = square_pair.source.model_copy(update={"labelled": False})
    with pytest.raises(UserError, match="these videos need labels"):
        labelled_listing(unlabelled, CLASSES, every_class=True)


def test_an_empty_class_is_refused_in_training_and_allowed_in_a_test(square_pair):
    with pytest.raises(UserError, match="no video of class up"):
        labelled_listing(square_pair.source, (*CLASSES, "up"), every_class=True)
    assert len(labelled_listing(square_pair.source, (*CLASSES, "up"), every_class=False)) == 8


def test_entries_lie_beside_their_list_unless_a_root_is_given(squares, tmp_path):
    (squares / "source" / "source.txt").write_text("left_0 12 0\nright_1 12 1\n")
    try:
        beside = labelled_listing(Videos(list=squares / "source" / "source.txt"), CLASSES, every_class=True)
        assert beside.root == squares / "source" and len(beside.video(0)) == 12
    finally:
        (squares / "source" / "source.txt").unlink()


def test_a_step_holds_both_domains_and_only_the_labels_of_one(square_recipe):
    steps = training_steps(square_recipe(), CLASSES, Needs(target=True), 0, 1)
    batch = steps[0]
    assert batch.target is not None and len(batch.target) == len(batch.source) == len(batch.label) == 4
    assert batch.source.views["local"].shape == (4, 2, 3, 4, 16, 16)
    assert steps.plan.steps_per_epoch == 2
    names = [steps.source.listing[index].path for index, _ in steps.plan.sources(0)]
    assert batch.label.tolist() == [CLASSES.index(name.split("_")[0]) for name in names]


def test_the_target_is_not_even_opened_where_it_is_not_needed(square_recipe, square_pair):
    gone = square_pair.model_copy(update={"target": Videos(list=Path("nowhere"))})
    steps = training_steps(square_recipe(data=gone), CLASSES, Needs(), 0, 1)
    assert steps.target is None and steps[0].target is None


def test_processes_share_the_batch(square_recipe):
    whole = training_steps(square_recipe(), CLASSES, Needs(target=True), 0, 1).plan
    halves = [training_steps(square_recipe(), CLASSES, Needs(target=True), rank, 2).plan for rank in (0, 1)]
    for step in range(5):
        assert halves[0].sources(step) + halves[1].sources(step) == whole.sources(step)
        assert halves[0].targets(step) + halves[1].targets(step) == whole.targets(step)


def test_mixing_needs_backgrounds_and_changes_the_source_alone(square_recipe, square_pair):
    plain = training_steps(square_recipe(), CLASSES, Needs(target=True), 0, 1)[0]
    still = training_steps(square_recipe(mix=Mix(probability=1.0, ratio=1.0)), CLASSES, Needs(target=True), 0, 1)[0]
    frames = still.source.views["local"]
    assert (frames == frames[:, :, :, :1]).all() and not (plain.source.views["local"] == frames).all()
    assert still.target is not None and plain.target is not None
    assert (still.target.views["local"] == plain.target.views["local"]).all()
    assert (
        training_steps(square_recipe(mix=Mix(probability=0.0)), CLASSES, Needs(target=True), 0, 1).source.debias is None
    )
    without = square_pair.model_copy(update={"backgrounds": None})
    with pytest.raises(UserError, match=r"names no folder of them \(data\.backgrounds\)"):
        training_steps(square_recipe(data=without, mix=Mix()), CLASSES, Needs(target=True), 0, 1)


def test_missing_backgrounds_end_in_the_command_that_makes_them(square_recipe, square_pair, tmp_path):
    """It is one to paste: spaces are quoted, and it says what the recipe does of the list."""
    mix, videos = Mix(probability=1.0, ratio=1.0), square_pair.source
    for pair in ({"backgrounds": None}, {"backgrounds": Path("my stills")}):
        recipe = square_recipe(mix=mix, data=square_pair.model_copy(update=pair))
        with pytest.raises(UserError) as told:
            training_steps(recipe, CLASSES, Needs(), 0, 1)
        command = f"glad prepare backgrounds {videos.list} --root {videos.root} --out "
        folder = "'my stills'" if pair["backgrounds"] else "backgrounds\n--data.backgrounds backgrounds"
        assert str(told.value).endswith(f":\n{command}{folder}")
    assert background_command(Videos(list=Path("a b"), labelled=False), Path("c")) == (
        "glad prepare backgrounds 'a b' --unlabelled --out c"
    )


def test_what_is_on_disk_is_described(square_recipe, squares):
    lines = described(training_steps(square_recipe(mix=Mix()), CLASSES, Needs(target=True), 0, 1))
    assert lines == [
        f"source: 8 labelled videos of {squares / 'source.txt'} (frame folders, img_%05d.jpg from 1)",
        f"target: 8 unlabelled videos of {squares / 'target.txt'} (frame folders, img_%05d.jpg from 1)",
        f"backgrounds: 8 in {squares / 'backgrounds'}",
    ]


def test_the_test_domain_is_seen_without_chance(square_recipe):
    domain = inputs.test_domain(square_recipe(), CLASSES)
    one, two = domain.sample(0, None), domain.sample(0, None)
    assert len(domain) == 4 and one.label == 0
    assert all((one.views[name] == two.views[name]).all() for name in one.views)
