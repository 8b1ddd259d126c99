"""Commands about videos: what training needs of them. Each imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, arg


def prepare(arguments: list[str]) -> None:
    """Make what training needs: `glad prepare lists`, `glad prepare backgrounds`, `glad prepare mini`."""
    from glad.commands.lists import prepare_lists

    commands = {"lists": prepare_lists, "backgrounds": prepare_backgrounds, "mini": prepare_mini}
    tyro.extras.subcommand_cli_from_dict(commands, args=arguments, prog="glad prepare")


def prepare_backgrounds(
    videos: Annotated[Path, Positional, arg(metavar="VIDEOS")],
    out: Path,
    root: Path | None = None,
    unlabelled: bool = False,
    workers: int = 2,
) -> None:
    """Write the temporal median of every video of a source list; finished ones are kept.

    Args:
        videos: annotation list, CSV, or folder of class folders of videos.
        out: folder for the backgrounds, which mirrors the tree of the videos.
        root: folder that the entries of the list are relative to; the folder of the list where not given.
        unlabelled: the rows of the list hold no labels.
        workers: processes.
    """
    from glad.data.background import extract_backgrounds
    from glad.data.listing import open_listing

    listing = open_listing(videos, labelled=not unlabelled, keep_labels=False, root=root)
    made = extract_backgrounds(listing, listing.root, out, workers)
    print(f"{made} backgrounds made, {len(listing) - made} were there, in {out}")


def prepare_mini(out: Path = Path("data/mini/0"), seed: int = 0, workers: int = 2) -> None:
    """Make the embedded benchmark: Kinetics→BABEL in miniature.

    Args:
        out: its folder.
        seed: of all videos.
        workers: processes.
    """
    from glad.mini.make import make_mini

    make_mini(out, seed=seed, workers=workers)
    print(f"mini, seed {seed}, in {out}")


def show(
    video: Annotated[str, Positional, arg(metavar="VIDEO")],
    recipe: str = "k2b-glad",
    out: Path = Path("sampled.png"),
    row: int | None = None,
    root: Path | None = None,
    unlabelled: bool = False,
    role: Literal["source", "target"] = "source",
    draws: int = 3,
    seed: int = 0,
    background: Path | None = None,
) -> None:
    """Draw which frames of a video a recipe takes, in training and in testing, with its background mixed in.

    Args:
        video: a video file, a folder of frames, or a row of a list as LIST:ROW.
        recipe: a name from `glad recipes`, my_recipes.py:name, or a run's recipe.json.
        out: the picture, .png or .svg.
        row: the line of the list that VIDEO is, from 1.
        root: folder that the entries of the list are relative to; the folder of the list where not given.
        unlabelled: the rows of the list hold no labels.
        role: the domain whose training views are drawn.
        draws: how many passes of the training.
        seed: of the training.
        background: image to mix in; not given, the temporal median of the video itself.
    """
    from glad.filmstrip import write_picture
    from glad.recipes.find import find_recipe
    from glad.sampled import sampled, video_named

    videos, index = video_named(video, row, root=root, unlabelled=unlabelled)
    found = sampled(find_recipe(recipe), videos, index, role=role, draws=draws, seed=seed, background=background)
    write_picture(out, found)
    print(f"{found.text()}\ndrawn: {out}")
