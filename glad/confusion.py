"""A confusion matrix as a picture."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from glad.letters import any_letters

LEGIBLE = 40  # classes up to which counts are written into the cells


def confusion_png(confusion: ArrayLike, classes: Sequence[str]) -> bytes:
    """Return a PNG of counts (k, k), rows true and columns predicted, shaded by the share of each row."""
    counts = np.asarray(confusion)
    k = len(counts)
    assert counts.shape == (k, k) == (len(classes), len(classes)), (counts.shape, len(classes))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + min(0.42 * k, 14)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="predicted", ylabel="true")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 9 if k <= LEGIBLE else 5
    axes.set_xticks(range(k), classes, rotation=90, fontsize=size)
    axes.set_yticks(range(k), classes, fontsize=size)
    if k <= LEGIBLE:
        for i, j in zip(*np.nonzero(counts), strict=True):
            colour = "white" if share[i, j] > 0.5 else "black"
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=8, color=colour)
    file = BytesIO()
    with any_letters():
        figure.savefig(file, format="png")
    return file.getvalue()
