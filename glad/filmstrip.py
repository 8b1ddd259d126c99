"""A picture of what `glad.sampled` found: a time axis with every clip on it, then the clips themselves."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from glad.augment import resized, with_short_side
from glad.errors import UserError
from glad.files import atomic
from glad.letters import any_letters
from glad.sampled import MEANINGS, SIGNS, Mark, Sampled, clip_name

COLOURS = {"global": "#1f6fb4", "local": "#d9730d", "ordered": "#2b8a4b"}
OTHER_COLOUR = "#6b4fa0"
MARK_COLOURS: dict[Mark, str] = {"": "#444444", "wrapped": "#c8102e", "held": "#c8102e", "again": "#8a6d00"}
GREY = "#777777"
THUMBNAIL = 112  # pixels, at most
MOST_CLIPS = 400
# Lengths in inches.
LEFT, RIGHT, TOP, BOTTOM = 1.15, 0.35, 1.05, 0.3
LANE, NUMBERS, HEADING, AXIS = 0.15, 0.2, 0.36, 0.42


class Sheet:
    """A figure that is filled from top to bottom, in inches."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height, self.at = width, height, 0.0
        self.figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
        FigureCanvasAgg(self.figure)

    def text(self, x: float, down: float, words: str, **look: Any) -> None:
        """Write `words` at `x` from the left edge and `down` below the current place."""
        self.figure.text(x / self.width, 1 - (self.at + down) / self.height, words, parse_math=False, **look)

    def axes(self, x: float, down: float, width: float, height: float) -> Axes:
        """Return axes whose upper left corner is at `x` and `down` below the current place."""
        low = 1 - (self.at + down + height) / self.height
        return self.figure.add_axes((x / self.width, low, width / self.width, height / self.height))


