"""What the data of a recipe becomes: class names, the two training domains, the test domain."""

import shlex
from pathlib import Path

from glad.data.background import BackgroundBank
from glad.data.domain import Debias, Domain
from glad.data.listfile import read_classes
from glad.data.listing import Listing, open_listing
from glad.data.loader import Steps
from glad.data.pack import is_pack
from glad.data.plan import Plan
from glad.errors import UserError
from glad.methods.base import Needs
from glad.recipe import Pair, Recipe, Videos


def classes_of(pair: Pair) -> tuple[str, ...]:
    """Return the class names of a pair in label order."""
    if isinstance(pair.classes, tuple):
        return pair.classes
    if pair.classes is not None:
        return read_classes(pair.classes)
    if not pair.source.list.exists():
        raise UserError(f"there is no list and no folder of videos at {pair.source.list} (data.source.list)")
    if not pair.source.list.is_dir():
        raise UserError(
            f"{pair.source.list} is a list, whose labels need names: set data.classes to a file with one name a line"
        )
    named = open_listing(pair.source.list, labelled=True).classes
    assert named is not None
    return named


def labelled_listing(videos: Videos, classes: tuple[str, ...], every_class: bool) -> Listing:
    """Return labelled videos; with `every_class`, a class that has none is refused."""
    if not videos.labelled:
        raise UserError(f"{videos.list}: these videos need labels, but the recipe says that the list holds none")
    return open_listing(videos.list, classes, labelled=True, root=videos.folder, allow_empty_classes=not every_class)


def unlabelled_listing(videos: Videos, classes: tuple[str, ...]) -> Listing:
    """Return videos without their labels, whether or not the list holds any: they are dropped where it is read."""
    return open_listing(
        videos.list,
        classes,
        labelled=videos.labelled,
        keep_labels=False,
        root=videos.folder,
        allow_empty_classes=True,
    )


def training_steps(recipe: Recipe, classes: tuple[str, ...], needs: Needs, rank: int, world: int) -> Steps:
    """Return the training batches of a recipe whose method needs `needs`, for process `rank` of `world`."""
    pair = recipe.data
    labelled = labelled_listing(pair.source, classes, every_class=True)
    mix = recipe.mix if recipe.mix is not None and recipe.mix.probability > 0 else None
    bank = (
        background_bank(pair.backgrounds, labelled, pair.source, "data.backgrounds")
        if mix is not None or needs.backgrounds
        else None
    )
    debias = Debias(mix, bank) if mix is not None and bank is not None else None
    stills = bank if needs.backgrounds else None
    source = Domain(labelled, recipe.source_views, recipe.source_pixels, debias, stills)
    target = None
    if needs.target:
        listing, stills = unlabelled_listing(pair.target, classes), None
        if needs.backgrounds:
            stills = background_bank(pair.target_backgrounds, listing, pair.target, "data.target_backgrounds")
        target = Domain(listing, recipe.target_views, recipe.target_pixels, stills=stills)
    videos = len(target) if target else 0
    plan = Plan(len(source), videos, recipe.batch_size, recipe.seed, recipe.pairing, rank, world)
    return Steps(plan, source, target, needs.again)


def background_bank(folder: Path | None, listing: Listing, videos: Videos, field: str) -> BackgroundBank:
    """Return the backgrounds of `videos`, which are `listing`, in the folder that the recipe's `field` names."""
    if folder is None:
        made = background_command(videos, folder := Path("backgrounds"))
        raise UserError(
            f"the recipe needs the backgrounds of {listing.file} but names no folder of them ({field}); make one and "
            f"name it:\n{made}\n--{field} {folder}"
        )
    try:
        return BackgroundBank(folder, listing)
    except UserError as problem:
        raise UserError(f"{problem}:\n{background_command(videos, folder)}") from None


def background_command(videos: Videos, folder: Path) -> str:
    """Return the command that makes the backgrounds of `videos` in `folder`."""
    root = [] if videos.root is None else ["--root", str(videos.root)]
    unlabelled = [] if videos.labelled else ["--unlabelled"]
    return shlex.join(["glad", "prepare", "backgrounds", str(videos.list), *root, *unlabelled, "--out", str(folder)])


def described(steps: Steps) -> list[str]:
    """Return what was found on disk, a line a domain: how many videos, and how frames are named and numbered."""
    lines = []
    for name, domain in (("source", steps.source), ("target", steps.target)):
        if domain is not None and isinstance(listing := domain.listing, Listing):
            kind = f"frame folders, {listing.layout}" if listing.layout else "video files"
            kind = f"packed in {listing.root}" if is_pack(listing.root) else kind
            labels = "labelled" if listing.labelled else "unlabelled"
            lines.append(f"{name}: {len(listing)} {labels} videos of {listing.file} ({kind})")
    banks = [
        steps.source.debias and steps.source.debias.bank,
        steps.source.stills,
        steps.target and steps.target.stills,
    ]
    for folder, count in {bank.folder: len(bank) for bank in banks if bank}.items():
        lines.append(f"backgrounds: {count} in {folder}")
    return lines


def test_domain(recipe: Recipe, classes: tuple[str, ...]) -> Domain:
    """Return the labelled test videos as evaluation sees them."""
    listing = labelled_listing(recipe.data.test, classes, every_class=False)
    return Domain(listing, recipe.test_views, recipe.test_pixels)


def source_domain(recipe: Recipe, classes: tuple[str, ...]) -> Domain:
    """Return the source's training videos as evaluation sees them."""
    listing = labelled_listing(recipe.data.source, classes, every_class=False)
    return Domain(listing, recipe.test_views, recipe.test_pixels)


def target_domain(recipe: Recipe, classes: tuple[str, ...]) -> Domain:
    """Return the target's training videos, without labels, as evaluation sees them."""
    return Domain(unlabelled_listing(recipe.data.target, classes), recipe.test_views, recipe.test_pixels)


def held_out_domain(recipe: Recipe, videos: Videos, classes: tuple[str, ...]) -> Domain:
    """Return the labelled source `videos` that training left out, as evaluation sees them."""
    return Domain(labelled_listing(videos, classes, every_class=False), recipe.test_views, recipe.test_pixels)
