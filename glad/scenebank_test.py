"""Scenes are computed once, a kill costs little and leaves nothing half, and what is left out is named."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from glad.data.listing import Listing, open_listing
from glad.errors import UserError
from glad.scenebank import scene_vectors
from glad.scenes import HistogramConfig, PlacesConfig

ENCODER = HistogramConfig(frames=2)


@pytest.fixture
def source(squares) -> Listing:
    return open_listing(squares / "source.txt", labelled=True, root=squares / "source")


class Counting(HistogramConfig):
    """Notes down each video it looks at."""

    def pictures(self, video):
        LOOKED.append(video.path.name)
        return super().pictures(video)


LOOKED: list[str] = []


def test_each_video_is_looked_at_once(source, tmp_path):
    LOOKED.clear()
    encoder = Counting(frames=2)
    first = scene_vectors(source, [1, 3], encoder, tmp_path)
    assert len(LOOKED) == 2 and first.left_out == ()
    everything = scene_vectors(source, range(8), encoder, tmp_path)
    assert sorted(LOOKED) == sorted(source[row].path for row in range(8))
    np.testing.assert_array_equal(everything.vectors[[1, 3]], first.vectors)
    direct = ENCODER.build()([ENCODER.pictures(source.video(row)) for row in range(8)])
    np.testing.assert_array_equal(everything.vectors, direct)
    again = scene_vectors(source, [7, 0, 7], encoder, tmp_path)
    np.testing.assert_array_equal(again.vectors, direct[[7, 0, 7]])
    assert len(LOOKED) == 8
    scene_vectors(source, [0], Counting(frames=3), tmp_path)
    assert len(LOOKED) == 9, "another encoder is another bank"


def test_processes_do_what_one_does(source, tmp_path):
    one = scene_vectors(source, range(8), ENCODER, tmp_path / "1")
    two = scene_vectors(source, range(8), ENCODER, tmp_path / "2", workers=2)
    np.testing.assert_array_equal(one.vectors, two.vectors)


def test_a_changed_video_is_looked_at_again(squares, tmp_path):
    shutil.copytree(squares / "source", tmp_path / "videos")
    listing = open_listing(squares / "source.txt", labelled=True, root=tmp_path / "videos")
    before = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    folder, other = (tmp_path / "videos" / listing[row].path for row in (2, 3))
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    after = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    np.testing.assert_array_equal(after.vectors[2], before.vectors[3])
    np.testing.assert_array_equal(np.delete(after.vectors, 2, 0), np.delete(before.vectors, 2, 0))


def test_frames_rewritten_in_place_are_looked_at_again(squares, tmp_path):
    shutil.copytree(squares / "source", tmp_path / "videos")
    listing = open_listing(squares / "source.txt", labelled=True, root=tmp_path / "videos")
    before = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    folder, other = (tmp_path / "videos" / listing[row].path for row in (2, 3))
    was = folder.stat().st_mtime_ns
    for frame in folder.iterdir():
        time = frame.stat().st_mtime_ns + 10**9
        frame.write_bytes((other / frame.name).read_bytes())
        os.utime(frame, ns=(time, time))
    assert folder.stat().st_mtime_ns == was
    after = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    np.testing.assert_array_equal(after.vectors[2], before.vectors[3])


def test_folders_without_their_last_frame_are_not_mixed_up(squares, tmp_path):
    """Two frames of each video are looked at, and neither is the last."""
    shutil.copytree(squares / "source", tmp_path / "videos")
    listing = open_listing(squares / "source.txt", labelled=True, root=tmp_path / "videos")
    whole = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    for row in (2, 3):
        max((tmp_path / "videos" / listing[row].path).iterdir()).unlink()
    cut = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank2")
    assert cut.left_out == ()
    np.testing.assert_array_equal(cut.vectors, whole.vectors)


def test_spans_of_one_video_are_not_mixed_up(squares, tmp_path):
    name = open_listing(squares / "source.txt", labelled=True)[0].path
    (tmp_path / "spans.txt").write_text(f"{name} 0 4 0\n{name} 8 4 0\n")
    listing = open_listing(tmp_path / "spans.txt", labelled=True, root=squares / "source")
    first, last = scene_vectors(listing, range(2), ENCODER, tmp_path / "bank").vectors
    assert not np.array_equal(first, last)


def test_what_cannot_be_seen_is_left_out_by_name_and_tried_again(squares, tmp_path):
    shutil.copytree(squares / "source", tmp_path / "videos")
    listing = open_listing(squares / "source.txt", labelled=True, root=tmp_path / "videos")
    whole = scene_vectors(listing, range(8), ENCODER, tmp_path / "whole").vectors
    hidden = tmp_path / "videos" / listing[4].path
    hidden.rename(tmp_path / "hidden")
    for image in (tmp_path / "videos" / listing[6].path).iterdir():
        image.write_bytes(b"")
    found = scene_vectors(listing, range(8), ENCODER, tmp_path / "bank")
    np.testing.assert_array_equal(found.vectors, np.delete(whole, [4, 6], 0))
    missing, empty = found.left_out
    assert "source.txt line 5: there is no video at" in missing and "is an empty file" in empty
    (tmp_path / "hidden").rename(hidden)
    assert len(scene_vectors(listing, range(8), ENCODER, tmp_path / "bank").left_out) == 1


class Deadly(HistogramConfig):
    """Dies of the first video, as a decoder does that accesses memory it must not."""

    def pictures(self, video):
        if video.path.name == "left_0":
            os._exit(9)
        return super().pictures(video)


def test_a_video_that_kills_its_process_is_left_out_by_name(source, tmp_path):
    assert source[0].path == "left_0"
    found = scene_vectors(source, range(8), Deadly(frames=2), tmp_path, workers=1)
    (problem,) = found.left_out
    assert problem.startswith(f"{source.file} line 1: the process that decodes {source[0].path} dies")
    assert len(found.vectors) == 7


def test_nothing_to_see_gives_no_vectors(tmp_path):
    (tmp_path / "list.txt").write_text("a 5 0\nb 5 0\n")
    found = scene_vectors(open_listing(tmp_path / "list.txt", labelled=True), [0, 1], ENCODER, tmp_path / "bank")
    assert len(found.vectors) == 0 and len(found.left_out) == 2


def test_a_broken_file_of_vectors_is_named(source, tmp_path):
    scene_vectors(source, range(2), ENCODER, tmp_path)
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match=rf"{file.name} is no file of scene vectors .*; delete it"):
        scene_vectors(source, range(2), ENCODER, tmp_path)


def test_missing_weights_are_said_before_any_video_is_read(source, tmp_path):
    with pytest.raises(UserError, match="no such file of weights"):
        scene_vectors(source, range(8), PlacesConfig(weights=tmp_path / "none.pth"), tmp_path)


SLOW = """
import sys, time
from pathlib import Path
import glad.scenebank
from glad.data.listing import open_listing
from glad.scenes import HistogramConfig

glad.scenebank._SHARD = 1
decoded = glad.scenebank._pictures
def slow(*args):
    time.sleep(0.1)
    return decoded(*args)
glad.scenebank._pictures = slow
listing = open_listing(Path(sys.argv[1]), labelled=True, root=Path(sys.argv[2]))
print("go", flush=True)
glad.scenebank.scene_vectors(listing, range(8), HistogramConfig(frames=2), Path(sys.argv[3]))
"""


def test_a_kill_leaves_no_half_file_and_the_next_run_goes_on(source, squares, tmp_path):
    bank = tmp_path / "bank"
    words = [sys.executable, "-c", SLOW, str(squares / "source.txt"), str(squares / "source"), str(bank)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        deadline = time.monotonic() + 30
        while len(files(bank)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    kept = {file: file.read_bytes() for file in files(bank)}
    assert 3 <= len(kept) < 8
    found = scene_vectors(source, range(8), ENCODER, bank)
    np.testing.assert_array_equal(found.vectors, scene_vectors(source, range(8), ENCODER, tmp_path / "other").vectors)
    assert all(file.read_bytes() == content for file, content in kept.items())


def files(bank: Path) -> list[Path]:
    return list(bank.rglob("[!.]*.npz"))
