"""A pack is there as a whole or not at all, whatever stops its making, and is made again where videos changed."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glad.data import packing
from glad.data.listing import Listing, open_listing
from glad.data.pack import DATA, open_pack
from glad.data.packing import Packed, pack_frames, pack_named
from glad.errors import UserError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A list of twelve frame folders of four to six frames, which need not be pictures to be packed."""
    rng = np.random.default_rng(0)
    rows = []
    for video in range(12):
        folder = tmp_path / "frames" / f"{video:02d}"
        folder.mkdir(parents=True)
        count = 4 + video % 3
        for index in range(count):
            (folder / f"{index}.jpg").write_bytes(rng.bytes(int(rng.integers(1, 3000))))
        rows.append(f"{video:02d} {count}\n")
    (tmp_path / "list.txt").write_text("".join(rows))
    return tmp_path


def listed(place: Path) -> Listing:
    return open_listing(place / "list.txt", root=place / "frames")


def counts(done: Packed) -> tuple[int, int]:
    return done.made, done.kept


def held(pack: Path) -> dict[str, list[bytes]]:
    """Return every video of a pack, after its sums were looked at."""
    found = open_pack(pack)
    found.check_index()
    names = [found.name(video) for video in range(len(found))]
    for name in names:
        found.check_video(name)
    return {
        name: [bytes(c) for c in found.contents(found[name], np.arange(found.frames(found[name])))] for name in names
    }


def stored(place: Path) -> dict[str, list[bytes]]:
    """Return every frame folder."""
    folders = sorted((place / "frames").iterdir())
    return {path.name: [(path / f"{k}.jpg").read_bytes() for k in range(len(list(path.iterdir())))] for path in folders}


# what is packed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 3])
def test_all_files_are_in_it_in_the_order_of_the_list_whoever_reads(workers: int, place: Path):
    done = pack_frames(listed(place), place / "a.pack", workers)
    frames = stored(place)
    assert held(place / "a.pack") == frames and list(held(place / "a.pack")) == sorted(frames)
    assert done == Packed(12, 0, 60, (place / "a.pack").stat().st_size)
    flat = b"".join(content for files in frames.values() for content in files)
    assert (place / "a.pack").read_bytes()[DATA : DATA + len(flat)] == flat
    pack_frames(listed(place), place / "b.pack", 0)
    assert (place / "b.pack").read_bytes() == (place / "a.pack").read_bytes()


def test_a_recording_is_packed_once_and_as_a_whole_whatever_spans_are_listed(place: Path):
    (place / "list.txt").write_text("02 1 2\n00 0 4\n./02 3 3\n02/ 0 1\n")
    pack_frames(listed(place), place / "a.pack")
    frames = stored(place)
    assert held(place / "a.pack") == {"02": frames["02"], "00": frames["00"]}
    packed = open_listing(place / "list.txt", root=place / "a.pack")
    assert [len(packed.video(index)) for index in range(4)] == [2, 4, 3, 1]


def test_names_may_hold_anything_a_list_may(place: Path):
    for name in ("a b", "ü/日本", "x" * 200):
        shutil.copytree(place / "frames/00", place / "more" / name)
    pack_frames(open_listing(place / "more", root=place / "more"), place / "a.pack")
    assert sorted(held(place / "a.pack")) == sorted(["a b", "ü/日本", "x" * 200])


def test_the_pack_of_a_list_stands_beside_it(place: Path, monkeypatch: pytest.MonkeyPatch):
    assert pack_named(place / "list.txt") == place / "list.pack"
    (place / "v1.0").mkdir()
    assert pack_named(place / "v1.0") == place / "v1.0.pack"
    monkeypatch.chdir(place / "v1.0")
    assert pack_named(Path()) == place / "v1.0.pack"


# what is refused -----------------------------------------------------------------------------------------------------


def test_video_files_are_refused_with_what_to_do(place: Path, make_movie: Callable):
    make_movie(place / "frames" / "a.mp4", count=2)
    (place / "list.txt").write_text("00 4\na.mp4 2\n")
    says = (
        r"list.txt line 2: .*a\.mp4 is a video file, and a pack holds frames: run `glad prepare frames .*list.txt --out"
    )
    with pytest.raises(UserError, match=says):
        pack_frames(listed(place), place / "a.pack")
    assert not (place / "a.pack").exists()


