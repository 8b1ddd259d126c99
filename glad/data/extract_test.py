import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from glad.data.extract import Extracted, FrameFiles, extract_frames
from glad.data.frames import FrameLayout, numbered_frames
from glad.data.image import read_image
from glad.data.listfile import read_classes
from glad.data.listing import open_listing
from glad.data.movie import MovieFile
from glad.errors import UserError

LARGE = FrameFiles(short_side=0)


def extracted(videos: Path, out: Path, files: FrameFiles = LARGE, labelled: bool = True, **options: Path) -> Extracted:
    return extract_frames(open_listing(videos, labelled=labelled, **options), out, files)


def rows(out: Path) -> list[str]:
    return (out / "frames.txt").read_text().splitlines()


@pytest.fixture
def videos(tmp_path: Path, make_movie: Callable, make_folder: Callable) -> Path:
    """Two classes: `jump/a.mp4` of 9 frames, `jump/b.avi` of 7, `run/c/`, a frame folder of 5."""
    root = tmp_path / "videos"
    (root / "jump").mkdir(parents=True)
    make_movie(root / "jump" / "a.mp4", count=9)
    make_movie(root / "jump" / "b.avi", count=7, codec="mpeg4")
    make_folder(root / "run" / "c", count=5)
    return root


def test_a_folder_of_classes_becomes_frame_folders_and_their_list(videos: Path, tmp_path: Path):
    out = tmp_path / "frames"
    done = extracted(videos, out)
    assert rows(out) == ["jump/a 9 0", "jump/b 7 0", "run/c 5 1"]
    assert (out / "classes.txt").read_text() == "0 jump\n1 run\n"
    assert (done.outcome.made, done.rows, done.frames, done.failed, done.other_lengths) == (3, 3, 21, [], 0)
    for name, count in (("jump/a", 9), ("jump/b", 7), ("run/c", 5)):
        assert numbered_frames(out / name) == (FrameLayout("img_%05d.jpg", 0), count)
    for index in range(9):
        assert abs(read_image(out / f"jump/a/img_{index:05d}.jpg")[:, 5:].mean() - (16 + 3 * index)) < 3
    again = open_listing(out / "frames.txt", labelled=True)
    assert again.layout == FrameLayout("img_%05d.jpg", 0) and again.video(0).frames([8]).shape == (1, 48, 64, 3)
    assert extracted(videos, out).outcome.kept == 3


def test_the_manifest_says_what_each_folder_is(videos: Path, tmp_path: Path):
    extracted(videos, tmp_path / "frames", FrameFiles(24, 80, "f_%03d.jpeg", 1))
    lines = [json.loads(line) for line in (tmp_path / "frames/manifest.jsonl").read_text().splitlines()]
    a, _, c = sorted(lines, key=lambda line: line["result"])
    settings = {"short_side": 24, "quality": 80, "template": "f_%03d.jpeg", "first": 1}
    file = (videos / "jump/a.mp4").stat()
    assert a == {
        "result": "jump/a",
        "video": "jump/a.mp4",
        "frames": 9,
        "size": [32, 24],
        "fps": 25.0,
        "span": [0, None],
        "state": [[file.st_size, file.st_mtime_ns]],
        "settings": settings,
    }
    assert c["size"] == [16, 12] and c["fps"] is None  # smaller frames are not enlarged
    assert sorted(path.name for path in (tmp_path / "frames/jump/a").iterdir())[0] == "f_001.jpeg"


@pytest.mark.parametrize(
    ("files", "shape"),
    [
        (FrameFiles(256), (48, 64, 3)),
        (FrameFiles(24), (24, 32, 3)),
        (FrameFiles(47), (47, 63, 3)),
        (LARGE, (48, 64, 3)),
    ],
)
def test_the_shorter_side_shrinks_and_never_grows(
    files: FrameFiles, shape: tuple[int, ...], tmp_path: Path, make_movie: Callable
):
    (tmp_path / "videos").mkdir()
    make_movie(tmp_path / "videos/a.mp4", count=1)
    extracted(tmp_path / "videos", tmp_path / "out", files, labelled=False)
    assert read_image(tmp_path / "out/a/img_00000.jpg").shape == shape


def test_rows_of_a_list_keep_their_spans_and_may_leave_suffixes_out(videos: Path, tmp_path: Path):
    """As BABEL's: several spans of a recording, which is written once and as a whole."""
    file, out = tmp_path / "list.txt", tmp_path / "out"
    file.write_text("jump/a 2 4 1\njump/a 5 4 0\njump/b 0 7 2\n")
    done = extracted(file, out, FrameFiles(0, first=1), root=videos)
    assert rows(out) == ["jump/a 2 4 1", "jump/a 5 4 0", "jump/b 0 7 2"]
    assert done.outcome.made == 2 and not (out / "classes.txt").exists()
    assert numbered_frames(out / "jump/a") == (FrameLayout("img_%05d.jpg", 1), 9)
    assert not (out / "run").exists()


