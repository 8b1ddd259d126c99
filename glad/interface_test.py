"""Frames, pixels and classes of an exported model are told so that nobody needs glad to follow them."""

import json

import numpy as np
import pytest

from glad.augment import Spatial
from glad.interface import as_text, frame_rules, interface, pixel_rule
from glad.sampling import Grid, Nodes, Ordered, Quarters, Sampler, Segments

SAMPLERS = {
    "segments": Segments(),
    "adjacent": Segments(length=5, interval=3, locals_are="adjacent", local_views=3, ordered_clips=2, global_views=2),
    "grid": Grid(),
    "grid ordered": Grid(length=6, clips=3, interval=1, local_rows=(2, 0), global_columns=(5, 1), ordered_clips=4),
    "ordered": Ordered(short="repeat_last"),
    "ordered adjacent": Ordered(length=4, interval=1, clips=4, placed="adjacent"),
    "quarters": Quarters(),
    "quarters of few": Quarters(clips=3, length=7, short="repeat_last"),
    "nodes": Nodes(),
    "nodes of few": Nodes(length=3, interval=2, clips=5, grid=3),
}


def frames_by(rule: dict, n: int) -> list[list[int]]:
    """Follow the words of `frame_rules`, a frame at a time."""
    length, past = rule["length"], (lambda j: j % n) if rule["past_end"] == "wrap" else (lambda j: min(j, n - 1))
    clips: list[list[int]] = []
    if rule["rule"] == "middles":
        size = max(n, rule["least"]) // rule["of"]
        clips = [[part * size + (2 * i + 1) * size // (2 * length) for i in range(length)] for part in rule["part"]]
    elif rule["rule"] == "dense":
        table = []
        for k in range(rule["of"]):
            start = (2 * k + 1) * max(n - rule["span"] + 1, 0) // (2 * rule["of"])
            if rule["adjacent"] and n >= rule["of"] * rule["span"]:
                start = (n - rule["of"] * rule["span"]) // 2 + k * rule["span"]
            table.append([start + i * rule["interval"] for i in range(length)])
        clips = [table[row] for row in rule.get("rows", ())]
        clips += [[row[column] for row in table] for column in rule.get("columns", ())]
    elif rule["rule"] == "slots":
        slower = -(-rule["least"] // n)
        slots = n * slower // rule["grid"] - rule["reserve"]
        for k in range(rule["of"]):
            slot = k * (slots // rule["of"]) + min(k, slots % rule["of"])
            clips.append([(rule["grid"] * slot + rule["interval"] * i) // slower for i in range(length)])
    return [[past(j) for j in clip] for clip in clips]


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_rules_name_the_frames_that_evaluation_takes(name):
    sampler = SAMPLERS[name]
    rules = json.loads(json.dumps(frame_rules(sampler)))
    for n in (*range(1, 120), 300, 1801):
        views = sampler.views(n, None)
        assert rules.keys() == views.keys()
        assert {view: frames_by(rule, n) for view, rule in rules.items()} == {
            v: t.tolist() for v, t in views.items()
        }, n


def test_rules_by_hand():
    rules = frame_rules(Segments(length=4, interval=2, local_views=1))
    assert rules["global"] == {"rule": "middles", "length": 4, "part": [0], "of": 1, "least": 1, "past_end": "wrap"}
    assert frames_by(rules["global"], 12) == [[1, 4, 7, 10]]
    assert frames_by(rules["local"], 12) == [[2, 4, 6, 8]]  # 5 starts, of which 2 is the middle one
    assert frames_by(rules["local"], 5) == [[0, 2, 4, 1]]


def test_a_sampler_of_ones_own_is_named_by_its_fields_and_examples(square_recipe):
    class Ends(Sampler):
        def unbounded(self, num_frames, rng):
            return {"ends": np.array([[0, num_frames - 1] * (self.length // 2)])}

    rules = frame_rules(Ends(length=4))
    assert rules["ends"]["rule"] == "own" and rules["ends"]["sampler"]["length"] == 4
    about = interface(square_recipe(test_views=Ends(length=4)), ("left", "right"), 7)
    assert about["inputs"]["ends"]["examples"]["20"] == [[0, 19, 0, 19]]


def test_lists_of_numbers_stand_on_one_line():
    about = {"a": [1, 2], "b": [[0, 3], [4, 5]], "c": ["[\n1", "ä"], "d": ["videos", 3], "e": {"f": [], "g": -1.5}}
    text = as_text(about)
    assert json.loads(text) == about
    assert '"a": [1, 2],' in text and "    [4, 5]\n" in text and '"d": ["videos", 3],' in text and '"ä"' in text


def test_what_a_model_takes_and_gives(square_recipe):
    recipe = square_recipe(test_pixels=Spatial(size=16, short_side=20, crop="center", flip=0.0, shrink="area"))
    about = interface(recipe, ("left", "right"), 7)
    assert about == json.loads(json.dumps(about))
    assert next(iter(about)) == "made_by" and about["step"] == 7 and about["classes"] == ["left", "right"]
    assert {view: taken["shape"] for view, taken in about["inputs"].items()} == {
        "global": ["videos", 1, 3, 4, 16, 16],
        "local": ["videos", 2, 3, 4, 16, 16],
    }
    assert list(about["inputs"]) == list(recipe.test_views.views(1, None))
    assert about["outputs"]["probabilities"]["shape"] == ["videos", 2]
    assert (
        about["pixels"]
        == pixel_rule(recipe.test_pixels)
        == {
            "color": "RGB",
            "short_side": 20,
            "square": False,
            "crop": "center",
            "size": 16,
            "shrink": "area",
        }
    )
