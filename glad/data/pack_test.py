"""What is read from a pack is what is read from the folders it was made of, and a damaged pack is refused by name."""

import multiprocessing
import pickle
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.augment import Spatial
from glad.data.domain import Domain
from glad.data.frames import FrameLayout
from glad.data.image import write_jpeg
from glad.data.listing import Listing, open_listing
from glad.data.loader import Videos, evaluation_batches
from glad.data.named import videos_at
from glad.data.pack import DATA, Header, PackedVideo, is_pack, name_hash, open_pack, packed_video
from glad.data.packing import _finish, pack_frames
from glad.data.state import video_state
from glad.data.video import open_video
from glad.data.work import Facts
from glad.errors import UserError
from glad.sampling import Grid


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame folders `jump/a` of 20, `jump/b` of 1, `run/c` of 31 noisy frames from 1, and two lists of them."""
    place = tmp_path_factory.mktemp("packs")
    rng = np.random.default_rng(0)
    for name, count in (("jump/a", 20), ("jump/b", 1), ("run/ç", 31)):
        for index in range(1, count + 1):
            picture = rng.integers(0, 256, (12, 16, 3), np.uint8)
            write_jpeg(place / "frames" / name / f"img_{index:05d}.jpg", picture)
    (place / "list.txt").write_text("jump/a 20 0\njump/b 1 0\nrun/ç 31 1\n")
    (place / "spans.txt").write_text("run/ç 3 8 1\nrun/ç 9 22 0\njump/a 0 20 0\njump/b 0 1 1\n")
    pack_frames(open_listing(place / "list.txt", labelled=True, root=place / "frames"), place / "list.pack")
    return place


def both(place: Path, file: str) -> tuple[Listing, Listing]:
    """Return a list with its videos in folders, and in the pack."""
    return tuple(open_listing(place / file, labelled=True, root=place / root) for root in ("frames", "list.pack"))  # pyright: ignore


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    """A pack of one's own to damage."""
    path = tmp_path / "copy.pack"
    path.write_bytes((place / "list.pack").read_bytes())
    return path


# what is read --------------------------------------------------------------------------------------------------------


def test_a_pack_holds_the_files_byte_for_byte(place: Path):
    pack = open_pack(place / "list.pack")
    assert (len(pack), str(pack.layout)) == (3, "img_%05d.jpg from 1")
    for name, count in (("jump/a", 20), ("jump/b", 1), ("run/ç", 31)):
        video = pack[name]
        assert (pack.name(video), pack.frames(video)) == (name, count)
        for index, content in enumerate(pack.contents(video, np.arange(count)), start=1):
            assert bytes(content) == (place / "frames" / name / f"img_{index:05d}.jpg").read_bytes()
    assert pack.video("jump") is None and pack.video("jump/a/") is None


