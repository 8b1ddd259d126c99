"""Line charts as SVG text for pages that need no network; colours come from the page's style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

COLOURS = 8  # the style sheet defines --line-0 .. --line-7; later lines start again, dashed
WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 28, 36


@dataclass(frozen=True)
class Line:
    """One curve: `x` and `y` of equal length, non-finite points already taken out; `colour` counts from 0."""

    label: str
    x: np.ndarray
    y: np.ndarray
    colour: int


def line_chart(
    title: str,
    lines: Sequence[Line],
    x_label: str,
    guide: tuple[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> str:
    """Return an `<svg>` with every line, a horizontal `guide` (name, y), and axes that fit them (or `y_range`)."""
    x_low, x_high = extent(np.concatenate([line.x for line in lines]))
    heights = np.concatenate([line.y for line in lines] + [np.array([guide[1]] if guide else [])])
    y_low, y_high = y_range or extent(np.append(heights, 0.0) if heights.min() >= 0 else heights, margin=0.05)

    def across(x: float) -> float:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return TOP + (y_high - y) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text class="chart-title" x="{LEFT}" y="16">{escape(title)}</text>',
    ]
    for y in ticks(y_low, y_high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 5}" y="{down(y) + 3:.1f}" text-anchor="end">{y:g}</text>')
    for x in ticks(x_low, x_high):
        parts.append(f'<text class="tick" x="{across(x):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{x:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="tick" x="{middle:g}" y="{HEIGHT - 7}" text-anchor="middle">{escape(x_label)}</text>')
    for line in lines:
        dashed = ' stroke-dasharray="5 3"' if line.colour >= COLOURS else ""
        style = f'style="stroke: var(--line-{line.colour % COLOURS})"'
        points = [(across(x), min(max(down(y), TOP), HEIGHT - BOTTOM)) for x, y in zip(line.x, line.y, strict=True)]
        if len(points) == 1:
            parts.append(f'<circle class="line" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" {style}>')
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="line" points="{path}" {style}{dashed}>')
        parts.append(f"<title>{escape(line.label)}</title></{'circle' if len(points) == 1 else 'polyline'}>")
    if guide:
        name, y = guide
        parts.append(f'<line class="guide" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        parts.append(
            f'<text class="guide-name" x="{WIDTH - RIGHT}" y="16" text-anchor="end">dotted: {escape(name)}</text>'
        )
    parts.append("</svg>")
    return "\n".join(parts)


def extent(values: np.ndarray, margin: float = 0.0) -> tuple[float, float]:
    """Return (low, high) around `values`, widened by a share `margin` of their range above and below, never equal.

    A range that starts at 0 keeps starting there.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return (low - 0.5, high + 0.5) if low else (0.0, 1.0)
    room = margin * (high - low)
    return (low if low == 0.0 else low - room), high + room


def ticks(low: float, high: float) -> list[float]:
    """Return two to six round numbers (1, 2 or 5 times a power of ten apart) inside [low, high]."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.9999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def thinned(x: np.ndarray, y: np.ndarray, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, y) as at most `points` means over neighbouring points; non-finite points are left out first."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) <= points:
        return x, y
    starts = np.linspace(0, len(x), points, endpoint=False).astype(int)
    counts = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts
