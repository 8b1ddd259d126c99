"""Saliency drawn over the frames of a video, as a strip of pictures and as a film."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from glad.augment import Look, Spatial, resized, with_short_side
from glad.data.film import write_film
from glad.data.held import video_of
from glad.errors import UserError
from glad.files import atomic
from glad.filmstrip import GREY, Sheet, colour_of, shortened
from glad.letters import any_letters
from glad.saliency import Saliency
from glad.sampled import clip_name

STRENGTH = 0.7  # of the hottest place's colour over the picture
UNSEEN = 0.35  # brightness of what the crop leaves out
SHORT = 112  # pixels of a picture's shorter side in the strip
FILM = 256  # the same in the film, at most
RATE = 4.0  # frames per second of the film
# Lengths in inches.
LEFT, RIGHT, TOP, ROW, NUMBERS = 1.0, 0.2, 0.72, 1.0, 0.2


def write_strip(path: Path, found: Saliency, spatial: Spatial) -> None:
    """Write the clips that a run saw of a video as rows of frames under their heat into the PNG `path`, atomically.

    `spatial` is the recipe's `test_pixels`: what it crops away is dark.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: a strip is written as .png; name it so")
    with any_letters(), atomic(path) as temporary:
        strip(found, drawn_frames(found, spatial, SHORT)).savefig(temporary, format="png")


def write_heat_film(path: Path, found: Saliency, spatial: Spatial) -> None:
    """Write the frames that a run saw of a video, in order and each once, under their heat as the MP4 `path`.

    They are shown four a second, however far they are apart in the video. Where clips share a frame, the hotter counts.
    """
    drawn = drawn_frames(found, spatial, FILM)
    hottest: dict[int, tuple[float, NDArray[np.uint8]]] = {}
    for view, times in found.times.items():
        for (clip, t), frame in np.ndenumerate(times):
            heat = float(found.heat[view][clip, t].sum())
            if int(frame) not in hottest or heat > hottest[int(frame)][0]:
                hottest[int(frame)] = heat, drawn[view][clip][t]
    frames = [hottest[number][1] for number in sorted(hottest)]
    write_film(path, frames, np.arange(len(frames) + 1) / RATE)


def drawn_frames(found: Saliency, spatial: Spatial, short: int) -> dict[str, NDArray[np.uint8]]:
    """Return `{view: (n, t, h, w, 3)}`: the whole frames of the video under their heat, at most `short` pixels high."""
    frames = {view: video_of(found.video).frames(times.ravel()) for view, times in found.times.items()}
    drawn = {}
    for view, whole in frames.items():
        look = spatial.look(whole.shape[1], whole.shape[2], None)
        heat = found.heat[view].reshape(-1, *found.heat[view].shape[2:])
        pictures = [under_heat(frame, one, look, short) for frame, one in zip(whole, heat, strict=True)]
        drawn[view] = np.stack(pictures).reshape(*found.times[view].shape, *pictures[0].shape)
    return drawn


def under_heat(frame: NDArray[np.uint8], heat: NDArray[np.float32], look: Look, short: int) -> NDArray[np.uint8]:
    """Return a frame (h, w, 3) with colours as strong as `heat` (0 to 1), which is of the crop; the rest is dark.

    It is made smaller where its shorter side is longer than `short`.
    """
    whole = frame[None] if look.whole is None else resized(frame[None], *look.whole, look.shrink)
    left, top, width, height = look.box
    places = resized((heat * 255).round().astype(np.uint8)[None, ..., None].repeat(3, -1), height, width, "bilinear")
    share = places[0, :, :, :1].astype(np.float32) / 255
    colour = colormaps["autumn_r"](share[..., 0])[..., :3].astype(np.float32) * 255
    seen = whole[0, top : top + height, left : left + width]
    drawn = (whole[0] * UNSEEN).astype(np.uint8)
    drawn[top : top + height, left : left + width] = (
        seen * (1 - STRENGTH * share) + colour * STRENGTH * share + 0.5
    ).astype(np.uint8)
    drawn = resized(drawn[None], frame.shape[0], frame.shape[1], "area")
    return (with_short_side(drawn, short, "area") if min(drawn.shape[1:3]) > short else drawn)[0]


def strip(found: Saliency, drawn: dict[str, NDArray[np.uint8]]) -> Figure:
    """Return the figure: a heading with the shares, then a row of frames for each clip, with their numbers."""
    first = next(iter(drawn.values()))
    picture = ROW * first.shape[3] / first.shape[2]
    across = max(times.shape[1] for times in found.times.values()) * picture
    rows = sum(len(times) for times in found.times.values())
    sheet = Sheet(max(LEFT + across + RIGHT, 7.0), TOP + rows * (ROW + NUMBERS) + 0.1)
    sheet.text(0.2, 0.25, shortened(found.said.as_text(), sheet.width - 0.4, 0.092), fontsize=10, fontweight="bold")
    for line, words in enumerate(about(found)):
        sheet.text(0.2, 0.43 + 0.15 * line, words, fontsize=7.5, color=GREY)
    sheet.at = TOP
    for view, times in found.times.items():
        for clip, numbers in enumerate(times.tolist()):
            look: dict[str, Any] = {"fontsize": 8, "ha": "right", "va": "center", "color": colour_of(view)}
            sheet.text(LEFT - 0.1, ROW / 2, clip_name(view, clip), **look)
            axes = sheet.axes(LEFT, 0.0, len(numbers) * picture - 0.02, ROW - 0.02)
            apart = np.pad(drawn[view][clip], ((0, 0), (0, 0), (0, 3), (0, 0)), constant_values=255)
            axes.imshow(np.concatenate(list(apart), axis=1), aspect="auto", interpolation="antialiased")
            axes.set_axis_off()
            for place, number in enumerate(numbers):
                words = {"ha": "center", "va": "center", "fontsize": 7, "color": GREY}
                sheet.text(LEFT + (place + 0.5) * picture, ROW + NUMBERS / 2 - 0.03, str(number), **words)
            sheet.at += ROW + NUMBERS
    return sheet.figure


def about(found: Saliency) -> list[str]:
    """Return what the strip shows, in two lines."""
    _, high, wide = found.places
    return [
        f"where it looks for '{found.name}' (Grad-CAM: yellow a little, red most; {high} x {wide} places in a frame)",
        f"{100 * found.moving:.0f} % of that on what moves, which is {100 * found.moving_area:.0f} % of the pixels",
    ]