@pytest.mark.parametrize("file", ["list.txt", "spans.txt"])
def test_frames_are_those_of_the_folders(file: str, place: Path):
    for folders, packed in [both(place, file)]:
        for index in range(len(folders)):
            one, other = folders.video(index), packed.video(index)
            assert isinstance(other, PackedVideo) and len(one) == len(other) == folders[index].frames
            wanted = [len(one) - 1, 0, len(one) // 2, 0]
            np.testing.assert_array_equal(one.frames(wanted), other.frames(wanted))
            for a, b in zip(one.stream(np.arange(len(one))), other.stream(np.arange(len(one))), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("file", ["list.txt", "spans.txt"])
def test_samples_are_those_of_the_folders_bit_for_bit(file: str, place: Path):
    pixels = Spatial(size=8, short_side=10, crop="multiscale")
    folders, packed = (Domain(each, Grid(), pixels) for each in both(place, file))
    for index in range(len(folders)):
        for address in ((0, 1, index), (1, 1, index)):
            one, other = folders.sample(index, address), packed.sample(index, address)
            assert (one.draw, one.label) == (other.draw, other.label)
            for view in one.views:
                np.testing.assert_array_equal(one.views[view], other.views[view])
                np.testing.assert_array_equal(one.times[view], other.times[view])


def test_the_loaders_workers_open_the_pack_themselves(place: Path):
    domain = Domain(both(place, "spans.txt")[1], Grid(), Spatial(size=8, short_side=10, crop="center", flip=0.0))
    batches = list(evaluation_batches(Videos(domain, 2, tuple(range(4))), workers=2))
    alone = list(evaluation_batches(Videos(domain, 2, tuple(range(4))), workers=0))
    for (one, _), (other, _) in zip(batches, alone, strict=True):
        assert all((one.views[view] == other.views[view]).all() for view in one.views)


def test_a_video_travels_to_a_process_as_names_and_numbers(place: Path):
    video = both(place, "spans.txt")[1].video(0)
    assert len(pickle.dumps(video)) < 1000
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(video.frames, [7, 0]).result()
    np.testing.assert_array_equal(there, video.frames([7, 0]))


def test_other_images_are_packed_too_and_a_change_of_size_is_told(tmp_path: Path):
    (tmp_path / "frames/a").mkdir(parents=True)
    for index, width in enumerate((16, 16, 18)):
        picture = np.full((12, width, 3), 40 * index, np.uint8)
        cv2.imwrite(str(tmp_path / f"frames/a/{index}.png"), picture)
    (tmp_path / "list.txt").write_text("a 3\n")
    pack_frames(open_listing(tmp_path / "list.txt", root=tmp_path / "frames"), tmp_path / "list.pack")
    video = open_video(tmp_path / "list.pack/a")
    assert video.frames([1])[0, 0, 0].tolist() == [40, 40, 40]
    with pytest.raises(UserError, match=r"list\.pack/a differ in size: 0\.png is 16x12, 2\.png is 18x12"):
        video.frames([0, 2])


def test_videos_are_named_through_the_pack(place: Path):
    names = [place / "list.pack" / name for name in ("jump/a", "jump/b", "run/ç")]
    assert videos_at(place / "list.pack") == names
    assert len(open_video(names[2])) == 31 and len(open_video(names[2], offset=30)) == 1
    assert packed_video(place / "frames/jump/a") is None and packed_video(place / "nothing/a") is None


def test_a_packed_video_is_told_from_another_by_its_content(place: Path, tmp_path: Path):
    state = video_state(place / "list.pack/jump/a")
    assert state == video_state(place / "list.pack/jump/a", 3, 4, open_pack(place / "list.pack").layout)
    assert state != video_state(place / "list.pack/jump/b") and video_state(place / "list.pack/none") is None
    (tmp_path / "copy.pack").write_bytes((place / "list.pack").read_bytes())
    assert video_state(tmp_path / "copy.pack/jump/a") == state, "wherever the pack lies, and whenever it was written"


@given(st.lists(st.text("ab/é ", min_size=1), min_size=1, max_size=9, unique=True))
def test_names_have_hashes_that_do_not_depend_on_the_process(names: list[str]):
    assert len({name_hash(name) for name in names}) == len(names)
    assert name_hash("jump/a") == 0x0 or 0 < name_hash("jump/a") < 2**64


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A pack of more than 4 GiB that takes no room: the one frame of the first video is a hole in the file."""
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(2**26)
    if (tmp_path / "hole").stat().st_blocks * 512 > 2**20:
        pytest.skip("this file system stores holes as zeros: it would write 4 GiB")
    picture = cv2.imencode(".jpg", np.full((32, 32, 3), 77, np.uint8))[1].tobytes()
    lines: list[Facts] = []
    ends: list[int] = []
    with (tmp_path / "frames").open("wb+") as data, (tmp_path / "ends").open("wb+") as numbers:
        at = DATA
        # The second video begins before 4 GiB and ends beyond, the third begins beyond.
        for name, sizes in (
            ("a", [2**32 - DATA - len(picture) - 5]),
            ("b", [len(picture)] * 4),
            ("c", [len(picture)] * 4),
        ):
            content = b"" if name == "a" else picture * len(sizes)
            data.seek(at)
            data.write(content)
            at += sum(sizes)
            ends += np.cumsum(sizes).tolist()
            line = {"result": name, "bytes": sum(sizes), "frames": len(sizes), "crc": zlib.crc32(content)}
            lines.append(line | {"state": [], "settings": {}})
        numbers.write(np.array(ends, "<u4").tobytes())
        _finish(lines, FrameLayout("%d.jpg", 0), data, numbers)
    return (tmp_path / "frames").rename(tmp_path / "huge.pack")


def test_a_pack_may_have_more_than_4_gib(huge: Path):
    assert huge.stat().st_size > 2**32
    for name in ("b", "c"):
        video = open_video(huge / name)
        assert len(video) == 4
        assert (np.abs(video.frames([3, 0, 1]).astype(int) - 77) < 3).all()
        open_pack(huge).check_video(name)


# what is refused -----------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_named(place: Path):
    says = "there is no video run/x in .*list.pack, which holds 3, jump/a for one"
    with pytest.raises(UserError, match=says):
        open_video(place / "list.pack/run/x")
    (place / "more.txt").write_text("jump/a 25 0\n")
    video = both(place, "more.txt")[1].video(0)
    assert video.frames([19]).shape == (1, 12, 16, 3)
    with pytest.raises(
        UserError, match=r"more.txt line 1: .*jump/a/img_00021.jpg is missing; the pack holds 20 frames"
    ):
        video.frames([19, 20])
    with pytest.raises(UserError, match="20 frames, none from offset 20 on"):
        open_video(place / "list.pack/jump/a", offset=20)


def test_a_file_that_is_no_pack_is_no_root_and_a_pack_is_no_list(place: Path):
    assert is_pack(place / "list.pack") and not is_pack(place / "list.txt") and not is_pack(place)
    with pytest.raises(UserError, match=r"list\.txt is no pack; `glad prepare pack` makes one"):
        open_listing(place / "list.txt", labelled=True, root=place / "list.txt")
    with pytest.raises(UserError, match=r"list\.pack is a pack and no list; name the list it was made of"):
        open_listing(place / "list.pack", labelled=True)


@pytest.mark.parametrize("length", [9, 63, DATA, DATA + 3000, -1])
def test_a_cut_pack_is_refused_however_much_is_left(length: int, copy: Path):
    copy.write_bytes(copy.read_bytes()[:length])
    with pytest.raises(UserError, match=r"copy\.pack is cut: .*; pack it anew"):
        open_pack(copy)


def test_a_pack_that_was_cut_while_it_is_open_is_refused(copy: Path):
    video = open_video(copy / "run/ç")
    video.frames([30])
    with copy.open("r+b") as file:
        file.truncate(DATA + 5000)
    with pytest.raises(UserError, match=r"copy\.pack is cut"):
        video.frames([30])


def test_a_pack_that_takes_the_place_of_another_is_opened_anew(copy: Path, place: Path, make_folder: Callable):
    assert len(open_video(copy / "jump/a")) == 20
    make_folder(copy.parent / "frames/jump/a", count=4)
    (copy.parent / "new.txt").write_text("jump/a 4\n")
    pack_frames(open_listing(copy.parent / "new.txt", root=copy.parent / "frames"), copy)
    assert len(open_video(copy / "jump/a")) == 4


def damaged(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("at", "says"), [(8, "header is not"), (20, "header is not"), (44, "header is not"), (3, "is no pack")]
)
def test_a_damaged_header_is_refused(at: int, says: str, copy: Path):
    damaged(copy, at)
    with pytest.raises(UserError, match=says):
        open_pack(copy)


def test_a_pack_of_a_later_version_is_refused(copy: Path):
    header = open_pack(copy).header
    content = bytearray(copy.read_bytes())
    content[:DATA] = header._replace(version=2).content()
    copy.write_bytes(content)
    with pytest.raises(UserError, match="a pack of version 2; this glad reads version 1"):
        open_pack(copy)


def test_damage_anywhere_is_found_and_reading_never_leaves_the_frames(copy: Path):
    whole = copy.read_bytes()
    index_at = open_pack(copy).header.index_at
    rng = np.random.default_rng(0)
    ends_at = open_pack(copy).header.places()["ends"][2]
    for at in [*rng.integers(index_at, len(whole), 60).tolist(), index_at, ends_at - 1, ends_at, len(whole) - 1]:
        copy.write_bytes(whole)
        damaged(copy, at)
        says = "its index is not as it was written; pack it anew"
        if at < ends_at:
            with pytest.raises(UserError, match=says):
                open_pack(copy)
            continue
        with pytest.raises(UserError, match=says):
            open_pack(copy).check_index()
        for name in ("jump/a", "run/ç"):
            with suppress(UserError):
                open_video(copy / name).frames([0, 19])
    copy.write_bytes(whole)
    open_pack(copy).check_index()
    damaged(copy, DATA + 10)
    open_pack(copy).check_index()
    open_pack(copy).check_video("run/ç")
    with pytest.raises(UserError, match=r"copy\.pack/jump/a is damaged: its frames are not those that were packed"):
        open_pack(copy).check_video("jump/a")


def test_a_header_says_where_everything_lies():
    header = Header(b"GLADPACK", 1, 0, 0, 44, 8192, 3, 10, 12)
    places = header.places()
    assert places["hashes"] == ("<u8", 3, 8192) and places["which"] == ("<u8", 3, 8192 + 24)
    assert places["firsts"] == ("<u8", 4, 8192 + 2 * 24 + 32)
    names = 8192 + 4 * 24 + 3 * 32
    assert places["names"] == ("u1", 12, names) and places["ends"] == ("<u4", 10, names + 12 + 44)
    assert header.length == names + 12 + 44 + 4 * 10 and len(header.content()) == DATA
