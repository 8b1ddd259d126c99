import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from glad.data import frames
from glad.data.frames import FrameFolder, FrameLayout, frame_folder, frame_layout, frame_names, numbered_frames
from glad.errors import UserError

IMG = FrameLayout("img_%05d.jpg", 1)


def level(pixels: np.ndarray) -> list[int]:
    """Return the number of each frame made by `make_folder`, read off its grey."""
    return np.rint((pixels.mean((1, 2, 3)) - 16) / 3).astype(int).tolist()


@pytest.mark.parametrize(
    ("names", "template", "first"),
    [
        (["img_00000.jpg", "img_00001.jpg"], "img_%05d.jpg", 0),
        (["img_00001.jpg", "img_00002.jpg"], "img_%05d.jpg", 1),
        (["frame_0000000007.jpg", "frame_0000000008.jpg"], "frame_%010d.jpg", 7),
        (["00001.png"], "%05d.png", 1),
        ([f"{i}.jpeg" for i in range(8, 12)], "%d.jpeg", 8),
        ([f"{i:02d}.JPG" for i in range(8, 12)], "%02d.JPG", 8),
        (["a2_007.jpg", "a2_008.jpg"], "a2_%03d.jpg", 7),
        (["100%_1.png", "100%_2.png"], "100%%_%d.png", 1),
        (["img_00001.jpg", "flow_x_00001.jpg", "flow_y_00001.jpg", "notes.txt", ".img_00009.jpg"], "img_%05d.jpg", 1),
    ],
)
def test_the_layout_is_inferred_from_names(names: list[str], template: str, first: int, tmp_path: Path):
    for name in names:
        (tmp_path / name).touch()
    layout, count = numbered_frames(tmp_path)
    assert layout == FrameLayout(template, first)
    assert all((tmp_path / layout.name(i)).exists() for i in range(count))
    assert str(FrameLayout("img_%05d.jpg", 0)) == "img_%05d.jpg from 0"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["notes.txt", "poster.jpg"], "holds no numbered images"),
        (["img_1.jpg", "img_3.jpg"], r"has a gap: img_2\.jpg is missing"),
        (["img_001.jpg", "img_01.jpg"], "has a gap"),
        (["a_1.jpg", "b_1.jpg"], r"more than one series of images \(a_….jpg, b_….jpg\)"),
        (["a_1.jpg", "a_1.png"], "more than one series"),
    ],
)
def test_a_folder_which_is_no_plain_series_is_refused(names: list[str], message: str, tmp_path: Path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        frame_layout(tmp_path)


def test_frames_come_in_the_order_asked(tmp_path: Path, make_folder: Callable):
    video = frame_folder(make_folder(tmp_path / "v", count=10, first=0, size=(16, 12)))
    assert len(video) == 10
    found = video.frames([7, 0, 9, 7])
    assert found.shape == (4, 12, 16, 3) and found.dtype == np.uint8
    assert level(found) == [7, 0, 9, 7]


def test_frame_i_of_a_span_is_file_first_plus_offset_plus_i(tmp_path: Path):
    # The released rows: BABEL `val/008998 62 33 11` is numbered from 1, Kinetics from 0.
    babel = FrameFolder(tmp_path, IMG, length=33, offset=62)
    assert babel.layout.name(babel.offset + 0) == "img_00063.jpg"
    assert babel.layout.name(babel.offset + 32) == "img_00095.jpg"
    assert FrameLayout("img_%05d.jpg", 0).name(0) == "img_00000.jpg"


def test_a_span_reads_its_own_files_only(tmp_path: Path, make_folder: Callable, monkeypatch: pytest.MonkeyPatch):
    make_folder(tmp_path / "v", count=10)
    read: list[str] = []
    real = frames.read_image
    monkeypatch.setattr(frames, "read_image", lambda path: read.append(path.name) or real(path))
    span = frame_folder(tmp_path / "v", IMG, offset=4, length=3)
    assert level(span.frames([2, 0, 0])) == [6, 4, 4]
    assert read == ["img_00005.jpg", "img_00007.jpg"]
    with pytest.raises(AssertionError):
        span.frames([3])


def test_a_known_layout_and_length_need_no_listing(
    tmp_path: Path, make_folder: Callable, monkeypatch: pytest.MonkeyPatch
):
    make_folder(tmp_path / "v")
    monkeypatch.setattr(frames.os, "scandir", lambda path: pytest.fail("the folder was listed"))
    assert level(frame_folder(tmp_path / "v", IMG, length=10).frames([3])) == [3]


def test_a_folder_numbered_otherwise_than_the_dataset_is_refused(tmp_path: Path, make_folder: Callable):
    from_zero = make_folder(tmp_path / "zero", first=0)
    from_one = make_folder(tmp_path / "one", first=1)
    with pytest.raises(UserError, match=r"^list line 2: .*img_00000\.jpg exists, but .* img_%05d\.jpg from 1"):
        frame_folder(from_zero, IMG, length=9, origin="list line 2").frames([3])
    zero = FrameLayout("img_%05d.jpg", 0)
    with pytest.raises(UserError, match=r"img_00000\.jpg is missing; the folder holds 10 frames, img_%05d\.jpg from 1"):
        frame_folder(from_one, zero, length=9).frames([3])
    with pytest.raises(UserError, match=r"are img_%05d\.jpg from 0, those of this dataset .* from 1"):
        frame_folder(from_zero, IMG)


def test_missing_folders_frames_and_too_long_spans_are_refused(tmp_path: Path, make_folder: Callable):
    folder = make_folder(tmp_path / "v", count=5)
    with pytest.raises(UserError, match=r"^list line 2: the frame folder .*gone is missing$"):
        FrameFolder(tmp_path / "gone", IMG, 5, origin="list line 2").frames([0])
    with pytest.raises(UserError, match=r"^list line 2: .*img_00008\.jpg is missing; the folder holds 5 frames"):
        FrameFolder(folder, IMG, 9, origin="list line 2").frames([7])
    with pytest.raises(UserError, match=r"4 frames from offset 2 are asked for, but .*v holds 5"):
        frame_folder(folder, offset=2, length=4)
    with pytest.raises(UserError, match=r"frames from offset 5 are asked for"):
        frame_folder(folder, offset=5)


def test_a_cut_frame_is_refused_with_the_line_of_the_list(tmp_path: Path, make_folder: Callable):
    folder = make_folder(tmp_path / "v", count=5)
    cut = folder / "img_00003.jpg"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"^list line 2: .*img_00003\.jpg cannot be decoded"):
        FrameFolder(folder, IMG, 5, origin="list line 2").frames([1, 2])