def test_faulty_videos_stop_no_other_and_are_tried_again(place: Path):
    (place / "list.txt").write_text("00 4\n03 4\n04 5\n05 6\nnone 5\n06 4\n07 5\n")
    frames = place / "frames"
    (frames / "03" / "1.jpg").unlink()
    (frames / "05" / "2.jpg").write_bytes(b"")
    shutil.rmtree(frames / "06")
    shutil.copytree(
        frames / "00", frames / "06", copy_function=lambda a, b: shutil.copy(a, Path(b).with_suffix(".png"))
    )
    with pytest.raises(
        UserError, match=r"4 of 7 videos could not be made; the others are in .*a\.pack\.unfinished;"
    ) as problem:
        pack_frames(listed(place), place / "a.pack")
    for says in (
        f"list.txt line 2: {frames / '03'} has a gap: 1.jpg is missing",
        f"list.txt line 4: {frames / '05' / '2.jpg'} is an empty file",
        f"list.txt line 5: there is no frame folder at {frames / 'none'}",
        f"list.txt line 6: the frames of {frames / '06'} are %d.png from 0, those of this dataset are expected to be",
    ):
        assert says in str(problem.value)
    waiting = place / "a.pack.unfinished"
    lines = (waiting / "quarantine.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["03", "05", "none", "06"]
    assert not (place / "a.pack").exists()
    (place / "list.txt").write_text("00 4\n04 5\n07 5\n08 6\n")
    assert counts(pack_frames(listed(place), place / "a.pack")) == (1, 3)
    assert list(held(place / "a.pack")) == ["00", "04", "07", "08"] and not waiting.exists()


def test_what_others_wrote_is_not_replaced(place: Path):
    (place / "a.pack").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"a\.pack is there already and is no pack"):
        pack_frames(listed(place), place / "a.pack")
    (place / "b.pack.unfinished").mkdir()
    (place / "b.pack.unfinished" / "frames").write_bytes(b"mine")
    with pytest.raises(UserError, match="was not written by glad"):
        pack_frames(listed(place), place / "b.pack")
    with pytest.raises(UserError, match="choose a folder outside"):
        pack_frames(open_listing(place / "frames"), place / "frames" / "a.pack")
    assert (place / "b.pack.unfinished" / "frames").read_bytes() == b"mine"


def test_a_pack_is_no_folder_to_pack(place: Path):
    pack_frames(listed(place), place / "a.pack")
    with pytest.raises(UserError, match=r"a\.pack is a pack already; a pack is made of frame folders"):
        pack_frames(open_listing(place / "list.txt", root=place / "a.pack"), place / "b.pack")
    with pytest.raises(UserError, match=r"none of the videos of .*list\.txt is below .*; --root says where they are"):
        pack_frames(open_listing(place / "list.txt"), place / "b.pack")


# running again -------------------------------------------------------------------------------------------------------


def later(path: Path) -> None:
    found = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(found, found))


def test_a_pack_is_kept_while_its_videos_are_what_they_were(place: Path, capsys: pytest.CaptureFixture[str]):
    out = place / "a.pack"
    assert counts(pack_frames(listed(place), out)) == (12, 0)
    first = out.stat().st_ino
    shutil.rmtree(place / "frames" / "11")  # packed, and no longer needed
    assert counts(pack_frames(listed(place), out)) == (0, 12) and out.stat().st_ino == first
    assert capsys.readouterr().err == ""
    (place / "list.txt").write_text("03 4\n01 5\n")
    assert counts(pack_frames(listed(place), out)) == (0, 2) and out.stat().st_ino == first


def test_a_pack_is_made_anew_where_videos_changed_or_are_new(place: Path, capsys: pytest.CaptureFixture[str]):
    out = place / "a.pack"
    pack_frames(listed(place), out)
    (place / "frames" / "01" / "4.jpg").write_bytes(b"changed")
    later(place / "frames" / "01" / "4.jpg")
    shutil.copytree(place / "frames" / "00", place / "frames" / "12")
    (place / "list.txt").write_text((place / "list.txt").read_text() + "12 4\n")
    assert counts(pack_frames(listed(place), out)) == (13, 0)
    assert capsys.readouterr().err == f"{out} is packed anew: the videos are others (1 new, 1 changed)\n"
    assert held(out) == stored(place)


def test_a_damaged_pack_is_made_anew(place: Path, capsys: pytest.CaptureFixture[str]):
    out = place / "a.pack"
    pack_frames(listed(place), out)
    content = out.read_bytes()
    out.write_bytes(content[:-1])
    assert counts(pack_frames(listed(place), out)) == (12, 0) and out.read_bytes() == content
    assert f"{out} is packed anew: {out} is cut" in capsys.readouterr().err


# runs that are stopped -----------------------------------------------------------------------------------------------

SLOWLY = """
import sys, time
from pathlib import Path
from glad.data import packing
from glad.data.listing import open_listing
read, packing.SYNC_SECONDS = packing._read, 0
packing._read = lambda job: (time.sleep(0.02), read(job))[1]
place = Path(sys.argv[1])
packing.pack_frames(open_listing(place / "list.txt", root=place / "frames"), place / "a.pack", 1)
"""


def test_a_run_killed_in_the_middle_leaves_no_pack_and_goes_on(place: Path):
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(place)])
    manifest = place / "a.pack.unfinished" / "manifest.jsonl"
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = manifest.read_bytes().count(b"\n")
    assert 3 <= done < 12 and not (place / "a.pack").exists()
    assert counts(pack_frames(listed(place), place / "a.pack")) == (12 - done, done)
    assert not manifest.parent.exists()
    pack_frames(listed(place), place / "unbroken.pack")
    assert (place / "a.pack").read_bytes() == (place / "unbroken.pack").read_bytes()


