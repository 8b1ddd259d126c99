from pathlib import Path

import numpy as np
import pytest

from glad.data.contact import CAPTION, CELL, contact_sheet
from glad.data.image import read_image, write_jpeg

WIDTH, HEIGHT = CELL


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Left half red, right half blue; twice as wide as high."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :40, 0] = image[:, 40:, 2] = 250
    write_jpeg(tmp_path / "picture.jpg", image)
    return tmp_path / "picture.jpg"


def test_a_picture_is_scaled_to_its_cell_below_its_caption(picture: Path, tmp_path: Path):
    assert contact_sheet([("jump", picture)], tmp_path / "sheet.jpg") == [tmp_path / "sheet.jpg"]
    sheet = read_image(tmp_path / "sheet.jpg").astype(int)
    assert sheet.shape == (CAPTION + HEIGHT, WIDTH, 3)
    assert sheet[:CAPTION, :60].min() < 120 and sheet[:CAPTION, 60:].min() > 200  # the word, and room
    assert sheet[CAPTION + 10, 20, 0] > 200 and sheet[CAPTION + 10, 20, 2] < 60
    assert sheet[CAPTION + 10, 140, 2] > 200 and sheet[CAPTION + 10, 140, 0] < 60
    assert sheet[CAPTION + 90 :].min() > 200  # 156 x 78 pixels, and grey below


def test_many_pictures_take_pages_and_a_shorter_sheet_leaves_what_is_not_its_own(picture: Path, tmp_path: Path):
    names = [f"sheet{end}.jpg" for end in ("", "-2", "-3")]
    sheet = tmp_path / "sheet.jpg"
    assert [path.name for path in contact_sheet([("run", picture)] * 211, sheet)] == names
    assert read_image(tmp_path / "sheet.jpg").shape == (10 * (CAPTION + HEIGHT), 10 * WIDTH, 3)
    assert read_image(tmp_path / "sheet-3.jpg").shape == (2 * (CAPTION + HEIGHT), 10 * WIDTH, 3)
    third = (tmp_path / "sheet-3.jpg").read_bytes()
    assert contact_sheet([("run", picture)] * 101, sheet) == [tmp_path / name for name in names[:2]]
    assert (tmp_path / "sheet-3.jpg").read_bytes() == third


def test_long_and_foreign_captions_stay_in_their_cells(picture: Path, tmp_path: Path):
    contact_sheet([("x" * 300, picture), ("été 跳", picture)], tmp_path / "sheet.jpg")
    sheet = read_image(tmp_path / "sheet.jpg")
    assert sheet[:CAPTION, :40].min() < 120 and sheet[:CAPTION, WIDTH - 6 : WIDTH].min() > 200
    assert sheet[:CAPTION, WIDTH : WIDTH + 40].min() < 120
