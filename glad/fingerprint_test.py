"""A fingerprint is the SHA-256 of what is read, and changes with it and with nothing else."""

import hashlib
import json
import shutil

from glad.fingerprint import fingerprints, sha256
from glad.recipe import Videos
from glad.run import Run


def test_every_list_and_the_class_names_have_theirs(square_recipe, squares):
    found = fingerprints(square_recipe(init="glad:mini/init.safetensors"))
    assert list(found) == ["data.classes", "data.source.list", "data.target.list", "data.test.list", "init"]
    assert found["data.source.list"] == {
        "path": str(squares / "source.txt"),
        "sha256": hashlib.sha256((squares / "source.txt").read_bytes()).hexdigest(),
    }
    assert found["init"]["path"] == "glad:mini/init.safetensors" and len(found["init"]["sha256"]) == 64


def test_a_folder_is_known_by_the_videos_in_it(square_recipe, square_pair, squares, tmp_path):
    for name in ("left", "right"):
        shutil.copytree(squares / "source" / f"{name}_{0 if name == 'left' else 1}", tmp_path / "in" / name / "a")

    def found() -> str | None:
        pair = square_pair.model_copy(update={"source": Videos(list=tmp_path / "in"), "classes": None})
        return fingerprints(square_recipe(data=pair))["data.source.list"]["sha256"]

    before = found()
    assert before == hashlib.sha256(b"left/a\nright/a\n").hexdigest()
    (tmp_path / "in" / "left" / "a").rename(tmp_path / "in" / "left" / "b")
    assert found() != before


def test_what_is_not_there_has_none(square_recipe, square_pair, tmp_path):
    pair = square_pair.model_copy(update={"test": Videos(list=tmp_path / "no.txt")})
    found = fingerprints(square_recipe(data=pair, init=str(tmp_path / "no.pt")))
    assert found["data.test.list"]["sha256"] is None and found["init"]["sha256"] is None
    assert sha256(tmp_path) is None


def test_a_run_writes_down_what_it_is_about_to_read(square_recipe, tmp_path):
    run, recipe = Run(tmp_path / "run"), square_recipe()
    run.begin(recipe, ("left", "right"))
    assert json.loads(run.data.read_text()) == fingerprints(recipe)
