"""Two folders become a recipe file that trains; what could not work is refused before anything is written."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import glad.project
from glad.data.image import read_image
from glad.errors import UserError
from glad.inputs import classes_of, training_steps
from glad.methods.base import Needs
from glad.project import Project, begin
from glad.recipes.find import find_recipe


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Steps are really made in glad/sizing_test.py and tests/own_videos_test.py."""
    monkeypatch.setattr(glad.project, "training_minutes", lambda *_: 12.0)


@pytest.fixture
def project(squares, tmp_path, monkeypatch) -> Project:
    """Frame folders in `labelled/left`, `labelled/right`, `un labelled` and `test`, in a fresh current folder."""
    monkeypatch.chdir(tmp_path)
    for name, folder in (("source", "labelled"), ("target", "un labelled"), ("test", "test")):
        for video in (squares / name).iterdir():
            kind = "" if name == "target" else video.name.split("_")[0]
            (Path(folder) / kind).mkdir(parents=True, exist_ok=True)
            (Path(folder) / kind / video.name).symlink_to(video)
    return Project(Path("my-project.py"), Path("labelled"), Path("un labelled"), Path("test"), workers=1)


def test_what_is_found_is_told_and_written(project):
    said = begin(project).splitlines()
    assert said[:6] == [
        "source: 8 labelled videos of 12 frames each",
        "2 classes: left 4, right 4",
        "target: 8 unlabelled videos of 12 frames each",
        "test: 4 labelled videos of 12 frames each",
        "distance of the lengths (Δ_temp, Eq. 2): 0.0 frames",
        "check: every video is there and can be decoded at its beginning, middle and end",
    ]
    assert said[6:9] == ["backgrounds: 8 made, in my-project-backgrounds", "written: my-project.py", ""]
    commands = [line.split("   # ")[0].rstrip() for line in said[9:]]
    assert commands == [
        "glad train my-project.py --workers 1",
        "glad predict runs/my-project 'un labelled'",
        "glad train my-project.py:my-project-source-only --workers 1",
        "glad evaluate runs/my-project-source-only runs/my-project",
    ]
    assert "about 12 minutes here" in said[9]
    assert "# 2 classes: left 4, right 4\n" in project.file.read_text()


def test_the_file_names_the_very_videos(project, tmp_path, monkeypatch):
    begin(project)
    monkeypatch.chdir("/")
    recipe = find_recipe(str(tmp_path / "my-project.py"))
    assert classes_of(recipe.data) == ("left", "right") and recipe.batch_size == 8
    steps = training_steps(recipe, ("left", "right"), Needs(target=True), 0, 1)
    assert (
        len(steps.source) == 8 and len(steps.target) == 8 and steps.source.listing.labels.tolist() == [0] * 4 + [1] * 4
    )
    assert steps.target.listing[0].path == "left_0" and not steps.target.listing.labelled
    still = read_image(tmp_path / "my-project-backgrounds" / "left" / "left_0.jpg")
    assert still.shape == (24, 24, 3)


def test_again_it_is_refused_and_forced_it_keeps_the_backgrounds(project):
    begin(project)
    project.file.write_text("mine")
    with pytest.raises(UserError, match=r"my-project\.py is there already.*--force"):
        begin(project)
    assert project.file.read_text() == "mine"
    assert "backgrounds: 0 made, 8 were there" in begin(project, force=True)
    assert "GLAD" in project.file.read_text()


def test_without_a_test_there_is_nothing_to_evaluate(project):
    said = begin(replace(project, test=None))
    assert "glad evaluate" not in said and "test:" not in said and "glad predict" in said
    assert "there is none yet" in project.file.read_text()


def test_few_videos_make_a_small_batch(project):
    for video in ("left_2", "left_4", "left_6", "right_1", "right_5", "right_7"):
        (Path("labelled") / video.split("_")[0] / video).unlink()
    assert "source: 2 labelled videos of 12 frames each" in begin(project)
    recipe = find_recipe("my-project.py")
    assert recipe.batch_size == recipe.after.batch_size == 2


def test_lists_stand_in_for_folders(project, squares):
    shutil.copy(squares / "classes.txt", "classes.txt")
    listed = ("left/left_0 12 0\nright/right_1 12 1\n", "left_0 0 12 0\nright_1 2 9 1\nleft_2 0 5 0\n")
    for name, folder, text in zip(("s", "t"), ("labelled", "un labelled"), listed, strict=True):
        (Path(folder) / f"{name}.txt").write_text(text)
    value = replace(project, source=Path("labelled/s.txt"), target=Path("un labelled/t.txt"), target_labelled=True)
    with pytest.raises(UserError, match=r"s\.txt is a list, whose labels need names: --classes FILE"):
        begin(value)
    said = begin(replace(value, classes=Path("classes.txt")))
    assert "target: 3 unlabelled videos of 5 to 12 frames, half of them up to 9" in said
    assert "distance of the lengths (Δ_temp, Eq. 2): 3.3 frames" in said  # 12 against the mean of 12, 9 and 5
    assert "so that the last frame is held: 1 target video\n" in said  # clips of 8
    assert "check: 2 pairs" not in said
    recipe = find_recipe("my-project.py")
    assert recipe.data.target.labelled and recipe.data.classes == ("left", "right")
    steps = training_steps(recipe, ("left", "right"), Needs(target=True), 0, 1)
    assert steps.target is not None and not steps.target.listing.labelled and len(steps.target.listing.video(1)) == 9


def test_lists_may_lie_elsewhere_than_their_videos(project, squares):
    shutil.copy(squares / "classes.txt", "classes.txt")
    for name, text in (
        ("s", "left/left_0 12 0\nright/right_1 12 1\n"),
        ("t", "left_0 0 12\nright_1 2 9\n"),
        ("e", "left/left_0 12 0\n"),
    ):
        Path("lists").mkdir(exist_ok=True)
        Path("lists", f"{name}.txt").write_text(text)
    value = replace(
        project, source=Path("lists/s.txt"), target=Path("lists/t.txt"), classes=Path("classes.txt"), test=None
    )
    with pytest.raises(UserError, match="--test-root goes with a list, and --test is none"):
        begin(replace(value, test_root=Path("test")))
    with pytest.raises(UserError, match="--test-root goes with a list, and --test is none"):
        begin(replace(value, test=Path("test"), test_root=Path("test")))
    with pytest.raises(UserError, match=r"there is no folder gone \(--source-root\)"):
        begin(replace(value, source_root=Path("gone")))
    assert untouched()
    value = replace(value, source_root=Path("labelled"), target_root=Path("un labelled"))
    said = begin(replace(value, test=Path("lists/e.txt"), test_root=Path("test")))
    assert "target: 2 unlabelled videos of 9 to 12 frames" in said and "backgrounds: 2 made" in said
    assert "glad predict runs/my-project 'un labelled'" in said
    data = find_recipe("my-project.py").data
    folders = [videos.folder.name for videos in (data.source, data.target, data.test)]
    assert folders == ["labelled", "un labelled", "test"]
    assert 'root=HERE / "un labelled", labelled=False' in project.file.read_text()
    steps = training_steps(find_recipe("my-project.py"), ("left", "right"), Needs(target=True), 0, 1)
    assert steps.target is not None and len(steps.target.listing.video(1)) == 9


@pytest.mark.parametrize("name, text", [("t.txt", "left_0 12 0\nright_1 12 1\n"), ("t.csv", "left_0,left\n")])
def test_a_target_that_may_be_labelled_is_told_the_flag(project, name, text):
    """`left_0 12 0` is a video of no frames where rows hold no labels."""
    (project.target / name).write_text(text)
    with pytest.raises(UserError, match=r"the rows of .* may end in labels; if they do, say so by --target-labelled"):
        begin(replace(project, target=project.target / name))
    (project.target / "t.txt").write_text("left_0 6 1\nright_1 11 1\n")  # one frame each, if 1 is no label: all fine
    begin(replace(project, target=project.target / "t.txt"))


def test_a_broken_target_that_may_be_labelled_is_told_the_flag(project):
    """`left_0 12 1` is one frame after the last one where rows hold no labels."""
    (project.target / "t.txt").write_text("left_0 12 1\n")
    with pytest.raises(UserError, match=r"1 problem with the videos(.|\n)*\nthe rows of .*--target-labelled"):
        begin(replace(project, target=project.target / "t.txt"))
    (project.target / "t.txt").write_text("left_0 12 2\n")  # there is no third class
    with pytest.raises(UserError) as told:
        begin(replace(project, target=project.target / "t.txt"))
    assert "--target-labelled" not in str(told.value)


def test_random_weights_and_long_trainings_are_told(project, monkeypatch):
    monkeypatch.setattr(glad.project, "training_minutes", lambda *_: 237.0)
    said = begin(replace(project, backbone="tsm"))
    assert "tsm starts from random weights: name public ones by --weights" in said and "about 4 hours here" in said
    Path("weights.pth").touch()
    monkeypatch.setattr(glad.project, "training_minutes", lambda *_: 1.0)
    said = begin(replace(project, backbone="tsm", weights=Path("weights.pth")), force=True)
    assert "random weights" not in said and "a minute or so here" in said
    assert find_recipe("my-project.py").after.init == str(Path("weights.pth").absolute())


def test_a_name_may_hold_spaces_and_dots(project):
    said = begin(replace(project, file=Path("my 2.project.py")))
    assert "glad train 'my 2.project.py' --workers 1" in said and "glad predict 'runs/my 2.project'" in said
    assert "glad train 'my 2.project.py':'my 2.project-source-only' --workers 1" in said
    assert find_recipe("my 2.project.py").name == "my 2.project"


