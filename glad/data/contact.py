"""Pages of many small pictures with their names, to look at what was made of a thousand videos."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from glad.data.image import read_image, write_jpeg

ACROSS, DOWN = 10, 10  # pictures on a page
CELL = (160, 120)  # pixels, across and down
CAPTION = 14
_GREY = 235


def contact_sheet(pictures: Sequence[tuple[str, Path]], path: Path) -> list[Path]:
    """Write pages of `pictures`, each a caption and an image file, and return them: those of `pages_of`.

    A page holds 100, in the order given, each scaled to fit 160x120 pixels.
    """
    each = ACROSS * DOWN
    files = pages_of(len(pictures), path)
    for number, file in enumerate(files):
        write_jpeg(file, _page(pictures[number * each : (number + 1) * each]))
    return files


def pages_of(pictures: int, path: Path) -> list[Path]:
    """Return the files of a sheet of so many pictures: `path`, then `NAME-2.jpg`, …."""
    pages = -(-pictures // (ACROSS * DOWN))
    return [path, *(path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, pages + 1))][:pages]


def _page(pictures: Sequence[tuple[str, Path]]) -> NDArray[np.uint8]:
    """Return one page, uint8 `(h, w, 3)`."""
    (width, height), across = CELL, min(len(pictures), ACROSS)
    step = height + CAPTION
    page = np.full((-(-len(pictures) // ACROSS) * step, across * width, 3), _GREY, np.uint8)
    for index, (caption, file) in enumerate(pictures):
        left, top = index % ACROSS * width, index // ACROSS * step
        cell = page[top + CAPTION : top + step, left : left + width]
        image = read_image(file)
        scale = min((width - 4) / image.shape[1], height / image.shape[0])
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        cell[: size[1], 2 : 2 + size[0]] = small
        _write_caption(page[top : top + CAPTION, left : left + width], caption)
    return page


def _write_caption(strip: NDArray[np.uint8], text: str) -> None:
    """Write `text`, in ASCII and cut to what fits, onto a strip of the page."""
    text = text.encode("ascii", "replace").decode()
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.33
    while text and cv2.getTextSize(text, font, size, 1)[0][0] > strip.shape[1] - 6:
        text = text[:-1]
    canvas = np.ascontiguousarray(strip)
    cv2.putText(canvas, text, (2, CAPTION - 4), font, size, (0, 0, 0), 1, cv2.LINE_AA)
    strip[:] = canvas
