"""Lists are written as training reads them, with a table of what was found, and the same each time."""

import hashlib
import json
import runpy
import shlex

import pytest

from glad.data.listfile import read_classes
from glad.data.listing import open_listing
from glad.datasets import lists
from glad.datasets.babel_test import TRAIN, sequence, stretch
from glad.datasets.benchmarks import BENCHMARKS, KINETICS_BABEL, UCF_HMDB, benchmark_named
from glad.datasets.classmap import read_class_map
from glad.datasets.lists import build, check_place, compared
from glad.errors import UserError
from glad.files import write_text


@pytest.fixture
def domains(tree, written):
    """Four videos of each class of UCF-HMDB in both datasets, all but one on disk, and the official files."""
    ucf = [f"{folder}/v_{folder}_g{group:02d}_c 01" for folder in UCF_HMDB.raw["ucf101"] for group in (1, 2, 8, 9)]
    hmdb = [f"{folder}/{number} ü, {folder}" for folder in UCF_HMDB.raw["hmdb51"] for number in range(4)]
    written("testlist01.txt", "".join(f"{path}.avi\n" for path in ucf if "_g0" in path and path[-6] in "12"))
    written("trainlist01.txt", "".join(f"{path}.avi 1\n" for path in ucf if path[-6] in "89"))
    for folder in UCF_HMDB.raw["hmdb51"]:
        lines = [f"{number} ü, {folder}.avi {1 + number % 2}\n" for number in range(4)]
        written(f"{folder}_test_split1.txt", "".join(lines))
    there = [path for path in hmdb if path != "walk/3 ü, walk"]
    annotations = written("note.md", "").parent
    return tree("ucf", *(f"{path}.avi" for path in ucf)), tree("hmdb", *(f"{path}.avi" for path in there)), annotations


def test_lists_are_read_back_as_they_were_meant(domains, tmp_path):
    ucf, hmdb, annotations = domains
    built = build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], tmp_path / "out")
    classes = read_classes(tmp_path / "out" / "classes.txt")
    assert classes == UCF_HMDB.classes and built.whole
    sizes = {"source_train": 30, "source_test": 30, "target_train": 24, "target_test": 23}
    for name, size in sizes.items():
        root = ucf if name.startswith("source") else hmdb
        listing = open_listing(tmp_path / "out" / f"{name}.csv", classes, labelled=True, root=root)
        assert len(listing) == size
        for index in range(len(listing)):
            path, frames, offset, label = listing[index]
            assert (root / path).is_file() and (frames, offset) == (None, 0)
            assert label == UCF_HMDB.raw["ucf101" if root == ucf else "hmdb51"][path.split("/")[0]]
    assert (tmp_path / "out" / "missing.txt").read_text() == "target test: walk/3 ü, walk: it is not in walk\n"


def test_the_table_and_the_manifest_say_what_was_found(domains, tmp_path):
    ucf, hmdb, annotations = domains
    built = build(BENCHMARKS["hmdb-ucf"], hmdb, ucf, [annotations], tmp_path / "out")
    lines = built.text().splitlines()
    assert lines[0].split() == ["class", "source", "train", "source", "test", "target", "train", "target", "test"]
    assert lines[6].split() == ["punch", "2", "2", "6", "6"] and lines[12].split() == ["walk", "2", "1", "2", "2"]
    assert lines[13].split() == ["all", "24", "23", "30", "30"] and lines[14].split() == ["missing", "0", "1", "0", "0"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    entry = manifest["lists"]["source_test.csv"]
    data = (tmp_path / "out" / "source_test.csv").read_bytes()
    assert entry["sha256"] == hashlib.sha256(data).hexdigest() and (entry["videos"], entry["missing"]) == (23, 1)
    assert entry["classes"]["walk"] == 1 and len(manifest["annotations"]) == 15


def test_building_again_changes_nothing(domains, tmp_path):
    ucf, hmdb, annotations = domains
    out = tmp_path / "out"
    build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "source_train.csv").write_text("half a li")
    build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("name", ["classes.txt", "pair.py", "manifest.json", "source_test.txt", "compare-old.txt"])