def test_frames_of_different_sizes_are_refused(tmp_path: Path, make_folder: Callable):
    folder = make_folder(tmp_path / "v", count=5)
    cv2.imwrite(str(folder / "img_00004.jpg"), np.zeros((12, 20, 3), np.uint8))
    with pytest.raises(UserError, match=r"differ in size: img_00001\.jpg is 16x12, img_00004\.jpg is 20x12"):
        frame_folder(folder).frames([0, 3])


def test_it_travels_to_another_process(tmp_path: Path, make_folder: Callable):
    video = frame_folder(make_folder(tmp_path / "v", count=5))
    assert pickle.loads(pickle.dumps(video)) == video
    assert len(pickle.dumps(video)) < 1000


def test_real_frame_folders(shared_data: Path):
    folder = shared_data / "real_clips" / "raivokoot_demo_dataset" / "jumping" / "0001"
    video = frame_folder(folder)
    assert video.layout == IMG and len(video) == 17
    expected = [cv2.imread(str(folder / f"img_{i:05d}.jpg"))[:, :, ::-1] for i in (3, 1)]
    np.testing.assert_allclose(video.frames([2, 0]).astype(int), np.stack(expected), atol=2)


def test_folders_of_fewer_and_of_more_than_nine_unpadded_frames_are_numbered_alike(tmp_path: Path):
    for name, count in (("few", 9), ("many", 12)):
        (tmp_path / name).mkdir()
        for number in range(1, count + 1):
            (tmp_path / name / f"{number}.jpg").touch()
    assert frame_layout(tmp_path / "few") == frame_layout(tmp_path / "many")


def test_frame_names_tells_what_is_there_in_spite_of_a_gap(make_folder, tmp_path):
    (make_folder(tmp_path / "a", count=6, first=0) / "img_00003.jpg").unlink()
    layout, numbers, names = frame_names(tmp_path / "a")
    assert (layout, numbers) == (FrameLayout("img_%05d.jpg", 0), [0, 1, 2, 4, 5])
    assert names == {f"img_{number:05d}.jpg" for number in numbers}