def test_a_batch_that_does_not_fit_the_gpu_is_halved(project, monkeypatch):
    tried = []

    def minutes(recipe, classes, workers):
        tried.append(recipe.batch_size)
        if recipe.batch_size > room:
            raise torch.OutOfMemoryError
        return 1.0

    monkeypatch.setattr(glad.project, "training_minutes", minutes)
    room = 3
    begin(project)
    assert tried == [8, 4, 2] and find_recipe("my-project.py").batch_size == 2
    room = 1
    with pytest.raises(UserError, match="not even 2 videos of each domain fit the memory of the GPU"):
        begin(project, force=True)
    assert find_recipe("my-project.py").batch_size == 2, "the file of before is gone"
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def untouched() -> bool:
    return not Path("my-project.py").exists() and not Path("my-project-backgrounds").exists()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"target": Path("labelled")}, r"--source labelled and --target labelled are the same videos"),
        ({"test": Path("un labelled/../labelled")}, r"--source labelled and --test .*labelled are the same videos"),
        ({"target": Path("labelled/left")}, r"--target labelled/left lies inside --source labelled"),
        ({"target": Path()}, r"--source labelled lies inside --target \."),
        ({"source": Path("gone")}, r"there is no list and no folder of videos at gone"),
        ({"target": Path("gone")}, r"there is no list and no folder of videos at gone"),
        ({"target": Path("empty")}, r"empty holds no videos"),
        ({"source": Path("empty")}, r"empty holds no class folders"),
        ({"source": Path("one")}, r"one has one class alone, left"),
        ({"source": Path("hollow")}, r"hollow has no video of class right"),
        ({"source": Path("loose")}, r"a\.mp4 lies in no class folder"),
        ({"test": Path("other")}, r"up is the folder of no class; classes: left, right"),
        ({"file": Path("a:b.py")}, r"'a:b' cannot be a project's name"),
        ({"file": Path("un labelled/my-project.py")}, r"would lie inside --target un labelled"),
        ({"weights": Path("gone.pth")}, r"there are no weights at gone\.pth"),
    ],
)
def test_what_cannot_work_is_one_sentence(changes, said, project):
    for folder in ("empty", "one/left", "hollow/left", "hollow/right", "loose", "other/up"):
        Path(folder).mkdir(parents=True)
    for place in ("one/left", "hollow/left", "other/up"):
        (Path(place) / "v").symlink_to((project.target / "left_0").resolve())
    Path("loose/a.mp4").touch()
    with pytest.raises(UserError, match=said) as told:
        begin(replace(project, **changes))
    assert "\n" not in str(told.value) and untouched()


def test_broken_videos_are_all_named(project, squares):
    for video in ("left_2", "right_3"):
        (project.target / video).unlink()
        shutil.copytree(squares / "target" / video, project.target / video)
        (project.target / video / "img_00006.jpg").unlink()
    with pytest.raises(UserError) as told:
        begin(project)
    said = str(told.value)
    assert said.startswith("2 problems with the videos; repair them or take them out, and run again:\n")
    assert "target: left_2: " in said and "target: right_3: " in said and said.count("img_00006.jpg") == 2
    assert untouched()


def test_a_test_set_may_lack_a_class(project):
    shutil.rmtree("test/right")
    said = begin(project)
    assert "test: 2 labelled videos of 12 frames each; none of right\n" in said and project.file.exists()


def test_lists_of_one_folder_that_share_videos_are_told_and_not_refused(project):
    """Evaluation is then of videos that were trained on, without their labels."""
    Path("classes.txt").write_text("left\nright\n")
    Path("source.txt").write_text("labelled/left/left_0 12 0\nlabelled/right/right_1 12 1\n")
    for name, labels in (("target", ("", "")), ("test", (" 0", " 1"))):
        Path(f"{name}.txt").write_text(f"un labelled/left_0 12{labels[0]}\nun labelled/right_1 12{labels[1]}\n")
    lists = {name: Path(f"{name}.txt") for name in ("source", "target", "test", "classes")}
    said = begin(replace(project, **lists))
    assert "check: 2 videos of two lists that must share none, for one" in said and project.file.exists()


def test_real_clips_of_many_sizes_and_codecs(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips = shared_data / "real_clips"
    for kind, names in (
        ("jump", ("raivokoot_demo_dataset/jumping/0001", "raivokoot_demo_dataset/jumping/0002")),
        ("throw", ("v_BaseballPitch_g01_c01.avi", "v_CricketShot_g04_c01_rgb.gif")),
    ):
        for name in names:
            place = Path("labelled") / kind / Path(name).name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(clips / name)
    Path("unlabelled").mkdir()
    for name in ("mmaction2_part_0.mp4", "torchcodec_h265_video.mp4", "torchcodec_av1_video.mkv"):
        (Path("unlabelled") / name).symlink_to(clips / name)
    said = begin(Project(Path("real.py"), Path("labelled"), Path("unlabelled"), workers=1))
    assert "source: 4 labelled videos" in said and "2 classes: jump 2, throw 2" in said
    assert "target: 3 unlabelled videos" in said and "backgrounds: 4 made" in said
