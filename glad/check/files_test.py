"""What is told of one video on disk: every fault by its name, and nothing of a sound one."""

import os
from pathlib import Path

import pytest

from glad.check import files
from glad.check.conftest import frames_in
from glad.check.files import Seen, Span, Task, chosen, look, looked_at, usual_layout
from glad.data.conftest import movie
from glad.data.frames import FrameLayout

ONE = FrameLayout("img_%05d.jpg", 1)


def seen(path: Path, *spans: tuple[int, int | None], decode: files.Decode = "sample") -> Seen:
    return look(Task(path, tuple(Span(row, *span) for row, span in enumerate(spans)), ONE, decode))


def kinds(what: Seen) -> list[tuple[str, int | None]]:
    return [(fault.kind, fault.row) for fault in what.faults]


def test_a_sound_folder(tmp_path):
    assert seen(frames_in(tmp_path / "a", 10), (0, 10), (5, 5), (3, None), decode="all") == Seen(10)


def test_which_frames_are_decoded():
    assert [chosen(how, 10).tolist() for how in ("sample", "ends", "none")] == [[0, 5, 9], [0, 9], []]
    assert chosen("all", 3).tolist() == [0, 1, 2] and chosen("sample", 1).tolist() == [0]


def test_rows_longer_than_their_folder(tmp_path):
    what = seen(frames_in(tmp_path / "a", 10), (0, 10), (0, 11), (10, None), (9, 2))
    assert kinds(what) == [("length", 1), ("length", 2), ("length", 3)]
    assert what.faults[0].text == f"frames 0..10 asked for, but {tmp_path / 'a'} has 10 frames"
    assert what.faults[1].text == f"frame 10 asked for, but {tmp_path / 'a'} has 10 frames"


def test_a_gap_concerns_the_rows_that_need_what_is_missing(tmp_path):
    (frames_in(tmp_path / "a", 10) / "img_00004.jpg").unlink()
    what = seen(tmp_path / "a", (0, 3), (0, 10), (3, 1), (4, 6))
    assert kinds(what) == [("frames", 1), ("frames", 2)] and what.frames == 9
    assert what.faults[0].text == f"1 of 10 frames are missing in {tmp_path / 'a'}, img_00004.jpg first"


def test_a_folder_that_is_numbered_otherwise(tmp_path):
    what = seen(frames_in(tmp_path / "a", 10, first=0), (0, 10))
    assert kinds(what) == [("numbering", None)]
    assert "img_%05d.jpg from 0, those of most others are img_%05d.jpg from 1" in what.faults[0].text


def test_a_broken_frame_concerns_the_rows_whose_sample_it_is_in(tmp_path):
    (frames_in(tmp_path / "a", 10) / "img_00003.jpg").write_bytes(b"")
    rows = ((0, 10), (2, 8), (0, 5), (3, 7))
    assert kinds(seen(tmp_path / "a", *rows)) == [("decode", 1), ("decode", 2)]
    assert kinds(seen(tmp_path / "a", *rows, decode="ends")) == [("decode", 1)]
    assert kinds(seen(tmp_path / "a", *rows, decode="all")) == [("decode", 0), ("decode", 1), ("decode", 2)]
    assert kinds(seen(tmp_path / "a", *rows, decode="none")) == []


def test_frames_of_several_sizes(tmp_path):
    frames_in(frames_in(tmp_path / "a", 6), 4, first=7, size=(8, 12))
    what = seen(tmp_path / "a", (0, 10), (0, 6), (6, 4))
    assert kinds(what) == [("size", 0)] and "img_00001.jpg is 12x8, img_00010.jpg is 8x12" in what.faults[0].text


def test_nothing_and_no_frames(tmp_path):
    (tmp_path / "empty").mkdir()
    assert kinds(seen(tmp_path / "none", (0, 1))) == [("missing", None)]
    assert kinds(seen(tmp_path / "empty", (0, 1))) == [("frames", None)]


def test_video_files(tmp_path):
    path = movie(tmp_path / "a.mp4", count=30)
    assert seen(path, (0, 30), (10, 20), (5, None), decode="all") == Seen(30)
    assert kinds(seen(path, (0, 30), (10, 21), (30, None))) == [("length", 1), ("length", 2)]
    whole = path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mp4").write_text("no video")
    assert kinds(seen(tmp_path / "cut.mp4", (0, 9))) == kinds(seen(tmp_path / "text.mp4", (0, 9))) == [("decode", None)]


def test_the_usual_layout_is_that_of_most_folders(tmp_path):
    folders = [frames_in(tmp_path / f"{k}", 2, first=int(k != 0)) for k in range(4)]
    (tmp_path / "empty").mkdir()
    assert usual_layout([*folders, tmp_path / "empty"]) == ONE
    assert usual_layout([]) is None and usual_layout([tmp_path / "empty"]) is None


def test_one_process_or_several_tell_the_same(tmp_path):
    frames_in(tmp_path / "a", 2)
    tasks = [Task(tmp_path / name, (Span(0, 0, 2),), ONE, "sample") for name in ("a", "none", "a")]
    assert dict(looked_at(tasks, 2)) == dict(looked_at(tasks, 0))


def kill(numbered: tuple[int, Task]) -> Seen:
    """Look as usual, but die of the video called `deadly`."""
    if numbered[1].path.name == "deadly":
        os._exit(9)
    return look(numbered[1])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_video_that_kills_its_process_is_named(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_look", kill)
    frames_in(tmp_path / "a", 2)
    tasks = [Task(tmp_path / name, (Span(0, 0, 2),), ONE, "sample") for name in ("a", "deadly", "a")]
    found = dict(looked_at(tasks, workers))
    assert found[0] == found[2] == Seen(2) and kinds(found[1]) == [("decode", None)]
    assert "deadly ends the program" in found[1].faults[0].text


@pytest.mark.parametrize("decode", ["sample", "ends"])
def test_real_clips_are_sound(shared_data, decode):
    folder = shared_data / "real_clips"
    for name, count in (("torchcodec_h265_video.mp4", 10), ("v_CricketShot_g04_c01_rgb.gif", 79)):
        assert seen(folder / name, (0, count), (0, None), decode=decode) == Seen(count)