def test_files_of_others_are_not_replaced(name, domains, tmp_path):
    ucf, hmdb, annotations = domains
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} was not written by glad and would be lost"):
        check_place(tmp_path / "out", [tmp_path / "old.csv"])
    if "compare" not in name:
        with pytest.raises(UserError, match="was not written by glad"):
            build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], tmp_path / "out")
        assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_run_that_was_stopped_finds_its_own_again(domains, tmp_path, monkeypatch):
    ucf, hmdb, annotations = domains
    build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], tmp_path / "whole")
    files = {path.name for path in (tmp_path / "whole").iterdir()}
    for count in range(len(files)):
        done = []

        def write(path, text, done=done, count=count):
            if len(done) == count:
                raise KeyboardInterrupt
            done.append(path)
            write_text(path, text)

        out = tmp_path / str(count)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(lists, "write_text", write)
            build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], out)
        build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], out)
        assert {path.name for path in out.iterdir()} == files


def test_the_pair_is_one_a_recipe_takes(domains, tmp_path):
    ucf, hmdb, annotations = domains
    out = tmp_path / "it's out"
    built = build(BENCHMARKS["ucf-hmdb"], ucf, hmdb, [annotations], out)
    pair = runpy.run_path(str(out / "pair.py"))["PAIR"]
    assert (pair.source.list, pair.source.root) == (out / "source_train.csv", ucf)
    assert (pair.test.list, pair.test.root) == (out / "target_test.csv", hmdb)
    assert pair.source_val.list == out / "source_test.csv" and pair.classes == out / "classes.txt"
    words = shlex.split(built.flags())
    assert words[words.index("--data.target.list") + 1] == str(out / "target_train.csv")


