"""Checks all that a recipe needs on disk: its lists and their videos, its backgrounds, the weights it starts from."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from glad.check.doctor import Asked, ListReport, Report, check_list, compared, pairs_apart
from glad.check.files import Decode
from glad.check.findings import Finding, Findings, Place
from glad.check.reading import RELEASED, md5_of
from glad.check.rows import HELD
from glad.data.background import background_path
from glad.data.image import read_image
from glad.errors import UserError
from glad.inputs import classes_of
from glad.progress import track
from glad.recipe import Pair, Recipe, Videos, init_path
from glad.recipes.k2b import KINETICS_BABEL


def recipe_report(
    recipe: Recipe, files: bool = True, decode: Decode = "sample", workers: int = 0, overlap: int = 1
) -> Report:
    """Return what was found of everything that training and evaluating `recipe` reads."""
    found = Findings(())
    classes: tuple[str, ...] | None = None
    try:
        classes = classes_of(recipe.data)
    except UserError as problem:
        found += Findings((Finding("list", f"classes: {problem}"),))
    lists: list[ListReport] = []
    numbers = count()
    for asked in asked_by(recipe, classes):
        try:
            one, more = check_list(asked, next(numbers), files, decode, workers, overlap)
        except UserError as problem:
            more = Findings((Finding("list", f"{asked.role}: {problem}{_generated(recipe.data)}"),))
        else:
            lists.append(one)
        found += more
    more, shared = compared(lists, pairs_apart(lists))
    found += more
    extra: dict[str, str] = {}
    if files:
        for role, folder in backgrounds_of(recipe, len(classes or ())):
            of = [one for one in lists if one.asked.role == role]
            if of:
                more, extra[f"backgrounds of {role}"] = background_findings(of[0], folder, decode)
                found += more
        more, weights = weight_findings(recipe)
        found += more
        if weights:
            extra["weights"] = ", ".join(weights)
    return Report(tuple(lists), found, tuple(shared), decode if files else "none", recipe.name, extra)


def released_classes(file: Path) -> tuple[str, ...] | None:
    """Return the class names of a list that is one of the released ones, byte for byte; None of another."""
    if md5_of(file) not in RELEASED:
        return None
    classes = KINETICS_BABEL.classes
    assert isinstance(classes, tuple)
    return classes


def asked_by(recipe: Recipe, classes: tuple[str, ...] | None) -> list[Asked]:
    """Return the lists of a recipe, with the class names where they are known."""
    pair = recipe.data

    def asked(role: str, videos: Videos) -> Asked:
        return Asked(videos.list, videos.folder, videos.labelled, classes, role)

    source, target, test = (asked(role, getattr(pair, role)) for role in ("source", "target", "test"))
    lists = [
        replace(source, use="train", training=recipe.source_views),
        replace(target, use="train", training=recipe.target_views),
        replace(test, use="held_out", evaluation=recipe.test_views),
    ]
    if pair.source_val is not None:
        lists.append(replace(asked("source_val", pair.source_val), use="held_out", evaluation=recipe.test_views))
    return lists


def _generated(pair: Pair) -> str:
    """Return what to add where a list of a benchmark is missing that can be made."""
    return "" if type(pair).ensure is Pair.ensure else " (`glad train` makes this benchmark when it first needs it)"


def backgrounds_of(recipe: Recipe, classes: int) -> list[tuple[str, Path]]:
    """Return whose backgrounds a recipe needs and in which folder they are; a folder it does not name is left out."""
    backbone: Any = recipe.backbone
    both = recipe.method.build(backbone.build(), max(classes, 2)).needs.backgrounds
    mixes = recipe.mix is not None and recipe.mix.probability > 0
    folders = {"source": recipe.data.backgrounds if both or mixes else None}
    folders["target"] = recipe.data.target_backgrounds if both else None
    return [(role, folder) for role, folder in folders.items() if folder is not None]


def background_findings(one: ListReport, folder: Path, decode: Decode) -> tuple[Findings, str]:
    """Return which backgrounds of a list are missing in `folder`, empty, or (with `decode="all"`) undecodable."""
    listing = one.rows.listing
    if not folder.is_dir():
        text = (
            f"there is no folder {folder} with the backgrounds of {listing.file}; `glad prepare backgrounds` makes it"
        )
        return Findings((Finding("background", text),)), f"none, there is no {folder}"
    names = {background_path(listing[row]): row for row in reversed(range(len(listing)))}
    found: list[Finding] = []
    for name, row in track(sorted(names.items(), key=lambda item: item[1]), "backgrounds", len(names), "images"):
        fault = _background_fault(folder / name, decode == "all")
        if fault:
            found.append(Finding("background", fault, Place(one.rows.number, row, listing.line(row))))
    more = max(len(found) - HELD, 0)
    held = Findings(tuple(found[:HELD]), (("background", more),) if more else ())
    return held, f"{len(names) - len(found):,} of {len(names):,} in {folder}"


def _background_fault(path: Path, read: bool) -> str | None:
    """Return what is wrong with a background."""
    if not path.exists():
        return f"there is no {path}"
    if not path.stat().st_size:
        return f"{path} is an empty file"
    try:
        if read:
            read_image(path)
    except UserError as problem:
        return str(problem)
    return None


def weight_findings(recipe: Recipe) -> tuple[Findings, list[str]]:
    """Return which weights that a recipe or a stage before it starts from are missing, and all it starts from."""
    found, named = [], []
    stage: Recipe | None = recipe
    while stage is not None:
        if stage.init is not None:
            named.append(stage.init)
            if not init_path(stage.init).exists():
                found.append(Finding("weights", f"{stage.name} starts from {stage.init}, which is not there"))
        stage = stage.warmup()
    return Findings(tuple(found)), named
