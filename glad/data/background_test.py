import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glad.data.background import (
    BackgroundBank,
    background_path,
    background_sheet,
    check_sheet,
    extract_backgrounds,
    missing_files,
)
from glad.data.contact import CAPTION, CELL
from glad.data.image import read_image
from glad.data.listing import Listing, VideoRecord, open_listing
from glad.errors import UserError


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (VideoRecord("jump/a.mp4", None, 0, 1), "jump/a.jpg"),
        (VideoRecord("jump/a.b.AVI", 30, 0, 1), "jump/a.b.jpg"),
        (VideoRecord("jump/a.b", 30, 0, 1), "jump/a.b.jpg"),
        (VideoRecord("train/000012", 117, 60, 1), "train/000012@60+117.jpg"),
        (VideoRecord("a.mp4", None, 60, 1), "a@60+all.jpg"),
    ],
)
def test_backgrounds_mirror_the_tree_of_videos(record: VideoRecord, path: str):
    assert background_path(record) == path


@pytest.fixture
def listing(tmp_path: Path, make_folder: Callable, make_movie: Callable) -> Listing:
    """Three videos of 9 frames, whose median is frame 4."""
    make_folder(tmp_path / "videos" / "jump" / "a", count=9)
    make_movie(tmp_path / "videos" / "jump" / "b.mp4", count=9)
    make_folder(tmp_path / "videos" / "run" / "c", count=9)
    return open_listing(tmp_path / "videos", labelled=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_backgrounds_are_written_once_and_read_back(workers: int, listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    assert extract_backgrounds(listing, listing.root, out, workers) == 3
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert files == ["jump/a.jpg", "jump/b.jpg", "run/c.jpg"]
    bank = BackgroundBank(out, listing)
    assert len(bank) == 3 and bank[2].shape == (12, 16, 3) and bank[2].dtype == np.uint8
    np.testing.assert_array_equal(bank[1], read_image(out / "jump" / "b.jpg"))
    assert all(abs(bank[i][:, 5:].mean() - (16 + 3 * 4)) < 3 for i in range(3))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(bank))[1], bank[1])


