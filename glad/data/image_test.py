from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from glad.data.image import read_image, write_jpeg
from glad.errors import UserError

RED_OVER_BLUE = np.array([[[255, 0, 0]] * 3, [[0, 0, 255]] * 3], np.uint8)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_lossless_images_come_back_as_rgb(suffix: str, tmp_path: Path):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), RED_OVER_BLUE[:, :, ::-1])
    np.testing.assert_array_equal(read_image(path), RED_OVER_BLUE)


def test_jpeg_keeps_channel_order_and_colour_resolution(tmp_path: Path):
    picture = RED_OVER_BLUE.repeat(8, 0).repeat(8, 1)
    write_jpeg(tmp_path / "deep" / "a.jpg", picture)
    assert simplejpeg.decode_jpeg_header((tmp_path / "deep" / "a.jpg").read_bytes())[3] == "444"
    np.testing.assert_allclose(read_image(tmp_path / "deep" / "a.jpg").astype(int), picture, atol=3)


def test_grey_sixteen_bit_and_transparent_images_become_rgb(tmp_path: Path):
    grey = noise(4, 5)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), grey[:, :, None].repeat(3, 2))
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 256 + 255)
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), grey[:, :, None].repeat(3, 2))
    cv2.imwrite(str(tmp_path / "clear.png"), noise(4, 5, 4))
    np.testing.assert_array_equal(read_image(tmp_path / "clear.png"), noise(4, 5, 4)[:, :, 2::-1])
    (tmp_path / "grey.jpg").write_bytes(cv2.imencode(".jpg", grey)[1].tobytes())
    assert read_image(tmp_path / "grey.jpg").shape == (4, 5, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_image_is_refused_by_name(suffix: str, share: float, tmp_path: Path):
    content = cv2.imencode(suffix, noise(64, 64, 3))[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=rf"cut{suffix} cannot be decoded"):
        read_image(path)


def test_a_missing_an_empty_and_a_foreign_file_are_refused_by_name(tmp_path: Path):
    with pytest.raises(UserError, match=r"a\.jpg cannot be read: no such file"):
        read_image(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").touch()
    with pytest.raises(UserError, match=r"b\.jpg is an empty file"):
        read_image(tmp_path / "b.jpg")
    (tmp_path / "c.jpg").write_text("no image")
    with pytest.raises(UserError, match=r"c\.jpg cannot be decoded"):
        read_image(tmp_path / "c.jpg")


@pytest.mark.parametrize(
    "image", [np.full((4, 4, 3), np.nan), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)]
)
def test_only_rgb_bytes_are_written(image: np.ndarray, tmp_path: Path):
    with pytest.raises(AssertionError):
        write_jpeg(tmp_path / "a.jpg", image)
    assert not list(tmp_path.iterdir())
