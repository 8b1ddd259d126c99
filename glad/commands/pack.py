"""The command that packs the frames of a list into one file."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from glad.commands.workers import WorkersOrCores


def prepare_pack(
    videos: Annotated[Path, Positional, arg(metavar="VIDEOS")],
    out: Path | None = None,
    root: Path | None = None,
    unlabelled: bool = False,
    workers: WorkersOrCores = None,
) -> None:
    """Write the frame folders of all videos into one file, which may stand as the root wherever their folder does.

    Args:
        videos: annotation list, CSV, or folder of class folders of videos; all of them folders of frames.
        out: the pack; VIDEOS with the ending .pack where not given.
        root: folder that the entries of the list are relative to; the folder of the list where not given.
        unlabelled: the rows of the list hold no labels; a folder holds videos without classes.
        workers: threads that read; not given, one per core.
    """
    from glad.data.listing import open_listing
    from glad.data.packing import pack_frames, pack_named
    from glad.data.pool import cores

    listing = open_listing(videos, labelled=not unlabelled, keep_labels=False, root=root)
    out = pack_named(videos) if out is None else out
    made = pack_frames(listing, out, cores() if workers is None else workers)
    print(
        f"{made.made} videos packed, {made.kept} were there, {made.frames} frames, {made.bytes / 1e9:.3g} GB in {out}"
    )
    print(f"to read from it, name it where the folder was: --root {out}, or a recipe's data.source.root")
