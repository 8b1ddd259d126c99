"""A model card says what a run saw and how it was chosen, with the numbers of its scores, and what nobody knows."""

from pathlib import Path

import pytest
import yaml

from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.modelcard import known_licence, model_card
from glad.recipe import Videos

CLASSES = ("left", "right", "up")
SCORES = {
    **{"select": "snd", "step": 40, "videos": 9, "interval": [0.25, 0.5]},
    **{"mean_class_accuracy": 0.3754, "top1": 0.4, "top5": 1.0, "per_class": [0.75, 0.0, None], "support": [4, 5, 0]},
}


@pytest.fixture
def card(square_recipe):
    def make(scores=None, code=(), license="unknown", files=None, **fields) -> str:
        recipe = square_recipe(**fields)
        given = {"scores": scores, "code": code, "license": license, "files": files or {}, "address": "user/squares"}
        return model_card(recipe, CLASSES, 40, **given)

    return make


def row(page: str, name: str) -> str:
    """Return the row of a table that begins with `name`."""
    [found] = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return found


def test_the_header_is_what_the_hub_reads(card):
    header = yaml.safe_load(card(license="cc-by-nc-4.0", method=GladConfig()).split("---")[1])
    assert header["library_name"] == "glad" and header["license"] == "cc-by-nc-4.0"
    assert header["pipeline_tag"] == "video-classification" and "glad" in header["tags"]


def test_scores_stand_with_their_interval_and_rule(card):
    page = card(SCORES)
    assert "| mean class accuracy | 37.5 [25.0, 50.0] |" in page and "| chance | 33.3 |" in page
    assert "On 9 labelled target test videos" in page and "checkpoint rule `snd`" in page
    assert [row(page, name) for name in CLASSES] == ["| left | 75.0 | 4 |", "| right | 0.0 | 5 |", "| up | – | 0 |"]
    assert "- Never right in the test: right." in page and "- Without a test video: up." in page
    assert "Not scored" in card() and "Never right" not in card()


def test_the_protocol_says_which_labels_and_videos_were_seen(card, square_pair):
    assert "no video of the target was seen" in row(card(), "labels seen in training")
    seen = row(card(method=GladConfig()), "labels seen in training")
    assert "target's videos were seen without labels" in seen and "**" not in seen
    upper = square_pair.model_copy(update={"source": square_pair.target})
    assert "**labels of the target**" in row(card(data=upper), "labels seen in training")


def test_a_stage_before_counts_too(card, square_recipe):
    before = square_recipe(name="first", about="Learns order.", method=OrderConfig())
    page = card(after=before)
    assert "seen without labels" in row(page, "labels seen in training")
    assert row(page, "stage 1") == "| stage 1 | `first`: Learns order. |"
    assert row(page, "stage 2") == "| stage 2 | `squares` |" and "random" in row(page, "began with")
    page = card(after=before.model_copy(update={"init": "kinetics/i3d.pth"}))
    assert row(page, "began with") == "| began with | kinetics/i3d.pth |"
    assert "Kinetics: annotations" in row(page, "first weights")


def test_the_rule_that_chose_the_weights_is_named(card):
    assert row(card(), "weights") == "| weights | step 40, by the last checkpoint |"
    assert "`snd`, among 3 kept checkpoints |" in row(card(select="snd", keep=3), "weights")
    assert "**sees target labels of the test videos**" in row(card(select="oracle", keep=3), "weights")


def test_three_lines_use_it(card):
    assert "```\nglad pull user/squares run\nglad predict run video.mp4\nglad export run --out exported\n```" in card()
    page = card(code=("mine.py",))
    assert "glad --code run/code/mine.py predict run video.mp4" in page and "read it first" in page


def test_data_are_listed_with_what_is_known_of_their_licence(card, square_pair):
    videos = Videos(list=Path("lists/k400_train.txt"), root=Path("frames"))
    digest = "0123456789abcdef" + "0" * 48
    files = {"data.source.list": {"path": "k400_train.txt", "sha256": digest}}
    page = card(data=square_pair.model_copy(update={"source": videos}), files=files)
    assert row(page, "source").startswith("| source | `lists/k400_train.txt` | `0123456789abcdef…` | Kinetics: ")
    assert row(page, "target").endswith("| – | not known to glad |")
    assert "Nobody has said under which licence these weights" in page
    assert "given under `mit`" in card(license="mit")


@pytest.mark.parametrize(
    "path, told",
    [
        ("data/mini/0/classes.txt", "BSD-3-Clause"),
        ("glad:mini/init.safetensors", "comes with glad"),
        ("babel/train.txt", "non-commercial"),
        ("mine.txt", "not known to glad"),
    ],
)
def test_a_licence_is_known_by_a_word_in_the_path(path, told):
    assert told in known_licence(Path(path), None)
