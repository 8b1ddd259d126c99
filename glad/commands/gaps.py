"""The command that measures how far apart two domains are. What it needs is imported when it is called."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from glad.commands.workers import Workers
from glad.errors import UserError

if TYPE_CHECKING:
    from glad.data.listing import Listing


def gaps(
    source: Annotated[Path, Positional, arg(metavar="SOURCE")],
    target: Annotated[Path, Positional, arg(metavar="TARGET")],
    classes: Path | None = None,
    source_root: Path | None = None,
    target_root: Path | None = None,
    source_unlabelled: bool = False,
    target_unlabelled: bool = False,
    places: Path | None = None,
    scene: Literal["frames", "median", "top5", "none"] = "frames",
    frames: int | None = None,
    limit: int | None = None,
    runs: tuple[Path, Path] | None = None,
    name: str | None = None,
    out: Path = Path("gaps"),
    workers: Workers = 2,
    json: bool = False,
) -> None:
    """Measure how far apart two domains are: Table 1 of the paper for any pair (docs/gaps.md).

    The gap in length (Eq. 2) and the classes need the lists alone, the gap in scenes (Eq. 1) the videos, the gap in
    accuracy two scored runs. What is missing is said, and the rest measured.

    Args:
        source: annotation list, CSV, or folder of class folders of videos.
        target: the same.
        classes: file of class names, one a line, where the source is a text list.
        source_root: folder that the entries of the source's list are relative to; that of the list if not given.
        target_root: the same for the target.
        source_unlabelled: the rows of the source's list hold no labels, or it is a plain folder of videos.
        target_unlabelled: the same for the target.
        places: resnet50_places365.pth.tar, the scene network of the paper; without it, histograms are a fallback.
        scene: what of a video is its scene: frames, their temporal median, counts of the top 5 scenes, or nothing.
        frames: how many frames of a video are looked at: 8, for top5 30.
        limit: look at the scenes of so many videos of each domain at most, always the same ones.
        runs: run folders: one trained on the source alone, one with the target's labels.
        name: of the pair.
        out: folder for gaps.json, the charts, and the scene vectors, which another call finds there.
        workers: processes that decode videos; 0: this one, which a bad video may kill.
        json: print gaps.json instead of the table.
    """
    for flag, value in (("--frames", frames), ("--limit", limit)):
        if value is not None and value < 1:
            raise UserError(f"{flag} is {value}; it counts from 1")
    from glad.data.listfile import read_classes
    from glad.gaptable import gaps_text
    from glad.run import Run
    from glad.scenes import encoder_of
    from glad.table1 import check_place, domain_of, gaps_of, write_gaps

    check_place(out)
    encoder = encoder_of(places, scene, frames)
    names = read_classes(classes) if classes else None
    of_source = opened(source, names, source_root, "source", source_unlabelled)
    names = names or of_source.classes
    of_target = opened(target, names, target_root, "target", target_unlabelled)
    first, second = domain_of(of_source, "source", workers), domain_of(of_target, "target", workers)
    found = gaps_of(
        first,
        second,
        name=name,
        encoder=encoder,
        bank=out / "scenes",
        limit=limit,
        workers=workers,
        runs=(Run(runs[0]), Run(runs[1])) if runs else None,
    )
    files = write_gaps(found, first.frames, second.frames, out)
    print(files[-1].read_text(encoding="utf-8").rstrip() if json else f"{gaps_text(found)}\n\nwritten: {listed(files)}")


def opened(path: Path, classes: "tuple[str, ...] | None", root: Path | None, side: str, unlabelled: bool) -> "Listing":
    """Return one side; where it can only be read without labels, the error names the flag that says so."""
    from glad.data.listing import open_listing

    try:
        return open_listing(path, classes, not unlabelled, root=root, allow_empty_classes=True)
    except UserError as problem:
        try:
            open_listing(path, classes, unlabelled, root=root)
        except UserError:
            raise problem from None
        raise UserError(
            f"{problem}; if it has no labels, say so by --{side}-unlabelled"
            if not unlabelled
            else f"{problem}; if it has labels, leave --{side}-unlabelled out"
        ) from None


def listed(files: list[Path]) -> str:
    """Return files of one folder on one line: the folder, then the names."""
    return f"{files[0].parent}/{{{','.join(file.name for file in files)}}}"
