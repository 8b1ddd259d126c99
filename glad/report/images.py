"""Pictures that a page carries inside itself."""

import base64
from io import BytesIO

import cv2
import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from glad.letters import any_letters

QUALITY = 80  # of JPEGs


def image_tag(pixels: np.ndarray, alt: str, kind: str = "jpeg") -> Markup:
    """Return an `<img>` of `pixels` (h, w, 3) RGB uint8, as `jpeg` or `png`."""
    height, width = pixels.shape[:2]
    return data_tag(encoded(pixels, kind), alt, kind, f' width="{width}" height="{height}"')


def figure_tag(figure: Figure, alt: str) -> Markup:
    """Return an `<img>` of a figure as SVG, whose words a browser draws in any script."""
    file = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "glad", "svg.fonttype": "none"}), any_letters():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return data_tag(file.getvalue(), alt, "svg+xml")


def data_tag(data: bytes, alt: str, kind: str, attributes: str = "") -> Markup:
    """Return an `<img>` that holds an image file of that kind."""
    return Markup('<img src="data:image/{};base64,{}" alt="{}"{}>').format(
        kind, base64.b64encode(data).decode("ascii"), alt, Markup(attributes)
    )


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    """Return `pixels` (h, w, 3) RGB uint8 as a file in the format `png` or `jpeg`."""
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if kind == "jpeg" else []
    done, data = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels[..., ::-1]), options)
    assert done, kind
    return data.tobytes()


def no_larger(pixels: np.ndarray, height: int) -> np.ndarray:
    """Return a picture (h, w, 3) shrunk to `height` where it is taller."""
    if pixels.shape[0] <= height:
        return pixels
    width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
