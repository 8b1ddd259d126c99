"""The two domains of a run to look at: what stands still in them, how long they are, and what a recipe samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_agg import FigureCanvasAgg

from glad.data.background import background_path
from glad.data.image import read_image
from glad.data.listing import Listing
from glad.data.median import video_median
from glad.errors import UserError
from glad.features import evenly
from glad.filmstrip import picture
from glad.gapcharts import length_chart
from glad.gaps import temporal_gap
from glad.inputs import labelled_listing, unlabelled_listing
from glad.letters import any_letters
from glad.recipe import Recipe
from glad.report.images import figure_tag, image_tag, no_larger
from glad.report.record import RunRecord
from glad.sampled import sampled

STILLS = 12  # of either domain
STILL_HEIGHT = 112  # pixels, at most
DRAWS = 2


def domains(run: RunRecord) -> dict[str, Any]:
    """Return the pictures of the two domains of a run, and `missing`: a sentence for each that there is none of."""
    assert run.recipe is not None
    found: dict[str, Any] = {"label": run.label, "stills": [], "lengths": None, "views": [], "missing": []}
    listings: dict[str, Listing] = {}
    for name in ("source", "target"):
        try:
            listings[name] = listing_of(run.recipe, name, tuple(run.classes))
        except UserError as problem:
            found["missing"].append(f"{name} videos: {problem}")
    for name, listing in listings.items():
        folder = run.recipe.data.backgrounds if name == "source" else run.recipe.data.target_backgrounds
        try:
            found["stills"].append(stills(listing, name, folder, run.classes))
        except (UserError, OSError) as problem:
            found["missing"].append(f"backgrounds of the {name}: {problem}")
        try:
            found["views"].append((name, views(run.recipe, listing, name)))
        except (UserError, OSError) as problem:
            found["missing"].append(f"what is sampled of a {name} video: {problem}")
    if len(listings) == 2:
        found["lengths"], why = lengths(listings["source"], listings["target"])
        found["missing"] += [why] if why else []
    return found


def listing_of(recipe: Recipe, name: str, classes: tuple[str, ...]) -> Listing:
    """Return the training videos of the `source`, with labels, or of the `target`, without."""
    if name == "source":
        return labelled_listing(recipe.data.source, classes, every_class=False)
    return unlabelled_listing(recipe.data.target, classes)


def stills(listing: Listing, name: str, folder: Path | None, classes: Sequence[str]) -> dict[str, Any]:
    """Return what stands still in evenly spaced videos of a domain: backgrounds of `folder`, or medians made now."""
    pictures: list[tuple[Markup, str]] = []
    made = 0
    for index in evenly(len(listing), STILLS):
        record = listing[index]
        file = folder / background_path(record) if folder is not None else None
        if file is not None and file.exists():
            image = read_image(file)
        else:
            image, made = video_median(listing.video(index)), made + 1
        name_of_class = "" if record.label is None or not classes else classes[record.label]
        tag = image_tag(no_larger(image, STILL_HEIGHT), f"background of {record.path}")
        pictures.append((tag, name_of_class))
    return {"name": name, "pictures": pictures, "made": made, "videos": len(listing)}


def lengths(source: Listing, target: Listing) -> tuple[Markup | None, str]:
    """Return the chart of the lengths of the videos of two lists, or why there is none."""
    ours, theirs = (side.lengths[side.lengths > 0] for side in (source, target))
    if not len(ours) or not len(theirs):
        return None, "lengths: the lists do not say how many frames a video has (`glad gaps` counts them)"
    gap = temporal_gap(ours, theirs)
    return figure_tag(length_chart(ours, theirs, gap), f"lengths of the videos; the gap is {gap:.1f} frames"), ""


def views(recipe: Recipe, listing: Listing, name: str) -> Markup:
    """Return the picture of what `recipe` takes of the middle video of a list."""
    role = "source" if name == "source" else "target"
    found = sampled(recipe, listing, len(listing) // 2, role=role, draws=DRAWS, seed=recipe.seed)
    canvas = FigureCanvasAgg(picture(found))
    with any_letters():
        canvas.draw()
    return image_tag(np.asarray(canvas.buffer_rgba())[..., :3], f"frames sampled of {found.name}")
