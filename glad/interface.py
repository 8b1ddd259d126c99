"""What an exported model takes and gives, as JSON that can be followed without glad: frames, pixels, classes."""

import json
import re
from typing import Any

from glad import __version__
from glad.augment import Spatial
from glad.recipe import Recipe
from glad.sampling import Grid, Nodes, Ordered, Quarters, Sampler, Segments

FORMAT = 1  # of the JSON; raised when a reader of an older one would go wrong
EXAMPLES = (1, 20, 300)  # lengths of videos, in frames, whose indices are written down beside the rule


def interface(recipe: Recipe, classes: tuple[str, ...], step: int) -> dict[str, Any]:
    """Return what somebody must know to run the exported model of a recipe, all of it values that JSON can hold.

    `inputs` has an entry for each view, in the order of the model's inputs: uint8 (videos, clips, 3, length, size,
    size), RGB. Its `frames` is the rule for which frames these are (see `frame_rules`), with `examples` to test an
    implementation by: the indices for videos of so many frames. `pixels` is what is done to each frame first (see
    `pixel_rule`). The output is `probabilities`, (videos, classes), each row summing to 1.
    """
    views = recipe.test_views.views(1, None)
    rules, size = frame_rules(recipe.test_views), recipe.test_pixels.size
    inputs = {
        name: {
            "type": "uint8",
            "shape": ["videos", len(view), 3, view.shape[1], size, size],
            "frames": rules[name],
            "examples": {str(n): recipe.test_views.views(n, None)[name].tolist() for n in EXAMPLES},
        }
        for name, view in views.items()
    }
    return {
        "made_by": f"glad {__version__}",  # first: by it `glad export` knows its own files
        "format": FORMAT,
        "name": recipe.name,
        "select": recipe.select,
        "step": step,
        "classes": list(classes),
        "inputs": inputs,
        "outputs": {"probabilities": {"type": "float32", "shape": ["videos", len(classes)]}},
        "pixels": pixel_rule(recipe.test_pixels),
    }


def as_text(about: dict[str, Any]) -> str:
    """Return an interface as JSON to read: indented, but a list of numbers, or a shape, on one line."""
    text = json.dumps(about, indent=2, ensure_ascii=False)
    return (
        re.sub(r"\[\s+((?:\"videos\",)?[-\d,.\s]*\d)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
        + "\n"
    )


def frame_rules(sampler: Sampler) -> dict[str, dict[str, Any]]:
    """Return for each view of `sampler` in evaluation which frames of a video of n frames it takes, in integers alone.

    With i = 0 .. `length` - 1 the frame of a clip, and `//` the quotient rounded down:

    - `middles`: clip c is part `part[c]` of the video's `of` equal parts, `size` = max(n, `least`) // `of` frames
      each; its frame i is `part[c] size + (2 i + 1) size // (2 length)`.
    - `dense`: K = `of` clips of `length` frames, one every `interval`; with `span` = length interval, clip k begins at
      `(2 k + 1) max(n - span + 1, 0) // (2 K)`; where `adjacent`, and n >= K span, at `(n - K span) // 2 + k span`. Of
      this table of K rows the view is the rows `rows`, or else the columns `columns`, each of which is then a clip.
    - `slots`: a video is slowed down `r` = ceil(`least` / n) times, and has s = `n r // grid - reserve` slots. Clip k
      of `of` begins at slot `k (s // of) + min(k, s % of)`; its frame i is `(grid slot + interval i) // r`.
    - `own`: a sampler that is not of glad; only its fields are known.

    Indices past the end go on from frame 0 (`past_end` is `wrap`), or stay at the last frame (`hold`).
    """
    end = {"past_end": "wrap" if sampler.short == "wrap" else "hold"}
    rules = _rules(sampler)
    return {view: rule | end for view, rule in rules.items() if view in sampler.views(1, None)}


def _rules(sampler: Sampler) -> dict[str, dict[str, Any]]:
    length, interval = sampler.length, sampler.interval
    dense = {"rule": "dense", "length": length, "interval": interval, "span": sampler.span, "adjacent": False}
    match sampler:
        case Grid():
            grid = dense | {"of": sampler.clips}
            ordered = dense | {"of": sampler.ordered_clips, "rows": list(range(sampler.ordered_clips))}
            return {
                "global": grid | {"columns": list(sampler.global_columns)},
                "local": grid | {"rows": list(sampler.local_rows)},
                "ordered": ordered,
            }
        case Segments():
            local = dense | {"of": sampler.local_views, "rows": list(range(sampler.local_views))}
            ordered = dense | {"of": sampler.ordered_clips, "rows": list(range(sampler.ordered_clips))}
            return {
                "global": {
                    "rule": "middles",
                    "length": length,
                    "part": [0] * sampler.global_views,
                    "of": 1,
                    "least": 1,
                },
                "local": local | {"adjacent": sampler.locals_are == "adjacent"},
                "ordered": ordered,
            }
        case Ordered(clips=clips, placed=placed):
            return {"ordered": dense | {"of": clips, "rows": list(range(clips)), "adjacent": placed == "adjacent"}}
        case Quarters(clips=clips):
            parts = {"part": list(range(clips)), "of": clips, "least": max(clips, length)}
            return {"ordered": {"rule": "middles", "length": length} | parts}
        case Nodes(clips=clips, grid=grid):
            slots = {"of": clips, "grid": grid, "reserve": sampler.reserve, "least": sampler.least}
            return {"ordered": {"rule": "slots", "length": length, "interval": interval} | slots}
    return {view: {"rule": "own", "sampler": sampler.model_dump()} for view in sampler.views(1, None)}


def pixel_rule(spatial: Spatial) -> dict[str, Any]:
    """Return what is done to every RGB frame (h, w, 3) of a video, in this order; results are rounded to uint8.

    The frame is resized so that its shorter side has `short_side` pixels (the other side rounded half up), or to a
    square of that side where `square`; null leaves it. `crop` `center` cuts out the middle, `size` x `size` or the
    whole side where that is shorter, and `none` nothing. What is left is resized to `size` x `size`. Resizing is
    bilinear between the two nearest pixels, with half-pixel centres and no smoothing; where `shrink` is `area` and
    both sides become smaller, it is the mean over the area that a new pixel covers.
    """
    fields = ("short_side", "square", "crop", "size", "shrink")
    return {"color": "RGB", **{name: getattr(spatial, name) for name in fields}}
