import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from glad.errors import UserError
from glad.mini import make
from glad.mini.folder import empty
from glad.mini.make import CLASSES, Sizes, init_jobs, source_jobs, target_jobs, target_rows, timing
from glad.mini.motion import ACTIONS

FEW = Sizes(source_train=1, source_val=1, target_train=1, target_test=1, init_train=1, init_val=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mini")
    make._make(root, seed=3, workers=1, videos=True, sizes=FEW)
    return root


def rows(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]


def every_file(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_source_rows_name_folders_with_as_many_frames_from_zero(root):
    for name in ("source_train.txt", "source_val.txt"):
        found = rows(root / name)
        assert [int(label) for _, _, label in found] == list(range(12))
        for path, frames, label in found:
            assert path.split("/")[0] == CLASSES[int(label)]
            files = sorted(file.name for file in (root / "source" / path).iterdir())
            assert files == [f"img_{number:05d}.jpg" for number in range(int(frames))]
            assert 160 <= int(frames) <= 300


@pytest.mark.parametrize("split", ["train", "test"])
def test_target_rows_lie_inside_their_sequences_from_one(root, split):
    name = "target_test.txt" if split == "test" else "target_train_labels.txt"
    found = rows(root / name)
    assert sorted(int(label) for *_, label in found) == list(range(12))
    ends: dict[str, int] = {}
    for path, offset, frames, _ in found:
        assert 15 <= int(frames) <= 400
        assert int(offset) >= ends.get(path, 0)
        ends[path] = int(offset) + int(frames)
    assert any(int(offset) > 0 for _, offset, _, _ in found)
    for path, end in ends.items():
        files = sorted(file.name for file in (root / "target" / path).iterdir())
        assert files == [f"img_{number:05d}.jpg" for number in range(1, end + 1)]


def test_unlabelled_list_is_the_labelled_one_without_its_last_field(root):
    assert rows(root / "target_train.txt") == [row[:3] for row in rows(root / "target_train_labels.txt")]


def test_video_lists_mirror_the_frame_lists_and_their_files_hold_the_frames(root):
    for name in ("source_train", "source_val", "target_train", "target_train_labels", "target_test"):
        plain = [[f"{path}.mp4", *rest] for path, *rest in rows(root / f"{name}.txt")]
        assert rows(root / "videos" / f"{name}.txt") == plain
    path, frames, _ = rows(root / "videos" / "source_val.txt")[0]
    with av.open(str(root / "videos" / "source" / path)) as file:
        stream = file.streams.video[0]
        assert stream.average_rate == 30 and stream.codec_context.name == "h264"
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
    assert len(pictures) == int(frames)
    folder = root / "source" / path.removesuffix(".mp4")
    for number in (0, 7, len(pictures) - 1):
        jpeg = cv2.imread(str(folder / f"img_{number:05d}.jpg"))
        assert jpeg is not None
        assert np.abs(pictures[number].astype(float) - jpeg[..., ::-1]).mean() < 8


def test_classes_and_the_closing_file(root):
    assert rows(root / "classes.txt")[6] == ["6", "clean_something"]
    about = json.loads((root / "mini.json").read_text())
    assert about["seed"] == 3 and about["version"] == make.VERSION
    assert about["frames_made"] == len(list((root / "source").rglob("*.jpg")) + list((root / "target").rglob("*.jpg")))


def test_same_seed_same_bytes_and_another_seed_others(root, tmp_path):
    make._make(tmp_path / "again", seed=3, workers=2, videos=True, sizes=FEW)
    assert every_file(tmp_path / "again") == every_file(root)
    make._make(tmp_path / "other", seed=4, workers=1, videos=False, sizes=FEW)
    assert not (tmp_path / "other" / "videos").exists()
    same = "source/jump/0000/img_00000.jpg"
    assert (tmp_path / "other" / same).read_bytes() != (root / same).read_bytes()


def test_complete_folder_is_left_alone_and_an_incomplete_one_made_anew(tmp_path):
    few = Sizes(source_train=1, source_val=0, target_train=0, target_test=0)
    make._make(tmp_path, seed=0, workers=1, videos=False, sizes=few)
    picture = tmp_path / "source/run/0000/img_00005.jpg"
    before = picture.read_bytes()
    picture.write_bytes(b"touched")
    make._make(tmp_path, seed=0, workers=1, videos=False, sizes=few)
    assert picture.read_bytes() == b"touched"
    empty(tmp_path)
    assert not (tmp_path / "source").exists()
    (tmp_path / "source/run/9999").mkdir(parents=True)
    make._make(tmp_path, seed=0, workers=1, videos=False, sizes=few)
    assert picture.read_bytes() == before and not (tmp_path / "source/run/9999").exists()


def test_videos_that_an_interrupted_run_made_are_not_made_again(tmp_path, monkeypatch):
    few = Sizes(source_train=1, source_val=0, target_train=1, target_test=0)
    make._make(tmp_path / "whole", seed=0, workers=1, videos=True, sizes=few)
    produce, made = make._produce, []

    def interrupted(job, **rest):
        if len(made) == 7:
            (tmp_path / "cut/source/run/.0000").mkdir(parents=True, exist_ok=True)
            (tmp_path / "cut/videos/source/run/.0000.mp4").touch()
            raise KeyboardInterrupt
        made.append(job.path)
        produce(job, **rest)

    monkeypatch.setattr(make, "_produce", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make._make(tmp_path / "cut", seed=0, workers=1, videos=True, sizes=few)
    assert not any((tmp_path / "cut").glob("*.txt"))
    monkeypatch.setattr(make, "_produce", lambda job, **rest: made.append(job.path) or produce(job, **rest))
    make._make(tmp_path / "cut", seed=0, workers=1, videos=True, sizes=few)
    assert len(made) == len(set(made)) == len(list(source_jobs(0, few))) + len(list(target_jobs(0, few)))
    assert every_file(tmp_path / "cut") == every_file(tmp_path / "whole")


def test_a_video_that_is_cut_short_is_not_there(tmp_path, monkeypatch):
    job = next(source_jobs(0, FEW))
    code, left = make.simplejpeg.encode_jpeg, [5]

    def cut_video(path, frames):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    def cut_frames(frame, **how):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return code(frame, **how)

    for name, cut, videos in (("write_video", cut_video, True), ("simplejpeg.encode_jpeg", cut_frames, False)):
        monkeypatch.setattr(f"glad.mini.make.{name}", cut)
        with pytest.raises(KeyboardInterrupt):
            make._produce(job, tmp_path, "actions", videos)
        assert not (tmp_path / "videos" / f"{job.path}.mp4").exists() and not (tmp_path / job.path).exists()
    assert left == [0]
    monkeypatch.undo()
    make._produce(job, tmp_path, "actions", False)  # once more, as where a worker was killed for lack of memory
    assert len(list((tmp_path / job.path).iterdir())) == job.frames
    assert [path.name for path in (tmp_path / job.path).parent.iterdir()] == ["0000"]


def test_folder_of_somebody_else_is_not_touched(tmp_path):
    for name in ("source", "classes.txt"):
        (tmp_path / name / name).mkdir(parents=True)
        (tmp_path / name / ".unfinished").mkdir()
        with pytest.raises(UserError, match=f"{name} was not written by glad and would be lost"):
            make._make(tmp_path / name, seed=0, workers=1, videos=False, sizes=FEW)
        assert (tmp_path / name / name).exists()
    (tmp_path / "mini.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        make._make(tmp_path, seed=0, workers=1, videos=False, sizes=FEW)


def test_init_videos_are_of_the_other_motions(tmp_path):
    make._make_init(tmp_path, 0, 1, Sizes(init_train=1, init_val=0))
    found = rows(tmp_path / "init_train.txt")
    assert len(found) == 16 and not {path.split("/")[0] for path, _, _ in found} & set(CLASSES)
    assert (tmp_path / "source" / found[0][0] / "img_00000.jpg").exists()


def test_full_size_jobs():
    source, target = list(source_jobs(0, Sizes())), list(target_jobs(0, Sizes()))
    assert len(source) == 12 * 38
    lengths = np.array([frames for job in target for _, _, frames in job.segments])
    assert len(lengths) == 12 * 70
    assert lengths.min() >= 15 and lengths.max() <= 400 and 48 < np.median(lengths) < 60
    addresses = [job.address for job in [*source, *target, *init_jobs(0, Sizes())]]
    assert len(set(addresses)) == len(addresses)
    train = {job.path for job in target if "/train/" in job.path}
    labels = [label for job in target if job.path in train for label, _, _ in job.segments]
    assert np.bincount(labels).tolist() == [20] * 12
    assert any(len(job.segments) == 2 for job in target)
    assert target_rows(target[:1], "", labelled=True).split()[0] == "train/00000"


def test_gesture_is_done_as_often_as_there_is_room():
    rng = np.random.default_rng(0)
    phase, weight = timing(ACTIONS["jump"], 15, 1.0, 1.0, rng)
    assert phase[0] == 0 and phase[-1] > 0.9 and (np.diff(phase) > 0).all() and (weight == 1).all()
    phase, _ = timing(ACTIONS["jump"], 204, 1.0, 1.0, rng)
    assert (np.diff(phase) < 0).sum() == 3  # four jumps


def test_cycle_fills_its_part():
    phase, weight = timing(ACTIONS["run"], 200, 0.5, 1.0, np.random.default_rng(0))
    assert (weight > 0).sum() == 100 and np.diff(phase) == pytest.approx(1 / (30 * ACTIONS["run"].seconds))
