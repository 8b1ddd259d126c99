"""Everything that a recipe reads is checked: its lists, its backgrounds, the weights of all its stages."""

import shutil

from glad.augment import Mix
from glad.check.recipe import recipe_report, released_classes
from glad.check.text import report_json
from glad.methods.comix import CoMixConfig
from glad.recipe import Videos


def test_a_recipe_whose_files_are_there_is_clean(square_recipe):
    report = recipe_report(square_recipe(mix=Mix()), decode="all")
    assert report.clean, report.findings
    assert [(one.asked.role, len(one.rows)) for one in report.lists] == [("source", 8), ("target", 8), ("test", 4)]
    assert [list(one.views) for one in report.lists] == [["training"], ["training"], ["evaluation"]]
    assert [(i, j) for i, j, _ in report.shared] == [(0, 2), (1, 2)]
    assert report.extra["backgrounds of source"].startswith("8 of 8 in")
    assert report_json(report)["recipe"] == "squares"


def test_what_is_missing_is_told_part_by_part(square_recipe, square_pair, squares, tmp_path):
    shutil.copytree(squares / "backgrounds", tmp_path / "backgrounds")
    (tmp_path / "backgrounds" / "left_0.jpg").unlink()
    (tmp_path / "backgrounds" / "left_2.jpg").write_bytes(b"")
    (tmp_path / "backgrounds" / "left_4.jpg").write_bytes(b"no image")
    gone = Videos(list=tmp_path / "none.txt")
    data = square_pair.model_copy(update={"backgrounds": tmp_path / "backgrounds", "target": gone})
    before = square_recipe(name="before", init="none.safetensors")
    recipe = square_recipe(data=data, mix=Mix(), after=before)
    for decode, broken in (("sample", 2), ("all", 3)):
        report = recipe_report(recipe, decode=decode)
        assert report.findings.counts() == {"list": 1, "background": broken, "weights": 1}
        texts = [item.text for item in report.findings.items]
        assert f"target: there is no list and no folder of videos at {tmp_path / 'none.txt'}" in texts
        assert "before starts from none.safetensors, which is not there" in texts
        [item] = [item for item in report.findings.items if item.text.endswith("left_0.jpg")]
        assert item.at and (item.at.list, item.at.line) == (0, 1)


def test_without_files_lists_alone_are_checked(square_recipe):
    report = recipe_report(square_recipe(mix=Mix(), init="none.safetensors"), files=False)
    assert report.clean and report.extra == {} and report.decode == "none"


def test_a_method_that_needs_backgrounds_of_both_domains(square_recipe, square_pair, tmp_path):
    data = square_pair.model_copy(update={"target_backgrounds": tmp_path / "none"})
    report = recipe_report(square_recipe(data=data, method=CoMixConfig()))
    assert report.findings.counts() == {"background": 1} and len(report.extra) == 2
    assert "glad prepare backgrounds" in report.findings.items[0].text


def test_test_videos_among_the_target_are_found(square_recipe, square_pair):
    report = recipe_report(square_recipe(data=square_pair.model_copy(update={"target": square_pair.test})))
    assert report.findings.counts() == {"shared_video": 4}


def test_the_classes_of_released_lists_are_known(shared_data, tmp_path):
    classes = released_classes(shared_data / "kinetics2babel" / "babel_test.txt")
    assert classes and (len(classes), classes[0], classes[11]) == (12, "jump", "pick_up")
    assert released_classes(tmp_path) is None and released_classes(tmp_path / "none.txt") is None
