"""Reading and writing one image file; a file which is broken in any way is refused by name."""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from glad.data.blame import reason
from glad.errors import UserError
from glad.files import atomic

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
IMAGE_SUFFIXES = JPEG_SUFFIXES | {".png", ".webp", ".bmp"}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return the image at `path` as RGB uint8 `(h, w, 3)`, exactly as stored (an orientation tag is not applied).

    Grey images are repeated over the channels, transparency is dropped, 16-bit images are cut to their upper 8
    bits. A missing, empty, cut or undecodable file raises `UserError`.
    """
    try:
        with path.open("rb", buffering=0) as file:
            content = file.read()
    except OSError as problem:
        raise UserError(f"{path} cannot be read: {reason(problem)}") from None
    return decode(content, str(path))


def decode(content: bytes | memoryview, path: str) -> NDArray[np.uint8]:
    """Return the image that the bytes of a file hold, as `read_image` does; errors open with `path`."""
    if not content:
        raise UserError(f"{path} is an empty file")
    if content[:2] == b"\xff\xd8":
        try:
            return simplejpeg.decode_jpeg(content, "RGB", strict=True)
        except ValueError as problem:
            raise UserError(f"{path} cannot be decoded: {problem}") from None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise UserError(f"{path} cannot be decoded: it is cut short or not an image")
    return np.ascontiguousarray(image[:, :, ::-1], np.uint8)


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Write RGB uint8 `(h, w, 3)` to `path` as JPEG, quality 95, colour at full resolution (4:4:4), atomically."""
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, (image.dtype, image.shape)
    encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=95, colorsubsampling="444")
    with atomic(path) as temporary:
        temporary.write_bytes(encoded)
