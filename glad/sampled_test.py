"""What is shown of a video is what training takes of it: the same frames, the same pixels, the same mixture."""

import numpy as np
import pytest

from glad.augment import Mix, Spatial
from glad.data.background import BackgroundBank, extract_backgrounds
from glad.data.domain import Debias, Domain
from glad.data.held import Given
from glad.data.image import read_image, write_jpeg
from glad.data.listing import open_listing
from glad.data.plan import Plan
from glad.errors import UserError
from glad.sampled import Sampled, marks_of, sampled, video_named
from glad.sampling import Grid, Nodes, Segments

CROPPED = Spatial(size=16, short_side=20, crop="multiscale", flip=0.5)


@pytest.fixture
def listing(squares):
    return open_listing(squares / "source.txt", labelled=True, root=squares / "source")


@pytest.fixture
def recipe(square_recipe):
    """Draws of everything: places, crops, flips, mixing."""

    def made(**fields):
        given = {"source_pixels": CROPPED, "target_pixels": CROPPED, "mix": Mix(probability=0.5, ratio=0.25)} | fields
        return square_recipe(**given)

    return made


def test_the_draws_are_those_of_training_with_that_seed(recipe, listing):
    """Pass k of the plan, decoded by the domain: frame numbers and pixels of a source and of a target video."""
    plan = Plan(source=8, target=8, batch_size=4, seed=5)
    for role, entries in (("source", plan.sources), ("target", plan.targets)):
        value = recipe()
        domain = Domain(listing, getattr(value, f"{role}_views"), CROPPED)
        addresses = [address for step in range(6) for index, address in entries(step) if index == 3]
        found = sampled(value, listing, 3, role=role, draws=3, seed=5)
        assert len(addresses) == 3 and len(found.draws) == 4 and found.frames == 12
        for draw, address in zip(found.draws, addresses, strict=False):
            sample = domain.sample(3, address)
            assert draw.times.keys() == sample.times.keys() == {"global", "local"}
            for view in sample.times:
                assert np.array_equal(draw.times[view], sample.times[view])
                assert np.array_equal(draw.pixels[view].transpose(0, 4, 1, 2, 3), sample.views[view])
        tested = Domain(listing, value.test_views, value.test_pixels).sample(3, None)
        assert found.draws[-1].title == "test"
        assert all(np.array_equal(found.draws[-1].times[view], tested.times[view]) for view in tested.times)


def test_other_seeds_draw_other_frames(recipe, listing):
    first, again, other = (sampled(recipe(), listing, 0, draws=2, seed=seed).text() for seed in (0, 0, 1))
    assert first == again and first.splitlines()[3:] != other.splitlines()[3:]


def test_marks_by_hand():
    times, asked = np.array([[0, 2, 4, 1, 3], [2, 2, 4, 4, 4]]), np.array([[0, 2, 4, 6, 8], [2, 2, 4, 5, 6]])
    wrapped = [["", "", "", "wrapped", "wrapped"], ["", "again", "", "wrapped", "wrapped"]]
    assert marks_of(times, asked, 5, Segments(short="wrap")).tolist() == wrapped
    held = [["", "", "", "held", "held"], ["", "again", "", "held", "held"]]
    assert marks_of(times, asked, 5, Segments(short="repeat_last")).tolist() == held


@pytest.mark.parametrize(
    "views, marks, numbers",
    [
        (Grid(length=8, interval=2, short="wrap", clips=8), ["wrapped", "again"], [0, 2, 4, 6, 8, 10, 0, 2]),
        (Segments(length=8, interval=2, short="repeat_last"), ["held"], [0, 2, 4, 6, 8, 10, 11, 11]),
        (Nodes(length=4, clips=2), [], None),
        (Nodes(length=8, clips=16), ["again"], None),
    ],
)
def test_what_a_short_video_makes_of_clips_is_marked(recipe, listing, views, marks, numbers):
    found = sampled(recipe(test_views=views, source_views=views), listing, 0, draws=1)
    assert found.marks() == marks
    said = found.text()
    assert all(sign in said for sign in ("↺" if "wrapped" in marks else "", "‖" if "held" in marks else ""))
    assert said.count("past the end, so") == len({"wrapped", "held"} & set(marks))
    for draw in found.draws:
        for view, times in draw.times.items():
            assert ((draw.asked[view] > 11) == np.isin(draw.marks[view], ["wrapped", "held"])).all()
            assert times.max() < 12
    if numbers is not None:
        assert found.draws[-1].times["local"][0].tolist() == numbers


