"""Pictures of the gap between two domains: the lengths of their videos, their classes, and benchmarks side by side."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from glad.files import atomic
from glad.letters import any_letters
from glad.published import PublishedGaps

# Blue and vermilion, which eyes that take red for green tell apart too (Okabe and Ito); the target is hatched or
# dashed as well, for print.
SOURCE, TARGET, PAPER, MEASURED = "#0072B2", "#D55E00", "#7F7F7F", "#009E73"
BINS = 40


def length_chart(source: NDArray, target: NDArray, gap: float) -> Figure:
    """Return the lengths of videos (n,) and (m,) in frames as histograms (Fig. 1c), and as the curves of Eq. 2.

    The area between the two curves is the `gap`.
    """
    figure = Figure(figsize=(9, 3.4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    longest = int(max(source.max(), target.max()))
    edges = np.linspace(0, longest, BINS + 1)
    for lengths, name, colour in ((source, "source", SOURCE), (target, "target", TARGET)):
        bars = {"bins": edges, "weights": np.full(len(lengths), 100 / len(lengths)), "histtype": "stepfilled"}
        label = f"{name}: {len(lengths):,} videos, median {np.median(lengths):g}"
        left.hist(lengths, **bars, facecolor=f"{colour}59", edgecolor=colour, linewidth=1.4, label=label)
        if name == "target":  # by itself: an SVG has no hatching on a colour one can see through
            left.hist(lengths, **bars, facecolor="none", edgecolor=colour, linewidth=0, hatch="////")
    left.set(xlabel="frames of a video", ylabel="videos in %", xlim=(0, longest), title="How long videos are")
    at = np.unique(np.concatenate([[0, longest], source, target]))
    shares = [100 * np.searchsorted(np.sort(lengths), at, side="right") / len(lengths) for lengths in (source, target)]
    right.fill_between(at, *shares, step="post", color=PAPER, alpha=0.3, linewidth=0, label=f"Δtemp = {gap:.1f} frames")
    right.step(at, shares[0], where="post", color=SOURCE, linewidth=1.6, label="source")
    right.step(at, shares[1], where="post", color=TARGET, linewidth=1.6, linestyle="--", label="target")
    right.set(xlabel="frames", ylabel="videos no longer than that, in %", xlim=(0, longest), ylim=(0, 102))
    right.set_title("The area between is the gap (Eq. 2)")
    for axes in (left, right):
        axes.legend(fontsize=8, framealpha=0.9)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def benchmark_chart(
    published: Sequence[PublishedGaps], name: str, frames: float, scenes: float | None, comparable: bool, points: str
) -> Figure:
    """Return the benchmarks of Table 1 as circles (Fig. 2), their area the number of videos, with a measured one.

    The measured one is a diamond, hollow where its Δ_bg is not `comparable`, and a line where it has none. `points`
    is its Δ_Acc in words.
    """
    figure = Figure(figsize=(7.2, 4.8), dpi=110, layout="constrained")
    axes = figure.subplots()
    widest = max(frames, *(row.frames for row in published))
    highest = max(scenes or 0, *(row.scenes for row in published))
    for row in published:
        axes.scatter(row.frames, row.scenes, s=row.videos / 40, color=PAPER, alpha=0.45, edgecolor="#333333", zorder=2)
        radius = np.sqrt(row.videos / 40 / np.pi) + 4  # points
        toward = -1 if row.frames > 0.7 * widest else 1
        axes.annotate(
            f"{row.label}\n{row.videos:,} videos, ΔAcc {row.points:.1f}",
            (row.frames, row.scenes),
            (toward * radius, 0),
            textcoords="offset points",
            ha="left" if toward > 0 else "right",
            va="center",
            fontsize=8,
        )
    label = f"{name} (measured)\nΔtemp {frames:.1f}, {points}"
    if scenes is None:
        axes.axvline(frames, color=MEASURED, linestyle="--", linewidth=1.4, zorder=1)
        place, note = (frames, 0.0), f"{label}\nΔbg not measured"
    else:
        fill = MEASURED if comparable else "none"
        axes.scatter(frames, scenes, s=90, marker="D", color=fill, edgecolor=MEASURED, linewidth=1.8, zorder=3)
        note = label if comparable else f"{label}\nother scene features: height not comparable"
        place = (frames, scenes)
    toward = -1 if frames > 0.6 * widest else 1
    axes.annotate(
        note,
        place,
        (toward * 8, 6 if scenes is None else -8),
        textcoords="offset points",
        ha="left" if toward > 0 else "right",
        va="bottom" if scenes is None else "top",
        fontsize=8,
        color="#00694D",
        zorder=4,
    )
    axes.set(xlim=(0, widest * 1.15), ylim=(0, highest * 1.25))
    axes.set(xlabel="Δtemp, frames (Eq. 2)", ylabel="Δbg, scene distance (Eq. 1)")
    axes.set_title("Benchmarks of the paper's Table 1; the area is their number of videos", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def class_chart(names: Sequence[str], source: Sequence[int], target: Sequence[int]) -> Figure:
    """Return the share of videos that each class has on either side."""
    figure = Figure(figsize=(7.2, max(2.4, 0.34 * len(names) + 1)), dpi=110, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))
    sides = ((source, "source", SOURCE, "", -0.2), (target, "target", TARGET, "////", 0.2))
    for counts, name, colour, hatch, shift in sides:
        shares = 100 * np.asarray(counts) / max(sum(counts), 1)
        bars = axes.barh(
            places + shift, shares, 0.38, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name
        )
        axes.bar_label(bars, [f"{count:,}" for count in counts], fontsize=7, padding=2)
    axes.set_yticks(places, names, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlabel="videos in %; their number at the bar", title="How the classes are filled")
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def write_chart(figure: Figure, path: Path) -> None:
    """Write a figure to `path` with the endings .svg and .png, whole or not at all; the same figure, the same bytes.

    Words stand in the SVG as words: a browser draws names in any script, the PNG a box for what the font does not have.
    """
    FigureCanvasAgg(figure)
    for kind in ("svg", "png"):
        with (
            matplotlib.rc_context({"svg.hashsalt": "glad", "svg.fonttype": "none", "hatch.linewidth": 0.6}),
            any_letters(),
            atomic(path.with_suffix(f".{kind}")) as temporary,
        ):
            figure.savefig(temporary, metadata={"Date": None} if kind == "svg" else None)
