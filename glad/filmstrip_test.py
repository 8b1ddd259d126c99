"""The picture shows what was found: every frame number, every mark, and the frames themselves."""

import re

import numpy as np
import pytest

from glad.augment import Mix
from glad.data.image import read_image
from glad.data.listing import open_listing
from glad.errors import UserError
from glad.filmstrip import picture, shortened, write_picture
from glad.sampled import SIGNS, clip_name, sampled
from glad.sampling import Grid, Segments


@pytest.fixture
def found(square_recipe, squares):
    """A video of 12 frames under clips of 16."""
    views, held = Grid(length=8, interval=2, clips=8), Segments(length=8, interval=2, short="repeat_last")
    recipe = square_recipe(source_views=views, test_views=held, mix=Mix(probability=0.5))
    listing = open_listing(squares / "source.txt", labelled=True, root=squares / "source")
    return sampled(recipe, listing, 2, draws=2)


def test_the_figure_says_every_number_and_mark_in_order(found):
    said = [text.get_text() for text in picture(found).texts]
    numbers = [words for words in said if re.fullmatch(r"\d+( [↺‖=])?", words)]
    expected = [str(frame) for frame in next(iter(found.draws[0].times.values()))[0]]  # the mixed clip comes first
    names = []
    for draw in found.draws:
        for view, times in draw.times.items():
            for clip, frames in enumerate(times):
                names.append(clip_name(view, clip))
                marks = draw.marks[view][clip]
                expected += [f"{frame} {SIGNS[mark]}".strip() for frame, mark in zip(frames, marks, strict=True)]
    assert numbers == expected
    assert [words for words in said if words in ("global 1", "local 1", "local 2")] == names and len(names) == 9
    assert [draw.title for draw in found.draws] == [words for words in said if words.startswith(("train,", "test"))][
        -3:
    ]
    meanings = [words for words in said if "past the end" in words or "the same frame as" in words]
    assert [words[0] for words in meanings] == ["↺", "‖", "="]


def test_the_axis_has_every_clip_at_its_place_in_time(found):
    lanes = picture(found).axes[0]
    drawn = [
        tuple(line.get_xdata()) for line in lanes.lines if len(line.get_xdata()) == 8 and line.get_linestyle() == "-"
    ]
    asked = [tuple(frames) for draw in found.draws for clips in draw.asked.values() for frames in clips]
    assert drawn == asked
    hollow = [x for line in lanes.lines if line.get_markerfacecolor() == "white" for x in line.get_xdata()]
    assert sorted(hollow) == sorted(int(f) for frames in asked for f in frames if f >= found.frames) != []


def test_the_frames_of_a_clip_stand_in_its_strip(found):
    strips = [axes.get_images()[0].get_array() for axes in picture(found).axes[1:]]
    assert np.array_equal(strips[0], found.still.image)
    assert np.array_equal(np.asarray(strips[1])[:, :16], found.still.mixed[0])
    clip = found.draws[0].pixels["global"][0]
    assert all(np.array_equal(np.asarray(strips[2])[:, 18 * k : 18 * k + 16], clip[k]) for k in range(8))
    assert len(strips) == 2 + 9


def test_png_and_svg_by_suffix_and_the_same_twice(found, tmp_path):
    for kind in ("png", "svg"):
        write_picture(tmp_path / f"a.{kind}", found)
        write_picture(tmp_path / f"b.{kind}", found)
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert read_image(tmp_path / "a.png").std() > 10
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(UserError, match=r"c\.jpg: a picture is written as \.png or \.svg"):
        write_picture(tmp_path / "c.jpg", found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_names_of_any_letters(found, tmp_path):
    from dataclasses import replace

    write_picture(tmp_path / "a.png", replace(found, name="視頻 $x_1$ 100%_^{ a.mp4" * 8))
    assert read_image(tmp_path / "a.png").std() > 10


def test_a_wall_of_clips_is_refused(square_recipe, squares):
    listing = open_listing(squares / "source.txt", labelled=True, root=squares / "source")
    with pytest.raises(UserError, match="clips make no picture"):
        picture(sampled(square_recipe(), listing, 0, draws=150))


def test_long_words_lose_their_beginning():
    assert shortened("abcdefgh", 8, 1.0) == "abcdefgh" and shortened("abcdefgh", 4.5, 1.0) == "…fgh"
