"""`glad check`: the doctor of lists, of the videos behind them, and of all that a recipe reads."""

import json as json_format
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from glad.commands.workers import WorkersOrCores
from glad.errors import UserError

if TYPE_CHECKING:
    from glad.check.doctor import Asked
    from glad.recipe import Recipe


def check(
    lists: Annotated[tuple[str, ...], Positional, arg(metavar="LIST|RECIPE ...")],
    root: Path | None = None,
    classes: Path | None = None,
    unlabelled: bool = False,
    against: Annotated[tuple[Path, ...], arg(metavar="LIST ...")] = (),
    recipe: str = "k2b-glad",
    files: bool = True,
    decode: Literal["sample", "ends", "all", "none"] = "sample",
    json: bool = False,
    write_clean: Annotated[Path | None, arg(metavar="FILE")] = None,
    overlap: int = 1,
    show: int = 5,
    workers: WorkersOrCores = None,
) -> None:
    """Find what is wrong with lists of videos, or with all that a recipe reads: missing, broken, double, leaking.

    Leaves with status 0 where there is no problem, 1 where there are some, 2 where it cannot tell. docs/check.md says
    what is looked at.

    Args:
        lists: annotation lists, CSVs or folders of videos; or one recipe, whose lists, backgrounds and weights are
            checked.
        root: folder that the entries of the lists are relative to; that of each list where not given.
        classes: file with the class names, one a line; not given, classes.txt beside a list where it names just the
            classes that the list has.
        unlabelled: the rows hold no labels (`path 0 54` has the form of a labelled row).
        against: lists that must share no video and no recording with those checked, say the test list.
        recipe: whose samplers to tell about: what their clips make of short videos.
        files: look at the videos; --no-files checks the lists alone.
        decode: which frames of each row to decode: first, middle and last (sample), first and last, all, or none.
        json: print everything as JSON.
        write_clean: write the one list that is checked without its faulty rows; what was dropped stands in FILE.json.
        overlap: rows of different labels that share so many frames or more contradict each other.
        show: findings of a kind that are told one by one.
        workers: processes that look at videos; not given, one per core; 0: this one, which a bad video may kill.
    """
    from glad.check.clean import check_target
    from glad.check.clean import write_clean as written
    from glad.check.doctor import lists_report
    from glad.check.recipe import recipe_report
    from glad.check.text import report_json, report_lines
    from glad.data.pool import cores
    from glad.recipes.find import find_recipe

    workers = cores() if workers is None else workers
    if overlap < 1:
        raise UserError(f"--overlap {overlap}: a number of frames, 1 or more")
    if show < 0:
        raise UserError(f"--show {show}: a number of findings, 0 or more")
    if len(lists) == 1 and not Path(lists[0]).is_dir() and _is_recipe(lists[0]):
        given = {"--root": root, "--classes": classes, "--against": against, "--write-clean": write_clean}
        if extra := [name for name, value in given.items() if value] + ["--unlabelled"] * unlabelled:
            raise UserError(f"{extra[0]} goes with lists; a recipe says itself what its lists are")
        report = recipe_report(find_recipe(lists[0]), files, decode, workers, overlap)
        cleaned = None
    else:
        if write_clean is not None:
            if len(lists) != 1:
                raise UserError("--write-clean goes with one list; name those it must share nothing with by --against")
            check_target(Path(lists[0]), write_clean, [*against, *([classes] if classes else [])])
        shown = find_recipe(recipe)
        asked = [_asked(Path(name), root, classes, unlabelled, shown) for name in lists]
        others = [_asked(path, root, classes, unlabelled, None) for path in against]
        report = lists_report(asked, others, files, decode, workers, shown.name, overlap)
        cleaned = written(report.lists[0], write_clean) if write_clean is not None else None
    if json:
        print(json_format.dumps(report_json(report, cleaned), indent=1, ensure_ascii=False))
    else:
        _print(report_lines(report, show, cleaned))
    if not report.clean:
        raise SystemExit(1)


def _is_recipe(name: str) -> bool:
    """Return whether `name` means a recipe, as for `glad train`: no file, or one in Python or JSON."""
    file = name.partition(":")[0]
    return file.endswith((".py", ".json")) or not ("/" in name or "." in name or Path(name).exists())


def _asked(path: Path, root: Path | None, classes: Path | None, unlabelled: bool, recipe: "Recipe | None") -> "Asked":
    """Return what is asked of one list."""
    from glad.check.doctor import Asked
    from glad.check.recipe import released_classes
    from glad.data.listfile import read_classes

    if classes:
        names = read_classes(classes)
    else:
        names = released_classes(path) or (None if unlabelled else _classes_beside(path))
    return Asked(
        path,
        root,
        False if unlabelled else None,
        names,
        training=recipe and recipe.source_views,
        evaluation=recipe and recipe.test_views,
    )


def _classes_beside(path: Path) -> tuple[str, ...] | None:
    """Return the names in `classes.txt` beside a list that has videos of just these classes; say so, or why not."""
    from glad.check.reading import read_rows
    from glad.data.listfile import read_classes
    from glad.progress import say

    file = path.parent / "classes.txt"
    if not path.is_file() or not file.is_file():
        return None
    rows = read_rows(path)
    if not rows.labelled:
        return None
    labels = set(rows.label.tolist())
    try:
        names = read_classes(file)
    except UserError as problem:
        say(f"{path}: {file} is not used: {problem}")
        return None
    if set(rows.classes) == set(names) if rows.classes else labels == set(range(len(names))):
        say(f"{path}: the classes are called as in {file}")
        return names
    say(f"{path}: {file} is not used, as the list has not just its classes; --classes {shlex.quote(str(file))} uses it")
    return None


def _print(lines: list[tuple[str, str]]) -> None:
    """Print lines, in colour on a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for text, style in lines:
        console.print(Text(text, style))
