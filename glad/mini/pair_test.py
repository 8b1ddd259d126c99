"""The miniature as data of a recipe: every path follows the seed, target labels stay in a list of their own."""

from pathlib import Path

import pytest

import glad.data.background
import glad.inputs
import glad.mini.make
from glad.mini.pair import InitPair, MiniPair
from glad.recipe import Pair


def paths(pair: Pair) -> set[Path]:
    """Return every path of a pair."""
    found = {pair.classes, pair.backgrounds, *(v.list for v in (pair.source, pair.target, pair.test))}
    found |= {v.folder for v in (pair.source, pair.target, pair.test)}
    return {path for path in found if isinstance(path, Path)}


@pytest.mark.parametrize("movies", [False, True])
def test_every_path_follows_the_seed(movies):
    pair = MiniPair.seed(0, movies)
    assert all(path.is_relative_to("data/mini/0") for path in paths(pair))
    assert pair.seeded(7) == MiniPair.seed(7, movies) and pair.seeded(7).seeded(0) == pair
    assert all(path.is_relative_to("data/mini/7") for path in paths(pair.seeded(7)))


def test_a_pair_reads_back_as_what_it_is():
    pair = MiniPair.seed(3)
    assert Pair.model_validate(pair.model_dump()) == pair
    assert type(Pair.model_validate(pair.model_dump())) is MiniPair


def test_target_labels_stand_in_a_list_that_only_the_upper_bound_reads():
    pair = MiniPair.seed(0)
    labels = Path("data/mini/0/target_train_labels.txt")
    assert not pair.target.labelled and labels not in paths(pair)
    bound = pair.upper_bound()
    assert bound.source.list == labels and bound.source.labelled and bound.source.folder == pair.target.folder
    assert bound.test == pair.test and bound.backgrounds is None
    assert bound.seeded(2) == pair.seeded(2).upper_bound()


def test_what_is_missing_is_made_where_the_pair_says_and_with_its_seed(monkeypatch):
    made = []
    monkeypatch.setattr(glad.mini.make, "make_mini", lambda root, seed: made.append((root, seed)))
    monkeypatch.setattr(glad.mini.make, "make_init_videos", lambda root, seed, workers: made.append((root, seed)))
    monkeypatch.setattr(glad.inputs, "classes_of", lambda pair: ("jump",))
    monkeypatch.setattr(glad.inputs, "labelled_listing", lambda videos, classes, every_class: videos.list)
    monkeypatch.setattr(
        glad.data.background, "extract_backgrounds", lambda listing, root, out, workers: made.append((listing, out))
    )
    root = Path("data/mini/5")
    MiniPair.seed(5).ensure()
    assert made == [(root, 5), (root / "source_train.txt", root / "backgrounds")]
    made.clear()
    MiniPair.seed(5).upper_bound().ensure()
    InitPair.at(Path("x")).ensure()
    assert made == [(root, 5), (Path("x"), 0)]
