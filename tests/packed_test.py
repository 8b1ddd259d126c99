"""A pack stands wherever a folder of frames does: every command says of it what it says of the folder."""

import json
import shutil
from pathlib import Path

import pytest

from glad.cli import main
from glad.data.listing import open_listing
from glad.data.packing import pack_frames
from glad.evaluate import evaluate
from glad.project import Project, check_names, listings_of
from glad.recipe import Pair
from glad.run import Run
from glad.show import FRAMES, strips_of
from glad.training import train


@pytest.fixture(scope="module")
def packs(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs of the three lists of `squares`."""
    folder = tmp_path_factory.mktemp("packs")
    for name in ("source", "target", "test"):
        listing = open_listing(squares / f"{name}.txt", labelled=True, root=squares / name)
        pack_frames(listing, folder / f"{name}.pack")
    return folder


def packed(pair: Pair, packs: Path) -> Pair:
    """Return a pair whose roots are packs; nothing else is changed."""
    sides = ("source", "target", "test")
    roots = {side: getattr(pair, side).model_copy(update={"root": packs / f"{side}.pack"}) for side in sides}
    return pair.model_copy(update=roots)


@pytest.fixture(scope="module")
def runs(square_recipe, square_pair, packs, tmp_path_factory) -> tuple[Run, Run]:
    """The same training from folders, in this process, and from packs, with a loader's worker; both are scored."""
    found = []
    for name, pair, workers in (("folders", square_pair, 0), ("packs", packed(square_pair, packs), 1)):
        run = train(square_recipe(data=pair), tmp_path_factory.mktemp(name) / "run", workers=workers)
        evaluate(run, workers=workers)
        found.append(run)
    return tuple(found)


def test_losses_and_predictions_are_those_of_the_folders_to_the_last_bit(runs):
    logs = [[json.loads(line) for line in run.log.read_text().splitlines()] for run in runs]
    losses = [[line["terms"] for line in log if "terms" in line] for log in logs]
    assert losses[0] == losses[1] and losses[0]
    predictions = [run.predictions.read_text() for run in runs]
    assert predictions[0] == predictions[1]


def test_a_report_shows_the_same_frames(runs):
    line = {"path": "right_1", "offset": 2, "frames": 9}
    one, other = (strips_of(run)(line) for run in runs)
    assert len(one) == FRAMES and (one == other).all()


def test_a_project_may_begin_from_a_pack(squares, packs, tmp_path):
    lists = {"source": squares / "source.txt", "target": squares / "target.txt"}
    roots = {f"{side}_root": packs / f"{side}.pack" for side in lists}
    project = Project(tmp_path / "own.py", **lists, **roots, classes=squares / "classes.txt", target_labelled=True)
    check_names(project, force=False)
    assert [len(listing.video(0)) for listing in listings_of(project)] == [12, 12]


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    main([str(word) for word in words])
    return capsys.readouterr().out


def test_predict_names_every_video_of_a_pack(runs, squares, packs, capsys):
    one = said(capsys, "predict", runs[0].folder, squares / "test")
    other = said(capsys, "predict", runs[0].folder, packs / "test.pack")
    assert one == other.replace(str(packs / "test.pack"), str(squares / "test")) and len(one.splitlines()) == 4
    (line,) = said(capsys, "predict", runs[0].folder, packs / "test.pack" / "left_0").splitlines()
    assert line == other.splitlines()[0]


def test_backgrounds_are_the_same(squares, packs, tmp_path, capsys):
    out = tmp_path / "backgrounds"
    words = ["prepare", "backgrounds", squares / "source.txt", "--root", packs / "source.pack", "--out", out]
    assert said(capsys, *words, "--workers", 1).startswith("8 backgrounds made, 0 were there")
    assert said(capsys, *words, "--workers", 1).startswith("0 backgrounds made, 8 were there")
    for path in out.glob("*_*.jpg"):
        assert path.read_bytes() == (squares / "backgrounds" / path.name).read_bytes()


def test_gaps_are_the_same_and_scenes_are_found_again(squares, packs, tmp_path, capsys):
    tables = []
    for name, roots in (("folders", squares), ("packs", packs), ("packs", packs)):
        words = ["gaps", squares / "source.txt", squares / "target.txt", "--classes", squares / "classes.txt"]
        for side in ("source", "target"):
            words += [f"--{side}-root", roots / (side if name == "folders" else f"{side}.pack")]
        out = tmp_path / name
        tables.append(said(capsys, *words, "--out", out, "--workers", 0, "--frames", 2).replace(str(out), "OUT"))
        files = sorted((out / "scenes").rglob("*.npz"))
        if len(tables) == 2:
            written = {file: file.stat().st_mtime_ns for file in files}
    assert tables[0] == tables[1] == tables[2]
    assert written == {file: file.stat().st_mtime_ns for file in files} and written


def test_show_draws_a_row_of_a_list_and_a_video_of_a_pack(squares, packs, tmp_path, capsys):
    texts = []
    for root in (squares / "target", packs / "target.pack"):
        words = ["show", f"{squares / 'target.txt'}:3", "--root", root, "--recipe", "mini-glad", "--draws", 1]
        texts.append(said(capsys, *words, "--out", tmp_path / "a.png"))
    assert texts[0] == texts[1]
    words = ["show", packs / "target.pack" / "left_2", "--recipe", "mini-glad", "--draws", 1]
    assert "left_2" in said(capsys, *words, "--out", tmp_path / "a.png")


def test_check_finds_nothing_wrong_with_a_pack_and_every_damage(squares, packs, tmp_path, capsys):
    pack = tmp_path / "copy.pack"
    shutil.copy(packs / "source.pack", pack)
    words = ["check", squares / "source.txt", "--root", pack, "--classes", squares / "classes.txt"]
    words += ["--recipe", "mini-source-only", "--workers", 0]
    assert "no problems" in said(capsys, *words)
    whole = pack.read_bytes()

    def found(content: bytes) -> str:
        pack.write_bytes(content)
        with pytest.raises(SystemExit, match="1"):
            main([str(word) for word in words])
        return capsys.readouterr().out

    place = whole.index(b"\xff\xda") + 40  # in the picture of the first frame
    spoilt = bytearray(whole)
    spoilt[place] ^= 1
    assert f"line 1: {pack / 'left_0'} is damaged: its frames are not those that were packed" in found(bytes(spoilt))
    spoilt = bytearray(whole)
    spoilt[-2] ^= 1
    assert f"{pack} is damaged: its index is not as it was written; pack it anew" in found(bytes(spoilt))
    assert f"{pack} is cut: " in found(whole[:-100])
    assert f"{pack} is no pack" in found(b"something else")


def test_check_tells_of_rows_that_a_pack_does_not_hold(squares, packs, tmp_path, capsys):
    (tmp_path / "list.txt").write_text("left_0 12 0\nleft_0 3 10 0\nleft_9 12 0\n")
    words = ["check", tmp_path / "list.txt", "--root", packs / "source.pack", "--classes", squares / "classes.txt"]
    (tmp_path / "list.txt").write_text("left_0 0 12 0\nleft_2 3 10 0\nleft_9 0 12 0\n")
    with pytest.raises(SystemExit, match="1"):
        main([str(word) for word in [*words, "--workers", 0]])
    text = capsys.readouterr().out
    assert "frames 3..12 asked for, but" in text and "source.pack/left_2 has 12 frames" in text
    assert "there is no video left_9 in" in text


def test_frames_of_a_pack_can_be_made_folders_again(squares, packs, tmp_path, capsys):
    words = ["prepare", "frames", squares / "test.txt", "--root", packs / "test.pack", "--out", tmp_path / "out"]
    assert said(capsys, *words, "--workers", 0).startswith("4 frame folders made, 0 were there, 48 frames in")


def test_a_damaged_pack_is_one_sentence_and_status_2(squares, packs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("cut.pack").write_bytes((packs / "source.pack").read_bytes()[:-9])
    words = [word for side in ("source", "target", "test") for word in (f"--data.{side}.list", squares / f"{side}.txt")]
    words += ["--data.classes", squares / "classes.txt", "--data.source.root", "cut.pack"]
    for command in (
        ["train", "own-source-only", "--out", "run", *words],
        ["prepare", "pack", *words[1:2], "--root", "cut.pack"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main([str(word) for word in command])
        assert "cut.pack is cut: it has" in capsys.readouterr().err