def test_one_side_is_built_alone(domains, tmp_path):
    built = build(BENCHMARKS["ucf-hmdb"], None, domains[1], [domains[2]], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        ["classes.txt", "manifest.json", "missing.txt", "target_test.csv", "target_train.csv"]
    )
    assert not built.whole
    with pytest.raises(UserError, match="give the folder of the source or the target"):
        build(BENCHMARKS["ucf-hmdb"], None, None, [], tmp_path / "none")
    with pytest.raises(UserError, match=r"there is no folder .*nowhere \(of hmdb51\)"):
        build(BENCHMARKS["hmdb-ucf"], tmp_path / "nowhere", domains[0], [], tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.fixture
def babel(written):
    val = {"20": sequence(stretch(1, 3, "jump")), "21": sequence(stretch(0, 2, "run"), stretch(4, 5, "run"))}
    return [written("train.json", json.dumps(TRAIN)), written("val.json", json.dumps(val))]


def test_stretches_are_written_in_the_form_of_the_released_lists(babel, tmp_path):
    built = build(BENCHMARKS["kinetics-babel"], None, None, babel, tmp_path)
    assert (tmp_path / "target_train.txt").read_text() == (
        "train/000007 0 67 0\ntrain/000015 0 15 0\ntrain/000015 0 15 1\ntrain/008998 63 32 11\n"
    )
    assert "target test: no video of throw, kick" in built.text()


def test_a_list_at_hand_is_compared_to_the_one_it_resembles(babel, written, tmp_path):
    built = build(BENCHMARKS["kinetics-babel"], None, None, babel, tmp_path)
    listed = written("babel_test.txt", "val/000021 0 60 1\nval/000021 121 30 1\nval/000099 0 60 1\n")
    name, match = compared(built, listed, tmp_path)
    assert name == "target test" and (match.exact, match.near, len(match.only_rebuilt)) == (1, 1, 1)
    assert (tmp_path / "compare-babel_test.txt").read_text() == "- val/000099 0 60 1\n+ val/000020 30 60 0\n"
    with pytest.raises(UserError, match=r"other.txt has no video in common .* its first row is x/1"):
        compared(built, written("other.txt", "x/1 0 20 1\n"), tmp_path)


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_rule_can_give_every_row_of_the_released_lists(shared_data, tmp_path, written, split):
    """Stretches that begin and end within the frames of a released row come out as that row."""
    listed = {"train": "babel_train.txt", "val": "babel_test.txt"}[split]
    table = {}
    for line in (shared_data / "kinetics2babel" / listed).read_text().splitlines():
        path, offset, frames, label = line.split()
        category = next(name for name, number in KINETICS_BABEL.raw["babel"].items() if number == int(label))
        part = stretch((int(offset) + 0.5) / 30, (int(offset) + int(frames) + 0.5) / 30, category)
        table.setdefault(str(int(path.split("/")[1])), sequence())
        table[str(int(path.split("/")[1]))]["frame_ann"] = {
            "labels": [*((table[str(int(path.split("/")[1]))]["frame_ann"] or {}).get("labels", [])), part]
        }
    other = json.dumps({"999999": sequence(stretch(0, 9, "jump"))})
    files = [written(f"{name}.json", json.dumps(table) if name == split else other) for name in ("train", "val")]
    built = build(BENCHMARKS["kinetics-babel"], None, None, files, tmp_path / "out")
    _, match = compared(built, shared_data / "kinetics2babel" / listed, tmp_path / "out")
    assert (match.exact, match.near, match.only_rebuilt) == (match.listed, 0, ())


def test_epic_without_test_labels_is_refused_as_a_target_only(tree, written, tmp_path):
    head = "uid,participant_id,video_id,start_frame,stop_frame,verb_class\n"
    rows = "0,P08,P08_01,2,5,2\n1,P01,P01_01,1,4,3\n"
    train = written("EPIC_train_action_labels.csv", head + rows)
    test = written("D2_test.csv", head + "9,P01,P01_11,1,2,0\n")
    root = tree("epic", "P08/P08_01=9", "P01/P01_01=9", "P01/P01_11=3")
    built = build(benchmark_named("epic-d1-d2"), root, root, [train, test], tmp_path / "out")
    assert list(built.lists) == ["source train", "target train", "target test"]
    assert "no list of source test: EPIC's own files hold no labels" in built.text()
    assert (tmp_path / "out" / "target_test.txt").read_text() == "P01/P01_11 0 2 0\n"
    with pytest.raises(UserError, match=r"there is no target test video: D1_test.csv: EPIC's own files hold no labels"):
        build(benchmark_named("epic-d2-d1"), root, root, [train, test], tmp_path / "none")


def test_paths_with_spaces_and_spans_become_a_csv(tree, written, tmp_path):
    head = "uid,participant_id,video_id,start_frame,stop_frame,verb_class\n"
    train = written("EPIC_train_action_labels.csv", head + "0,P08,P08_01,2,5,2\n")
    build(benchmark_named("epic-d1-d2"), tree("e", "EPIC 55/P08_01=9"), None, [train], tmp_path / "out")
    assert (tmp_path / "out" / "source_train.csv").read_text() == "path,offset,frames,label\nEPIC 55/P08_01,1,4,open\n"


def test_a_benchmark_without_a_table_takes_one(tree, written, tmp_path):
    files = [
        written("jester-v1-train.csv", "1;Roll Forward\n2;Zoom In\n3;Roll Back\n4;Zoom Out\n"),
        written("jester-v1-validation.csv", "5;Roll Back\n6;Zoom Out\n"),
    ]
    root = tree("jester", *(f"{number}=2" for number in range(1, 7)))
    table = (
        "side,raw,class\nsource,Roll Forward,roll\nsource,Zoom In,zoom\ntarget,Roll Back,roll\ntarget,Zoom Out,zoom\n"
    )
    given = read_class_map(written("map.csv", table))
    with pytest.raises(UserError, match="the class table of 'jester' is not known to us; give one"):
        build(BENCHMARKS["jester"], root, root, files, tmp_path / "out")
    built = build(BENCHMARKS["jester"], root, root, files, tmp_path / "out", given)
    assert [len(built.rows[name]) for name in built.lists] == [2, 2, 2] and built.whole
    with pytest.raises(UserError, match="'ucf-hmdb' has a class table of its own"):
        build(BENCHMARKS["ucf-hmdb"], root, root, files, tmp_path / "out", given)
