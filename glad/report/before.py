"""Features of a run's videos as the network gave them before any training, to set beside those after it."""

import torch

from glad.evaluate import KEPT, answers, device_at_hand, labels_of
from glad.features import Features, evenly
from glad.initial import starting_backbone
from glad.inputs import source_domain, test_domain
from glad.progress import progress
from glad.run import Run


def features_before(run: Run, workers: int = 2, most: int = KEPT) -> Features:
    """Return the features of `most` source and target test videos under the weights that the training began with.

    The videos are those whose features `glad evaluate` keeps. Raises UserError where the videos, or the weights that
    the run started from, are not there.
    """
    recipe, classes = run.recipe, run.classes
    torch.manual_seed(recipe.seed)
    method = recipe.method.build(starting_backbone(recipe, run), len(classes)).eval().to(device_at_hand())
    found = []
    for domain in (source_domain(recipe, classes), test_domain(recipe, classes)):
        indices = evenly(len(domain), most)
        with progress("before training", len(indices), "video") as bar:
            found.append(answers({0: method}, domain, workers, bar.advance, indices)[0].features)
        found.append(labels_of(domain)[list(indices)])
    return Features(*found, step=0)
