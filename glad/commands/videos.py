"""Commands about videos: what training needs of them. Each imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, arg

from glad.commands.seed import check_seeds
from glad.commands.workers import Workers, WorkersOrCores


def prepare(arguments: list[str]) -> None:
    """Make what training needs: `glad prepare lists`, `... frames`, `... pack`, `... backgrounds`, `... mini`."""
    from glad.commands.lists import prepare_lists
    from glad.commands.pack import prepare_pack

    commands = {
        "lists": prepare_lists,
        "frames": prepare_frames,
        "pack": prepare_pack,
        "backgrounds": prepare_backgrounds,
        "mini": prepare_mini,
    }
    tyro.extras.subcommand_cli_from_dict(commands, args=arguments, prog="glad prepare")


def prepare_frames(
    videos: Annotated[Path, Positional, arg(metavar="VIDEOS")],
    out: Path,
    root: Path | None = None,
    unlabelled: bool = False,
    short_side: int = 256,
    quality: int = 95,
    template: str = "img_%05d.jpg",
    first: int = 0,
    workers: WorkersOrCores = None,
) -> None:
    """Write every frame of every video as a JPEG, in folders like the videos, and a list of them; finished ones stay.

    Args:
        videos: annotation list, CSV, folder of class folders of videos, or folder of videos (--unlabelled).
        out: folder for the frame folders, their list frames.txt, manifest.jsonl, and quarantine.txt.
        root: folder that the entries of the list are relative to; the folder of the list where not given.
        unlabelled: the rows of the list hold no labels; a folder holds videos without classes.
        short_side: larger frames are shrunk until their shorter side has this many pixels; 0 leaves them as they are.
        quality: of the JPEGs, 1 to 100.
        template: names of the frames.
        first: number of the first frame: 0 as in the released Kinetics list, 1 for the BABEL list.
        workers: processes; not given, one per core; 0: this one, which a bad video may kill.
    """
    from glad.data.extract import FrameFiles, extract_frames
    from glad.data.listing import open_listing
    from glad.data.pool import cores
    from glad.data.work import failure

    files = FrameFiles(short_side, quality, template, first)
    listing = open_listing(videos, labelled=not unlabelled, root=root)
    tell_passed_over(videos)
    done = extract_frames(listing, out, files, cores() if workers is None else workers)
    made = done.outcome
    print(f"{made.made} frame folders made, {made.kept} were there, {done.frames} frames in {out}")
    if done.rows:
        print(f"{done.rows} rows in {done.list}" + (f", classes in {done.classes}" if done.classes else ""))
    if done.other_lengths:
        print(f"{done.other_lengths} rows said another number of frames than the video has; the new list is right")
    if done.failed:
        raise failure(out, "videos", len(listing), [why for _, why in done.failed])


def prepare_backgrounds(
    videos: Annotated[Path, Positional, arg(metavar="VIDEOS")],
    out: Path,
    root: Path | None = None,
    unlabelled: bool = False,
    sheet: Path | None = None,
    workers: WorkersOrCores = None,
) -> None:
    """Write the temporal median of every video of a source list, and a sheet to look at; finished ones are kept.

    Args:
        videos: annotation list, CSV, or folder of class folders of videos.
        out: folder for the backgrounds, which mirrors the tree of the videos.
        root: folder that the entries of the list are relative to; the folder of the list where not given.
        unlabelled: the rows of the list hold no labels.
        sheet: the contact sheet, a JPEG, of several pages beyond 100 pictures; OUT/contact.jpg where not given.
        workers: processes; not given, one per core; 0: this one, which a bad video may kill.
    """
    from glad.data.background import background_sheet, check_sheet, extract_backgrounds
    from glad.data.listing import open_listing
    from glad.data.pool import cores

    listing = open_listing(videos, labelled=not unlabelled, keep_labels=False, root=root)
    sheet = out / "contact.jpg" if sheet is None else sheet
    check_sheet(listing, out, sheet)
    tell_passed_over(videos)
    made = extract_backgrounds(listing, listing.root, out, cores() if workers is None else workers)
    print(f"{made} backgrounds made, {len(listing) - made} were there, in {out}")
    if made or not sheet.exists():
        pages = background_sheet(listing, out, sheet)
        print(f"to look at: {pages[0]}" + (f" … {pages[-1].name}" if len(pages) > 1 else ""))


def tell_passed_over(videos: Path) -> None:
    """Print what gives no video where `videos` is a folder."""
    from glad.data.tree import passed_over

    if videos.is_dir() and (told := passed_over(videos).text()):
        print(told)


def prepare_mini(out: Path = Path("data/mini/0"), seed: int = 0, workers: Workers = 2) -> None:
    """Make the embedded benchmark: Kinetics→BABEL in miniature.

    Args:
        out: its folder.
        seed: of all videos.
        workers: processes.
    """
    from glad.mini.make import make_mini

    check_seeds(seed)
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

    check_seeds(seed)
    videos, index = video_named(video, row, root=root, unlabelled=unlabelled)
    found = sampled(find_recipe(recipe), videos, index, role=role, draws=draws, seed=seed, background=background)
    write_picture(out, found)
    print(f"{found.text()}\ndrawn: {out}")
