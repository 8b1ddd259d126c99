"""What the data of a recipe becomes: class names, the two training domains, the test domain."""

from pathlib import Path

from glad.data.background import BackgroundBank
from glad.data.domain import Debias, Domain
from glad.data.listing import Listing, open_listing, read_classes
from glad.data.loader import Plan, Steps
from glad.errors import UserError
from glad.recipe import Pair, Recipe, Videos


def classes_of(pair: Pair) -> tuple[str, ...]:
    """Return the class names of a pair in label order."""
    return read_classes(pair.classes) if isinstance(pair.classes, Path) else pair.classes


def listing_of(videos: Videos, classes: tuple[str, ...], labelled: bool) -> Listing:
    """Return the listing of a set of videos; an unlabelled one has no labels even where its file does."""
    return open_listing(videos.list, videos.folder, classes, labelled=labelled)


def training_steps(recipe: Recipe, classes: tuple[str, ...], needs_target: bool, rank: int, world: int) -> Steps:
    """Return the training batches of a recipe, for one of `world` processes."""
    pair = recipe.data
    labelled = listing_of(pair.source, classes, labelled=True)
    debias = None
    if recipe.mix is not None:
        if pair.backgrounds is None:
            raise UserError("the recipe mixes backgrounds (mix) but names no folder of them (data.backgrounds)")
        debias = Debias(recipe.mix, BackgroundBank(pair.backgrounds, labelled))
    source = Domain(labelled, recipe.source_views, recipe.source_pixels, debias)
    target = None
    if needs_target:
        unlabelled = listing_of(pair.target, classes, labelled=False)
        target = Domain(unlabelled, recipe.target_views, recipe.target_pixels)
    plan = Plan(
        len(source), len(target) if target else 0, recipe.batch_size, recipe.seed, recipe.order, rank=rank, world=world
    )
    return Steps(plan, source, target)


def test_domain(recipe: Recipe, classes: tuple[str, ...]) -> Domain:
    """Return the labelled test videos as evaluation sees them."""
    return Domain(listing_of(recipe.data.test, classes, labelled=True), recipe.test_views, recipe.test_pixels)