def write_picture(path: Path, found: Sampled) -> None:
    """Write the picture of `found` to `path`, a PNG or an SVG by its suffix, atomically."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise UserError(f"{path}: a picture is written as .png or .svg; name it so")
    with any_letters(), matplotlib.rc_context({"svg.hashsalt": "glad"}), atomic(path) as temporary:
        metadata = {"Date": None} if kind == "svg" else {}
        picture(found).savefig(temporary, format=kind, metadata=metadata)


def picture(found: Sampled) -> Figure:
    """Return the figure: heading, time axis, background, the clips of every draw, and what the marks mean."""
    clips = sum(len(times) for draw in found.draws for times in draw.times.values())
    if clips > MOST_CLIPS:
        raise UserError(f"{clips} clips make no picture that anyone looks at; lower --draws")
    length = max(times.shape[1] for draw in found.draws for times in draw.times.values())
    side = 0.95 if length <= 8 else 0.95 * 8 / length + 0.15
    across = length * side
    strip = side + NUMBERS
    axis = clips * LANE + len(found.draws) * LANE * 0.8 + AXIS
    still = HEADING + strip
    legend = 0.22 * (len(found.marks()) + 1)
    height = TOP + axis + still + clips * strip + len(found.draws) * HEADING + legend + BOTTOM
    sheet = Sheet(LEFT + across + RIGHT, height)

    sheet.text(0.2, 0.3, shortened(found.name, sheet.width - 0.4, 0.105), fontsize=11, fontweight="bold")
    for line, words in enumerate(found.about):
        sheet.text(0.2, 0.48 + 0.15 * line, words, fontsize=7, color=GREY)
    sheet.at = TOP
    draw_lanes(sheet.axes(LEFT, 0.1, across, axis - AXIS), found)
    sheet.at += axis
    draw_still(sheet, found, side)
    sheet.at += still
    for draw in found.draws:
        sheet.text(0.2, HEADING - 0.1, draw.title, fontsize=9, fontweight="bold")
        sheet.at += HEADING
        for view, times in draw.times.items():
            for clip, frames in enumerate(times):
                look: dict[str, Any] = {"fontsize": 8, "ha": "right", "va": "center", "color": colour_of(view)}
                sheet.text(LEFT - 0.12, side / 2, clip_name(view, clip), **look)
                marks = draw.marks[view][clip]
                labels = [f"{frame} {SIGNS[mark]}".rstrip() for frame, mark in zip(frames, marks, strict=True)]
                draw_strip(sheet, draw.pixels[view][clip], labels, list(marks), side, colour_of(view))
                sheet.at += strip
    for line, mark in enumerate(found.marks()):
        words = f"{SIGNS[mark]}  {MEANINGS[mark]}"
        sheet.text(LEFT, 0.22 * (line + 1), words, fontsize=8, color=MARK_COLOURS[mark])
    return sheet.figure


def draw_lanes(axes: Axes, found: Sampled) -> None:
    """Draw every clip as a lane of dots over the time of the video; what lies past the end is hollow and red."""
    last = max(int(asked.max()) for draw in found.draws for asked in draw.asked.values())
    y, ticks, names = 0.0, [], []
    for draw in found.draws:
        top = y
        for view, asked in draw.asked.items():
            for frames in asked:
                inside = frames[frames < found.frames]
                past = frames[frames >= found.frames]
                axes.plot(frames, [y] * len(frames), color=colour_of(view), linewidth=0.7, alpha=0.45, zorder=2)
                axes.plot(inside, [y] * len(inside), "o", color=colour_of(view), markersize=3.4, zorder=3)
                hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": MARK_COLOURS["held"]}
                axes.plot(past, [y] * len(past), "o", markersize=3.6, zorder=3, clip_on=False, **hollow)
                y += 1
        ticks.append((top + y - 1) / 2)
        names.append(draw.title.removeprefix("train, ").split(",")[0])
        axes.axhline(y - 0.1, color="#e4e4e4", linewidth=0.8, zorder=1)
        y += 0.8
    axes.set_ylim(y - 0.6, -0.9)
    axes.set_xlim(-0.5, max(found.frames, last + 1) - 0.5)
    if last >= found.frames:
        axes.axvspan(found.frames - 0.5, last + 0.5, color="#f6e3e3", zorder=0, linewidth=0)
        axes.axvline(found.frames - 0.5, color=MARK_COLOURS["held"], linewidth=0.9)
        words: dict[str, Any] = {"ha": "left", "va": "bottom", "fontsize": 7, "color": MARK_COLOURS["held"]}
        axes.text(found.frames - 0.5, -0.95, " past the end", **words)
    axes.set_yticks(ticks, names, fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("frame of the video", fontsize=7, labelpad=1, color=GREY)
    for edge in ("top", "right", "left"):
        axes.spines[edge].set_visible(False)


def draw_still(sheet: Sheet, found: Sampled, side: float) -> None:
    """Draw the background beside the first clip mixed with it, or alone where nothing is mixed."""
    still = found.still
    words = "background" if still.mixed is None else "the first clip, mixed"
    sheet.text(0.2, HEADING - 0.1, words, fontsize=9, fontweight="bold")
    note = f"{'' if still.mixed is None else 'with '}{still.name}; {still.about}"
    sheet.text(LEFT + 0.75, HEADING - 0.1, shortened(note, sheet.width - LEFT - 0.9, 0.054), fontsize=7, color=GREY)
    sheet.at += HEADING
    axes = sheet.axes(0.2, 0.03, LEFT - 0.32, side - 0.06)
    image = still.image[None]
    axes.imshow((with_short_side(image, THUMBNAIL, "area") if min(image.shape[1:3]) > THUMBNAIL else image)[0])
    axes.set_anchor("C")
    axes.set_axis_off()
    frames = still.seen[None] if still.mixed is None else still.mixed
    draw = found.draws[0]
    view, times = next(iter(draw.times.items()))
    labels = ["cropped"] if still.mixed is None else [str(frame) for frame in times[0]]
    draw_strip(sheet, frames, labels, [""] * len(labels), side, colour_of(view))
    sheet.at -= HEADING


def draw_strip(
    sheet: Sheet, frames: np.ndarray, labels: list[str], marks: list[Mark], side: float, colour: str
) -> None:
    """Draw frames (t, h, w, 3) in a row with a label below each; a marked frame is framed."""
    if frames.shape[1] > THUMBNAIL:
        frames = resized(frames, THUMBNAIL, THUMBNAIL, "area")
    gap = 2
    framed = np.full((frames.shape[1], len(frames) * (frames.shape[2] + gap), 3), 255, np.uint8)
    for k, frame in enumerate(frames):
        framed[:, k * (frames.shape[2] + gap) : k * (frames.shape[2] + gap) + frames.shape[2]] = frame
    axes = sheet.axes(LEFT, 0.0, len(frames) * side, side - 0.02)
    axes.imshow(framed, aspect="auto", extent=(0, len(frames), 1, 0), interpolation="antialiased")
    axes.set_axis_off()
    share = frames.shape[2] / (frames.shape[2] + gap)
    for k, (label, mark) in enumerate(zip(labels, marks, strict=True)):
        if mark:
            box = Rectangle((k, 0), share, 1, fill=False, linewidth=2.2, edgecolor=MARK_COLOURS[mark], clip_on=False)
            axes.add_patch(box)
        weight = "bold" if mark else "normal"
        look: dict[str, Any] = {"ha": "center", "va": "center", "color": MARK_COLOURS[mark] if mark else colour}
        sheet.text(
            LEFT + (k + share / 2) * side, side + NUMBERS / 2 - 0.03, label, fontsize=7.5, fontweight=weight, **look
        )


def colour_of(view: str) -> str:
    """Return the colour of a view."""
    return COLOURS.get(view, OTHER_COLOUR)


def shortened(words: str, room: float, each: float) -> str:
    """Return `words` without their beginning where they, at `each` inches a letter, are wider than `room`."""
    most = int(room / each)
    return words if len(words) <= most else f"…{words[1 - most :]}"
