from pathlib import Path

from glad.mini.make import Sizes, _make
from glad.mini.pair import InitPair, MiniPair


def test_the_pair_names_the_files_that_are_made(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = Sizes(source_train=1, source_val=0, target_train=1, target_test=1)
    _make(Path("data/mini/3"), 3, 1, True, few)
    for pair in (MiniPair.seed(3), MiniPair.seed(3, movies=True)):
        assert isinstance(pair.classes, Path)
        assert pair.source_val is not None
        lists = [pair.source.list, pair.target.list, pair.test.list, pair.source_val.list]
        files = [pair.classes, *lists, pair.upper_bound().source.list]
        assert [file for file in files if not file.is_file()] == []
        assert [videos.folder.is_dir() for videos in (pair.source, pair.target, pair.test)] == [True] * 3


def test_the_target_has_no_labels_and_only_the_upper_bound_reads_theirs():
    pair = MiniPair.seed(0)
    assert not pair.target.labelled
    assert pair.target.list.name == "target_train.txt"
    assert pair.upper_bound().source.list.name == "target_train_labels.txt"
    assert pair.upper_bound().target == pair.target


def test_another_seed_is_another_folder_in_every_path():
    assert MiniPair.seed(0).seeded(7) == MiniPair.seed(7)
    assert MiniPair.seed(0, movies=True).seeded(7) == MiniPair.seed(7, movies=True)
    assert MiniPair.seed(0).upper_bound().seeded(7) == MiniPair.seed(7).upper_bound()
    assert InitPair.at().seeded(7) == InitPair.at()


def test_what_is_missing_is_made(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = Sizes(source_train=1, source_val=0, target_train=1, target_test=1, init_train=1, init_val=1)
    monkeypatch.setattr("glad.mini.make.Sizes", lambda: few)
    MiniPair.seed(5).ensure()
    for folder in ("backgrounds", "target_backgrounds"):
        assert len(list(Path("data/mini/5", folder).rglob("*.jpg"))) == 12
    InitPair.at(Path("data/mini/init")).ensure()
    assert InitPair.at(Path("data/mini/init")).test.list.is_file()