def test_running_again_keeps_what_is_there(listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    extract_backgrounds(listing, listing.root, out)
    (out / "jump" / "a.jpg").write_bytes(b"mine")
    (out / "run" / "c.jpg").unlink()
    assert extract_backgrounds(listing, listing.root, out) == 1
    assert (out / "jump" / "a.jpg").read_bytes() == b"mine"
    assert BackgroundBank(out, listing)[2].shape == (12, 16, 3)
    assert extract_backgrounds(listing, listing.root, out) == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_video_does_not_stop_the_others_and_is_named(workers: int, listing: Listing, tmp_path: Path):
    broken = listing.root / "jump" / "a" / "img_00005.jpg"
    broken.write_bytes(broken.read_bytes()[:-30])
    out = tmp_path / "backgrounds"
    with pytest.raises(UserError, match=r"1 of 3 backgrounds could not be made.*\n.*img_00005\.jpg cannot be decoded"):
        extract_backgrounds(listing, listing.root, out, workers)
    assert sorted(path.name for path in out.rglob("*.jpg")) == ["b.jpg", "c.jpg"]


def test_missing_videos_are_named_with_their_lines(listing: Listing, tmp_path: Path):
    file = tmp_path / "list.txt"
    file.write_text("jump/a 9 0\njump/gone 9 0\nrun/c 9 1\n")
    listed = open_listing(file, labelled=True, root=listing.root)
    with pytest.raises(UserError, match=r"1 of 3 .*\n.*list\.txt line 2: there is no video at .*gone"):
        extract_backgrounds(listed, listed.root, tmp_path / "out")


def test_two_videos_that_would_share_a_background_are_refused(tmp_path: Path):
    file = tmp_path / "list.txt"
    file.write_text("a.mp4\nb.mp4\na.avi\n")
    with pytest.raises(UserError, match=r"list\.txt line 3: a\.avi and a\.mp4 would share a\.jpg"):
        extract_backgrounds(open_listing(file), tmp_path, tmp_path / "out")


def test_a_bank_with_gaps_is_refused_with_the_way_to_fill_them(listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    with pytest.raises(UserError, match=r"3 of the 3 backgrounds .* jump/a\.jpg for one; `glad prepare backgrounds`"):
        BackgroundBank(out, listing)
    extract_backgrounds(listing, listing.root, out)
    (out / "run" / "c.jpg").unlink()
    with pytest.raises(UserError, match=r"1 of the 3 backgrounds .* run/c\.jpg for one"):
        BackgroundBank(out, listing)


def test_of_many_backgrounds_the_missing_ones_are_told_alike(tmp_path: Path, monkeypatch):
    names = [
        *(f"jump/{k}.jpg" for k in range(5)),
        "a.jpg",
        "run/b/c.jpg",
        "none/d.jpg",
        "link/there.jpg",
        "link/gone.jpg",
    ]
    for name in (*names[:3], "a.jpg", "run/b/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "there.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "link" / "gone.jpg").symlink_to(tmp_path / "b.jpg")
    missing = ["jump/3.jpg", "jump/4.jpg", "none/d.jpg", "link/gone.jpg"]
    assert missing_files(tmp_path, lambda: names) == missing
    monkeypatch.setattr("glad.data.background.FEW", 2)
    assert missing_files(tmp_path, lambda: names) == missing
    assert missing_files(tmp_path / "nowhere", lambda: names) == names
    assert missing_files(tmp_path, lambda: names[:3]) == []


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff"])
def test_an_undecodable_background_is_refused_by_name(content: bytes, listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    extract_backgrounds(listing, listing.root, out)
    (out / "jump" / "b.jpg").write_bytes(content)
    with pytest.raises(UserError, match=r"b\.jpg"):
        BackgroundBank(out, listing)[1]


def test_a_video_that_changed_gets_a_new_background(listing: Listing, tmp_path: Path, make_movie: Callable):
    out = tmp_path / "backgrounds"
    extract_backgrounds(listing, listing.root, out)
    before = {path.stem: path.read_bytes() for path in out.rglob("*.jpg")}
    make_movie(listing.root / "jump" / "b.mp4", count=25)
    assert extract_backgrounds(listing, listing.root, out) == 1
    after = {path.stem: path.read_bytes() for path in out.rglob("*.jpg")}
    assert [name for name in before if before[name] != after[name]] == ["b"]
    assert abs(BackgroundBank(out, listing)[1][:, 5:].mean() - (16 + 3 * 12)) < 3


def test_backgrounds_from_before_there_were_manifests_stay(listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    extract_backgrounds(listing, listing.root, out)
    (out / "manifest.jsonl").unlink()
    assert extract_backgrounds(listing, listing.root, out) == 0


def test_the_manifest_tells_size_and_length(listing: Listing, tmp_path: Path):
    extract_backgrounds(listing, listing.root, tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [(line["result"], line["frames"], line["size"]) for line in lines] == [
        ("jump/a.jpg", 9, [16, 12]),
        ("jump/b.jpg", 9, [64, 48]),
        ("run/c.jpg", 9, [16, 12]),
    ]


def test_the_contact_sheet_shows_every_background_under_its_class(listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    extract_backgrounds(listing, listing.root, out)
    [sheet] = background_sheet(listing, out, out / "contact.jpg")
    page = read_image(sheet)
    assert page.shape == (CAPTION + CELL[1], 3 * CELL[0], 3)
    assert abs(page[CAPTION + 20, 20:140].mean() - (16 + 3 * 4)) < 4
    with pytest.raises(UserError, match=r"c\.jpg is the background of a video"):
        background_sheet(listing, out, out / "run" / "c.jpg")


def test_a_sheet_that_cannot_be_is_refused_before_anything_is_made(listing: Listing, tmp_path: Path):
    out = tmp_path / "backgrounds"
    with pytest.raises(UserError, match=r"x\.png: a contact sheet is a JPEG, so its name must end in \.jpg"):
        check_sheet(listing, out, tmp_path / "x.png")
    check_sheet(listing, out, tmp_path / "x.JPEG")
    out.mkdir()
    (out / "contact.jpg").write_text("mine")
    with pytest.raises(UserError, match=r"contact\.jpg was not written by glad and would be lost"):
        check_sheet(listing, out, out / "contact.jpg")
    check_sheet(listing, out, tmp_path / "x.jpg")


def test_backgrounds_among_the_videos_are_refused(listing: Listing):
    with pytest.raises(UserError, match="choose a folder outside"):
        extract_backgrounds(listing, listing.root, listing.root / "backgrounds")