def test_a_second_run_waits_and_finds_the_pack_made(place: Path, capsys: pytest.CaptureFixture[str]):
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(place)])
    while not (place / "a.pack.unfinished" / "frames").exists():
        assert process.poll() is None
        time.sleep(0.002)
    assert counts(pack_frames(listed(place), place / "a.pack")) == (0, 12)
    assert f"another run works on {place / 'a.pack.unfinished'}; waiting" in capsys.readouterr().err
    assert process.wait() == 0 and not (place / "a.pack.unfinished").exists()


@pytest.mark.parametrize("name", ["ends", "manifest.jsonl", "a.pack.unfinished"])
def test_a_run_killed_while_it_clears_away_leaves_no_folder_for_good(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
):
    """The pack has its place, and what made it is removed: the sign that it is ours last."""
    folder, out = place / "a.pack.unfinished", place / "a.pack"

    def killed(path: Path, real: Callable, **how: bool) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        real(path, **how)

    with monkeypatch.context() as patch:
        for way in ("unlink", "rmdir"):
            real = getattr(Path, way)
            patch.setattr(Path, way, lambda path, real=real, **how: killed(path, real, **how))
        with pytest.raises(KeyboardInterrupt):
            pack_frames(listed(place), out)
    assert folder.exists() and out.exists()
    assert counts(pack_frames(listed(place), out)) == (0, 12) and not folder.exists()


def test_what_another_list_has_packed_so_far_waits_for_it(place: Path, stopped: Path):
    """A run that has nothing to do throws away nothing."""
    (stopped / "frames").rename(place / "a.pack.frames")
    pack_frames(listed(place), place / "b.pack")
    (place / "b.pack").rename(place / "a.pack")
    (place / "a.pack.frames").rename(stopped / "frames")
    assert counts(pack_frames(listed(place), place / "a.pack")) == (0, 12)
    assert (stopped / "frames").exists()


def test_a_folder_of_others_beside_a_pack_stays(place: Path):
    pack_frames(listed(place), place / "a.pack")
    (place / "a.pack.unfinished").mkdir()
    (place / "a.pack.unfinished" / "ends").write_bytes(b"mine")
    assert counts(pack_frames(listed(place), place / "a.pack")) == (0, 12)
    assert (place / "a.pack.unfinished" / "ends").read_bytes() == b"mine"


@pytest.fixture
def stopped(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run leaves that was stopped when all was written but the name of the pack."""

    def fail(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(KeyboardInterrupt):
            pack_frames(listed(place), place / "a.pack")
    return place / "a.pack.unfinished"


def spoil_nothing(stopped: Path) -> int:
    return 12


def tear_the_last_line(stopped: Path) -> int:
    content = (stopped / "manifest.jsonl").read_bytes()
    (stopped / "manifest.jsonl").write_bytes(content[:-20])
    return 11


def lose_frames(stopped: Path) -> int:
    with (stopped / "frames").open("r+b") as file:
        file.truncate(DATA + 6000)
    return 0


def lose_ends(stopped: Path) -> int:
    with (stopped / "ends").open("r+b") as file:
        file.truncate(4 * (4 + 5 + 6 + 3))
    return 3


def change_a_video(stopped: Path) -> int:
    later(stopped.parent / "frames" / "05" / "0.jpg")
    return 5


def list_other_videos(stopped: Path) -> int:
    text = (stopped.parent / "list.txt").read_text()
    (stopped.parent / "list.txt").write_text(text.replace("07 5\n", ""))
    return 7


def forget_a_video(stopped: Path) -> int:
    shutil.rmtree(stopped.parent / "frames" / "08")
    return 12


@pytest.mark.parametrize(
    "spoil",
    [spoil_nothing, tear_the_last_line, lose_frames, lose_ends, change_a_video, list_other_videos, forget_a_video],
)
def test_what_is_left_is_taken_over_as_far_as_it_holds(spoil: Callable[[Path], int], place: Path, stopped: Path):
    frames = stored(place)
    left = spoil(stopped)
    done = pack_frames(listed(place), place / "a.pack")
    assert done.kept == left or spoil is lose_frames
    names = [line.split()[0] for line in (place / "list.txt").read_text().splitlines()]
    assert done.made + done.kept == len(names)
    assert held(place / "a.pack") == {name: frames[name] for name in names}


def test_a_full_disk_is_one_sentence_and_what_is_done_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []

    def full(file: int) -> None:
        calls.append(file)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(packing.os, "fsync", full)
        patch.setattr(packing, "SYNC_SECONDS", 0)
        with pytest.raises(
            UserError, match="unfinished cannot be written: no space left on device; what is done is kept"
        ):
            pack_frames(listed(place), place / "a.pack")
    assert counts(pack_frames(listed(place), place / "a.pack")) == (9, 3)
    assert held(place / "a.pack") == stored(place)
