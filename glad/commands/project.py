"""The command that begins a project of one's own. It imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from glad.commands.workers import WorkersOrCores


def init(
    name: Annotated[Path, Positional, arg(metavar="NAME")],
    source: Path,
    target: Path,
    test: Path | None = None,
    classes: Path | None = None,
    source_root: Path | None = None,
    target_root: Path | None = None,
    test_root: Path | None = None,
    target_labelled: bool = False,
    backbone: Literal["small", "r50-i3d", "inception-i3d", "tsm"] = "small",
    weights: Path | None = None,
    workers: WorkersOrCores = None,
    force: bool = False,
) -> None:
    """Write a recipe file for videos of your own, and prepare what it needs.

    Args:
        name: of the project; NAME.py is written, and the folder NAME-backgrounds beside it.
        source: labelled videos: a folder with one folder of videos a class, or a list.
        target: unlabelled videos: a folder, or a list.
        test: labelled videos of the target, for `glad evaluate` alone, like the source.
        classes: file of class names, one a line, where the source is a text list.
        source_root: folder that the entries of the source's list are relative to; that of the list if not given.
        target_root: the same for the target.
        test_root: the same for the test videos.
        target_labelled: the rows of the target's list end in labels, which are dropped.
        backbone: the network; all but small are for a GPU and public weights.
        weights: file of weights that the network starts from; small brings its own.
        workers: processes that prepare videos, and that will load them; not given, as many as suit the machine.
        force: write over NAME.py if it is there.
    """
    from glad.project import Project, begin

    file = name if name.suffix == ".py" else Path(f"{name}.py")
    roots = (source_root, target_root, test_root)
    project = Project(file, source, target, test, classes, target_labelled, backbone, weights, workers, *roots)
    print(begin(project, force=force))
