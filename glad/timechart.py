"""A timeline as files: numbers, and a picture of what was seen when and how probable each class was."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MultipleLocator

from glad.errors import UserError
from glad.files import atomic, write_text
from glad.letters import any_letters
from glad.timeline import Timeline

ROWS = 12  # classes that get a row, at most
COLOURS = ("#1f6fb4", "#d9730d", "#2b8a4b", "#c8102e", "#6b4fa0", "#8a6d00", "#c2417f", "#3d8f93", "#7a4a2b", "#6a737d")
UNKNOWN = "#bdbdbd"
STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds between two numbers on the axis of a long video
# Lengths in inches.
WIDTH, LEFT, RIGHT, TOP, BOTTOM, STRIP, ROW = 10.0, 1.6, 0.4, 0.62, 0.5, 0.42, 0.24


def write_timeline(folder: Path, name: str, timeline: Timeline) -> None:
    """Write NAME.timeline.json, .csv and .png into `folder`, each atomically."""
    write_text(folder / f"{name}.timeline.json", timeline.as_json())
    write_text(folder / f"{name}.timeline.csv", timeline.as_csv())
    write_timechart(folder / f"{name}.timeline.png", timeline)


def write_timechart(path: Path, timeline: Timeline) -> None:
    """Write the picture of a timeline to `path`, a PNG or an SVG by its suffix, atomically."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise UserError(f"{path}: a picture is written as .png or .svg; name it so")
    with any_letters(), matplotlib.rc_context({"svg.hashsalt": "glad"}), atomic(path) as temporary:
        timechart(timeline).savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else {})


def timechart(timeline: Timeline) -> Figure:
    """Return the figure: above the segments with their classes, below a row of probabilities for each class."""
    shown = rows_of(timeline)
    height = TOP + STRIP + 0.12 + ROW * len(shown) + BOTTOM
    figure = Figure(figsize=(WIDTH, height), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    across = (WIDTH - LEFT - RIGHT) / WIDTH
    strip = figure.add_axes((LEFT / WIDTH, 1 - (TOP + STRIP) / height, across, STRIP / height))
    grid = figure.add_axes((LEFT / WIDTH, BOTTOM / height, across, ROW * len(shown) / height), sharex=strip)
    name = timeline.video if len(timeline.video) <= 90 else f"…{timeline.video[-89:]}"
    figure.text(0.02, 1 - 0.24 / height, name, fontsize=10, fontweight="bold", parse_math=False)
    figure.text(0.02, 1 - 0.43 / height, about(timeline), fontsize=7.5, color="#777777")
    colours = {timeline.classes[k]: COLOURS[row % len(COLOURS)] for row, k in enumerate(shown)}
    draw_segments(strip, timeline, colours)
    draw_probabilities(grid, timeline, shown, colours)
    grid.set_xlim(0, float(timeline.ends[-1]))
    return figure


def about(timeline: Timeline) -> str:
    """Return in words which windows a timeline has."""
    words = f"a window of {timeline.ends[0] - timeline.starts[0]:.2f} s"
    if len(timeline) > 1:
        words = (
            f"{len(timeline)} windows{words.removeprefix('a window')}, one every {np.diff(timeline.starts)[0]:.2f} s"
        )
    words += "; the darker, the more probable"
    return f"{words}; unknown below {100 * timeline.unknown:g} %" if timeline.unknown else words


def rows_of(timeline: Timeline) -> list[int]:
    """Return the classes that get a row: those that were ever the most probable, then by their highest probability."""
    highest = timeline.probabilities.max(axis=0)
    first = np.bincount(timeline.probabilities.argmax(axis=1), minlength=len(highest)) > 0
    return np.lexsort((-highest, ~first))[:ROWS].tolist()


def draw_segments(axes: Axes, timeline: Timeline, colours: dict[str, str]) -> None:
    """Draw the segments as bars with their names, where these fit."""
    whole = float(timeline.ends[-1])
    for one in timeline.segments():
        colour = colours.get(one.name, UNKNOWN)
        axes.add_patch(Rectangle((one.start, 0), one.end - one.start, 1, facecolor=colour, edgecolor="white", lw=0.8))
        room = (one.end - one.start) / whole * (WIDTH - LEFT - RIGHT)
        if room > 0.075 * len(one.name) + 0.05:
            place = (one.start + one.end) / 2
            look = {"ha": "center", "va": "center", "fontsize": 8, "color": "white", "parse_math": False}
            axes.text(place, 0.5, one.name, **look)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["segments"], fontsize=8)
    axes.tick_params(axis="both", length=0, labelbottom=False)
    for edge in axes.spines.values():
        edge.set_visible(False)


def draw_probabilities(axes: Axes, timeline: Timeline, shown: list[int], colours: dict[str, str]) -> None:
    """Draw a row for each class, in which every stretch is as dark as the class is probable there."""
    for row, k in enumerate(shown):
        colour = colours[timeline.classes[k]]
        for (start, end), p in zip(timeline.stretches().tolist(), timeline.probabilities[:, k].tolist(), strict=True):
            axes.add_patch(Rectangle((start, row + 0.06), end - start, 0.88, facecolor=colour, alpha=p, lw=0))
    axes.set_ylim(len(shown), 0)
    axes.set_yticks([row + 0.5 for row in range(len(shown))], [timeline.classes[k] for k in shown], fontsize=8)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    end = float(timeline.ends[-1])
    if long := end > 120:
        axes.xaxis.set_major_locator(MultipleLocator(next((s for s in STEPS if end / s <= 10), STEPS[-1])))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}" if long else f"{s:g}")
    )
    axes.set_xlabel("minutes" if long else "seconds", fontsize=8, labelpad=1, color="#777777")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    for edge in ("top", "right", "left"):
        axes.spines[edge].set_visible(False)