def test_a_row_that_asks_for_frames_beyond_the_end_is_named(videos: Path, tmp_path: Path):
    file, out = tmp_path / "list.txt", tmp_path / "out"
    file.write_text("jump/a.mp4 2 4 1\njump/a.mp4 6 4 0\n")
    done = extracted(file, out, root=videos)
    why = f"{file} line 2: asks for 4 frames from offset 6, but the video has 9"
    assert rows(out) == ["jump/a 2 4 1"] and done.failed == [("jump/a.mp4", why)]
    assert (out / "quarantine.txt").read_text() == f"jump/a.mp4\t{why}\n"


def test_a_list_with_other_lengths_is_put_right_and_counted(videos: Path, tmp_path: Path):
    file, out = tmp_path / "list.txt", tmp_path / "out"
    file.write_text("jump/a 300 1\njump/b 7 0\n")
    assert extracted(file, out, root=videos).other_lengths == 1
    assert rows(out) == ["jump/a 9 1", "jump/b 7 0"]


def test_unlabelled_videos_have_rows_without_labels(videos: Path, tmp_path: Path):
    extracted(videos, tmp_path / "out", labelled=False)
    assert rows(tmp_path / "out") == ["jump/a 9", "jump/b 7", "run/c 5"]


def test_two_files_that_one_row_may_mean_are_refused(videos: Path, tmp_path: Path, make_movie: Callable):
    make_movie(videos / "jump" / "a.mkv", count=2)
    (tmp_path / "list.txt").write_text("jump/a 9 0\n")
    with pytest.raises(UserError, match=r"jump/a may be a\.mkv or a\.mp4"):
        extracted(tmp_path / "list.txt", tmp_path / "out", root=videos)
    with pytest.raises(UserError, match=r"a\.mp4 and jump/a\.mkv would share jump/a"):
        extracted(videos, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"short_side": -1}, "short side of -1"),
        ({"quality": 0}, "JPEG quality of 0"),
        ({"quality": 101}, "from 1 to 100"),
        ({"first": 2}, "from 0 or from 1"),
        *(({"template": name}, "img_%05d.jpg") for name in ("img.jpg", "%d_%d.jpg", "a/%d.jpg", "%5d.jpg", "%d.png")),
        *(({"template": name}, "img_%05d.jpg") for name in (".%d.jpg", "flow%d.jpg", "%d%%.jpg", "")),
    ],
)
def test_settings_are_checked(options: dict, says: str):
    with pytest.raises(UserError, match=says):
        FrameFiles(**options)


# what videos are like ------------------------------------------------------------------------------------------------


def test_broken_videos_are_named_and_leave_nothing(videos: Path, tmp_path: Path, make_movie: Callable):
    whole = (videos / "jump" / "a.mp4").read_bytes()
    (videos / "jump" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (videos / "jump" / "empty.mp4").write_bytes(b"")
    (videos / "jump" / "none.mp4").write_bytes(b"no video at all")
    with av.open(str(videos / "jump" / "zero.mp4"), "w", options={"movflags": "empty_moov"}) as file:
        stream = file.add_stream("mpeg4", rate=25, width=64, height=48, pix_fmt="yuv420p")
        file.start_encoding()
        file.mux(stream.encode(None))
    hurt = make_movie(videos / "jump" / "hurt.mp4", count=40, gop=40, options={"qp": "1"}, levels=[*range(0, 240, 6)])
    content = bytearray(hurt.read_bytes())
    place = content.index(b"mdat") + len(content) // 2
    content[place : place + 100] = bytes(100)
    hurt.write_bytes(content)
    out = tmp_path / "out"
    done = extracted(videos, out)
    assert rows(out) == ["jump/a 9 0", "jump/b 7 0", "run/c 5 1"]
    assert [path for path, _ in done.failed] == [
        f"jump/{name}.mp4" for name in ("cut", "empty", "hurt", "none", "zero")
    ]
    assert [line.split("\t")[0] for line in (out / "quarantine.txt").read_text().splitlines()] == [
        path for path, _ in done.failed
    ]
    assert all(f"{path}" in why for path, why in done.failed)
    assert sorted(path.name for path in (out / "jump").iterdir()) == ["a", "b"]
    assert not (out / ".glad-unfinished").exists()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_video_stands_upright_as_another_reader_shows_it(degrees: int, tmp_path: Path, make_movie: Callable):
    (tmp_path / "videos").mkdir()
    path = make_movie(
        tmp_path / "videos/a.mp4", count=2, levels=[200, 200], prepare=lambda s: s.set_display_rotation(degrees)
    )
    extracted(tmp_path / "videos", tmp_path / "out", labelled=False)
    reader = cv2.VideoCapture(str(path))
    shown = reader.read()[1]
    reader.release()
    frame = read_image(tmp_path / "out/a/img_00000.jpg")
    assert frame.shape == shown.shape
    assert np.abs(frame[..., ::-1].astype(int) - shown).mean() < 6


def test_frames_of_a_variable_rate_are_all_there_once(tmp_path: Path, make_movie: Callable):
    times = np.cumsum([0, 20, 40, 200, 33, 500, 10, 90]).tolist()
    (tmp_path / "videos").mkdir()
    make_movie(tmp_path / "videos/a.mp4", count=8, times=times, b_frames=2)
    extracted(tmp_path / "videos", tmp_path / "out", labelled=False)
    assert rows(tmp_path / "out") == ["a 8"]
    levels = [read_image(tmp_path / f"out/a/img_{i:05d}.jpg")[:, 5:].mean() for i in range(8)]
    np.testing.assert_allclose(levels, 16 + 3 * np.arange(8), atol=3)


def test_real_clips_of_many_codecs_are_what_a_full_decode_shows(shared_data: Path, tmp_path: Path):
    """H.264 of 8 and 10 bits, H.265, AV1, XviD and GIF: every frame, at full size."""
    clips = shared_data / "real_clips"
    names = ["mmaction2_part_0.mp4", "torchcodec_h264_10bits.mp4", "torchcodec_h265_video.mp4"]
    names += ["torchcodec_av1_video.mkv", "v_BaseballPitch_g01_c01.avi", "v_CricketShot_g04_c01_rgb.gif"]
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in names))
    extracted(tmp_path / "list.txt", tmp_path / "out", labelled=False, root=clips)
    for name in names:
        with av.open(str(clips / name)) as file:
            count = 0
            for count, frame in enumerate(file.decode(video=0), start=1):
                if count % 10 == 1:
                    stored = read_image(tmp_path / "out" / Path(name).stem / f"img_{count - 1:05d}.jpg")
                    assert np.abs(stored.astype(int) - frame.to_ndarray(format="rgb24")).mean() < 4, (name, count)
        assert numbered_frames(tmp_path / "out" / Path(name).stem)[1] == count == len(MovieFile(clips / name))


