"""Parts are frozen, refuse what they do not know, and read back as the class that was written."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from glad.errors import UserError
from glad.optim import Optim
from glad.part import Part, part_class
from glad.sampling import Grid, Sampler, Segments


class Shape(Part):
    sides: int = 3


class Square(Shape):
    sides: int = 4
    size: float = 1.0


class Drawing(Part):
    title: str = ""
    shape: Shape = Shape()
    more: tuple[Shape, ...] = ()
    where: Path | None = None
    how: Literal["pen", "brush"] = "pen"


class Views(Part):
    views: Sampler = Grid()
    extra: Part | None = None


def test_a_part_is_frozen_and_equal_by_value():
    assert Shape() == Shape(sides=3) and Shape() != Shape(sides=5)
    with pytest.raises(ValidationError, match="frozen"):
        Shape().sides = 4  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sidse": 4}, "Shape has no field 'sidse'; did you mean 'sides'?"),
        ({"colour": 4}, "Shape has no field 'colour'; known fields: sides"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_name(fields, message):
    with pytest.raises(ValidationError) as refused:
        Shape(**fields)
    assert message in str(refused.value)


def test_an_unknown_field_deep_inside_is_refused_too():
    with pytest.raises(ValidationError, match="Shape has no field 'side'; did you mean 'sides'"):
        Drawing.model_validate({"shape": {"side": 4}})


def test_json_says_of_which_kind_every_part_is():
    written = Views(views=Segments(local_views=3), extra=Optim(lr=0.5)).model_dump()
    assert written["views"]["kind"] == "glad.sampling:Segments" and written["views"]["local_views"] == 3
    assert written["extra"]["kind"] == "glad.optim:Optim" and written["extra"]["lr"] == 0.5
    assert written["extra"]["milestones"] == [5, 10]
    assert json.loads(json.dumps(written)) == written, "it is what JSON can hold"


def test_a_field_of_a_general_type_reads_back_as_the_very_class():
    views = {"views": Segments(locals_are="adjacent").model_dump(), "extra": Optim(schedule="cosine").model_dump()}
    read = Views.model_validate(json.loads(json.dumps(views)))
    assert read == Views(views=Segments(locals_are="adjacent"), extra=Optim(schedule="cosine"))
    assert type(read.views) is Segments and type(read.extra) is Optim


def test_without_a_kind_the_type_of_the_field_is_meant():
    assert Drawing.model_validate({"shape": {"sides": 6}}).shape == Shape(sides=6)


def test_paths_tuples_and_none_are_written_as_json():
    drawing = Drawing(more=(Shape(), Shape(sides=5)), where=Path("a/b"))
    written = json.loads(json.dumps(drawing.model_dump()))
    assert written["where"] == "a/b" and [shape["sides"] for shape in written["more"]] == [3, 5]
    assert json.loads(drawing.model_dump_json()) == written


def test_parts_of_others_may_be_used_but_not_named_in_json():
    """A subclass from anywhere is a value like any other; a file must not decide what is imported."""
    other = type("Square", (Square,), {"__module__": "someone.shapes"})
    drawing = Drawing(shape=other(size=2.0))
    assert drawing.shape.sides == 4
    shape = drawing.model_dump()["shape"]
    assert shape == {"kind": "someone.shapes:Square", "sides": 4, "size": 2.0}
    assert type(Drawing.model_validate({"shape": shape}).shape) is other, "it is known, for it was defined here"
    with pytest.raises(ValidationError, match=r"'someone\.shapes:Circle' is no part of the glad package"):
        Drawing.model_validate({"shape": shape | {"kind": "someone.shapes:Circle"}})
    again = type("Square", (Square,), {"__module__": "someone.shapes"})
    assert type(Drawing.model_validate({"shape": shape}).shape) is again, "of several, the last"


@pytest.mark.parametrize("kind", ["os:system", "gladly.part:Part", "builtins:eval", "", ":Part", "torch.nn:Module"])
def test_a_kind_outside_the_package_is_refused_before_anything_is_imported(kind):
    with pytest.raises(UserError, match="is no part of the glad package, and a recipe in JSON runs no code"):
        part_class(kind)


def test_an_outside_module_is_not_even_imported(tmp_path, monkeypatch):
    (tmp_path / "evil_part.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError):
        part_class("evil_part:Part")
    assert "evil_part" not in sys.modules


@pytest.mark.parametrize("kind", ["glad.part:Nothing", "glad.nowhere:Part", "glad", "glad.part", "glad..part:Part"])
def test_a_kind_this_version_does_not_have_is_refused(kind):
    with pytest.raises(UserError, match="this version of glad has no part"):
        part_class(kind)


@pytest.mark.parametrize("kind", ["glad.errors:UserError", "glad.part:part_class", "glad.part:importlib"])
def test_what_is_no_part_is_refused(kind):
    with pytest.raises(UserError, match="is not a part of a recipe"):
        part_class(kind)


@pytest.mark.parametrize("kind", [5, None, ["glad.part:Part"]])
def test_a_kind_that_is_no_text_is_refused(kind):
    with pytest.raises(ValidationError, match="is no part of the glad package, and a recipe in JSON runs no code"):
        Shape.model_validate({"kind": kind})


def test_a_part_of_the_wrong_sort_is_refused():
    with pytest.raises(ValidationError, match="Optim stands where a Sampler is expected"):
        Views.model_validate({"views": {"kind": "glad.optim:Optim"}})


def test_a_general_part_needs_its_kind():
    with pytest.raises(ValidationError, match="'kind'"):
        Views.model_validate({"views": {"length": 8}})


def test_naming_the_command_line_as_a_part_does_not_run_it():
    code = "from glad.part import part_class\ntry: part_class('glad.__main__:X')\nexcept ValueError as e: print(e)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "has no part" in run.stdout, run.stderr