def test_a_deterministic_target_says_that_it_is(recipe, listing):
    views = Grid(length=4, interval=1, clips=8, deterministic=True)
    found = sampled(recipe(target_views=views, test_views=views), listing, 0, role="target", draws=2)
    assert found.draws[0].title == "train, draw 1, the same in every pass"
    for view, times in found.draws[2].times.items():
        assert np.array_equal(found.draws[0].times[view], times)
        assert np.array_equal(found.draws[1].times[view], times)


def test_the_mixture_is_that_of_the_pipeline(recipe, tmp_path):
    """A list of one video: whichever background training draws, it is this video's own."""
    rng = np.random.default_rng(0)
    for index in range(9):
        write_jpeg(tmp_path / "a" / f"img_{index:05d}.jpg", rng.integers(0, 256, (24, 32, 3)).astype(np.uint8))
    (tmp_path / "list.txt").write_text("a 3 5 0\n")
    listing = open_listing(tmp_path / "list.txt", labelled=True)
    extract_backgrounds(listing, tmp_path, tmp_path / "stills")
    bank = BackgroundBank(tmp_path / "stills", listing)
    value = recipe(mix=Mix(probability=0.5, ratio=0.25))
    domain = Domain(listing, value.source_views, CROPPED, Debias(Mix(probability=1.0, ratio=0.25), bank))
    expected = domain.sample(0, Plan(1, 1, 1, 7).sources(0)[0][1]).views["global"][0].transpose(1, 2, 3, 0)

    stored = sampled(value, listing, 0, seed=7, background=tmp_path / "stills" / "a@3+5.jpg").still
    assert stored.mixed is not None and np.array_equal(stored.mixed, expected)
    assert np.array_equal(stored.image, bank[0]) and np.array_equal(stored.seen, domain.background(bank[0]))
    assert "50 % of the source videos" in stored.about and "a share of 0.25" in stored.about

    own = sampled(value, listing, 0, seed=7).still
    frames = [read_image(tmp_path / "a" / f"img_{index:05d}.jpg") for index in range(3, 8)]
    assert np.array_equal(own.image, np.median(frames, axis=0).astype(np.uint8))
    assert own.mixed is not None and np.abs(own.mixed.astype(int) - expected).mean() < 3  # the file is a JPEG


def test_what_is_not_mixed_is_not_shown_mixed(recipe, listing):
    assert sampled(recipe(mix=None), listing, 0, draws=1).still.mixed is None
    assert sampled(recipe(mix=Mix(probability=0.0)), listing, 0, draws=1).still.mixed is None
    assert sampled(recipe(), listing, 0, draws=1, role="target").still.mixed is None
    uniform = sampled(recipe(mix=Mix(probability=1.0, ratio="uniform")), listing, 0, draws=1).still
    assert uniform.mixed is not None and "here 0.5" in uniform.about


def test_a_row_of_a_list_is_a_span_of_its_recording(squares, tmp_path, recipe):
    (tmp_path / "list.txt").write_text("\nleft_0 0 12 0\nright_1 4 6 1\n")
    for words, row in ((f"{tmp_path / 'list.txt'}:3", None), (str(tmp_path / "list.txt"), 3)):
        videos, index = video_named(words, row, root=squares / "source")
        assert (index, videos[index].path, videos[index].offset, len(videos.video(index))) == (1, "right_1", 4, 6)
    found = sampled(recipe(), videos, index, draws=1)
    assert found.name == f"{tmp_path / 'list.txt'} line 3: right_1"
    assert found.about[0] == "6 frames from offset 4 on; frame 0 is img_00005.jpg"
    pixels = found.draws[-1].pixels["local"][0][0]
    assert found.draws[-1].times["local"][0][0] == 0
    expected = read_image(squares / "source" / "right_1" / "img_00005.jpg")
    assert np.array_equal(pixels, Spatial(size=16, short_side=None, crop="none").apply(expected[None], None)[0])


def test_a_video_by_itself(squares, recipe):
    folder = squares / "source" / "left_0"
    videos, index = video_named(str(folder))
    assert isinstance(videos, Given) and index == 0
    found = sampled(recipe(), videos, index, draws=1)
    assert isinstance(found, Sampled) and found.name == str(folder)
    assert found.about[0] == "12 frames; frame 0 is img_00001.jpg"


def test_what_cannot_be_shown_is_one_sentence(squares, recipe, listing):
    list_file = squares / "source.txt"
    with pytest.raises(UserError, match=r"source\.txt is a list; say which row of it, as in .*source\.txt:1"):
        video_named(str(list_file))
    with pytest.raises(UserError, match=r"has no video on line 9; its videos stand on lines 1 to 8"):
        video_named(f"{list_file}:9")
    with pytest.raises(UserError, match=r"no list at .*gone\.txt, so it has no row 2"):
        video_named(str(squares / "gone.txt"), 2)
    with pytest.raises(UserError, match="0 draws show nothing"):
        sampled(recipe(), listing, 0, draws=0)