# runs that are killed ------------------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.jsonl"
    }


def test_a_run_killed_in_the_middle_leaves_no_half_folder_and_goes_on(tmp_path: Path, make_movie: Callable):
    videos, out = tmp_path / "videos", tmp_path / "out"
    videos.mkdir()
    for number in range(12):
        make_movie(videos / f"{number:02d}.mp4", count=80, size=(320, 240))
    words = ["prepare", "frames", str(videos), "--unlabelled", "--out", str(out), "--workers", "2"]
    process = subprocess.Popen([sys.executable, "-m", "glad", *words], stdout=subprocess.DEVNULL)
    manifest = out / "manifest.jsonl"
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole = [path for path in out.iterdir() if path.is_dir() and path.name != ".glad-unfinished"]
    assert 2 <= len(whole) < 12 and all(numbered_frames(path)[1] == 80 for path in whole)
    assert not (out / "frames.txt").exists()
    before = {path: path.stat().st_ino for path in whole}
    done = extracted(videos, out, FrameFiles(), labelled=False)
    assert (done.outcome.made, done.outcome.kept, done.frames) == (12 - len(whole), len(whole), 960)
    assert {path: path.stat().st_ino for path in whole} == before
    extracted(videos, tmp_path / "unbroken", FrameFiles(), labelled=False)
    assert tree(out) == tree(tmp_path / "unbroken")


def test_names_with_spaces_and_numbers_make_a_csv_that_reads_back(tmp_path: Path, make_movie: Callable):
    root = tmp_path / "videos"
    for kind, name in (("3 point", "clip 1.mp4"), ("3 point", "clip.mp4"), ("dunk", "clip 2.mp4")):
        (root / kind).mkdir(parents=True, exist_ok=True)
        make_movie(root / kind / name, count=9)
    done = extracted(root, tmp_path / "frames")
    assert done.list == tmp_path / "frames" / "frames.csv" and done.classes is not None
    listing = open_listing(done.list, read_classes(done.classes), labelled=True)
    found = [(r.path, r.frames, r.offset, r.label) for r in (listing[k] for k in range(3))]
    assert sorted(found) == [("3 point/clip", 9, 0, 0), ("3 point/clip 1", 9, 0, 0), ("dunk/clip 2", 9, 0, 1)]
    assert all(len(listing.video(k)) == 9 for k in range(3))


@pytest.mark.parametrize("name", ["frames.txt", "classes.txt", "quarantine.txt"])
def test_files_of_others_are_not_replaced(name: str, videos: Path, tmp_path: Path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / name).write_text("mine\n")
    with pytest.raises(UserError, match="was not written by glad and would be lost"):
        extracted(videos, tmp_path / "frames")
    assert (tmp_path / "frames" / name).read_text() == "mine\n"
